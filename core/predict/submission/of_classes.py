"""Answers that choose a class in the form of a sample file: its columns, its order, its way to write a label.

What the sample does not say for sure is said in words, and can be told otherwise. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import LabError
from core.predict.submission.sheet import Sheet, columns_of, folded, meant_by, read_sheet
from core.text import listed

NAME, CODE, ONE_HOT, SHARES = "name", "code", "one-hot", "probability"
LABELS = (NAME, CODE, ONE_HOT, SHARES)


@dataclass(frozen=True)
class Form:
    """A sample file, understood. labels: of LABELS. columns: place of a column -> place of its class, for ONE_HOT and
    SHARES. codes: what is written for each class otherwise. sentences: what was understood, for a person."""

    sheet: Sheet
    labels: str
    columns: Mapping[int, int]
    codes: tuple[str, ...]
    sentences: tuple[str, ...]

    def filled(self, shares: np.ndarray, classes: np.ndarray) -> bytes:
        """The file. shares: (n, classes) probabilities of the photos; classes: (n,) the index of each answer.

        Raises LabError(kind 'ids') naming ids of photos that have no answer.
        """

        def cell(column: int, photo: int) -> str:
            if self.labels == SHARES:
                return f"{shares[photo, self.columns[column]]:.8g}"
            if self.labels == ONE_HOT:
                return str(int(self.columns[column] == classes[photo]))
            return self.codes[int(classes[photo])]

        return self.sheet.written(cell, classes >= 0)


def read_form(
    content: bytes,
    file: str,
    photos: Sequence[str],
    class_names: Sequence[str],
    *,
    labels: str | None = None,
    codes: Mapping[str, str] | None = None,
) -> Form:
    """A sample file for photos of these names. labels: how a label is written, where the sample is misunderstood.

    codes: class -> what is written for it, of all classes. Raises LabError as read_sheet; 'labels' where it is not
    known how a label is to be written.
    """
    names = [str(name) for name in class_names]
    sheet = read_sheet(content, file, photos, names)
    kind, columns, written, sentence = _Labels(sheet, names, codes or {}).judge(labels)
    return Form(sheet, kind, columns, written, (sheet.sentence, sentence))


@dataclass(frozen=True)
class _Labels:
    """What a sample's other columns ask for. given: class -> code as a person told them."""

    sheet: Sheet
    names: list[str]
    given: Mapping[str, str]

    def judge(self, labels: str | None) -> tuple[str, dict[int, int], tuple[str, ...], str]:
        """(of LABELS, place of a column -> class, what is written for each class, what was understood)."""
        others, header = self.sheet.others, self.sheet.header
        columns = columns_of(self.sheet, self.names)
        of_classes = {place: name for place, name in columns.items() if name is not None}
        if not others:
            raise self._unclear("it has no column for a label")
        if len(others) > 1 or of_classes:
            if len(of_classes) < len(others) or (len(others) > 1 and len(set(of_classes.values())) < len(self.names)):
                lacking = [name for place, name in enumerate(self.names) if place not in of_classes.values()]
                strange = [header[place] for place in others if place not in of_classes]
                parts = [f"no class is called {listed(strange)}"] if strange else []
                parts += [f"no column is called {listed(lacking)}"] if lacking else []
                raise self._unclear("; ".join(parts))
            return self._of_columns(labels, of_classes)
        return self._of_one(labels, others[0])

    def _of_columns(
        self, labels: str | None, columns: dict[int, int]
    ) -> tuple[str, dict[int, int], tuple[str, ...], str]:
        """A column a class: probabilities, unless the sample itself marks one class a row with 1 and the others 0."""
        one_of_them = ["0"] * (len(columns) - 1) + ["1"]
        marked = all(sorted(row[place] for place in columns) == one_of_them for row in self.sheet.rows)
        kind = labels or (ONE_HOT if marked and len(columns) > 1 else SHARES)
        if kind not in (ONE_HOT, SHARES):
            raise self._unclear(f"it has a column for each class, which holds no {kind}")
        what = "1 for the answer and 0 else" if kind == ONE_HOT else "its probability"
        what_columns = (
            "a column for each class"
            if len(columns) > 1
            else f"one column, of class {self.names[next(iter(columns.values()))]}"
        )
        return kind, columns, (), f"It has {what_columns}: {what} is written."

    def _of_one(self, labels: str | None, place: int) -> tuple[str, dict[int, int], tuple[str, ...], str]:
        """One column of labels: names of classes, or codes."""
        column, values = self.sheet.header[place], self.sheet.values(place)
        kind = labels
        if kind is None and self.given:
            kind = CODE
        if kind is None and values and set(map(folded, values)) <= set(map(folded, self.names)):
            kind = NAME
        if kind is None and values and all(value.lstrip("-").isdecimal() for value in values):
            kind = CODE
        if kind is None:
            held = f"holds {listed(sorted(values))}" if values else "is empty"
            raise self._unclear(f"column {column!r} {held}, which names no class and is no code")
        if kind == NAME:
            as_written = {meant: value for value, meant in meant_by(sorted(values), self.names).items()}
            codes = tuple(as_written.get(number, name) for number, name in enumerate(self.names))
            return NAME, {}, codes, f"Labels are in column {column!r}, by name."
        if kind != CODE:
            raise self._unclear(f"it has one column for the label, {column!r}, and not one for each class")
        return CODE, {}, self._codes(values), self._codes_told(column)

    def _codes(self, values: set[str]) -> tuple[str, ...]:
        if self.given:
            if set(self.given) != set(self.names):
                differ = sorted(set(self.given) ^ set(self.names))
                raise self._unclear(f"codes are to be given for each class alone; they differ in {listed(differ)}")
            return tuple(self.given[name] for name in self.names)
        codes = tuple(str(place) for place in range(len(self.names)))
        if strange := sorted(values - set(codes)):
            raise self._unclear(f"its labels hold the code {strange[0]}, but the run's classes are 0 to {codes[-1]}")
        return codes

    def _codes_told(self, column: str) -> str:
        codes = self._codes(set()) if not self.given else tuple(self.given[name] for name in self.names)
        pairs = ", ".join(f"{code} = {name}" for code, name in zip(codes, self.names, strict=True))
        whose = "as you gave them" if self.given else "taken to be the places of the run's classes"
        return f"Labels are in column {column!r}, as codes, {whose}: {pairs}."

    def _unclear(self, why: str) -> LabError:
        return LabError(
            f"{self.sheet.file}: it is not clear how a label is to be written: {why}.",
            f"Say how ({', '.join(LABELS)}), with the codes of the classes where they have codes; the classes are "
            f"{listed(self.names, 20)}.",
            kind="labels",
        )
