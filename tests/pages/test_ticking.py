"""How often open pages look by themselves, by how many look."""

from types import SimpleNamespace

import pytest

from pages.parts.tab import ticking


@pytest.fixture
def ask(monkeypatch):
    """ask(session, at, seconds): how often that session's page looks, asked at a moment."""
    monkeypatch.setattr(ticking, "_open", {})

    def every(session, at=0.0, seconds=1.0):
        monkeypatch.setattr(ticking, "get_script_run_ctx", lambda: SimpleNamespace(session_id=session))
        monkeypatch.setattr(ticking, "now", lambda: at)
        return ticking.every(seconds)

    return every


def test_a_page_that_few_look_at_looks_as_often_as_it_would_alone(ask):
    assert [ask(f"tab {n}") for n in range(4)] == [1.0] * 4
    assert ask("tab 0") == 1.0


@pytest.mark.parametrize("count", [5, 10, 40, 300])
def test_all_pages_together_look_no_more_often_than_they_may(ask, count):
    for n in range(count):
        ask(f"tab {n}")
    intervals = [ask(f"tab {n}") for n in range(count)]
    assert len(set(intervals)) == 1
    assert ticking.TOGETHER / 2 < sum(1 / each for each in intervals) <= ticking.TOGETHER


def test_a_page_that_was_slower_alone_is_no_quicker_with_others(ask):
    assert ask("runs", seconds=4.0) == 4.0
    for n in range(9):
        ask(f"tab {n}")
    assert ask("tab 0") == ask("runs", seconds=4.0) == 4.0


def test_who_has_closed_the_page_slows_nobody_and_a_hidden_tab_still_counts(ask):
    for n in range(10):
        ask(f"tab {n}")
    assert ask("tab 0", at=60.0) == 4.0
    assert ask("tab 0", at=100.0) == 1.0
