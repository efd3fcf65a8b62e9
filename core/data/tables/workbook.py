"""Workbooks (.xlsx): the values of their first sheet with content, never formulas, and never more than fits."""

from __future__ import annotations

import datetime
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from core.data.reach.opening import open_file
from core.data.readers.reading import Fact
from core.errors import LabError

MOST_BYTES = 512 * 1024**2  # that a workbook may unpack to
REMEDY = "Save it as CSV UTF-8 (in a spreadsheet: Save as, CSV UTF-8)."
Records = list[tuple[int, list[str]]]


def read_workbook(file: Path) -> tuple[Records, list[tuple[int, str]], list[Fact]]:
    """(records by row number from the first filled row on, what is wrong with rows, facts).

    Raises LabError (kind "csv") for a file that is no workbook, is damaged, or would unpack to more than MOST_BYTES.
    """
    _check_size(file)
    try:
        with open_file(file) as stream:
            return _first_sheet(stream, file.name)
    except LabError:
        raise
    except MemoryError as error:
        raise LabError(f"{file.name}: does not fit in memory", REMEDY, "csv") from error
    except Exception as error:  # openpyxl has no error of its own for the many ways of being damaged
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise LabError(f"{file.name}: cannot be read as a workbook ({reason})", REMEDY, "csv") from error


def _check_size(file: Path) -> None:
    """Before anything is unpacked. What an entry says of its size is all that can ever be unpacked of it."""
    try:
        with open_file(file) as stream, zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except OSError as error:
        raise LabError(f"{file}: cannot be read ({error.strerror})", "Check its name and rights.", "csv") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        text = f"{file.name}: is no .xlsx workbook (an older or protected one, or cut off)"
        raise LabError(text, f"Open it in a spreadsheet. {REMEDY}", "csv") from error
    if size > MOST_BYTES:
        text = f"{file.name}: would unpack to {size / 1024**2:,.0f} MB; the limit is {MOST_BYTES // 1024**2} MB"
        raise LabError(text, REMEDY, "csv")


def _first_sheet(file: BinaryIO, name: str) -> tuple[Records, list[tuple[int, str]], list[Fact]]:
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True, data_only=True)
    try:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        for sheet in sheets:
            sheet.reset_dimensions()  # a sheet may claim to be a million rows wide and long
        filled = [sheet for sheet in sheets if any(any(_text(cell) for cell in row) for row in sheet.iter_rows())]
        if not filled:
            raise LabError(f"{name} is empty", "Fill it, or choose another file.", "csv")
        sheet = filled[0]
        records, lacking = [], False
        for number, row in enumerate(sheet.iter_rows(), start=1):
            texts = [_text(cell) for cell in row]
            while texts and not texts[-1]:
                texts.pop()
            lacking |= any(cell.value is None for cell in row)
            records.append((number, texts))
        title = sheet.title
    finally:
        book.close()
    first = next(at for at, (_, texts) in enumerate(records) if texts)
    facts = []
    if len(filled) > 1:
        others = ", ".join(other.title for other in filled[1:4]) + (", ..." if len(filled) > 4 else "")
        text = f"{name}: the sheet {title} is read; {others} not. Put the sheet that holds the labels first."
        facts.append(Fact("table", text, ("csv_file",), probable=True))
    return records[first:], _formulas_without_value(file, title) if lacking else [], facts


def _formulas_without_value(file: BinaryIO, title: str) -> list[tuple[int, str]]:
    """Rows with a formula whose result was never stored: the program that wrote it did not calculate."""
    from openpyxl import load_workbook

    formulas, values = load_workbook(file, read_only=True), load_workbook(file, read_only=True, data_only=True)
    faults = []
    try:
        for book in (formulas, values):
            book[title].reset_dimensions()
        rows = zip(formulas[title].iter_rows(), values[title].iter_rows(), strict=True)
        for number, (with_formulas, with_values) in enumerate(rows, start=1):
            cells = zip(with_formulas, with_values, strict=True)
            lacking = [cell.coordinate for cell, value in cells if cell.data_type == "f" and value.value is None]
            if lacking:
                text = f"cell {lacking[0]} is a formula without a stored value; save the workbook in a spreadsheet"
                faults.append((number, text))
    finally:
        formulas.close()
        values.close()
    return faults


def _text(cell: Any) -> str:
    """A cell as the sheet shows it: 1, not 1.0; 007 where its format has three digits."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int) and re.fullmatch(r"0+", cell.number_format or ""):
        return f"{value:0{len(cell.number_format)}d}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return str(value).strip()
