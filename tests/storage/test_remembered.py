"""What is held of runs in memory: at most so much, the least recently used given back first, all of it once idle."""

import pandas as pd
import pytest

from core.storage import parquet, remembered
from core.storage.remembered import IDLE, Remembered, once, shared


@pytest.fixture
def clocks(monkeypatch):
    """(the time, what is started): time.append(seconds) puts it forward; each clock is (seconds, what it calls)."""
    times, started = [0.0], []

    class Clock:
        def __init__(self, seconds, function):
            self.due = seconds, function

        def start(self):
            started.append(self.due)

    monkeypatch.setattr(remembered, "now", lambda: times[-1])
    monkeypatch.setattr(remembered.threading, "Timer", Clock)
    return times, started


def test_what_was_used_least_recently_is_given_back_first_and_the_newest_stays_however_large(clocks):
    made = []
    held = Remembered[str](10, len)

    def ask(key, text):
        return held.of(key, lambda: made.append(key) or text)

    assert (ask("a", "aaaa"), ask("b", "bbbb"), ask("a", "?")) == ("aaaa", "bbbb", "aaaa")
    ask("c", "cccc")
    assert held.held == 8 and (ask("a", "?"), ask("c", "?")) == ("aaaa", "cccc") and made == ["a", "b", "c"]
    assert ask("b", "bb") == "bb" and held.held == 10
    assert ask("large", "l" * 99) == "l" * 99 and held.held == 99
    assert ask("large", "?") == "l" * 99


def test_what_could_not_be_made_is_made_the_next_time(clocks):
    held = Remembered[int](10)
    with pytest.raises(ZeroDivisionError):
        held.of("a", lambda: 1 // 0)
    assert held.of("a", lambda: 3) == 3 and held.held == 1


def test_all_is_given_back_once_nobody_has_used_any_for_a_while(clocks):
    times, started = clocks
    held = Remembered[int](10)
    for number in range(5):
        held.of(number, lambda: 1)
    assert [seconds for seconds, _ in started] == [IDLE], "one clock for all"
    times.append(IDLE - 1)
    held.of(0, lambda: 1)
    times.append(IDLE)
    started.pop()[1]()
    assert held.held == 5 and [seconds for seconds, _ in started] == [IDLE - 1]
    times.append(2 * IDLE)
    started.pop()[1]()
    assert held.held == 0 and not started
    held.of(0, lambda: 1)
    assert held.held == 1 and [seconds for seconds, _ in started] == [IDLE]


def test_a_block_makes_a_thing_once_as_far_as_its_bytes_reach_and_holds_nothing_after(clocks, tmp_path):
    made = []

    def ask(key, size=4):
        return once(key, lambda: made.append(key) or [key], lambda thing: size)

    assert ask("a") is not ask("a") and made == ["a", "a"]
    with shared(most=10):
        assert ask("a") is ask("a") and ask("b") and made == ["a", "a", "a", "b"]
        assert ask("c") and ask("a") and made[4:] == ["c", "a"], "the oldest was given back"
    with shared(most=10):
        assert ask("c") and made[6:] == ["c"]
    pd.DataFrame({"n": [1, 2]}).to_parquet(path := tmp_path / "table.parquet")
    with shared():
        (table := parquet.read(path)).loc[0, "n"] = 7
        assert table["n"].tolist() == [7, 2] and parquet.read(path)["n"].tolist() == [1, 2], (
            "who changes a table changes its own"
        )
        pd.DataFrame({"n": [1, 2, 3]}).to_parquet(path)
        assert len(parquet.read(path)) == 3
