import json

import pandas as pd

from core.config.run_config import DataConfig
from core.data import recent
from core.places import lab_folder
from core.storage.spreadsheet import spreadsheet_csv


def note(root, folder, **more):
    recent.remember(DataConfig(root=str(root), **more), reader="folders", people=3, photos=9, folder=folder)


def test_newest_first_and_one_entry_a_root(tmp_path):
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        note(tmp_path / name, tmp_path / "runs")
    assert [entry.root for entry in recent.recent(tmp_path / "runs")] == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_settings_come_along_but_not_the_agreement_to_leave_files_out(tmp_path):
    note(tmp_path, tmp_path / "runs", reader="csv", label_column="class", leave_out_problems=True)
    data = recent.recent(tmp_path / "runs")[0].data
    assert data["label_column"] == "class"
    assert data["leave_out_problems"] is False
    DataConfig.model_validate(data)


def test_a_folder_that_is_gone_is_not_offered_but_comes_back(tmp_path):
    drive = tmp_path / "drive"
    drive.mkdir()
    note(drive, tmp_path / "runs")
    drive.rmdir()
    assert recent.recent(tmp_path / "runs") == []
    drive.mkdir()
    assert len(recent.recent(tmp_path / "runs")) == 1


def test_the_list_stays_short(tmp_path):
    for number in range(recent.LIMIT + 3):
        (tmp_path / str(number)).mkdir()
        note(tmp_path / str(number), tmp_path / "runs")
    assert len(recent.recent(tmp_path / "runs")) == recent.LIMIT


def test_damaged_lists_are_empty_lists_and_are_replaced(tmp_path):
    path = lab_folder(tmp_path / "runs") / "recent.json"
    path.parent.mkdir(parents=True)
    for damaged in ("", "{", "[1, 2]", '{"a": 1}', '[{"data": {"root": "x", "colour": 1}}]'):
        path.write_text(damaged)
        assert recent.recent(tmp_path / "runs") == []
    note(tmp_path, tmp_path / "runs")
    assert len(recent.recent(tmp_path / "runs")) == 1


def test_a_list_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    note(tmp_path, tmp_path / "runs")
    assert recent.recent(tmp_path / "runs") == []


def test_exported_text_starts_no_formula_and_numbers_stay():
    table = pd.DataFrame({"=name": ["=cmd|' /C calc'!A0", "+1", "-2", "@x", "\tx", "plain"], "n": [-1, 2, 3, 4, 5, 6]})
    lines = spreadsheet_csv(table).decode("utf-8-sig").splitlines()
    assert lines[0] == "'=name,n"
    assert lines[1].startswith("'=cmd")
    assert lines[1].endswith(",-1")
    assert all(line[0] in "'p\"" for line in lines[1:])


def test_an_entry_of_an_older_lab_has_the_settings_that_are_new_since(tmp_path):
    note(tmp_path, tmp_path / "runs", reader="csv")
    path = lab_folder(tmp_path / "runs") / "recent.json"
    entries = json.loads(path.read_text())
    del entries[0]["data"]["test_set"]
    path.write_text(json.dumps(entries))
    assert recent.recent(tmp_path / "runs")[0].data["test_set"] == "set aside"
