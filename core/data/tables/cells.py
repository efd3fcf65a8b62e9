"""A table, as far as its columns are judged."""

from __future__ import annotations

from typing import Protocol


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
