"""What a fold job tells of itself while it trains."""

import errno
import os

import pytest

from core.jobs import fold_job, speed
from core.runs import metrics_file
from core.runs.create import create
from core.storage import files
from tests.workers import assert_done, launch, short, small_net, stray_files, with_changes


def no_room_for_progress(root, *, code=errno.ENOSPC):
    """A disk that has room for everything but progress.json, and `.refused` once it was asked for that."""
    original = files.write_whole

    def write_whole(path, write, **options):
        def refused(stream):
            (root / ".refused").touch()
            raise OSError(code, os.strerror(code))

        return original(path, refused if path.name == "progress.json" else write, **options)

    files.write_whole = write_whole


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_progress_that_cannot_be_written_is_left_out(tiny_plan, workers, monkeypatch, code):
    run = launch(short(tiny_plan), workers.root)
    monkeypatch.setattr(files, "write_whole", files.write_whole)  # given back after the test
    no_room_for_progress(workers.root, code=code)
    fold_job.Reporter(run, 0)({"kind": "step", "epoch": 1})
    assert (workers.root / ".refused").exists()
    assert run.progress(0) == {} and not stray_files(workers.root)


def test_a_fold_whose_progress_finds_no_room_ends_as_ever(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    assert workers.run(small_net, no_room_for_progress) == 0
    assert (workers.root / ".refused").exists()
    assert_done(run)


def quiet(root):
    """No other program takes a core, whatever runs beside these tests."""
    speed.Beside.cores = lambda self: 0.0


def test_how_fast_a_frozen_backbone_trains_is_not_kept_for_one_that_is_trained(workers, tiny_plan):
    still = {"phases__0__lr_backbone": 0.0, "phases__0__frozen_norm": True}
    run = launch(with_changes(short(tiny_plan), **still), workers.root)
    assert workers.run(small_net, quiet) == 0
    assert_done(run)
    assert speed.known(tiny_plan.config, workers.root) is None


def test_of_a_frozen_phase_and_one_that_trains_everything_the_latter_is_how_fast_a_fold_trained(tiny_plan, runs_folder):
    plan = with_changes(tiny_plan, phases__0__lr_backbone=0.0)
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)
    assert fold_job.images_per_second(run, 0) is None
    row = {"split": "train", "loss": 1, "accuracy": 1, "f1": 1, "lr_head": 1, "seconds": 1}
    rates = [(1, 0, 5e4), (2, 0, 5e4), (3, 1, 90.0), (4, 1, 110.0)]
    for epoch, phase, rate in rates:
        rows = [{**row, "epoch": epoch, "phase": phase, "lr_backbone": 0.1, "images_per_second": rate}]
        metrics_file.append_metrics(run.metrics_file(0), rows)
    assert fold_job.images_per_second(run, 0) == 100
