"""A fold that was cut off tells one story afterwards: weights, predictions, metrics and state are of one epoch."""

import errno
import shutil
import signal
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from sklearn.metrics import f1_score

from core.answers import mistakes
from core.config import to_yaml
from core.config.run_config import ModelConfig
from core.data.scan import scan
from core.engines import pack
from core.errors import LabError
from core.inside import fold_models
from core.jobs import control
from core.network import weights
from core.network.model import build_model, inherit
from core.plan import transfer
from core.plan.plan import make_plan
from core.runs import FoldState, Run, origins, starts
from core.runs.create import create
from core.storage import files
from core.studies.relocate import relocate
from core.training import checkpoint, course, train
from tests.closed import close
from tests.old_runs import FASTER, FINISHED, INTERRUPTED, thaw
from tests.pages.app import page
from tests.workers import (
    SmallNet,
    Workers,
    assert_done,
    assert_same_result,
    assert_same_tensors,
    die_renaming,
    launch,
    resume,
    short,
    small_net,
    stray_files,
    with_changes,
)

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


def frozen(plan, folder):
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)


def _ending(root, *, worse, better):
    """Epochs end in networks of which it is known how good they are, whatever this machine's arithmetic is.

    worse: epochs after which it says one class of all faces. better: after which its head fits the training photos.
    """
    original = train.FoldTrainer.train_epoch

    def train_epoch(self, epoch, tick):
        done = original(self, epoch, tick)
        with torch.no_grad():
            if epoch in worse:
                self.model.fc.weight.zero_()
                self.model.fc.bias.copy_(torch.tensor([9.0, 0.0, 0.0]) + epoch)
            if epoch in better:
                (images,) = self.val_loader.epoch(0, [self.train_rows])
                self.model.eval()
                seen = torch.relu(self.model.bn1(self.model.conv1(self.prepare(images)))).mean((2, 3))
                seen = torch.cat([seen, torch.ones(len(seen), 1)], dim=1)
                right = torch.nn.functional.one_hot(self.labels[self.train_rows], 3).float()
                fitted = torch.linalg.lstsq(seen, right).solution
                self.model.fc.weight.copy_(fitted[:-1].T)
                self.model.fc.bias.copy_(fitted[-1])
        return done

    train.FoldTrainer.train_epoch = train_epoch


def ending(worse=(), better=()):
    return partial(_ending, worse=worse, better=better)


def two_threads(root):
    torch._C.set_num_threads(2)  # a worker of the tests has lost the public one


def assert_one_story(run, fold=0):
    """Best and last weights answer what is written of them, and that has the scores that metrics and state tell."""
    assert_done(run, fold)
    names, state, table = run.info()["class_names"], run.fold_state(fold), run.metrics(fold)
    validation = table[table["split"] == "validation"].set_index("epoch")
    assert validation.index.is_unique and state.epoch == validation.index.max()
    assert state.best_epoch == validation["f1"].idxmax()
    trainer = train.FoldTrainer(run, fold, CPU, None)
    for which, epoch in (("best", state.best_epoch), ("final", state.epoch)):
        weights, predictions = run.weights_file(fold, which), run.predictions(fold, which)
        assert origins.of_weights(weights) == origins.of_predictions(run.predictions_file(fold, which))
        assert origins.of_weights(weights).epoch == epoch
        trainer.model.load_state_dict(safetensors.torch.load_file(weights))
        again = trainer.predictions(trainer.evaluate(lambda *_: False))
        pd.testing.assert_frame_equal(again, predictions, atol=1e-5, rtol=0)
        f1 = f1_score(predictions["label"], predictions["predicted"], labels=names, average="macro", zero_division=0)
        assert f1 == pytest.approx(validation.loc[epoch, "f1"]) == pytest.approx(state.scores[f"{which}_f1"])
        assert predictions["loss"].mean() == pytest.approx(validation.loc[epoch, "loss"], rel=1e-5)
    trainer.close()
    assert not run.last_file(fold).exists()
    assert not stray_files(run.dir)


