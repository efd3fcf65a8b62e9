"""What the rows of a table are for: a column that says train or test, or numbers folds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from core.data.readers.attributes import TEST
from core.data.readers.split_names import FOLD, TRAIN, VALIDATION, Part, may_be_part, parts_of
from core.text import listed

CODES = {"0": Part(TRAIN), "1": Part(VALIDATION), "2": Part(TEST)}  # as list_eval_partition.txt of CelebA has them
JUDGED_ROWS = 200  # among which a column of parts names one
MOST_PARTS = 50  # different values of a column that may be parts
MOST_FOLDS = 20
_NUMBER = re.compile(r"\d{1,4}(\.0)?")
_FOLD_COLUMN = re.compile(r"(k|cv)?[_ ]?folds?([_ ]?(id|no|nr|number|index))?", re.IGNORECASE)


def is_fold_column(column: str) -> bool:
    """Whether a column by its name numbers folds."""
    return _FOLD_COLUMN.fullmatch(column.strip()) is not None


def parts_of_column(column: str, cells: Sequence[str]) -> dict[str, Part]:
    """Cell -> the part of the dataset that it names; empty unless most filled cells do.

    Words of splits; whole numbers in a column that is called fold, words of splits beside them; 0, 1 and 2 in any other
    column of nothing else.
    """
    rows = Counter(filter(None, cells))
    if not rows or len(rows) > MOST_PARTS:
        return {}
    numbers = {cell: int(cell.partition(".")[0]) for cell in rows if _NUMBER.fullmatch(cell)}
    words = {cell: re.sub(r"public|private", "", cell, flags=re.IGNORECASE) for cell in rows}
    is_fold = is_fold_column(column)
    if is_fold and 2 <= len(numbers) <= MOST_FOLDS:
        parts = parts_of(word for cell, word in words.items() if cell not in numbers)
        named = {cell: parts[word] for cell, word in words.items() if word in parts}
        if len(numbers) + len(named) == len(rows):
            return {cell: Part(FOLD, number) for cell, number in numbers.items()} | named
    if len(numbers) == len(rows):
        if is_fold:
            return {}
        return {cell: CODES[cell] for cell in rows} if {"0", "2"} <= rows.keys() <= CODES.keys() else {}
    parts = parts_of(words.values())
    if not parts:  # perhaps one of them is misspelt
        parts = {word: part for word in words.values() for part in parts_of([word]).values()}
    named = {cell: parts[word] for cell, word in words.items() if word in parts}
    return named if 2 * sum(rows[cell] for cell in named) > rows.total() else {}


def may_be_parts(column: str, cells: Sequence[str]) -> bool:
    """Whether a column, whatever it is called, names parts by words: one to train on, one to test or validate on."""
    judged = {cell for cell in cells[:JUDGED_ROWS] if cell}
    if len(judged) > MOST_PARTS or not any(map(may_be_part, judged)):  # nearly all columns, at little cost
        return False
    roles = {part.role for part in parts_of_column(column, cells).values()}
    return TRAIN in roles and bool(roles & {TEST, VALIDATION})


def why_no_folds(column: str, cells: Sequence[str]) -> str:
    """Why a column that numbers folds is not read as one; "" where it is, or is no such column."""
    rows = Counter(filter(None, cells))
    numbers = [cell for cell in rows if _NUMBER.fullmatch(cell)]
    if len(numbers) < 2 or not is_fold_column(column) or parts_of_column(column, cells):
        return ""
    if len(numbers) > MOST_FOLDS:
        return f"it has {len(numbers):,} numbers, and no more than {MOST_FOLDS} are taken for folds"
    others = [cell for cell in rows if cell not in numbers]
    odd = [cell for cell in others if not may_be_part(cell)] or others
    return f"{listed(odd)} {'is' if len(odd) == 1 else 'are'} neither the number of a fold nor a word such as test"


def is_coded(parts: dict[str, Part]) -> bool:
    """Whether the parts are only told by numbers, and so are probable at best."""
    return bool(parts) and parts.keys() <= CODES.keys() and any(part.split for part in parts.values())
