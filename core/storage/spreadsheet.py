"""CSV files that a spreadsheet opens without running anything that stands in them. Imports no torch."""

from __future__ import annotations

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the last four: as East Asian keyboards write


def spreadsheet_csv(table: pd.DataFrame) -> bytes:
    """A CSV in UTF-8 with a byte order mark, in which no text cell starts a spreadsheet formula.

    Text that would (=cmd...) gets an apostrophe before it; numbers are left as they are.
    Source: OWASP, CSV injection.
    """
    safe = table.rename(columns=_neutral)
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_neutral)
    return safe.to_csv(index=False).encode("utf-8-sig")


def _neutral(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")  # a lone \r is not quoted, and begins a new line, and cell
    return f"'{text}" if text.startswith(FORMULA) else text
