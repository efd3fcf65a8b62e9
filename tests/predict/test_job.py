"""A job goes on in its thread, tells how far it is, and ends when it is done, cancelled or failed."""

import threading

import pytest

from core.errors import LabError
from core.predict import job as predict_job
from core.predict.job import PATIENCE, Job


def test_a_job_returns_what_its_work_returned():
    job = Job(lambda progress: progress(3, 4) or "done")
    assert job.wait(30) and job.result() == "done" and (job.done, job.total) == (3, 4)
    assert not job.is_running and not job.was_cancelled


def test_a_cancelled_job_ends_at_its_next_step():
    begun, go_on = threading.Event(), threading.Event()

    def work(progress):
        begun.set()
        go_on.wait(30)
        progress(1, 2)
        return "too far"

    job = Job(work)
    assert begun.wait(30) and job.is_running and job.result() is None
    job.cancel()
    go_on.set()
    assert job.wait(30) and job.result() is None and job.was_cancelled


def test_what_the_work_raises_is_told_to_who_asks():
    def work(progress):
        raise LabError("no such run", kind="gone")

    job = Job(work)
    assert job.wait(30)
    with pytest.raises(LabError, match="no such run"):
        job.result()


@pytest.fixture
def clock(monkeypatch):
    """clock.append(seconds) puts the clock forward; it stands at 0."""
    times = [0.0]
    monkeypatch.setattr(predict_job, "now", lambda: times[-1])
    return times


def test_what_nobody_waits_for_any_more_ends_by_itself(clock):
    steps = []

    def work(progress):
        for moment in (1.0, PATIENCE, PATIENCE + 1.0):
            clock.append(moment)
            progress(1, 3)
            steps.append(moment)
        return "too far"

    job = Job(work, lambda: clock[-1] < 1.0)
    assert job.wait(30) and job.was_cancelled and job.result() is None and steps == [1.0, PATIENCE]


def test_who_comes_back_in_time_finds_it_at_work(clock):
    def work(progress):
        for moment in (PATIENCE - 1.0, PATIENCE, 2 * PATIENCE - 1.0, 2 * PATIENCE):
            clock.append(moment)
            progress(1, 4)
        return "done"

    job = Job(work, lambda: clock[-1] in (PATIENCE, 2 * PATIENCE))
    assert job.wait(30) and job.result() == "done" and not job.was_cancelled
