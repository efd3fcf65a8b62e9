"""A table, whatever file it is: text of any separator, with or without column names, workbooks, JSON lines."""

import csv
import zipfile

import openpyxl
import pytest

from core.data.readers.csv_table import csv_columns
from core.data.tables.table import read_table
from core.errors import LabError
from tests.data.tables import facts, labels, table
from tests.photos import draw, problems_of, read

FOUR = [f"{i}.jpg" for i in range(4)]
RIGHT = {f"{i}.jpg": "ab"[i % 2] for i in range(4)}


@pytest.mark.parametrize("mark", [",", "\t", " ", "   ", ";"])
@pytest.mark.parametrize("name", ["labels.csv", "labels.txt"])
def test_a_table_without_column_names_loses_no_photo(tmp_path, mark, name):
    rows = [f"{i}.jpg{mark}{'ab'[i % 2]}" for i in range(1, 4)]
    scanned = read(table(tmp_path, rows, *FOUR, header=f"0.jpg{mark}a", name=name))
    assert labels(scanned) == RIGHT and scanned.problems.empty
    assert scanned.samples["row"].tolist() == [1, 2, 3, 4]
    (text,) = facts(scanned, "table")
    assert text.endswith("columns are called column 1, column 2.")
    assert csv_columns(tmp_path, name) == ["column 1", "column 2"]
    assert labels(read(tmp_path, csv_file=name, path_column="column 1", label_column="column 2")) == RIGHT


def test_names_without_suffix_and_column_names_are_a_row_too(tmp_path):
    rows = [f"IMG_{i},{'ab'[i % 2]}" for i in range(1, 4)]
    scanned = read(table(tmp_path, rows, *(f"x/IMG_{i}.png" for i in range(4)), header="IMG_0,a"))
    assert len(labels(scanned)) == 4 and csv_columns(tmp_path, "labels.csv") == ["column 1", "column 2"]


def test_paths_with_blanks_in_a_list_that_blanks_separate(tmp_path):
    scanned = read(table(tmp_path, ["0.jpg a", "my photo 1.jpg b"], "0.jpg", "my photo 1.jpg", header="path label"))
    assert labels(scanned) == {"0.jpg": "a", "my photo 1.jpg": "b"}


def test_a_list_that_begins_with_its_length_and_names_all_columns_but_the_first(tmp_path):
    rows = ["Smiling label", *(f"{i}.jpg  {-1 if i % 2 else 1}  {'ab'[i % 2]}" for i in range(4))]
    scanned = read(table(tmp_path, rows, *FOUR, header="4", name="list_attr.txt"))
    assert labels(scanned) == RIGHT and scanned.samples["row"].tolist() == [3, 4, 5, 6]


def test_a_letter_to_the_reader_is_no_table(tmp_path):
    draw(tmp_path / "cat/0.jpg")
    draw(tmp_path / "dog/1.jpg")
    (tmp_path / "README.txt").write_text("Thank you for downloading\nfile label\nby mail\n")
    scanned = read(tmp_path)
    assert scanned.reader == "folders" and len(scanned.samples) == 2


def test_the_line_that_names_the_separator_for_excel(tmp_path):
    scanned = read(
        table(tmp_path, ["path;label", *(f"{i}.jpg;{'ab'[i % 2]}" for i in range(4))], *FOUR, header="sep=;")
    )
    assert labels(scanned) == RIGHT


