"""Looks at a test set: each is kept, also of two who look at once, and a damaged count is no new beginning."""

import errno
import os

import pandas as pd
import pytest

from core.errors import LabError
from core.runs import Run, looks
from core.storage import files
from tests.closed import close
from tests.workers import FORKS


@pytest.fixture
def run(tmp_path):
    (tmp_path / "20260101-000000-run-0000").mkdir()
    return Run("20260101-000000-run-0000", tmp_path)


def test_each_look_is_counted_with_its_time_and_who_asked(run):
    assert looks.times(run) == []
    assert [looks.add(run, "page"), looks.add(run, "command line"), looks.add(run, "page")] == [1, 2, 3]
    moments = looks.times(run)
    assert len(moments) == 3 and moments == sorted(moments)
    assert [look["by"] for look in files.read_json(run.test_looks_file)["looks"]] == ["page", "command line", "page"]


def look_often(folder, barrier):
    barrier.wait()
    for _ in range(8):
        looks.add(Run("20260101-000000-run-0000", folder), "page")


def test_no_look_of_two_processes_at_once_is_lost(run):
    barrier = FORKS.Barrier(2)
    both = [FORKS.Process(target=look_often, args=(run.dir.parent, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(100)
        assert process.exitcode == 0
    assert len(looks.times(run)) == 16


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "7", '{"looks": 3}', '{"looks": [{}]}', '{"looks": [{"time": "x"}]}']
)
def test_a_damaged_count_is_told_and_does_not_begin_again(run, content):
    run.test_looks_file.write_text(content)
    for ask in (looks.times, lambda run: looks.add(run, "page")):
        with pytest.raises(LabError, match=r"test_looks\.json is damaged") as told:
            ask(run)
        assert told.value.kind == "unreadable"
    assert run.test_looks_file.read_text() == content


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_count_that_cannot_be_reached_is_not_said_to_be_damaged_and_to_be_deleted(run, monkeypatch, fault):
    looks.add(run, "page")
    close(monkeypatch, run.test_looks_file, fault)
    with pytest.raises(LabError, match=r"test_looks\.json cannot be read") as told:
        looks.times(run)
    assert f"({os.strerror(fault)})" in told.value.message
    assert (told.value.kind, told.value.remedy) == ("unreadable", files.CHECK)


def test_a_look_that_cannot_be_counted_is_refused_in_words(run, monkeypatch):
    def refuse(path, data, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(files, "write_json", refuse)
    with pytest.raises(LabError, match=r"cannot be counted \(Read-only file system\), so the score is not shown"):
        looks.add(run, "page")


def test_of_runs_that_are_shown_together_all_looks_are_counted_or_none(tmp_path):
    runs = [Run(f"20260101-000000-run-000{number}", tmp_path) for number in range(3)]
    for run in runs:
        run.dir.mkdir()
    looks.add(runs[1], "page")
    assert looks.add_together(runs, "page") == {runs[0]: 1, runs[1]: 2, runs[2]: 1}
    before = [run.test_looks_file.read_text() for run in runs[:2]]
    runs[2].test_looks_file.write_text("garbage")
    for _ in range(3):
        with pytest.raises(LabError, match=r"000\d: test_looks\.json is damaged"):
            looks.add_together(runs, "page")
    assert [run.test_looks_file.read_text() for run in runs[:2]] == before


def test_looks_through_other_runs_with_the_same_test_photos_are_told_and_those_together_count_once(tmp_path):
    photos = pd.DataFrame({"sample": ["a.jpg", "b.jpg"], "bytes": [7, 9], "class_name": ["x", "y"]})
    runs = [Run(f"20260101-000000-run-000{number}", tmp_path) for number in range(4)]
    for run in runs:
        run.dir.mkdir()
        photos.to_parquet(run.test_file)
    photos[::-1].assign(class_name="other labels").to_parquet(runs[1].test_file)
    photos.assign(bytes=[7, 10]).to_parquet(runs[3].test_file)
    assert [looks.others([run]) for run in runs] == [0] * 4
    looks.add_together(runs[:2], "page")
    for run in (*runs[1:], runs[3]):
        looks.add(run, "page")
    assert [looks.others([run]) for run in runs] == [2, 1, 2, 0]
    assert looks.others(runs[:2]) == 1, "the second was looked at twice, once together; the third once"
    runs[2].test_looks_file.write_text("garbage")
    assert looks.others([runs[0]]) == 1, "its own page says that its count is damaged"
    assert looks.next_one(0, 0) == "look 1"
    assert looks.next_one(0, 11) == "look 1 of this run, the 12th at these test photos"
    assert (
        looks.words(0, 1) == "not looked at through this run yet, but once through other runs with the same test photos"
    )
    assert looks.words(2, 11) == "looked at 2 times, and 11 times through other runs with the same test photos"


def test_how_often_is_said_in_words():
    assert [looks.words(n) for n in (0, 1, 2, 1200)] == [
        "not looked at yet",
        "looked at once",
        "looked at 2 times",
        "looked at 1,200 times",
    ]
