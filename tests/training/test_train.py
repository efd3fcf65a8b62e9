import gc
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from sklearn.metrics import accuracy_score, f1_score

from core.data.content import unchanged
from core.errors import LabError
from core.inside import fold_answers, fold_models
from core.places import lab_folder
from core.runs import FoldState, starts
from core.runs.create import create
from core.runs.metrics_file import METRIC_COLUMNS
from core.training import checkpoint, fold_trainer, losses, train
from tests.workers import assert_same_tensors, short, with_changes

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
count, mix = train.FoldTrainer._count, losses.Mixer.__call__


def frozen(plan, folder):
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)


@pytest.fixture
def run(tiny_plan, runs_folder, network):
    return frozen(tiny_plan, runs_folder)


def people(samples, rows):
    return set(samples["person"].to_numpy()[rows])


def test_a_fold_leaves_one_line_for_each_epoch_and_split(run):
    assert train.train_fold(run, 0) is True
    table = run.metrics(0)
    assert list(table.columns) == METRIC_COLUMNS
    assert list(zip(table["epoch"], table["split"], strict=True)) == [
        (epoch, split) for epoch in (1, 2, 3, 4) for split in ("train", "validation")
    ]
    assert list(table["phase"]) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert table.drop(columns="split").notna().all().all()
    assert (table["images_per_second"] > 0).all()


def test_learning_rates_follow_phase_and_schedule(run):
    train.train_fold(run, 0)
    table = run.metrics(0).query("split == 'train'")
    factors = [run.config().learning_rate_factor(1, step, 2) for step in (1, 3)]  # at the last step of each epoch
    assert list(table["lr_head"]) == [1e-3, 1e-3, *(1e-2 * factor for factor in factors)]
    assert table["lr_head"].is_monotonic_decreasing or table["lr_head"].iloc[2] > table["lr_head"].iloc[3]


def test_nobody_stands_in_training_and_validation(tiny_plan, runs_folder, network):
    run = frozen(tiny_plan, runs_folder)
    for fold in (0, 1):
        trainer = train.FoldTrainer(run, fold, CPU, None)
        held_out, seen = (people(trainer.samples, rows) for rows in (trainer.val_rows, trainer.train_rows))
        assert not held_out & seen
        assert held_out | seen == set(tiny_plan.samples["person"])
        assert all(people(trainer.samples, batch) <= seen for epoch in (1, 2) for batch in trainer.batches(epoch))
        trainer.close()


def test_predictions_are_of_the_people_held_out_and_give_the_scores_of_their_epoch(run):
    train.train_fold(run, 1)
    table = run.metrics(1).query("split == 'validation'").set_index("epoch")
    samples = run.samples()
    best = int(table["f1"].idxmax())
    for which, epoch in (("best", best), ("final", 4)):
        predictions = run.predictions(1, which)
        assert list(predictions["sample"]) == list(samples[samples["fold"] == 1]["sample"])
        assert list(predictions["label"]) == list(samples[samples["fold"] == 1]["class_name"])
        names = run.info()["class_names"]
        shares = predictions[[f"p_{name}" for name in names]].to_numpy()
        assert np.allclose(shares.sum(1), 1)
        assert list(predictions["predicted"]) == [names[i] for i in shares.argmax(1)]
        own = np.array([row[f"p_{row['label']}"] for _, row in predictions.iterrows()])
        assert np.allclose(predictions["loss"], -np.log(own))
        pair = predictions["label"], predictions["predicted"]
        macro = f1_score(*pair, labels=names, average="macro", zero_division=0)
        assert table.loc[epoch, "f1"] == pytest.approx(macro)
        assert table.loc[epoch, "accuracy"] == pytest.approx(accuracy_score(*pair))