# renames of an epoch that is best, in their order; the last epoch has the same of its own
BEST = [".best.safetensors.next", ".predictions_best.parquet.next", "last.pt", "best.safetensors"]
BEST += ["predictions_best.parquet"]
FINAL = [name.replace("best", "final") for name in BEST if "best" in name]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.fault(1)
def test_killed_before_or_after_every_write_and_resumed_equals_never_stopped(
    workers, tiny_plan, never_stopped_small, network, after
):
    run = launch(tiny_plan, workers.root)
    for name in [*BEST, *FINAL]:
        code = workers.run(small_net, die_renaming(name, after=after))
        assert code == -signal.SIGKILL, name
        resume(run)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    assert_one_story(run)


@pytest.mark.parametrize("moment", [".predictions_best.parquet.next", "last.pt", "best.safetensors"])
@pytest.mark.parametrize("after", [False, True])
def test_a_best_epoch_that_a_resume_does_not_reach_again_leaves_nothing_behind(
    workers, tiny_plan, network, moment, after
):
    """Killed around the resume point of epoch 2, a new best; the resume computes other bits and is worse from there."""
    run = launch(tiny_plan, workers.root)
    rising = ending(worse=[1], better=[2])
    assert workers.run(small_net, rising, die_renaming(moment, after=after, turn=2)) == -signal.SIGKILL
    f1 = run.metrics(0).query("split == 'validation'")["f1"]
    assert moment.startswith(".predictions") or f1.iloc[1] > f1.iloc[0] + 0.1  # there is something to leave behind
    kept = checkpoint.load_last(run.last_file(0), CPU)["epoch"]
    assert kept == (2 if moment == "best.safetensors" or (moment, after) == ("last.pt", True) else 1)
    resume(run)
    assert workers.run(small_net, ending(worse=[2, 3, 4])) == 0
    assert_one_story(run)
    assert run.fold_state(0).best_epoch == kept


@pytest.mark.fault(44)
def test_killed_and_resumed_from_where_the_dataset_moved_meanwhile_equals_never_stopped(
    workers, tiny_plan, never_stopped_small, network, tmp_path
):
    dataset = Path(shutil.copytree(tiny_plan.config.data.root, tmp_path / "before", copy_function=shutil.copyfile))
    config = with_changes(tiny_plan, data__root=str(dataset)).config
    run = launch(make_plan(config, scan(config.data, threads=1)), workers.root)
    assert workers.run(small_net, die_renaming("last.pt", after=True, turn=2)) == -signal.SIGKILL
    shutil.copytree(dataset, tmp_path / "after", copy_function=shutil.copyfile)  # as a copy, all its times are others
    shutil.rmtree(dataset)
    with pytest.raises(LabError) as told:
        resume(run)
    assert told.value.kind == "data-moved"
    relocate(run, tmp_path / "after")
    resume(run)
    assert workers.run(small_net) == 0
    assert starts.read(run, 0)[-1]["epoch"] == 2
    assert_same_result(run, never_stopped_small)
    assert_one_story(run)


@pytest.mark.fault(39)
def test_a_resume_with_another_thread_count_is_told_and_leaves_one_story(workers, tiny_plan, network, monkeypatch):
    run = launch(tiny_plan, workers.root)
    assert workers.run(small_net, die_renaming("last.pt", after=True, turn=2)) == -signal.SIGKILL
    assert starts.sentence(run, [0]) == ""
    resume(run)
    assert workers.run(small_net, two_threads) == 0
    assert_one_story(run)
    assert [(start["epoch"], start["threads"]) for start in starts.read(run, 0)] == [(0, 1), (2, 2)]
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    text = " ".join(caption.value for caption in page("live", run=run.id).caption).replace("\\", "")
    assert "fold 0 after epoch 2 with 2 threads instead of 1" in text and "not bit-identical" in text


def test_an_exact_resume_is_not_told(workers, tiny_plan):
    run = launch(short(tiny_plan, epochs=2), workers.root)
    assert workers.run(small_net, die_renaming("last.pt", after=True)) == -signal.SIGKILL
    resume(run)
    assert workers.run(small_net) == 0
    assert [start["epoch"] for start in starts.read(run, 0)] == [0, 1]
    assert starts.sentence(run, [0]) == ""


def facts(**changes):
    versions = {"torch": "2.1", "numpy": "2.0"}
    start = {"device": "A", "threads": 2, "precision": "bfloat16", "evaluation": "float32", "versions": versions}
    return start | changes


