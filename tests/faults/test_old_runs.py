"""Runs of version 0.1.0 open, resume and compare as they did then."""

import math

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from sklearn.metrics import f1_score

from core.answers import mistakes
from core.compare import contrast, members, pairs
from core.config.run_config import from_yaml
from core.data.content.unchanged import check_unchanged
from core.data.scan import fingerprint, scan
from core.errors import LabError
from core.jobs import control
from core.plan.plan import make_plan
from core.report import gather
from core.runs import Run, exports, metrics_file
from core.runs.create import create
from core.runs.lists.summaries import summaries
from core.studies import records
from pages.parts.compare import decide
from tests.old_runs import FASTER, FINISHED, FROZEN, INTERRUPTED, STUDY, thaw
from tests.pages.app import captions, page
from tests.workers import Workers, assert_done, log_of, small_net

CLASSES = ["blue", "green", "red"]
OLD_HEADER = "epoch,phase,split,loss,accuracy,f1,lr_backbone,lr_head,seconds,images_per_second"


@pytest.fixture
def old(tmp_path, monkeypatch):
    """The thawed runs folder; launch and resume only queue."""
    root = thaw(tmp_path)
    monkeypatch.setenv("FACET_RUNS", str(root))
    monkeypatch.setenv("FACET_SLOTS", "1")
    monkeypatch.setattr(control, "start_worker", lambda folder: None)
    return root


@pytest.fixture
def crew(old):
    workers = Workers(old)
    yield workers
    workers.end()


def frozen_metrics(run_id, fold):
    """What the file says, read without the lab."""
    return pd.read_csv(FROZEN / "runs" / run_id / "folds" / str(fold) / "metrics.csv")


def test_old_runs_are_listed_as_they_stood(old):
    listed = {summary["id"]: summary for summary in summaries(old)}
    stood = {key: summary["state"] for key, summary in listed.items()}
    assert stood == {FINISHED: "done", FASTER: "done", INTERRUPTED: "interrupted"}
    assert [state.state for state in Run(INTERRUPTED, old).states()] == ["interrupted", "done"]
    for run_id in listed:
        run = Run(run_id, old)
        check_unchanged(run.samples())
        assert run.info()["class_names"] == CLASSES
        assert fingerprint(run.samples(), by="mtime_ns") == run.info()["dataset"]["fingerprint"]
        assert run.config().training.label_smoothing == 0.1


def test_metrics_scores_and_predictions_of_an_old_run_belong_together(old):
    run = Run(FINISHED, old)
    for fold in run.folds():
        table, frozen = run.metrics(fold), frozen_metrics(FINISHED, fold)
        pd.testing.assert_frame_equal(table[OLD_HEADER.split(",")].drop(columns="loss"), frozen.drop(columns="loss"))
        state = run.fold_state(fold)
        validation = frozen[frozen["split"] == "validation"].set_index("epoch")
        for which, epoch in (("best", state.best_epoch), ("final", 4)):
            answers = run.predictions(fold, which)
            f1 = f1_score(answers["label"], answers["predicted"], labels=CLASSES, average="macro", zero_division=0)
            assert state.scores[f"{which}_f1"] == pytest.approx(f1) == pytest.approx(validation.loc[epoch, "f1"])


def test_old_runs_are_compared_written_up_and_exported(old):
    compared, problems = members.load_all([FINISHED, FASTER, INTERRUPTED], old)
    assert not problems
    first, second, cut = compared
    pair = pairs.pair(second, first)
    assert pair.folds == (0, 1) and not pair.warning and not pair.notes
    (difference,) = pairs.differences([pair])
    scores = [[run.fold_state(fold).scores["best_f1"] for fold in (0, 1)] for run in (second.run, first.run)]
    assert difference.deltas == pytest.approx(np.subtract(*scores))
    assert math.isfinite(difference.interval.low)
    assert pairs.pair(cut, first).folds == (1,)

    answers = mistakes.load_answers(first.run)
    assert answers.folds == (0, 1) and len(answers.table) == 24
    report = gather.gather([member.run for member in compared])
    assert report.sentences and len(report.sections) > 2
    curves = next(part for part in report.sections if part.title == "Curves")
    captions = [block.caption for block in curves.blocks if hasattr(block, "caption")]
    assert any("training objective" in caption for caption in captions)  # smoothed: not held against plain losses
    tidy = exports.tidy_metrics([first.run])
    assert len(tidy.query("metric == 'f1'")) == 2 * 4 * 2  # folds, epochs, splits
    assert "objective" not in set(tidy["metric"])


def test_an_old_loss_is_not_held_against_a_new_one_without_a_word(old):
    """Its criterion was smoothed: Compare says whose loss is which, beside the curves; Live says it of one run."""
    table = Run(FASTER, old).metrics(0).assign(objective=1.0)
    for fold in (0, 1):  # as this version would have recorded it
        Run(FASTER, old).metrics_file(fold).unlink()
        metrics_file.append_metrics(Run(FASTER, old).metrics_file(fold), table.to_dict("records"))
    words = captions(page("compare", runs=f"{FINISHED},{FASTER}"))
    said = next(line for line in words.splitlines() if "training objective" in line)
    assert said.replace("\\", "").startswith("Loss of lr_head=0.001: an earlier version")
    assert "training objective" in captions(page("live", run=FINISHED))
    assert "Loss is plain cross-entropy." in captions(page("live", run=FASTER))


