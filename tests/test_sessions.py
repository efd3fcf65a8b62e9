"""Fault 36: ten sessions at once while training."""

import time

import psutil

from tests.browser import slack, soon
from tests.sessions import Session
from tests.test_browser import made_run, people_in_folders

PAGES = ["live"] * 5 + ["home", "launch", "studies", "runs", "compare"]
SECONDS = 6


def test_ten_sessions_while_a_run_trains_see_no_error_and_leave_the_cores_to_the_training(lab, tmp_path):
    run = made_run(lab, people_in_folders(tmp_path / "faces", ["a", "b"]), state="running")
    with run.fold_lock(0).acquire(timeout=5), run.fold_lock(1).acquire(timeout=5):
        sessions = [Session(lab.port, page, f"run={run.id}" if page == "live" else "") for page in PAGES]
        for session in sessions:
            session.start()
        try:
            soon(lambda: all(s.runs or s.errors for s in sessions), 60 * slack(), "every session has its page")
            server = psutil.Process(lab.process.pid)
            before, ticked, began = server.cpu_times(), [s.runs for s in sessions], time.monotonic()
            soon(lambda: time.monotonic() > began + SECONDS, 2 * SECONDS, "some ticks later")
            after, seconds = server.cpu_times(), time.monotonic() - began
        finally:
            for session in sessions:
                session.ended.set()
            for session in sessions:
                session.join(20)
    assert [s.errors for s in sessions] == [[]] * len(sessions)
    ticks = [s.runs - before for s, before in zip(sessions, ticked, strict=True)]
    assert min(ticks[:6]) >= SECONDS / 2 / slack()  # Live and Home go on ticking
    spent = after.user + after.system - before.user - before.system
    assert spent / seconds / psutil.cpu_count() < 0.1 * slack()