@pytest.mark.parametrize("loss", ["cross-entropy", "weighted", "focal"])
def test_the_loss_is_plain_cross_entropy_and_the_objective_what_is_minimised(
    tiny_plan, runs_folder, network, monkeypatch, loss
):
    changes = {"training__loss": loss, "training__label_smoothing": 0.1, "mix__method": "mixup", "mix__alpha": 0.4}
    run = frozen(with_changes(short(tiny_plan), **changes), runs_folder)
    seen = []
    monkeypatch.setattr(
        train.FoldTrainer,
        "_count",
        staticmethod(lambda done, step, *told: (seen.append(told), count(done, step, *told))),
    )
    mixed = []
    monkeypatch.setattr(losses.Mixer, "__call__", lambda *given: mixed.append(mix(*given)) or mixed[-1])
    assert train.train_fold(run, 0) is True
    assert starts.read(run, 0)[0].get("weighs") == ("photos" if loss == "weighted" else None)
    table = run.metrics(0).set_index("split")

    steps = [(logits.double(), targets.double()) for (*_, logits, _), (_, targets) in zip(seen, mixed, strict=False)]
    assert any(targets.ndim == 2 for _, targets in steps)
    total = sum(float(-(targets * logits.log_softmax(1)).sum()) for logits, targets in steps)
    assert table.loc["train", "loss"] == pytest.approx(total / sum(len(logits) for logits, _ in steps), rel=1e-5)
    assert table.loc["validation", "loss"] == pytest.approx(run.predictions(0, "final")["loss"].mean(), rel=1e-5)
    assert (table["objective"] - table["loss"]).abs().min() > 1e-3
    trainer = train.FoldTrainer(run, 0, CPU, None)
    *_, logits, labels = seen[-1]  # the one batch of the held-out fold
    assert table.loc["validation", "objective"] == pytest.approx(float(trainer.criterion(logits, labels)), rel=1e-5)
    trainer.close()


def test_without_smoothing_weights_or_focus_loss_and_objective_are_one(tiny_plan, runs_folder, network):
    run = frozen(with_changes(short(tiny_plan), training__label_smoothing=0.0), runs_folder)
    train.train_fold(run, 0)
    assert (run.metrics(0)["loss"] == run.metrics(0)["objective"]).all()


def test_a_fold_is_looked_at_in_float32_whatever_the_training_computes_in(tiny_plan, runs_folder, network):
    """What Look inside answers about a face and what the table of out-of-fold predictions says are one number."""
    run = frozen(with_changes(short(tiny_plan, epochs=2), training__precision="bfloat16"), runs_folder)
    train.train_fold(run, 0)
    assert run.info()["precision"] == "bfloat16"
    run.write_state(FoldState(fold=0, state="done", epoch=2))
    for which in ("best", "final"):
        predictions = run.predictions(0, which)
        faces = fold_models.faces(run, predictions["sample"])
        asked = fold_answers.probabilities(run, 0, faces, which)
        np.testing.assert_allclose(predictions[[f"p_{name}" for name in run.info()["class_names"]]], asked, atol=1e-5)


def test_best_is_the_first_epoch_with_the_highest_f1_and_final_is_the_last(run):
    train.train_fold(run, 0)
    table = run.metrics(0).query("split == 'validation'")
    last = checkpoint.load_last(run.last_file(0), CPU)
    assert last["epoch"] == 4
    assert last["best"]["epoch"] == int(table.loc[table["f1"].idxmax(), "epoch"])
    assert_same_tensors(safetensors.torch.load_file(run.weights_file(0, "final")), dict(last["model"]))


def test_saved_weights_give_the_saved_predictions(run):
    train.train_fold(run, 0)
    pixels = train.prepare_pixels(run, run.config(), lambda row: None, lambda: False)
    for which in ("best", "final"):
        trainer = train.FoldTrainer(run, 0, CPU, pixels)
        trainer.model.load_state_dict(safetensors.torch.load_file(run.weights_file(0, which)))
        again = trainer.predictions(trainer.evaluate(lambda *_: False))
        trainer.close()
        pd.testing.assert_frame_equal(again, run.predictions(0, which), check_exact=True)


def test_touched_photos_that_a_resume_found_to_be_the_same_are_not_read_again_once_they_are_decoded(
    tiny_plan, runs_folder, monkeypatch
):
    touched = tiny_plan.samples.assign(mtime_ns=tiny_plan.samples["mtime_ns"] + 1)
    run, read, digest_of = frozen(replace(tiny_plan, samples=touched), runs_folder), [], unchanged.digest_of
    monkeypatch.setattr(unchanged, "digest_of", lambda *file: read.append(file[1]) or digest_of(*file))
    unchanged.check_unchanged(run.samples(), run.touched_file)
    assert train.prepare_pixels(run, run.config(), lambda row: None, lambda: False).is_file()
    assert sorted(read) == sorted(touched["sample"])


