"""A sample file, as competitions ask for answers: its ids are photos, and its columns and order are kept.

Imports no torch.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from core.data.readers.spelling import nfc
from core.data.tables.encodings import decode
from core.data.tables.table import text_records
from core.errors import LabError
from core.text import count, listed

SEPARATORS = ",;\t|"
PREFIXES = ("", "p_", "prob_", "probability_", "answer_")  # that a column may have before a name
_FEW = 5  # names in a refusal


@dataclass(frozen=True)
class Sheet:
    """A sample file whose ids are understood. header: its column names. rows: its cells. at: the column of ids.

    photo_of: (rows,) the photo that each id means, by its place among the photos. encoding, separator, line_end: how
    the file is written.
    """

    file: str
    header: list[str]
    rows: list[list[str]]
    at: int
    photo_of: list[int]
    encoding: str
    separator: str
    line_end: str

    @property
    def others(self) -> list[int]:
        """The places of the columns that are not of ids."""
        return [place for place in range(len(self.header)) if place != self.at]

    @property
    def sentence(self) -> str:
        return f"Ids are in column {self.header[self.at]!r}: {count(len(self.rows))} rows, each with its photo."

    def values(self, place: int) -> set[str]:
        """What a column holds, without empty cells."""
        return {row[place] for row in self.rows} - {""}

    def written(self, cell: Callable[[int, int], str], answered: np.ndarray) -> bytes:
        """The file, cell by cell. cell(place of a column, photo): what stands there. answered: bool (photos,).

        Raises LabError(kind 'ids') naming ids of photos that have no answer.
        """
        unanswered = [row[self.at] for row, of in zip(self.rows, self.photo_of, strict=True) if not answered[of]]
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
            writer.writerow([row[at] if at == self.at else cell(at, photo) for at in range(len(self.header))])
        return text.getvalue().encode(self.encoding)


def read_sheet(content: bytes, file: str, photos: Sequence[str], names: Sequence[str]) -> Sheet:
    """A sample file for photos of these names, "" for one that needs no id. names: of classes or attributes, which no
    column of ids is called.

    Ids mean photos by their path, or by their name, with or without its suffix. Raises LabError: 'csv' for a file that
    cannot be read, 'ids' naming ids without a photo and photos without an id.
    """
    decoded = decode(content, file, None, lambda cell: False)
    records = [cells for _, cells in text_records(decoded.text, file) if any(cells)]
    if len(records) < 2:
        raise LabError(f"{file} has no rows.", "Choose the sample file with one row for each photo.", "csv")
    header, *rows = records
    rows = [[*row, *[""] * (len(header) - len(row))][: len(header)] for row in rows]
    find = _finder(photos)
    at = _id_column(header, rows, find, names)
    photo_of = _matched(file, [row[at] for row in rows], photos, find)
    separator = max(SEPARATORS, key=decoded.text.split("\n", 1)[0].count)
    line_end = "\r\n" if "\r\n" in decoded.text else "\n"
    return Sheet(file, header, rows, at, photo_of, decoded.encoding, separator, line_end)


def folded(text: str) -> str:
    """Equal for texts that differ in capitals, or in accents joined or apart."""
    return nfc(text).casefold()


def meant_by(written: Sequence[str], names: Sequence[str], prefixes: Sequence[str] = ("",)) -> dict[str, int]:
    """What a sample writes -> the name that it means, by its place; what means none is left out.

    It means the name that is spelt so, accents joined or apart. Else the one that differs in capitals alone, unless
    several names do, or more than one text of the sample means that name: A and a may be two classes.
    """
    exactly = _meant(written, names, prefixes, nfc)
    loosely = _meant([text for text in written if text not in exactly], names, prefixes, folded)
    times = Counter([*exactly.values(), *loosely.values()])
    return exactly | {text: place for text, place in loosely.items() if times[place] == 1}


def _meant(
    written: Sequence[str], names: Sequence[str], prefixes: Sequence[str], spelt: Callable[[str], str]
) -> dict[str, int]:
    times = Counter(map(spelt, names))
    place_of = {spelt(name): place for place, name in enumerate(names) if times[spelt(name)] == 1}
    meant = {}
    for text in written:
        starts = (prefix for prefix in prefixes if text.casefold().startswith(prefix))
        rests = (spelt(text[len(prefix) :]) for prefix in starts)
        if (rest := next((rest for rest in rests if rest in place_of), None)) is not None:
            meant[text] = place_of[rest]
    return meant


def columns_of(sheet: Sheet, names: Sequence[str]) -> dict[int, int | None]:
    """Place of each column but that of ids -> the name that it is called by, as it is or after one of PREFIXES, by its
    place; None for another one."""
    meant = meant_by([sheet.header[place] for place in sheet.others], names, PREFIXES)
    return {place: meant.get(sheet.header[place]) for place in sheet.others}


def _finder(photos: Sequence[str]) -> Callable[[str], list[int]]:
    """id -> the photos that it means: by path, else by name, else by either without the suffix.

    Accents may be joined or apart in either: file systems differ in it.
    """
    ways: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(4)]
    for place, photo in enumerate(photos):
        if not photo:
            continue
        path = PurePosixPath(nfc(photo).replace("\\", "/"))
        for way, key in zip(ways, (str(path), path.name, str(path.with_suffix("")), path.stem), strict=True):
            way[key].append(place)

    def find(cell: str) -> list[int]:
        key = nfc(cell).replace("\\", "/").removeprefix("./")
        return next((way[key] for way in ways if key in way), [])

    return find


def _id_column(header: list[str], rows: list[list[str]], find: Callable[[str], list[int]], names: Sequence[str]) -> int:
    """The column whose cells name the most photos; the first that is not called by a name where none names any."""
    hits = [sum(bool(find(row[place])) for row in rows) for place in range(len(header))]
    if any(hits):
        return int(np.argmax(hits))
    meant = meant_by(header, names, PREFIXES)
    return next((place for place, column in enumerate(header) if column not in meant), 0)


def _matched(file: str, ids: list[str], photos: Sequence[str], find: Callable[[str], list[int]]) -> list[int]:
    """The photo of each id. Raises LabError(kind 'ids') unless each id means one photo, and each photo has one id."""
    matches = [find(each) for each in ids]
    taken = {match[0] for match in matches if match}
    missing = [each for each, match in zip(ids, matches, strict=True) if not match]
    several = [each for each, match in zip(ids, matches, strict=True) if len(match) > 1]
    twice = sorted(each for each, times in Counter(ids).items() if times > 1)
    surplus = [photo for place, photo in enumerate(photos) if photo and place not in taken]
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
