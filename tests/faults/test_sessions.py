"""Fault 36: ten sessions at once while training."""

import pytest

from pages.parts.tab import ticking
from tests.browser.made_runs import made_run, people_in_folders
from tests.browser.screen import slack, soon
from tests.sessions import Session

PAGES = ["live"] * 5 + ["home", "launch", "studies", "runs", "compare"]
TICKS = 3  # of each page that looks by itself, Live and Home
MOST = 1.5 * ticking.TOGETHER  # looks a second: of each page, and of its log half as many. Their cost: bench.sessions


@pytest.mark.fault(36)
def test_ten_sessions_while_a_run_trains_see_no_error_and_look_seldom_together(lab, tmp_path):
    run = made_run(lab, people_in_folders(tmp_path / "faces", ["a", "b"]), state="running")
    with run.fold_lock(0).acquire(timeout=5), run.fold_lock(1).acquire(timeout=5):
        sessions = [Session(lab.port, page, f"run={run.id}" if page == "live" else "") for page in PAGES]
        for session in sessions:
            session.start()
        try:

            def until(happened, what):
                soon(lambda: any(s.errors for s in sessions) or happened(), 60 * slack(), what)

            def looks():
                return sum(1 / interval for session in sessions for interval, _ in list(session.beats.values()))

            until(lambda: all(s.runs for s in sessions), "every session has its page")
            until(lambda: looks() <= MOST, "a page learns of those that opened after it when it looks next")
            looking = [(s, s.runs) for s in sessions[:6]]
            until(lambda: all(s.runs - before >= TICKS for s, before in looking), "Live and Home go on looking")
            together = looks()
        finally:
            for session in sessions:
                session.ended.set()
            for session in sessions:
                session.join(20)
    assert [s.errors for s in sessions] == [[]] * len(sessions)
    assert 0 < together <= MOST
