"""Forms: tables that by their names are to be filled with predictions, and are no labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from core.data.readers.reading import Fact
from core.data.tables.looked.candidates import is_predicted
from core.text import listed

# A table to be filled with predictions: sample_submission, sampleSubmission, SampleSubmissionFormat.
_A_FORM = re.compile(r"(?:^|[\W_\d]|(?i:sample)|(?<=[a-z])(?=S))(?i:submission)")


def is_form(path: str) -> bool:
    """Whether a table, by its name or that of a folder above it, is to be filled with predictions."""
    return _A_FORM.search(path) is not None


def is_form_itself(path: str) -> bool:
    return is_form(path.rpartition("/")[2])


def of_forms(paths: Collection[str]) -> list[Fact]:
    are = "is not read: it is a form" if len(paths) == 1 else "are not read: they are forms"
    return [Fact("table", f"{listed(list(paths))} {are} for predictions.", ("csv_file",))] if paths else []


def read_forms(paths: Iterable[str]) -> list[Fact]:
    """That labels are taken from forms, which somebody has to know better."""
    forms = listed(list(filter(is_form_itself, paths)))
    text = f"{forms} is read, though by its name it is a form for predictions: its answers are taken for labels."
    return [Fact("table", text, ("csv_file", "reader"), probable=True)] if forms else []


def is_answered(path: str) -> bool:
    """Whether a table by its name is a form to be filled with predictions, or was filled."""
    return is_form(path) or is_predicted(path)
