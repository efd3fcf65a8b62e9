"""Answers to yes/no attributes in the form of a sample file: a column an attribute, of all or of some of them.

What the sample does not say for sure is said in words, and can be told otherwise. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.yes_no.pairs import VALUES
from core.errors import LabError
from core.predict.submission.sheet import Sheet, columns_of, read_sheet
from core.text import count, listed

NAME, CODE, SHARES = "name", "code", "probability"
LABELS = (NAME, CODE, SHARES)
PAIRS = (("no", "yes"), ("false", "true"), ("0", "1"), ("-1", "1"))  # as no and yes are written; the first that fits
_FEW = 5  # values in a refusal


@dataclass(frozen=True)
class Form:
    """A sample file, understood. labels: of LABELS. columns: place of a column -> place of its attribute.

    codes: what is written for no and for yes, unless probabilities are. sentences: what was understood, for a person.
    """

    sheet: Sheet
    labels: str
    columns: Mapping[int, int]
    codes: tuple[str, str]
    sentences: tuple[str, ...]

    def filled(self, probabilities: np.ndarray, yes: np.ndarray) -> bytes:
        """The file. probabilities: (n, attributes) of yes. yes: int (n, attributes), 1 yes, 0 no, -1 no answer.

        Raises LabError(kind 'ids') naming ids of photos that have no answer.
        """

        def cell(column: int, photo: int) -> str:
            place = self.columns[column]
            return f"{probabilities[photo, place]:.8g}" if self.labels == SHARES else self.codes[yes[photo, place]]

        return self.sheet.written(cell, (yes >= 0).all(axis=1))


def read_form(
    content: bytes,
    file: str,
    photos: Sequence[str],
    attributes: Sequence[str],
    *,
    labels: str | None = None,
    codes: Mapping[str, str] | None = None,
) -> Form:
    """A sample file for photos of these names. labels, codes: how an answer is written, where the sample is
    misunderstood; codes: of 'no' and of 'yes'.

    Raises LabError as read_sheet; 'labels' where a column is no attribute's, or it is not known what is to be written.
    """
    names = [str(name) for name in attributes]
    sheet = read_sheet(content, file, photos, names)
    columns = columns_of(sheet, names)
    if strange := [sheet.header[place] for place, name in columns.items() if name is None]:
        raise _unclear(sheet, f"no attribute is called {listed(strange)}", names)
    if not columns:
        raise _unclear(sheet, "it has no column for an attribute", names)
    of_attributes = {place: name for place, name in columns.items() if name is not None}
    kind, written = _ways(sheet, names, labels, codes or {})
    some = len(set(of_attributes.values()))
    whose = f"all {count(len(names))}" if some == len(names) else f"{count(some)} of {count(len(names))}"
    what = "the probability of yes" if kind == SHARES else f"{written[1]} for yes and {written[0]} for no"
    return Form(sheet, kind, of_attributes, written, (sheet.sentence, f"A column for {whose} attributes: {what}."))


def _ways(sheet: Sheet, names: list[str], labels: str | None, codes: Mapping[str, str]) -> tuple[str, tuple[str, str]]:
    """(of LABELS, what is written for no and for yes)."""
    values = {value for place in sheet.others for value in sheet.values(place)}
    if codes and set(codes) != set(VALUES):
        raise _unclear(sheet, f"codes are to be given for no and yes; {listed(sorted(codes))} was", names)
    if labels is not None and labels not in LABELS:
        raise _unclear(sheet, f"an attribute is not written as {labels}", names)
    if codes and labels in (None, CODE):
        return CODE, (codes["no"], codes["yes"])
    if labels == SHARES:
        return SHARES, VALUES
    if labels == NAME:
        return NAME, _spelt(VALUES, values)
    spelt = {value.casefold() for value in values}
    pair = next((pair for pair in PAIRS if spelt and spelt <= set(pair)), None)
    if pair is None and labels == CODE:
        pair = PAIRS[2]
    if pair is not None:
        return NAME if pair == VALUES else CODE, _spelt(pair, values)
    if values and all(_is_share(value) for value in values):
        return SHARES, VALUES
    held = f"they hold {listed(sorted(values), _FEW)}" if values else "they are empty"
    raise _unclear(sheet, f"its columns are of attributes, and {held}", names)


def _spelt(pair: tuple[str, str], values: set[str]) -> tuple[str, str]:
    """no and yes as the sample writes them; where it shows one of them, the other with a capital or not, as that."""
    as_written = {value.casefold(): value for value in values}
    capital = any(value[:1].isupper() for value in values)
    no, yes = (as_written.get(word, word.capitalize() if capital else word) for word in pair)
    return no, yes


def _is_share(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False


def _unclear(sheet: Sheet, why: str, names: list[str]) -> LabError:
    return LabError(
        f"{sheet.file}: it is not clear how an answer is to be written: {why}.",
        f"Say how ({', '.join(LABELS)}), with the codes of no and yes where they have codes; the attributes are "
        f"{listed(names, 12)}.",
        kind="labels",
    )
