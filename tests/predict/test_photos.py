"""Photos that are asked about can be opened, and their names written down; rows that name none are told."""

import json
import os

import openpyxl
import pytest

from core.errors import LabError
from core.predict import photos
from tests.photos import draw


def test_one_photo_is_named_so_that_its_answer_can_be_written_whatever_bytes_its_name_is_made_of(tmp_path):
    place = tmp_path / os.fsdecode(b"caf\xe9.png")
    draw(tmp_path / "a.png").rename(place)
    (photo,) = photos.of_path(place)
    assert photo.name == "caf\\udce9.png"
    assert photo.pixels(0).shape == (6, 8, 3) and photo.file() == place


@pytest.fixture
def two(tmp_path):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name)
    return tmp_path


def faults_of(asked):
    """name -> why there is nothing to read, "" for a photo that opens."""
    for photo in asked:
        assert photo.fault or photo.pixels(0).shape == (6, 8, 3)
    return {photo.name: str(photo.fault or "") for photo in asked}


def test_a_row_of_a_table_that_names_no_photo_is_told_in_its_place(two):
    (two / "new.csv").write_text("file,width\na.png,1\n,2\nb.png,3\ngone.png,4\n")
    asked = photos.of_path(two / "new.csv")
    faults = faults_of(asked)
    assert list(faults) == ["a.png", "new.csv row 3", "b.png", "gone.png"]
    assert faults["a.png"] == faults["b.png"] == "" and "there is no file 'gone.png'" in faults["gone.png"]
    assert faults["new.csv row 3"] == "the path is empty. Correct the row, or leave it out."
    assert photos.sheet_names(asked) == ["a.png", "", "b.png", "gone.png"]


def test_a_line_that_is_no_json_is_told_in_its_place(two):
    lines = [json.dumps({"file_name": "a.png"}), '{"file_name": "b.png', json.dumps({"file_name": "b.png"})]
    (two / "new.jsonl").write_text("\n".join(lines))
    faults = faults_of(photos.of_path(two / "new.jsonl"))
    assert list(faults) == ["a.png", "new.jsonl row 2", "b.png"]
    assert "the line is not JSON" in faults["new.jsonl row 2"]


def test_a_formula_without_a_value_is_told_where_it_names_the_photo_and_is_nothing_to_it_elsewhere(two):
    book = openpyxl.Workbook()
    for row in (["file", "width"], ["a.png", "=1+1"], ['=CONCATENATE("b",".png")', 2]):
        book.active.append(row)
    book.save(two / "new.xlsx")
    faults = faults_of(photos.of_path(two / "new.xlsx"))
    assert list(faults) == ["a.png", "new.xlsx row 3"] and not faults["a.png"]
    assert "cell A3 is a formula without a stored value" in faults["new.xlsx row 3"]


def test_a_table_that_names_no_photo_at_all_is_refused(two):
    (two / "new.csv").write_text("file,width\n,1\n,2\n")
    with pytest.raises(LabError, match="no row names a photo, its column 'file' is empty") as caught:
        photos.of_path(two / "new.csv")
    assert caught.value.kind == "empty"


def test_how_a_table_was_understood_is_told(two):
    notes = []
    (two / "new.csv").write_text("a.png,1\nB.PNG,2\na.png,3\n")
    assert list(faults_of(photos.of_path(two / "new.csv", notes.append))) == ["a.png", "B.PNG"]
    again, no_header, case = notes
    assert again == "new.csv: 1 row names a photo that another row names too: each photo is answered once."
    assert no_header.startswith("new.csv has no line of column names") and "without regard to case" in case


def test_what_else_lies_in_a_folder_is_told(two):
    notes = []
    (two / "c.nef").write_bytes(b"raw")
    draw(two / "@eaDir" / "a.png")
    assert list(faults_of(photos.of_path(two, notes.append))) == ["a.png", "b.png"]
    left_out, raw = notes
    assert "1 folder (@eaDir)" in left_out and "1 of .nef" in raw