def test_every_difference_is_named_and_starts_that_left_no_epoch_are_forgotten(tiny_plan, runs_folder):
    run = frozen(tiny_plan, runs_folder)
    starts.note(run, 0, 0, facts())
    starts.note(run, 0, 3, facts(device="B", threads=8))
    starts.note(run, 0, 3, facts(versions={"torch": "2.2", "numpy": "2.0"}))  # the one before came to no epoch
    starts.note(run, 0, 5, facts())
    assert starts.inexact(starts.read(run, 0)) == "after epoch 3 with torch 2.2 instead of 2.1"
    starts.note(run, 0, 0, facts())
    assert starts.inexact(starts.read(run, 0)) == ""


def test_starts_that_cannot_be_read_are_not_forgotten_with_the_next(tiny_plan, runs_folder, monkeypatch):
    run = frozen(tiny_plan, runs_folder)
    starts.note(run, 0, 0, facts())
    starts.note(run, 0, 3, facts(device="B"))
    with monkeypatch.context() as patch:
        close(patch, run.starts_file(0), errno.EIO)
        with pytest.raises(LabError, match=r"folds/0/starts\.json cannot be read \(Input/output error\)") as caught:
            starts.note(run, 0, 5, facts())
        assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
        assert starts.read(run, 0) == [], "pages show the run all the same"
    starts.note(run, 0, 5, facts())
    assert starts.inexact(starts.read(run, 0)) == "after epoch 3 on B instead of A"


# who reads weights and predictions


@pytest.fixture
def ends(monkeypatch):
    """`ending` in this process, until the test ends."""
    monkeypatch.setattr(train.FoldTrainer, "train_epoch", train.FoldTrainer.train_epoch)
    return partial(_ending, None)


@pytest.fixture
def mixed(tiny_plan, runs_folder, network, ends):
    """A finished fold 1 whose last weights were copied over its best ones."""
    ends(worse=[1, 3, 4], better=[2])
    run = frozen(tiny_plan, runs_folder)
    for fold in (0, 1):
        train.train_fold(run, fold)
        best = origins.of_predictions(run.predictions_file(fold, "best"))
        run.write_state(FoldState(fold, "done", epoch=4, best_epoch=best.epoch))
    assert origins.of_weights(run.weights_file(1, "best")).epoch == 2
    shutil.copy(run.weights_file(1, "final"), run.weights_file(1, "best"))
    return run


@pytest.mark.fault(39)
def test_whoever_reads_weights_or_predictions_refuses_those_of_different_epochs(mixed):
    model, names = ModelConfig(init=f"run:{mixed.id}", depth=18), mixed.info()["class_names"]
    network, _ = build_model(ModelConfig(init="scratch"), 3, 0)
    config = mixed.config().model_copy(update={"model": model})
    for read in (
        lambda: mixed.predictions(1, "best"),
        lambda: mistakes.load_answers(mixed, "best"),
        lambda: fold_models.fold_model(mixed, 1, "best").__enter__(),
        lambda: transfer.check_parent(mixed, 2, model),
        lambda: inherit(network, config, names, mixed, 1),
    ):
        with pytest.raises(LabError, match=r"best weights are of epoch 4, the predictions of epoch \d") as caught:
            read()
        assert caught.value.kind == "mixed"
    assert len(mixed.predictions(0, "best")) == len(mixed.predictions(1, "final")) == 12


def test_predictions_of_another_epoch_than_the_scores_are_refused(mixed):
    shutil.copy(mixed.predictions_file(1, "final"), mixed.predictions_file(1, "best"))
    with pytest.raises(LabError, match="best predictions are of epoch 4, the scores of epoch"):
        mixed.predictions(1, "best")