def test_an_old_study_opens_with_its_runs(old):
    study = records.load(STUDY, old)
    assert study.run_ids == [FINISHED, FASTER]
    assert not study.paused and not records.missing(study, old)
    assert gather.of_names([STUDY], old).title == "old study"


def as_a_table(root):
    """The thawed runs as of a table with a column of splits, which 0.1.0 knew nothing of: it trained on all rows."""
    dataset = root.parent / "dataset"
    photos = [path.relative_to(dataset).as_posix() for path in sorted(dataset.rglob("*.jpg"))]
    splits = ["test" if photo.endswith("7.jpg") else "train" for photo in photos]
    table = pd.DataFrame({"path": photos, "label": [photo.split("/")[0] for photo in photos], "split": splits})
    table.to_csv(dataset / "photos.csv", index=False)
    for path in (records.folder_of(root) / f"{STUDY}.json", *root.glob("*/config.yaml")):
        text = path.read_text("utf-8").replace("reader: folders", "reader: csv")
        path.write_text(text.replace('"reader": "folders"', '"reader": "csv"'), "utf-8")


def test_what_an_old_study_lacks_is_launched_on_all_the_rows_on_which_it_was_trained(old):
    as_a_table(old)
    lost = Run(FASTER, old)
    frozen = lost.samples()[["sample", "class_name", "fold"]]
    lost.delete()
    records.launch_missing(records.load(STUDY, old))
    pd.testing.assert_frame_equal(lost.samples()[["sample", "class_name", "fold"]], frozen, check_dtype=False)
    assert lost.test_photos() is None
    assert lost.config().data.test_set == Run(FINISHED, old).config().data.test_set == "pool"


def launched_anew(root, seed=0):
    """The run of 0.1.0 that is done and one of this version with its settings, as Compare reads them."""
    config = from_yaml(Run(FINISHED, root).config_file.read_text("utf-8"))
    config = config.model_copy(update={"training": config.training.model_copy(update={"seed": seed})})
    new = control.launch(make_plan(config, scan(config.data)))
    both, problems = members.load_all([FINISHED, new.id], root)
    assert not problems and [member.config.data.test_set for member in both] == ["pool", "set aside"]
    return both


def test_an_old_run_and_a_new_one_on_a_dataset_without_a_test_set_do_not_differ_in_what_becomes_of_it(old):
    both = launched_anew(old, seed=1)
    assert both[0].samples["sample"].tolist() == both[1].samples["sample"].tolist()
    assert list(contrast.config_differences(both).index) == ["training.seed"]
    decide._launch(both, 2, "20260101-000000-decide-0000")
    study = records.load("20260101-000000-decide-0000", old)
    assert [Run(run_id, old).config().data.test_set for run_id in study.run_ids] == ["set aside"] * 2


def test_an_old_run_that_trained_on_what_a_new_one_sets_aside_is_of_other_data(old):
    as_a_table(old)
    both = launched_anew(old)
    assert len(both[0].samples) > len(both[1].samples)
    assert list(contrast.config_differences(both).index) == ["data.test_set"]
    with pytest.raises(LabError, match=r"differ \(Test set\)"):
        decide._launch(both, 2, "20260101-000000-decide-0000")


def test_a_recipe_that_says_nothing_of_a_test_set_sets_it_aside(old):
    text = Run(FINISHED, old).config_file.read_text("utf-8")
    assert "test_set" not in text and from_yaml(text).data.test_set == "set aside"


def test_an_old_interrupted_run_resumes_to_the_weights_of_one_that_was_never_stopped(old, crew):
    """Training is the arithmetic of 0.1.0 to the bit.

    The fixture's machine need not be this one: where this one computes other bits, the weights are only close.
    """
    run, finished = Run(INTERRUPTED, old), Run(FINISHED, old)
    assert control.resume(run) == [0]
    assert crew.run(small_net) == 0
    assert_done(run)
    assert "2 epochs done before" in log_of(run)
    resumed = safetensors.torch.load_file(run.weights_file(0, "final"))
    before = safetensors.torch.load_file(finished.weights_file(0, "final"))
    for name, value in before.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-3, atol=1e-4)

    anew = create(finished.config(), finished.samples(), class_names=CLASSES, info={}, folder=old)
    control.resume(anew)
    assert crew.run(small_net) == 0
    straight = safetensors.torch.load_file(anew.weights_file(0, "final"))
    same_bits = all(torch.equal(straight[name], value) for name, value in before.items())
    assert not same_bits or all(torch.equal(resumed[name], value) for name, value in before.items())

    table, frozen = run.metrics(0), frozen_metrics(FINISHED, 0)
    assert list(table["epoch"]) == list(frozen["epoch"])
    np.testing.assert_allclose(table["f1"], frozen["f1"], atol=1e-6)
    assert run.fold_state(0).best_epoch == finished.fold_state(0).best_epoch