def test_the_same_run_again_is_the_same_to_the_bit_and_another_seed_is_not(tiny_plan, runs_folder, network):
    plan = short(tiny_plan)
    made = [frozen(plan, runs_folder), frozen(plan, runs_folder)]
    made.append(frozen(with_changes(plan, training__seed=1), runs_folder))
    for number, run in enumerate(made):
        torch.manual_seed(number)  # what anyone else does with the global generators changes nothing
        np.random.seed(number)
        train.train_fold(run, 0)
    first, second, other = (safetensors.torch.load_file(run.weights_file(0, "final")) for run in made)
    assert_same_tensors(first, second)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_training_learns_what_the_colours_tell(tiny_plan, runs_folder, network):
    run = frozen(short(tiny_plan, epochs=12, phases__0__lr_head=0.02, phases__0__lr_backbone=0.02), runs_folder)
    train.train_fold(run, 0)
    assert run.metrics(0)["f1"].iloc[-1] > 0.6
    assert run.metrics(0)["loss"].iloc[-2] < run.metrics(0)["loss"].iloc[0]


def test_asked_to_stop_it_stops_and_goes_on_from_the_last_whole_epoch(run, tiny_plan, runs_folder):
    rows = []

    def enough():
        return any(row["kind"] == "epoch" and row["epoch"] == 2 for row in rows)

    assert train.train_fold(run, 0, report=rows.append, should_stop=enough) is False
    assert checkpoint.load_last(run.last_file(0), CPU)["epoch"] == 2
    assert not run.weights_file(0, "final").exists()
    assert train.train_fold(run, 0) is True
    straight = frozen(tiny_plan, runs_folder)
    train.train_fold(straight, 0)
    assert_same_tensors(
        torch.load(run.last_file(0), weights_only=True), torch.load(straight.last_file(0), weights_only=True)
    )


@pytest.mark.parametrize("patience", [None, 2])
def test_with_everything_that_draws_switched_on_a_resume_changes_nothing(tiny_plan, runs_folder, network, patience):
    plan = with_changes(
        short(tiny_plan, epochs=6),
        mix__method="both",
        phases__0__schedule="one-cycle",
        training__sampling="balanced",
        training__loss="focal",
        training__early_stopping=patience,
    )
    straight, run = frozen(plan, runs_folder), frozen(plan, runs_folder)
    train.train_fold(straight, 0)
    ended = []
    for stop_after in (1, 3, None):
        train.train_fold(
            run,
            0,
            report=lambda row: ended.append(row["epoch"]) if row["kind"] == "epoch" else None,
            should_stop=lambda stop_after=stop_after: stop_after in ended,
        )
    assert_same_tensors(*(torch.load(r.last_file(0), weights_only=True) for r in (run, straight)))
    timings = ["seconds", "images_per_second"]
    pd.testing.assert_frame_equal(
        run.metrics(0).drop(columns=timings), straight.metrics(0).drop(columns=timings), check_exact=True
    )
    for which in ("best", "final"):
        pd.testing.assert_frame_equal(run.predictions(0, which), straight.predictions(0, which), check_exact=True)


def test_a_finished_fold_is_not_trained_again(run):
    train.train_fold(run, 0)
    before = {path.name: path.stat().st_mtime_ns for path in run.fold_dir(0).glob("*.[pse]*") if path.suffix != ".csv"}
    table = run.metrics(0)
    rows = []
    assert train.train_fold(run, 0, report=rows.append) is True
    assert [row for row in rows if row["kind"] == "epoch"] == []
    assert before == {name: (run.fold_dir(0) / name).stat().st_mtime_ns for name in before}
    pd.testing.assert_frame_equal(run.metrics(0), table, check_exact=True)


