"""A table, as far as its columns are judged."""

from __future__ import annotations

import re
from typing import Protocol


def spelt(column: str) -> str:
    """A column's name by which it is known: Patient ID, patient_id and PatientID are one."""
    return re.sub(r"[\s_-]", "", column.lower())


class Cells(Protocol):
    """rows: (number as the table's program shows it, cells, stripped)."""

    @property
    def name(self) -> str: ...

    @property
    def rows(self) -> list[tuple[int, list[str]]]: ...

    @property
    def columns(self) -> list[str]: ...

    @property
    def has_header(self) -> bool: ...

    def column(self, name: str) -> list[str]: ...
