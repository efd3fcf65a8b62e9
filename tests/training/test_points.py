"""Resume points apart in time: a stop costs nothing, a kill what came after the last point, and both end identical."""

import os
import signal
from functools import partial

import pandas as pd
import pytest
import torch

from core.errors import LabError
from core.runs import metrics_file, origins
from core.runs.create import create
from core.training import checkpoint, points, train
from tests.workers import (
    assert_same_result,
    assert_same_tensors,
    die_renaming,
    launch,
    resume,
    short,
    small_net,
    with_changes,
)

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


@pytest.fixture
def rare(tiny_plan):
    return with_changes(tiny_plan, training__resume_seconds=30)


def _epochs_of_16_seconds(root=None):
    """Four epochs: points after the second and the last."""
    now, original = [0], points.ResumePoints.epoch

    def epoch(self, *arguments, **keywords):
        now[0] += 16
        return original(self, *arguments, **keywords)

    points.seconds, points.ResumePoints.epoch = lambda: now[0], epoch


def _die_after_metrics(root, *, turn):
    original, seen = metrics_file.append_metrics, []

    def append(path, rows):
        original(path, rows)
        seen.append(path.name)
        if seen.count("metrics.csv") == turn:
            os.kill(os.getpid(), signal.SIGKILL)

    metrics_file.append_metrics = append


KILLS = [
    (partial(_die_after_metrics, turn=1), 0, 1),
    (die_renaming("last.pt", after=False), 0, 2),
    (die_renaming("last.pt", after=True), 2, 2),
    (partial(_die_after_metrics, turn=1), 2, 3),
    (die_renaming("final.safetensors", after=False), 4, 4),
]


def test_killed_between_and_at_points_that_are_apart_and_resumed_equals_never_stopped(
    workers, rare, never_stopped_small, network
):
    run = launch(rare, workers.root)
    for fault, kept, told in KILLS:
        assert workers.run(small_net, _epochs_of_16_seconds, fault) == -signal.SIGKILL
        last = checkpoint.load_last(run.last_file(0), CPU)
        assert (last["epoch"] if last else 0) == kept and run.metrics(0)["epoch"].max() == told
        resume(run)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    text = run.log_file.read_text()
    assert "epochs 1 to 2 had no resume point yet" in text and "epoch 3 had no resume point yet" in text


def frozen(plan, folder):
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)


def after(epochs):
    """report and should_stop of somebody who stops once so many epochs were told."""
    told = []
    return {
        "report": lambda row: told.append(row["epoch"]) if row["kind"] == "epoch" else None,
        "should_stop": lambda: len(told) >= epochs,
    }


def test_who_stops_keeps_every_epoch_however_far_apart_the_points_are(rare, runs_folder, network):
    run, straight = frozen(rare, runs_folder), frozen(rare, runs_folder)
    for epochs in (2, 1):
        assert train.train_fold(run, 0, **after(epochs)) is False
        last = checkpoint.load_last(run.last_file(0), CPU)
        assert last["epoch"] == run.metrics(0)["epoch"].max()
        weights, predictions = checkpoint.outcome_files(run, 0, "best")
        assert origins.of_weights(weights) == origins.of_predictions(predictions) is not None
        assert origins.of_weights(weights).epoch == last["best"]["epoch"]
    assert last["epoch"] == 3
    assert train.train_fold(run, 0) and train.train_fold(straight, 0)
    assert_same_tensors(*(checkpoint.load_last(each.last_file(0), CPU) for each in (run, straight)))
    for which in ("best", "final"):
        pd.testing.assert_frame_equal(run.predictions(0, which), straight.predictions(0, which), check_exact=True)


def test_an_error_leaves_the_epochs_before_it(rare, runs_folder, network, monkeypatch):
    run, original = frozen(rare, runs_folder), train.FoldTrainer.train_epoch

    def train_epoch(self, epoch, tick):
        if epoch == 3:
            raise torch.OutOfMemoryError("no room")
        return original(self, epoch, tick)

    monkeypatch.setattr(train.FoldTrainer, "train_epoch", train_epoch)
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        train.train_fold(run, 0)
    assert checkpoint.load_last(run.last_file(0), CPU)["epoch"] == 2


def test_no_point_is_written_for_epochs_whose_lines_are_lost(rare, runs_folder, network, monkeypatch):
    run, original = frozen(rare, runs_folder), metrics_file.append_metrics

    def full(path, rows):
        if path.name == "metrics.csv" and rows[0]["epoch"] == 2:
            raise LabError("disk full: no room.", "Free some.", kind="disk-full")
        original(path, rows)

    monkeypatch.setattr(metrics_file, "append_metrics", full)
    with pytest.raises(LabError, match="disk full"):
        train.train_fold(run, 0)
    assert not run.last_file(0).exists() and list(run.metrics(0)["epoch"].unique()) == [1]


def test_a_stop_writes_nothing_into_a_run_that_was_deleted(rare, runs_folder, network):
    run = frozen(short(rare, epochs=3), runs_folder)

    def report(row):
        if row["kind"] == "epoch":
            run.config_file.unlink()

    assert train.train_fold(run, 0, report=report, should_stop=lambda: not run.config_file.exists()) is False
    assert not run.last_file(0).exists()