def workbook(path, *sheets):
    """sheets: (title, rows)."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def test_a_workbook_is_read_as_it_shows_its_values(tmp_path):
    for name in ("007", "008", "9"):
        draw(tmp_path / f"images/{name}.jpg")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["id", "label"], [7, 1.0], [8, 2], [9, 1]):
        sheet.append(row)
    sheet["A2"].number_format = sheet["A3"].number_format = "000"
    book.save(tmp_path / "labels.xlsx")
    scanned = read(tmp_path)
    assert labels(scanned) == {"images/007.jpg": "1", "images/008.jpg": "2", "images/9.jpg": "1"}
    assert scanned.problems.empty and scanned.samples["row"].tolist() == [2, 3, 4]
    assert csv_columns(tmp_path, "labels.xlsx") == ["id", "label"]


def test_a_formula_without_a_value_is_told_with_its_cell(tmp_path):
    rows = [["path", "label"], ["0.jpg", "a"], ["1.jpg", '=LOWER("B")'], ["2.jpg", "a"]]
    workbook(tmp_path / "labels.xlsx", ("one", rows))
    for name in FOUR[:3]:
        draw(tmp_path / name)
    scanned = read(tmp_path)
    assert labels(scanned) == {"0.jpg": "a", "2.jpg": "a"}, "a formula was taken for a label"
    assert "cell B3 is a formula without a stored value" in problems_of(scanned, "bad-row")["labels.xlsx row 3"]


def test_other_sheets_are_told(tmp_path):
    rows = [["path", "label"], *([name, label] for name, label in RIGHT.items())]
    workbook(tmp_path / "labels.xlsx", ("empty", []), ("labels", rows), ("notes", [["by", "hand"]]))
    for name in FOUR:
        draw(tmp_path / name)
    scanned = read(tmp_path)
    assert labels(scanned) == RIGHT
    ((text, probable),) = facts(scanned, "table").items()
    assert probable and "the sheet labels is read; notes not" in text


@pytest.mark.parametrize(
    ("content", "match"),
    [(b"PK\3\4 cut off", "is no .xlsx workbook"), (b"\xd0\xcf\x11\xe0" + bytes(99), "is no .xlsx workbook")],
)
def test_a_damaged_or_protected_workbook_is_refused_in_words(tmp_path, content, match):
    (tmp_path / "labels.xlsx").write_bytes(content)
    draw(tmp_path / "0.jpg")
    with pytest.raises(LabError, match=match):
        csv_columns(tmp_path, "labels.xlsx")
    with pytest.raises(LabError, match=match):
        read(tmp_path)


def test_a_workbook_with_a_broken_sheet_is_refused_in_words(tmp_path):
    workbook(tmp_path / "good.xlsx", ("one", [["path", "label"]]))
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "labels.xlsx", "w") as broken:
        for entry in good.namelist():
            broken.writestr(entry, b"<worksheet><" if "sheet1" in entry else good.read(entry))
    with pytest.raises(LabError, match="cannot be read as a workbook"):
        read_table(tmp_path / "labels.xlsx")


def test_a_workbook_that_would_unpack_to_too_much_is_not_opened(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "labels.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", bytes(3 * 1024**2))
    assert (tmp_path / "labels.xlsx").stat().st_size < 10_000
    monkeypatch.setattr("core.data.tables.workbook.MOST_BYTES", 2 * 1024**2)
    monkeypatch.setattr("openpyxl.load_workbook", lambda *args, **kwargs: pytest.fail("it was opened"))
    with pytest.raises(LabError, match="would unpack to 3 MB; the limit is 2 MB"):
        read_table(tmp_path / "labels.xlsx")


def test_json_lines_tell_a_broken_line_by_its_number(tmp_path):
    lines = ['{"file_name": "0.jpg", "label": "a", "bbox": [1, 2]}', "", '{"file_name": "1.jpg", "label"', "[1]"]
    lines += ['{"label": "a", "file_name": "2.jpg"}', '{"file_name": "3.jpg", "label": null}']
    scanned = read(table(tmp_path, lines[1:], *FOUR, header=lines[0], name="metadata.jsonl"))
    assert labels(scanned) == {"0.jpg": "a", "2.jpg": "a"} and scanned.set_aside["sample"].tolist() == ["3.jpg"]
    assert set(problems_of(scanned, "bad-row")) == {"metadata.jsonl row 3", "metadata.jsonl row 4"}
    assert csv_columns(tmp_path, "metadata.jsonl") == ["file_name", "label", "bbox"]
    (tmp_path / "metadata.jsonl").write_text("nothing\n")
    with pytest.raises(LabError, match="not one line is a JSON object"):
        read(tmp_path, csv_file="metadata.jsonl")


def test_a_json_line_that_says_a_thing_twice_is_told(tmp_path):
    lines = ['{"file_name": "0.jpg", "label": "a"}', '{"file_name": "1.jpg", "label": "a", "label": "b"}']
    scanned = read(table(tmp_path, lines[1:], *FOUR, header=lines[0], name="metadata.jsonl"))
    assert labels(scanned) == {"0.jpg": "a"}
    (problem,) = problems_of(scanned, "bad-row").values()
    assert problem.startswith("the key 'label' stands in it more than once")


LONG = 200_000  # characters: Python's csv takes 131,072 of a cell unless it is told otherwise


@pytest.mark.parametrize("line", ["x" * LONG, '{"a": "' + "x" * LONG + '"}', "ab/" * (LONG // 3)])
def test_a_text_of_one_long_line_beside_photos_does_not_end_the_scan(tmp_path, line):
    for path in ("cat/0.jpg", "dog/1.jpg"):
        draw(tmp_path / path)
    (tmp_path / "notes.txt").write_text(line)
    scanned = read(tmp_path)
    assert scanned.reader == "folders" and len(scanned.samples) == 2 and scanned.problems.empty


def test_a_long_line_of_column_names_and_a_long_cell_are_read(tmp_path):
    names = ",".join(f"{number}{'x' * (LONG // 10)}" for number in range(10))
    rows = [f"{i}.jpg,{'ab'[i % 2]},{'x' * LONG}" for i in range(4)]
    scanned = read(table(tmp_path, rows, *FOUR, header=f"path,label,{names}"))
    assert labels(scanned) == RIGHT and scanned.problems.empty


def test_a_cell_that_is_longer_than_any_path_is_told_in_short(tmp_path):
    scanned = read(table(tmp_path, [f"{name},{RIGHT[name]}" for name in FOUR] + [f"{'x/' * LONG}4.jpg,b"], *FOUR))
    assert labels(scanned) == RIGHT
    (text,) = problems_of(scanned, "missing-file").values()
    assert text.startswith("the path has 400,005 characters: x/x/") and len(text) < 100


@pytest.fixture
def short_cells():
    """No more than a thousand characters in a cell."""
    before = csv.field_size_limit(1000)
    yield
    csv.field_size_limit(before)


@pytest.mark.parametrize("header", ["x" * 1001, "path,label"])
def test_a_cell_beyond_what_is_read_is_refused_with_its_file_and_line(tmp_path, short_cells, header):
    root = table(tmp_path, [f"0.jpg,{'a' * 1001}", "1.jpg,b"], *FOUR[:2], header=header)
    with pytest.raises(LabError, match=rf"labels\.csv, near line {1 if len(header) > 1000 else 2}: field larger"):
        read(root, csv_file="labels.csv")
    two = tmp_path / "two"
    for path in ("cat/0.jpg", "dog/1.jpg"):
        draw(two / path)
    (root / "labels.csv").rename(two / "labels.csv")
    assert read(two).reader == "folders"


def test_a_line_of_json_with_half_a_letter_is_told_by_its_number(tmp_path):
    """Nothing that is frozen at a launch could hold it."""
    names = ["a", "b", r"\ud83d", r"\ud83d\ude00"]
    lines = [f'{{"file_name": "{file}", "label": "{name}"}}' for file, name in zip(FOUR, names, strict=True)]
    scanned = read(table(tmp_path, lines[1:], *FOUR, header=lines[0], name="metadata.jsonl"))
    assert labels(scanned) == {"0.jpg": "a", "1.jpg": "b", "3.jpg": "\U0001f600"}
    assert "half a letter" in problems_of(scanned, "bad-row")["metadata.jsonl row 3"]