def test_a_resume_point_needs_no_first_weights_and_makes_best_files_anew_that_somebody_deleted(
    tiny_plan, runs_folder, network, ends, monkeypatch
):
    ends(worse=[1], better=[2])
    run = frozen(tiny_plan, runs_folder)
    ended = []
    train.train_fold(run, 0, report=lambda r: ended.append(r["kind"] == "epoch"), should_stop=lambda: sum(ended) >= 2)
    last = checkpoint.load_last(run.last_file(0), CPU)
    assert last["epoch"] == last["best"]["epoch"] == 2
    for path in checkpoint.outcome_files(run, 0, "best"):
        path.unlink()
    used = {"init": "run:20260101-000000-gone-0000", "file": "folds/0/best.safetensors", "sha256": "5bee"}
    run.update_info(weights=used)
    monkeypatch.setattr(weights, "imagenet_file", lambda depth: runs_folder / "gone.pth")
    for init in ("imagenet", "file:gone.pth", used["init"]):  # as if it had started from what is gone since
        config = run.config()
        begun = config.model_copy(update={"model": config.model.model_copy(update={"init": init})})
        run.config_file.write_text(to_yaml(begun))
        assert pack.pack(run, 0, 1, cores=1).job.weights == {}, "a node needs it as little"
    train.train_fold(run, 0)
    assert run.info()["weights"] == used
    straight = frozen(tiny_plan, runs_folder)
    train.train_fold(straight, 0)
    for which in ("best", "final"):
        a, b = (safetensors.torch.load_file(r.weights_file(0, which)) for r in (run, straight))
        assert_same_tensors(a, b)


def test_all_folds_start_from_the_file_of_the_launch_and_one_under_way_needs_it_no_more(
    tiny_plan, runs_folder, network, tmp_path
):
    first = tmp_path / "first.pth"
    torch.save(SmallNet().state_dict(), first)
    run = frozen(with_changes(tiny_plan, model__init=f"file:{first}"), runs_folder)
    launched = weights.of_launch(run.config().model.init)
    run.update_info(weights=launched)
    ended = []
    train.train_fold(run, 0, report=lambda r: ended.append(r["kind"] == "epoch"), should_stop=lambda: any(ended))
    torch.save(SmallNet().state_dict(), first)
    for words in ("has changed since this run began with it", "is gone"):
        with pytest.raises(LabError, match=f"first.pth {words}") as caught:
            train.train_fold(run, 1)
        assert caught.value.kind == "weights" and "try again (an unfinished run: resume it)" in caught.value.remedy
        first.unlink(missing_ok=True)
    assert train.train_fold(run, 0) and starts.read(run, 0)[-1]["epoch"] == 1
    assert run.info()["weights"] == launched


def test_an_old_run_whose_best_files_are_of_an_epoch_that_never_was_is_mended(tmp_path, monkeypatch, network):
    """Version 0.1.0 wrote best files before the resume point and did not say of which epoch they are."""
    root = thaw(tmp_path)
    monkeypatch.setattr(control, "start_worker", lambda folder: None)
    run, other, finished = (Run(run_id, root) for run_id in (INTERRUPTED, FASTER, FINISHED))
    best, others_best = (checkpoint.outcome_files(each, 0, "best") for each in (run, other))
    for at, source in zip(best, others_best, strict=True):
        shutil.copy(source, at)
    crew = Workers(root)
    assert control.resume(run) == [0]
    assert crew.run(small_net, ending(worse=[3, 4])) == 0
    crew.end()
    assert run.fold_state(0).best_epoch == 2
    trainer = train.FoldTrainer(run, 0, CPU, None)
    trainer.model.load_state_dict(safetensors.torch.load_file(run.weights_file(0, "best")))
    again = trainer.predictions(trainer.evaluate(lambda *_: False))
    trainer.close()
    pd.testing.assert_frame_equal(again, run.predictions(0, "best"), atol=1e-5, rtol=0)
    assert len(finished.predictions(0, "best")) == 12


def test_an_old_run_that_was_killed_between_best_weights_and_predictions_is_mended(tmp_path, network):
    """Then the predictions are right and the weights of an epoch that never was; no time of a file is needed."""
    root = thaw(tmp_path)
    run, other = (Run(run_id, root) for run_id in (INTERRUPTED, FASTER))
    own = checkpoint.outcome_files(run, 0, "best")[0].read_bytes()
    trainer, last = train.FoldTrainer(run, 0, CPU, None), checkpoint.load_last(run.last_file(0), CPU)
    assert last["best"]["epoch"] == last["epoch"] == 2
    course.resumed(trainer)
    assert run.weights_file(0, "best").read_bytes() == own  # nothing was wrong yet
    assert_same_tensors(dict(trainer.model.state_dict()), last["model"])
    shutil.copy(other.weights_file(0, "best"), run.weights_file(0, "best"))
    course.resumed(trainer)
    trainer.close()
    assert_same_tensors(safetensors.torch.load_file(run.weights_file(0, "best")), last["model"])
    assert origins.of_weights(run.weights_file(0, "best")) == origins.of_predictions(run.predictions_file(0, "best"))


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x" * 40)])
def test_a_fold_that_has_ended_without_best_files_never_ends_well(tiny_plan, runs_folder, network, ends, damage):
    ends(worse=[1, 3, 4], better=[2])
    run = frozen(tiny_plan, runs_folder)
    train.train_fold(run, 0)
    for path in checkpoint.outcome_files(run, 0, "final"):
        path.unlink()
    assert train.train_fold(run, 0)  # the resume point has what the last files held
    assert all(path.is_file() for path in checkpoint.outcome_files(run, 0, "final"))
    damage(run.weights_file(0, "best"))
    with pytest.raises(LabError, match="best epoch, 2, are gone or damaged") as caught:
        train.train_fold(run, 0)
    assert caught.value.kind == "checkpoint" and "delete last.pt" in caught.value.remedy
    run.last_file(0).unlink()
    assert train.train_fold(run, 0)
    assert origins.of_weights(run.weights_file(0, "best")).epoch == 2


