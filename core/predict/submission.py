"""Answers in the form of a sample file, as competitions ask for them: its columns, its order, its way to write a label.

What the sample does not say for sure is said in words, and can be told otherwise. Imports no torch.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from core.data.tables.encodings import decode
from core.data.tables.table import text_records
from core.errors import LabError
from core.text import count, listed

NAME, CODE, ONE_HOT, SHARES = "name", "code", "one-hot", "probability"
LABELS = (NAME, CODE, ONE_HOT, SHARES)
SEPARATORS = ",;\t|"
_FEW = 5  # names in a refusal


@dataclass(frozen=True)
class Form:
    """A sample file, understood. header: its column names. rows: its cells. at: the place of the column of ids.

    photo_of: (rows,) the photo that each id means, by its place among the photos. labels: of LABELS. columns: place of
    a column -> place of its class, for ONE_HOT and SHARES. codes: what is written for each class otherwise. sentences:
    what was understood, for a person. encoding, separator, line_end: how the file is written.
    """

    header: list[str]
    rows: list[list[str]]
    at: int
    photo_of: list[int]
    labels: str
    columns: Mapping[int, int]
    codes: tuple[str, ...]
    sentences: tuple[str, ...]
    encoding: str
    separator: str
    line_end: str

    def filled(self, shares: np.ndarray, classes: np.ndarray) -> bytes:
        """The file. shares: (n, classes) probabilities of the photos; classes: (n,) the index of each answer.

        Raises LabError(kind 'ids') naming ids of photos that have no answer.
        """
        unanswered = [row[self.at] for row, photo in zip(self.rows, self.photo_of, strict=True) if classes[photo] < 0]
        if unanswered:
            raise LabError(
                f"submission: {_named(unanswered, 'id')} {'has' if len(unanswered) == 1 else 'have'} no answer, since "
                "the photo could not be read or no fold may answer.",
                "The table of predictions tells why; mend the photos, or ask all folds.",
                kind="ids",
            )
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.separator, lineterminator=self.line_end)
        writer.writerow(self.header)
        for row, photo in zip(self.rows, self.photo_of, strict=True):
            cells = list(row)
            for place in range(len(self.header)):
                if place != self.at:
                    cells[place] = self._cell(place, shares[photo], int(classes[photo]))
            writer.writerow(cells)
        return text.getvalue().encode(self.encoding)

    def _cell(self, place: int, shares: np.ndarray, answer: int) -> str:
        if self.labels == SHARES:
            return f"{shares[self.columns[place]]:.8g}"
        if self.labels == ONE_HOT:
            return str(int(self.columns[place] == answer))
        return self.codes[answer]


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

    codes: class -> what is written for it, of all classes. Ids mean photos by their path, or by their name, with or
    without its suffix. Raises LabError: 'csv' for a file that cannot be read, 'ids' naming ids without a photo and
    photos without an id, 'labels' where it is not known how a label is to be written.
    """
    decoded = decode(content, file, None, lambda cell: False)
    records = [cells for _, cells in text_records(decoded.text, file) if any(cells)]
    if len(records) < 2:
        raise LabError(f"{file} has no rows.", "Choose the sample file with one row for each photo.", "csv")
    header, *rows = records
    rows = [[*row, *[""] * (len(header) - len(row))][: len(header)] for row in rows]
    find = _finder(photos)
    at = _id_column(header, rows, find, class_names)
    photo_of = _matched(file, [row[at] for row in rows], photos, find)
    names = [str(name) for name in class_names]
    meaning = _Labels(file, header, rows, at, names, codes or {}).judge(labels)
    separator = max(SEPARATORS, key=decoded.text.split("\n", 1)[0].count)
    line_end = "\r\n" if "\r\n" in decoded.text else "\n"
    sentence = f"Ids are in column {header[at]!r}: {count(len(rows))} rows, each with its photo."
    return Form(header, rows, at, photo_of, *meaning[:3], (sentence, meaning[3]), decoded.encoding, separator, line_end)


def _finder(photos: Sequence[str]) -> Callable[[str], list[int]]:
    """id -> the photos that it means: by path, else by name, else by either without the suffix."""
    ways: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(4)]
    for place, photo in enumerate(photos):
        path = PurePosixPath(photo.replace("\\", "/"))
        for way, key in zip(ways, (str(path), path.name, str(path.with_suffix("")), path.stem), strict=True):
            way[key].append(place)

    def find(cell: str) -> list[int]:
        key = cell.replace("\\", "/").removeprefix("./")
        return next((way[key] for way in ways if key in way), [])

    return find


def _id_column(
    header: list[str], rows: list[list[str]], find: Callable[[str], list[int]], class_names: Sequence[str]
) -> int:
    """The column whose cells name the most photos; the first that is no class's where none names any."""
    hits = [sum(bool(find(row[place])) for row in rows) for place in range(len(header))]
    if any(hits):
        return int(np.argmax(hits))
    return next((place for place, column in enumerate(header) if _class_of(column, class_names) is None), 0)