def test_lines_written_past_the_checkpoint_and_torn_lines_are_not_doubled_by_a_resume(run, monkeypatch):
    monkeypatch.setattr(train, "TICK", 0.0)
    train.train_fold(run, 0, should_stop=lambda: run.metrics(0)["epoch"].max() >= 2)
    done = int(run.metrics(0)["epoch"].max())  # what was still being written when it was asked to stop is there too
    assert done < 4
    never = [f"{done + 1},1,{split}" + 9 * ",0.1" for split in ("train", "validation")]
    with open(run.metrics_file(0), "a") as stream:  # an epoch whose checkpoint never came, and half a line
        stream.write("\n".join([*never, f"{done + 2},1,tra"]))
    train.train_fold(run, 0)
    table = run.metrics(0)
    assert list(table["epoch"]) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert not (table["loss"] == 0.1).any()


def test_progress_is_told_with_what_is_left_and_never_negative(run, monkeypatch):
    monkeypatch.setattr(train, "TICK", 0.0)
    ticking = iter(range(10**9, 0, -3600))
    monkeypatch.setattr("time.time", lambda: float(next(ticking)))  # a clock that runs backwards
    rows = []
    train.train_fold(run, 0, report=rows.append)
    progress = [row for row in rows if row["kind"] == "progress"]
    assert [(row["epoch"], row["split"], row["step"]) for row in progress] == [
        place
        for epoch in (1, 2, 3, 4)
        for place in ((epoch, "train", 1), (epoch, "train", 2), (epoch, "validation", 1))
    ]
    for row in progress:
        assert row["eta_seconds"] >= 0
        assert (row["epochs"], row["device"]) == (4, "cpu")
        assert row["phase"] == (row["epoch"] > 2)
    assert progress[-1]["eta_seconds"] <= progress[0]["eta_seconds"] + 5
    *decoding, building = [row for row in rows if row["kind"] == "stage"]
    assert decoding[-1]["stage"] == "decoding photos" and decoding[-1]["step"] == decoding[-1]["steps"] > 0
    assert building["stage"] == "building the network" and rows.index(building) < rows.index(progress[0])


def test_what_is_left_is_not_reckoned_from_epochs_that_train_something_else(tiny_plan, monkeypatch):
    seconds, rows = [0.0], []
    monkeypatch.setattr(train.time, "perf_counter", lambda: seconds[0])
    still = {"phases__0__lr_backbone": 0.0, "phases__0__frozen_norm": True}
    trainer = SimpleNamespace(
        config=with_changes(tiny_plan, **still).config, device=CPU, val_rows=range(30), train_rows=range(90)
    )
    clock = train.Clock(trainer, rows.append, lambda: False)

    def left(after, split, step):
        seconds[0] += after
        assert clock.tick(split, step, 10, SimpleNamespace(samples=0, bad_step=-1)) is False
        return rows[-1]["eta_seconds"]

    clock.start_epoch(1, 0)
    assert left(60, "train", 0) is None, "a frozen backbone looks at its photos, and no step was made"
    assert left(1, "train", 5) is None and left(1, "validation", 10) is None, "the epochs that follow train more"
    clock.start_epoch(2, 0)
    assert left(1, "train", 5) is None
    clock.start_epoch(3, 1)
    assert left(90, "train", 5) == 310, "two epochs of 200 seconds, told by the first half"
    seconds[0] += 100
    clock.start_epoch(4, 1)
    assert left(90, "train", 5) == 100, "one like the last"


def test_what_a_frozen_backbone_looks_at_once_is_no_part_of_each_epoch(tiny_plan, monkeypatch):
    seconds, rows = [0.0], []
    monkeypatch.setattr(train.time, "perf_counter", lambda: seconds[0])
    phase = {**tiny_plan.config.phases[0].model_dump(), "epochs": 4, "lr_backbone": 0.0, "frozen_norm": True}
    trainer = SimpleNamespace(
        config=with_changes(tiny_plan, phases=[phase]).config, device=CPU, val_rows=range(30), train_rows=range(90)
    )
    clock = train.Clock(trainer, rows.append, lambda: False)
    clock.start_epoch(1, 0)
    for after, step in ((30, 0), (30, 0), (1, 5)):
        seconds[0] += after
        clock.tick("train", step, 10, SimpleNamespace(samples=0, bad_step=-1))
    assert [row["eta_seconds"] for row in rows[:2]] == [None, None]
    whole = 2 * (1 + 30 / 3 / 90)
    assert rows[-1]["eta_seconds"] == round(4 * whole - 1, 1)


