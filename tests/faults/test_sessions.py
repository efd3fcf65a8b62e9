"""Fault 36: ten sessions at once while training."""

import psutil
import pytest

from core import machine
from pages.parts.tab import ticking
from tests.browser.made_runs import made_run, people_in_folders
from tests.browser.screen import slack, soon
from tests.sessions import Session

PAGES = ["live"] * 5 + ["home", "launch", "studies", "runs", "compare"]
TICKS = 3  # of each page that looks by itself, Live and Home
PROCESSOR = 0.1  # seconds of a core for a tick in which nothing happened; bench.sessions tells what it is
SHARE = 0.05  # of all cores: what open pages may take


@pytest.mark.fault(36)
def test_ten_sessions_while_a_run_trains_see_no_error_and_leave_the_cores_to_the_training(lab, tmp_path):
    run = made_run(lab, people_in_folders(tmp_path / "faces", ["a", "b"]), state="running")
    with run.fold_lock(0).acquire(timeout=5), run.fold_lock(1).acquire(timeout=5):
        sessions = [Session(lab.port, page, f"run={run.id}" if page == "live" else "") for page in PAGES]
        for session in sessions:
            session.start()
        try:
            soon(lambda: all(s.runs or s.errors for s in sessions), 60 * slack(), "every session has its page")

            def looks():
                return sum(1 / interval for session in sessions for interval, _ in list(session.beats.values()))

            most = 1.5 * ticking.TOGETHER  # of each page, and of its log half as many
            # A page learns of those that opened after it when it looks next.
            soon(lambda: any(s.errors for s in sessions) or looks() <= most, 60 * slack(), "pages learn of each other")
            server = psutil.Process(lab.process.pid)
            before, ticked = server.cpu_times(), [s.runs for s in sessions]

            def ticks():
                return [s.runs - before for s, before in zip(sessions, ticked, strict=True)]

            soon(lambda: min(ticks()[:6]) >= TICKS, 60 * slack(), "Live and Home go on ticking")
            after, came, pace = server.cpu_times(), sum(ticks()), looks()
        finally:
            for session in sessions:
                session.ended.set()
            for session in sessions:
                session.join(20)
    assert [s.errors for s in sessions] == [[]] * len(sessions)
    assert 0 < pace <= most
    processor = (after.user + after.system - before.user - before.system) / came
    assert processor < PROCESSOR
    assert pace * processor < SHARE * machine.cores(), "what they leave of the cores is the training's"