def _matched(file: str, ids: list[str], photos: Sequence[str], find: Callable[[str], list[int]]) -> list[int]:
    """The photo of each id. Raises LabError(kind 'ids') unless each id means one photo, and each photo has one id."""
    matches = [find(each) for each in ids]
    taken = {match[0] for match in matches if match}
    missing = [each for each, match in zip(ids, matches, strict=True) if not match]
    several = [each for each, match in zip(ids, matches, strict=True) if len(match) > 1]
    twice = sorted(each for each, times in Counter(ids).items() if times > 1)
    surplus = [photo for place, photo in enumerate(photos) if place not in taken]
    faults = [f"there is no photo for {_named(missing, 'id')}"] if missing else []
    faults += [f"{_named(several, 'id')} may mean several photos"] if several else []
    faults += (
        [f"{_named(twice, 'id')} {'stands' if len(twice) == 1 else 'stand'} there more than once"] if twice else []
    )
    if surplus and not several:
        faults.append(f"{_named(surplus, 'photo')} {'has' if len(surplus) == 1 else 'have'} no id")
    if faults:
        raise LabError(
            f"{file} does not fit the photos: {'; '.join(faults)}.",
            "Choose the sample file of these photos, or the photos of this sample file.",
            kind="ids",
        )
    return [match[0] for match in matches]


def _named(names: Sequence[str], what: str) -> str:
    number = "" if len(names) == 1 else f"{count(len(names))} "
    return f"{number}{what}{'s' * (len(names) != 1)} {listed([repr(name) for name in names], _FEW)}"


@dataclass(frozen=True)
class _Labels:
    """What a sample's other columns ask for. given: class -> code as a person told them."""

    file: str
    header: list[str]
    rows: list[list[str]]
    at: int
    names: list[str]
    given: Mapping[str, str]

    def judge(self, labels: str | None) -> tuple[str, dict[int, int], tuple[str, ...], str]:
        """(of LABELS, place of a column -> class, what is written for each class, what was understood)."""
        others = [place for place in range(len(self.header)) if place != self.at]
        columns = {place: _class_of(self.header[place], self.names) for place in others}
        of_classes = {place: name for place, name in columns.items() if name is not None}
        if not others:
            raise self._unclear("it has no column for a label")
        if len(others) > 1 or of_classes:
            if len(of_classes) < len(others) or (len(others) > 1 and len(set(of_classes.values())) < len(self.names)):
                lacking = [name for place, name in enumerate(self.names) if place not in of_classes.values()]
                strange = [self.header[place] for place in others if place not in of_classes]
                parts = [f"no class is called {listed(strange)}"] if strange else []
                parts += [f"no column is called {listed(lacking)}"] if lacking else []
                raise self._unclear("; ".join(parts))
            return self._of_columns(labels, of_classes)
        return self._of_one(labels, others[0])

    def _of_columns(
        self, labels: str | None, columns: dict[int, int]
    ) -> tuple[str, dict[int, int], tuple[str, ...], str]:
        """A column a class: probabilities, unless the sample itself marks one class a row with 1 and the others 0."""
        marked = all(sorted(row[place] for place in columns) == ["0"] * (len(columns) - 1) + ["1"] for row in self.rows)
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
        column, values = self.header[place], {row[place] for row in self.rows} - {""}
        spelt = {value.casefold() for value in values}
        kind = labels
        if kind is None and self.given:
            kind = CODE
        if kind is None and values and spelt <= {name.casefold() for name in self.names}:
            kind = NAME
        if kind is None and values and all(value.lstrip("-").isdecimal() for value in values):
            kind = CODE
        if kind is None:
            held = f"holds {listed(sorted(values))}" if values else "is empty"
            raise self._unclear(f"column {column!r} {held}, which names no class and is no code")
        if kind == NAME:
            as_written = {value.casefold(): value for value in values}
            codes = tuple(as_written.get(name.casefold(), name) for name in self.names)
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
            f"{self.file}: it is not clear how a label is to be written: {why}.",
            f"Say how ({', '.join(LABELS)}), with the codes of the classes where they have codes; the classes are "
            f"{listed(self.names, 20)}.",
            kind="labels",
        )


def _class_of(column: str, class_names: Sequence[str]) -> int | None:
    """The class whose column this is: called as it is, or with p_, prob_ or probability_ before it."""
    names = [str(name).casefold() for name in class_names]
    for prefix in ("", "p_", "prob_", "probability_"):
        if column.casefold().startswith(prefix) and column[len(prefix) :].casefold() in names:
            return names.index(column[len(prefix) :].casefold())
    return None
