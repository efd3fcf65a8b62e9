"""A look that is left out misses nothing, on file systems that tell time in steps of 4 ms as of 2 seconds."""

import os
import random

import pytest

from core.storage import unchanged
from core.storage.unchanged import ANYWAY, SETTLED, Unchanged


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize("step", [0.004, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_no_change_is_missed_and_most_looks_are_left_out(monkeypatch, clock, step, seed):
    """Looks and changes at any moments; the file system tells time in steps and is an hour behind."""
    draw, content, written, looks = random.Random(seed), 0, 0, 0
    monkeypatch.setattr(unchanged, "stamp", lambda path: (int((written - 3600) / step),))
    unchanged_since, known = Unchanged(clock), None
    rounds = 3000
    for _ in range(rounds):
        clock.now += draw.choice((0.001, 0.3, 0.3, 0.3))
        if draw.random() < 0.02:
            content, written = content + 1, clock.now
            if draw.random() < 0.5:  # upon a look, in the same step
                if not unchanged_since.since(["queue"]):
                    known, looks = content, looks + 1
                content, written = content + 1, clock.now
        if not unchanged_since.since(["queue"]):
            known, looks = content, looks + 1
        assert known == content
    assert looks < rounds / 2


def test_it_is_looked_at_now_and_then_all_the_same(clock, tmp_path):
    steady = Unchanged(clock)
    answers = []
    for _ in range(100):
        answers.append(steady.since([tmp_path]))
        clock.now += 1.0
    assert answers[: int(SETTLED) + 2] == [False] * (int(SETTLED) + 2)
    assert answers[10:30] == [True] * 20
    assert answers[10:].count(False) == int(90 / ANYWAY)


def test_a_look_that_failed_is_taken_again(clock, tmp_path):
    steady = Unchanged(clock)
    for _ in range(6):
        steady.since([tmp_path])
        clock.now += 1.0
    assert steady.since([tmp_path])
    steady.forget()
    assert not steady.since([tmp_path])


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "replaced", "gone", "written"])
def test_whatever_changes_in_a_folder_is_seen(tmp_path, change):
    folder, file = tmp_path / "folder", tmp_path / "folder" / "a"
    folder.mkdir()
    file.write_text("1")
    for path in (file, folder):
        os.utime(path, (0, 0))
    paths = [folder, file]
    before = [unchanged.stamp(path) for path in paths]
    if change == "added":
        (folder / "b").touch()
    elif change == "removed":
        file.unlink()
    elif change == "renamed":
        file.rename(folder / "c")
    elif change == "replaced":
        (folder / "new").write_text("1")
        os.replace(folder / "new", file)
    elif change == "gone":
        folder.rename(tmp_path / "elsewhere")
    else:
        file.write_text("2")
    assert [unchanged.stamp(path) for path in paths] != before
