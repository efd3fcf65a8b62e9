"""What a fold job tells of itself while it trains."""

import errno
import os

import pytest

from core.jobs import fold_job, speed
from core.runs import metrics_file
from core.runs.create import create
from core.storage import files
from tests.closed import close
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


def test_a_state_that_is_out_of_reach_when_an_epoch_ends_says_on_that_the_fold_trains(
    tiny_plan, runs_folder, monkeypatch
):
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    reporter = fold_job.Reporter(run, 0)
    reporter.state = fold_job.begin(run, 0, {"pid": 1, "create_time": 2.0})
    begun = run.written_state(0)
    scores = {"loss": 1.0, "accuracy": 0.5, "f1": 0.5}
    row = {"kind": "epoch", "scores": scores, "trained": scores}
    for epoch in (1, 2):
        with monkeypatch.context() as patch:
            close(patch, run.state_file(0), errno.EIO)
            reporter({**row, "epoch": epoch, "best": {**scores, "epoch": 1}})
        written = run.written_state(0)
        assert (written.state, written.reason, written.epoch, written.best_epoch) == ("running", "", epoch, 1)
        assert (written.worker, written.started) == (begun.worker, begun.started)


def out_of_reach_at_the_end(root):
    """No state can be read while the end of a fold is written down."""

    def finish(run, fold, *end):
        with pytest.MonkeyPatch.context() as patch:
            close(patch, run.state_file(fold), errno.EIO)
            original(run, fold, *end)

    original, fold_job.finish = fold_job.finish, finish


def test_a_fold_whose_state_is_out_of_reach_at_its_end_has_begun_and_ended_as_ever(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    assert workers.run(small_net, out_of_reach_at_the_end) == 0
    assert_done(run)
    state = run.written_state(0)
    assert (state.reason, state.remedy) == ("", "") and state.started <= state.ended and "pid" in state.worker


def test_an_end_is_not_written_over_a_state_that_is_out_of_reach_to_who_did_not_train_it(
    tiny_plan, runs_folder, monkeypatch
):
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    begun = fold_job.begin(run, 0, {"desk": "one"})
    with monkeypatch.context() as patch:
        close(patch, run.state_file(0), errno.EIO)
        with pytest.raises(OSError, match="Input/output error"):
            fold_job.finish(run, 0, {"state": "cancelled"})
    assert run.written_state(0) == begun
    fold_job.finish(run, 0, {"state": "cancelled"})
    assert (run.written_state(0).state, run.written_state(0).worker) == ("cancelled", {"desk": "one"})


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
