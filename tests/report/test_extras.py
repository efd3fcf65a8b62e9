"""A report tells what extras bring and cost where somebody has measured it, and of test sets that were looked at."""

from types import SimpleNamespace

import pytest

from core.predict.extras.measured import HELD_OUT, TEST, measured
from core.report import numbers
from core.report.blocks import Bullets, Table
from core.runs import looks
from tests.measured_runs import made_up, runs_with_test


@pytest.fixture
def runs(tmp_path, monkeypatch):
    made_up(monkeypatch)
    return runs_with_test(tmp_path)


def told(*runs):
    """(tables, bullets) of the section about these runs."""
    section = numbers.extras(SimpleNamespace(members=[SimpleNamespace(run=run) for run in runs]))
    return tuple([block for block in section.blocks if isinstance(block, kind)] for kind in (Table, Bullets))


def test_what_was_measured_and_seen_is_told_and_no_look_is_counted(runs):
    assert told(*runs) == ([], [])
    for run in runs:
        measured(run, TEST)
    assert told(*runs) == ([], []), "nobody has looked at the test set"
    looks.add(runs[0], "page")
    (table,), bullets = told(*runs)
    assert [row[0] for row in table.rows] == ["one fold", "all 2 folds", "+ mirrored views", "+ five crops"]
    assert table.rows[1][3:] == ("5.00 s", "1.7 times") and "95% intervals are over people" in table.note
    assert bullets[0].lines[0].startswith("2 folds bring") and len(looks.times(runs[0])) == 1
    looks.add(runs[1], "page")
    (together,), _ = told(*runs)
    assert together.rows[-1][0] == "2 runs, hard vote"
    measured(runs[0], HELD_OUT, [])
    (_, held_out), bullets = told(*runs)
    assert [row[0] for row in held_out.rows] == ["one fold"] and "cannot be told" in bullets[-1].lines[0]


def test_runs_that_cannot_be_asked_together_are_told_alone(runs):
    for run in runs:
        looks.add(run, "page")
    runs[1].test_photos().iloc[:10].to_parquet(runs[1].test_file)
    for run in runs:
        measured(run, TEST, [])
    tables, _ = told(*runs)
    assert [len(table.rows) for table in tables] == [2, 2]
    runs[1].test_looks_file.write_text("{")
    assert len(told(*runs)[0]) == 1