def test_a_stop_while_photos_are_decoded_leaves_nothing_half_done(run):
    assert train.train_fold(run, 0, should_stop=lambda: True) is False
    assert not list((lab_folder(run.dir.parent) / "cache").glob("*.npy"))
    assert not list((lab_folder(run.dir.parent) / "cache").glob(".*.tmp"))


def test_what_the_worker_used_is_written_beside_the_run(run):
    train.train_fold(run, 0)
    info = run.info()
    assert info["device"].startswith("CPU")
    assert info["precision"] in ("bfloat16", "float32")
    assert (info["threads"], info["weights"]) == (1, {"init": "scratch"})
    assert info["peak_memory"] > 50e6
    assert info["class_names"] == ["blue", "green", "red"]


class _Repeated:
    """In the place of a step that a GPU repeats: what it is made of, and where the trainer holds it."""

    def __init__(self, step, *_):
        self.step = step

    def __call__(self, inputs, targets):
        return self.step(inputs, targets)


@pytest.mark.parametrize("repeats", [False, True])
def test_a_fold_job_leaves_nothing_of_itself_to_the_next_one(tiny_plan, runs_folder, network, monkeypatch, repeats):
    monkeypatch.setattr(fold_trainer, "repeats_steps", lambda *_: repeats)
    monkeypatch.setattr(fold_trainer, "Graphed", _Repeated)
    made, trainers = train.FoldTrainer, []

    def remembered(*arguments, **options):
        trainer = made(*arguments, **options)
        trainers.append(weakref.ref(trainer))
        return trainer

    monkeypatch.setattr(train, "FoldTrainer", remembered)
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    gc.collect()
    gc.disable()  # memory of a GPU must not wait for a collection
    try:
        assert train.train_fold(run, 0)
        assert [trainer() for trainer in trainers] == [None]
    finally:
        gc.enable()


def test_a_loss_that_is_no_number_names_epoch_and_step(run, monkeypatch):
    original = train.FoldTrainer.forward

    def forward(self, images):
        logits = original(self, images)
        return logits * float("nan") if self.model.training and self.phase == 1 and len(images) == 4 else logits

    monkeypatch.setattr(train.FoldTrainer, "forward", forward)
    with pytest.raises(LabError, match="epoch 3, step 2") as caught:
        train.train_fold(run, 0)
    assert caught.value.kind == "diverged"
    assert checkpoint.load_last(run.last_file(0), CPU)["epoch"] == 2


def test_a_gpu_is_asked_for_where_there_is_none(tiny_plan, runs_folder, network, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = frozen(with_changes(tiny_plan, training__device="cuda"), runs_folder)
    with pytest.raises(LabError, match="no CUDA GPU") as caught:
        train.train_fold(run, 0)
    assert caught.value.kind == "device"
    assert not run.last_file(0).exists()


def test_a_photo_that_became_unreadable_is_named(tiny_plan, runs_folder, network, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff no photo")
    samples = tiny_plan.samples.copy()
    samples.loc[3, "path"] = str(bad)
    run = create(tiny_plan.config, samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    with pytest.raises(LabError, match=r"bad\.jpg"):
        train.train_fold(run, 0)
    assert not list((lab_folder(run.dir.parent) / "cache").glob("*.npy"))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_backbone_and_head_learn_at_their_own_rates(tiny_plan, runs_folder, network, optimizer):
    changes = {"phases__0__optimizer": optimizer, "phases__0__lr_backbone": 0.0, "phases__0__lr_head": 0.01}
    run = frozen(with_changes(short(tiny_plan), **changes), runs_folder)
    trainer = train.FoldTrainer(run, 0, CPU, None)
    first = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    trainer.close()
    train.train_fold(run, 0)
    last = checkpoint.load_last(run.last_file(0), CPU)["model"]
    assert torch.equal(first["conv1.weight"], last["conv1.weight"])
    assert not torch.equal(first["fc.weight"], last["fc.weight"])