def test_a_fold_that_is_done_keeps_no_resume_point_and_is_done_again_where_its_state_alone_was_lost(
    workers, tiny_plan, never_stopped_small
):
    run = launch(tiny_plan, workers.root)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    assert not run.last_file(0).exists()
    before = run.metrics(0)
    run.state_file(0).write_text("{")
    assert run.fold_state(0).state == "failed"
    resume(run)
    assert workers.run(small_net) == 0
    pd.testing.assert_frame_equal(run.metrics(0), before, check_exact=True)  # its seconds too: nothing was trained
    assert_same_result(run, never_stopped_small)
    run.weights_file(0, "final").unlink()
    run.state_file(0).write_text("{")
    resume(run)
    assert workers.run(small_net) == 0  # without final weights nothing says that it had ended: it begins anew
    assert_same_result(run, never_stopped_small)


# when an epoch is told


@pytest.fixture
def slow_disk(monkeypatch):
    """The resume point of epoch n waits until epoch n + 1 has `begun`, or is `evaluated`: slow_disk[0]."""
    passed = {name: [threading.Event() for _ in range(6)] for name in ("begun", "evaluated")}
    until, train_epoch, evaluate = ["begun"], train.FoldTrainer.train_epoch, train.FoldTrainer.evaluate
    save_last, under_way = checkpoint.save_last, [0]

    def trained(self, epoch, tick):
        under_way[0] = epoch
        passed["begun"][epoch].set()
        return train_epoch(self, epoch, tick)

    def evaluated(self, tick):
        done = evaluate(self, tick)
        passed["evaluated"][under_way[0]].set()
        return done

    def write(path, state):
        if state["epoch"] < 4:
            assert passed[until[0]][state["epoch"] + 1].wait(60), "the steps wait for the disk"
        save_last(path, state)

    monkeypatch.setattr(train.FoldTrainer, "train_epoch", trained)
    monkeypatch.setattr(train.FoldTrainer, "evaluate", evaluated)
    monkeypatch.setattr(checkpoint, "save_last", write)
    return until


def test_an_epoch_is_told_once_its_files_are_written_and_no_step_waits_for_that(
    tiny_plan, runs_folder, network, ends, slow_disk
):
    ends(worse=[1, 3], better=[2, 4])
    run, epochs = frozen(tiny_plan, runs_folder), []

    def report(row):
        if row["kind"] == "epoch":
            last = checkpoint.load_last(run.last_file(0), CPU)
            weights, predictions = checkpoint.outcome_files(run, 0, "best")
            assert last is not None and last["epoch"] == row["epoch"]
            assert origins.of_weights(weights) == origins.of_predictions(predictions)
            assert origins.of_weights(weights).epoch == row["best"]["epoch"]
            epochs.append(row["epoch"])

    assert train.train_fold(run, 0, report=report)
    assert epochs == [1, 2, 3, 4]


def test_who_hears_of_an_epoch_and_stops_gets_no_epoch_more(tiny_plan, runs_folder, network, slow_disk):
    slow_disk[0] = "evaluated"
    run, epochs = frozen(tiny_plan, runs_folder), []

    def report(row):
        epochs.extend([row["epoch"]] if row["kind"] == "epoch" else [])

    assert train.train_fold(run, 0, report=report, should_stop=lambda: 2 in epochs) is False
    assert epochs == [1, 2] == list(run.metrics(0)["epoch"].unique())
    assert checkpoint.load_last(run.last_file(0), CPU)["epoch"] == 2


