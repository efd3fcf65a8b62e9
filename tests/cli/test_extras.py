"""The verb `extras`: a table, sentences and a record of what steps bring and cost; looks at test sets are counted."""

import json

import pytest

from core.runs import looks
from tests.measured_runs import made_up, runs_with_test


@pytest.fixture
def runs(runs_folder, tmp_path, monkeypatch):
    made_up(monkeypatch)
    return runs_with_test(tmp_path)


def test_on_a_test_set_each_call_is_a_look_and_the_networks_are_asked_once(runs, lab, monkeypatch):
    folder = runs[0].dir.parent
    first = lab("extras", "first", "--runs", folder)
    assert first.code == 0, first.err
    head, *rows = first.out.splitlines()
    assert head == "test set of first: looked at once" and rows[0].split("  ")[-1] == "times"
    assert rows[1].startswith("one fold") and "(mean of 2, 0." in rows[1] and rows[1].endswith("3.00 s")
    assert rows[2].startswith("all 2 folds") and rows[2].split()[-4:] == ["5.00", "s", "1.7", "times"]
    assert "\nMirrored views " in first.out and "\nFive crops " in first.out
    assert "95% intervals are over people" in first.out and "Measured on an abacus" in first.out
    monkeypatch.setattr("core.predict.extras.asking.asked", lambda *_, **__: pytest.fail("asked again"))
    second = lab("extras", "first", "--views", "flip", "--json", "--runs", folder)
    record = json.loads(second.out)
    assert record["looks"] == {"first": 2} and len(looks.times(runs[0])) == 2
    assert [step["name"] for step in record["steps"]] == ["one fold", "all 2 folds", "+ mirrored views"]
    assert record["steps"][1]["against"] == 0 and record["steps"][1]["times"] == pytest.approx(5 / 3)
    assert record["persons"] == {"known": 48, "count": 24} and record["photos"] == 48


def test_of_one_person_the_record_has_no_ends(runs, lab):
    runs[0].test_photos().assign(person="anna").to_parquet(runs[0].test_file)
    done = lab("extras", "first", "--json", "--runs", runs[0].dir.parent)
    over = json.loads(done.out, parse_constant=pytest.fail)["steps"][1]["over"]
    assert over["score"] and over["low"] is over["high"] is over["p"] is None and over["verdict"] == "undecided"


def test_held_out_photos_are_no_look_and_what_they_cannot_tell_is_said(runs, lab):
    done = lab("extras", "first", "second", "--on", "held-out", "--views", "none", "--runs", runs[0].dir.parent)
    assert done.code == 0, done.err
    assert "2 runs together bring" in done.out and "what all folds bring over one cannot be told" in done.out.lower()
    assert "Weights of the runs, fitted on all held-out photos" in done.out
    assert not looks.times(runs[0]) and "test set" not in done.out.splitlines()[0]


def test_what_cannot_be_asked_is_told_in_two_lines_and_is_no_look(runs, lab):
    folder = runs[0].dir.parent
    cases = {
        ("first", "--views", "upside-down"): "there is no view 'upside-down'",
        ("first", "--on", "held-out", "--device", "CPU"): "--device CPU: there is no such device",
        ("first", "--photos", "5"): "a test set is asked about whole",
        ("first", "--on", "train"): "there is no place 'train'",
        ("gone",): "run 'gone' is gone",
    }
    for words, message in cases.items():
        refused = lab("extras", *words, "--runs", folder)
        assert refused.code == 1 and message in refused.err and not refused.out
    runs[1].weights_file(0, "best").unlink()
    refused = lab("extras", "first", "second", "--runs", folder)
    assert refused.code == 1 and "weights of fold 0 are gone" in refused.err
    assert not looks.times(runs[0]) and not runs[0].test_predictions_file.exists()


def test_where_one_look_cannot_be_counted_nothing_is_told_and_none_is_counted(runs, lab):
    runs[1].test_looks_file.write_text("garbage")
    refused = lab("extras", "first", "second", "--runs", runs[0].dir.parent)
    assert refused.code == 1 and "second: test_looks.json is damaged" in refused.err and not refused.out
    assert not looks.times(runs[0])