# early stopping, phase by phase


def expected_epochs(f1, phases, patience):
    """Which epochs are trained, from the F1 that each of them would reach: told anew, without the trainer's words."""
    trained, first = [], 1
    for length in phases:
        best, since = -1.0, 0
        for epoch in range(first, first + length):
            trained.append(epoch)
            best, since = (f1[epoch], 0) if f1[epoch] > best else (best, since + 1)
            if since == patience:
                break
        first += length
    return trained


def test_each_phase_has_its_own_patience_and_the_next_one_begins_where_it_would(tiny_plan):
    config = with_changes(tiny_plan, phases__0__epochs=4, phases__1__epochs=3, training__early_stopping=2).config
    rng = np.random.default_rng(0)
    for _ in range(300):
        f1 = dict(enumerate(rng.integers(0, 4, 7) / 4, start=1))
        epoch, phase, best, trained = 1, 0, None, []
        while epoch <= 7:
            if config.phase_of(epoch)[0] != phase:
                phase, best = config.phase_of(epoch)[0], None
            trained.append(epoch)
            if best is None or f1[epoch] > best["f1"]:
                best = {"epoch": epoch, "f1": f1[epoch]}
            epoch = course.next_epoch(config, epoch, best)
        assert trained == expected_epochs(f1, (4, 3), 2)


def test_a_phase_that_stops_early_hands_over_to_the_next_and_resumes_exactly(tiny_plan, runs_folder, network, ends):
    ends(worse=[2], better=[1])
    phases = {"phases__0__epochs": 6, "phases__1__epochs": 3, "training__early_stopping": 1}
    plan = with_changes(tiny_plan, **phases)
    straight, run = frozen(plan, runs_folder), frozen(plan, runs_folder)
    train.train_fold(straight, 0)
    validation = straight.metrics(0).query("split == 'validation'")
    epochs = list(validation["epoch"])
    f1 = dict(zip(epochs, validation["f1"], strict=True))
    assert epochs == expected_epochs({e: f1.get(e, 0) for e in range(1, 10)}, (6, 3), 1)
    assert epochs[:3] == [1, 2, 7]  # the first phase was cut short
    rates = straight.metrics(0).query("split == 'train'").set_index("epoch")["lr_head"]
    assert rates[7] == 1e-2 * plan.config.learning_rate_factor(1, 1, 2)
    for count in range(1, len(epochs)):
        ended = []
        train.train_fold(
            run,
            0,
            report=lambda row, ended=ended: ended.append(row["epoch"]) if row["kind"] == "epoch" else None,
            should_stop=lambda ended=ended: bool(ended),
        )
        assert list(run.metrics(0)["epoch"].unique()) == epochs[:count]
    train.train_fold(run, 0)
    assert_same_tensors(*(torch.load(r.last_file(0), weights_only=True) for r in (run, straight)))
    assert list(run.metrics(0)["epoch"]) == list(straight.metrics(0)["epoch"])


def test_a_resume_point_of_an_old_run_counts_its_patience_from_its_metrics(tmp_path, network):
    """Two epochs of a phase of six, the second no better: with a patience of 1 the next phase begins, at epoch 7."""
    run = Run(INTERRUPTED, thaw(tmp_path))
    assert "phase_best" not in checkpoint.load_last(run.last_file(0), CPU)
    text = run.config_file.read_text().replace("early_stopping: null", "early_stopping: 1")
    run.config_file.write_text(text.replace("epochs: 2\n", "epochs: 6\n", 1))
    assert (run.config().training.early_stopping, run.config().epochs) == (1, 8)
    lines = run.metrics_file(0).read_text().splitlines()
    f1 = lines[0].split(",").index("f1")
    cells = lines[4].split(",")
    assert cells[0] == "2" and cells[2] == "validation"
    lines[4] = ",".join([*cells[:f1], "0.01", *cells[f1 + 1 :]])
    run.metrics_file(0).write_text("\n".join(lines) + "\n")
    train.train_fold(run, 0)
    assert list(run.metrics(0)["epoch"].unique())[:3] == [1, 2, 7]
