"""Label corrections: what people found wrong in a dataset, kept beside the lab's data. Imports no torch.

One CSV a dataset in runs/.lab/corrections/, one line a correction, small enough to read and to review. The dataset's
own folder is never written into; corrections are laid over what a scan found there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.data import persons
from core.data.labels import brought
from core.data.labels.conflicts import copies, person_conflicts
from core.data.labels.correction_rows import SEVERAL, Correction, checked, in_words, parse, to_csv, value_text
from core.data.readers.spelling import nfc
from core.data.values import OWN, column_of
from core.errors import LabError
from core.places import lab_folder
from core.storage import asking, files, locks
from core.storage.spreadsheet import FORMULA

if TYPE_CHECKING:
    from core.data.scan import Scan

_CONTROL = {"Cc", "Zl", "Zp"}  # categories of Unicode: what no name of a person or a class is written with


@dataclass(frozen=True)
class CorrectionEffect:
    """What one correction does to a samples table. photos: how many it changes or leaves out; why: if none, why not."""

    correction: Correction
    photos: int
    why: str = ""


def file(root: str | Path, folder: Path | None = None) -> Path:
    """The corrections of one dataset, found by where it lies. folder: of the runs, FACET_RUNS if None."""
    place = Path(os.path.realpath(os.path.expanduser(root)))
    digest = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", place.name.lower()).strip("-")[:40] or "dataset"
    return lab_folder(folder) / "corrections" / f"{slug}-{digest}.csv"


def version(root: str | Path, folder: Path | None = None) -> tuple[int, int]:
    """(mtime_ns, bytes) of the file, (0, 0) if there is none: a key for what was computed with it."""
    try:
        status = file(root, folder).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def load(root: str | Path, folder: Path | None = None) -> list[Correction]:
    """Every correction of a dataset, oldest first; none without a file. Raises LabError naming line and fault."""
    return read(file(root, folder))


def read(path: Path) -> list[Correction]:
    """A corrections file of a dataset or a run; empty if there is none. Raises LabError naming line and fault."""
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise LabError(
            f"corrections {path}: cannot be read ({error.strerror})", "Check its permissions.", "corrections"
        ) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LabError(f"corrections {path}: line {line} is not UTF-8", "Save it as UTF-8.", "corrections") from None
    return parse(text, str(path))


def add(root: str | Path, correction: Correction, folder: Path | None = None) -> Correction:
    """Append one. One that says what the last about its photos says is not written twice: that one is returned.

    Whoever asks has made it. Raises LabError when it makes no sense, when the file is broken, or when it cannot be
    written.
    """
    return add_all(root, [correction], folder)[0]


def add_all(root: str | Path, corrections: list[Correction], folder: Path | None = None) -> list[Correction]:
    """Append several in one write; none is written if one makes no sense. See `add`."""
    return _append(root, [replace(each, by=asking.asker().name) for each in corrections], folder)


def _append(root: str | Path, corrections: list[Correction], folder: Path | None) -> list[Correction]:
    clean = []
    for correction in corrections:
        correction = replace(correction, reason=" ".join(str(correction.reason).split()))
        try:
            if _CONTROL & {*map(unicodedata.category, correction.after)}:
                raise ValueError(f"{correction.after!r} holds a line break or another control character")
            clean.append(checked(vars(correction)))
        except ValueError as error:
            raise LabError(f"correction: {error}", "Correct it and try again.", "corrections") from None
    with _held(root, folder) as (path, on_file):
        lines, in_force = list(on_file), []
        for correction in clean:
            written = next((old for old in lines if old.id == correction.id), None)
            before = next((old for old in reversed(lines) if _of_the_same(old, correction)), None)
            if written is None and before is not None and _says(before) == _says(correction):
                written = before
            if written is None:
                lines.append(written := correction)
            in_force.append(written)
        if len(lines) > len(on_file):
            files.write_text(path, to_csv(lines))
    return in_force


def undo(root: str | Path, correction_id: str, folder: Path | None = None) -> Correction | None:
    """Take one out again; None if another tab did already. Runs that used it keep their own copy.

    Raises LabError: 'not-yours', and as `add` does.
    """
    return next(iter(undo_all(root, [correction_id], folder)), None)


def undo_all(root: str | Path, ids: Sequence[str], folder: Path | None = None) -> list[Correction]:
    """Take several out in one write; those that were there. None is taken out if one is somebody else's. See `undo`."""
    with _held(root, folder) as (path, on_file):
        gone = [each for each in on_file if each.id in ids]
        for each in gone:
            asking.check(each.by, f"the correction of {each.sample or each.person}")
        if gone:
            files.write_text(path, to_csv([each for each in on_file if each not in gone]))
            brought.leave(path, {each.id for each in gone})
    return gone


def take_in(root: str | Path, text: str, folder: Path | None = None, source: str = "import") -> int:
    """Add the corrections of an exported file that are not there yet; their number. Raises LabError for a broken one.

    A leading apostrophe that the export put before a spreadsheet formula is taken off again. What is taken in once more
    stays, though it was undone at another place of the dataset before.
    """
    corrections = []
    for each in parse(text.removeprefix("\ufeff"), source):
        values = {name: value[1:] for name, value in vars(each).items() if value[:1] == "'" and value[1:2] in FORMULA}
        corrections.append(replace(each, **values))
    ids = {each.id for each in load(root, folder)}
    fresh = [each for each in corrections if each.id not in ids]
    in_force = add_all(root, fresh, folder)
    written = {new.id for new, counted in zip(fresh, in_force, strict=True) if new.id == counted.id}
    with _held(root, folder) as (path, _):
        brought.forget(path, written)
    return len(written)


def take_over(
    old: str | Path, new: str | Path, folder: Path | None = None, *, leave: bool = False, shared: bool = False
) -> tuple[int, int]:
    """Give a dataset that moved, or a copy of it, the corrections that it had where it lay before.

    They are left where they were if the dataset is, or may be, there, too, and if `leave` says that some run still goes
    by that place; what was undone at the new one is not given once more then. Where the dataset comes back to such a
    place, what was undone meanwhile, and not made again, is taken out of the list there, unless it is `shared`: with
    runs that go by it. Returns (how many came along, how many were undone, which are taken out or hold there still).
    Raises LabError for a broken file.
    """
    before, there, path = load(old, folder), load(new, folder), file(new, folder)
    ids, noted, said = {each.id for each in there}, brought.of(path), {_says(each) for each in before}
    undone = noted - ids
    gone = noted & brought.undone(file(old, folder), (each.id for each in before))
    back = {each.id for each in there if each.id in gone and _says(each) not in said}
    if back and not shared:
        with _held(new, folder) as (_, on_file):
            files.write_text(path, to_csv([each for each in on_file if each.id not in back]))
    if fresh := [each for each in before if each.id not in ids | undone]:
        _append(new, fresh, folder)
    held, after = ([each.id for each in listed] for listed in (before, load(new, folder)))
    brought.follow(file(old, folder), path, held, after, keep=brought.stays(old, leave=leave))
    return sum(each.id not in undone for each in before), len(back)


def apply(samples: pd.DataFrame, corrections: list[Correction]) -> tuple[pd.DataFrame, list[Correction]]:
    """(the samples as corrected, the corrections that changed something). samples itself is left as it is."""
    corrected, outcome = effects(samples, corrections)
    return corrected, [effect.correction for effect in outcome if effect.photos]


def effects(samples: pd.DataFrame, corrections: list[Correction]) -> tuple[pd.DataFrame, list[CorrectionEffect]]:
    """(the samples as corrected, what each correction did). Corrections act in their order.

    One that was made about another value than the dataset has now does nothing: somebody mended the dataset meanwhile.
    A name that is typed in composed letters is the one that the dataset has in letters apart, and is written as there.
    """
    if not corrections:
        return samples, []
    result = samples.reset_index(drop=True)
    at = {sample: i for i, sample in enumerate(result["sample"])}
    people: dict[str, list[int]] = {}
    for i, person in enumerate(result["person"]):
        people.setdefault(person, []).append(i)
    keep = np.ones(len(result), dtype=bool)
    columns = {each.attribute: _column(each.attribute, result) for each in corrections if each.attribute}
    values = {name: result[column].tolist() for name, column in columns.items() if column is not None}
    spellings = {name: _spellings(cells) for name, cells in values.items()}
    of_person = spellings.get("person", {})
    outcome = []
    for each in corrections:
        if each.sample:
            rows = [at[each.sample]] if each.sample in at else []
        else:
            rows = people.get(_as_there(each.person, of_person), [])
        if not rows:
            what = f"photo {each.sample!r}" if each.sample else f"person {each.person!r}"
            outcome.append(CorrectionEffect(each, 0, f"{what} is not in the dataset"))
            continue
        rows = [row for row in rows if keep[row]]
        if not rows:
            outcome.append(CorrectionEffect(each, 0, "another correction leaves it out already"))
        elif each.kind == "relabel" and each.attribute not in values:
            outcome.append(CorrectionEffect(each, 0, f"the dataset has no attribute {each.attribute!r}"))
        elif each.kind == "relabel":
            numbers = bool(pd.api.types.is_numeric_dtype(result[str(columns[each.attribute])]))
            after = _as_there(each.after, spellings[each.attribute])
            effect, changed = _relabel(each, after, rows, values[each.attribute], numbers)
            outcome.append(effect)
            if each.attribute == "person":  # later corrections name people as these photos have them now
                moved = set(changed)
                for name in {each.person, *_each(each.before)}:
                    person = _as_there(name, of_person)
                    people[person] = [row for row in people.get(person, []) if row not in moved]
                people.setdefault(after, []).extend(changed)
        else:
            keep[rows] = False
            outcome.append(CorrectionEffect(each, len(rows)))
    for name, cells in values.items():
        column = str(columns[name])
        result[column] = pd.Series(cells, dtype=result[column].dtype, index=result.index)
    if "person" in values and persons.COLUMN in result:
        result[persons.COLUMN] |= result["person"] != samples["person"].to_numpy()
    return result[keep].reset_index(drop=True), outcome


def lay_over(scan: Scan, corrections: list[Correction]) -> tuple[Scan, list[CorrectionEffect]]:
    """(the scan as corrected, what each correction did).

    A photo that is left out is no problem any more, whatever was wrong with it; the warnings about people with
    contradictory labels, and about copies, are those of the corrected labels. Photos that are set aside are corrected
    like the others.
    """
    if not corrections:
        return scan, []
    samples, set_aside, outcome = _both_corrected(scan, corrections)
    table = scan.problems
    photos = {each.sample for each in corrections if each.kind == "exclude-photo"}
    settled = table["sample"].isin(photos)
    bad = set(table["sample"][settled]) - set(scan.samples["sample"])  # bad files, which no table of photos has
    bad -= set(scan.set_aside["sample"])
    outcome = [replace(e, photos=1, why="") if e.why and e.correction.sample in bad else e for e in outcome]
    about_people = table["kind"].isin(["label-conflict", "copy"]) & (table["severity"] == "warning")
    rows = _photos(samples)
    conflicts = pd.DataFrame(person_conflicts(rows) + copies(rows), columns=table.columns)
    table = pd.concat([table[~settled & ~about_people], conflicts.astype("str")], ignore_index=True)
    return replace(scan, samples=samples, set_aside=set_aside, problems=table), outcome


def _photos(samples: pd.DataFrame) -> list[dict]:
    """The rows as readers give photos, as far as the warnings about people and copies ask."""
    names = [name for name in ("sample", "person", "gender", "age", "label", "race", "mask", "hash") if name in samples]
    own = samples[[column for column in samples if str(column).startswith(OWN)]]
    own = own.rename(columns=lambda column: column.removeprefix(OWN))
    rows = zip(samples[names].to_dict("records"), own.to_dict("records"), strict=True)
    return [row | {"where": row["sample"], "attributes": attributes} for row, attributes in rows]


def _both_corrected(
    scan: Scan, corrections: list[Correction]
) -> tuple[pd.DataFrame, pd.DataFrame, list[CorrectionEffect]]:
    """(the samples, the photos that are set aside, what each correction did to both together)."""
    if scan.set_aside.empty:
        samples, outcome = effects(scan.samples, corrections)
        return samples, scan.set_aside, outcome
    both = pd.concat([scan.samples.assign(split=""), scan.set_aside], ignore_index=True)
    both, outcome = effects(both, corrections)
    samples, aside = (both[(both["split"] != "") == is_aside].reset_index(drop=True) for is_aside in (False, True))
    return samples[list(scan.samples)], aside[list(scan.set_aside)], outcome


def _spellings(cells: list) -> dict[str, str]:
    """The texts of a column by themselves and, composed, by what they look like."""
    texts = {cell for cell in cells if isinstance(cell, str)}
    return {nfc(text): text for text in texts} | {text: text for text in texts}


def _as_there(text: str, spellings: dict[str, str]) -> str:
    """A value as it is spelt already; one that is new is spelt so from now on."""
    return spellings.get(text) or spellings.setdefault(nfc(text), text)


def _relabel(
    correction: Correction, after_text: str, rows: list[int], column: list, numbers: bool
) -> tuple[CorrectionEffect, list[int]]:
    """Write into the column of its attribute, in the rows that still say what they said when it was made."""
    now = {row: value_text(column[row]) for row in rows}
    try:
        after = _value(after_text, numbers)
    except ValueError:
        return CorrectionEffect(
            correction, 0, f"{correction.after!r} is not a number, as {correction.attribute} is"
        ), []
    right = value_text(after)
    of_it = {row for row in rows if _is_before(correction, now[row]) or _is_before(correction, _rounded(column[row]))}
    wrong = [row for row in rows if row in of_it and now[row] != right]
    for row in wrong:
        column[row] = after
    if wrong:
        return CorrectionEffect(correction, len(wrong)), wrong
    says = SEVERAL.join(sorted(map(in_words, set(now.values()))))
    why = f"its {correction.attribute} is {says} by now, no longer {in_words(correction.before)}"
    if set(now.values()) == {right}:
        why = f"its {correction.attribute} is {in_words(right)} already"
    return CorrectionEffect(correction, 0, why), []


def _is_before(correction: Correction, value: str | None) -> bool:
    """Whether a value is one that the correction was made about. One that holds SEVERAL itself is still one value."""
    if value is None:
        return False
    if correction.sample:
        return nfc(value) == nfc(correction.before)
    return nfc(f"{SEVERAL}{value}{SEVERAL}") in nfc(f"{SEVERAL}{correction.before}{SEVERAL}")


def _each(before: str) -> set[str]:
    """What may have been a value by itself before a correction of all photos of a person."""
    return {before, *before.split(SEVERAL)}


def _rounded(value: object) -> str | None:
    """A number as lists of older labs write it, of which many say six digits of more."""
    return f"{value:g}" if isinstance(value, float) and value == value else None


def _column(attribute: str, samples: pd.DataFrame) -> str | None:
    return attribute if attribute == "person" else column_of(attribute, samples)


def _value(text: str, is_number: bool) -> object:
    if is_number:
        return float(text) if text else float("nan")
    return text or None


def _of_the_same(one: Correction, other: Correction) -> bool:
    """Whether both are about an attribute of the same photo, or leave the same out; the last of such is what counts.

    One of a photo and one of its person share that photo.
    """
    if (one.kind, one.attribute) != (other.kind, other.attribute):
        return False
    if one.kind != "relabel" or (one.sample and other.sample):
        return (one.sample or one.person) == (other.sample or other.person)
    return bool(names_of(one) & names_of(other))


def names_of(correction: Correction) -> set[str]:
    """Whom it is about, by every name that they had or have by it."""
    names = {correction.person}
    return names | {correction.after, *_each(correction.before)} if correction.attribute == "person" else names


def _says(correction: Correction) -> tuple:
    return (
        correction.kind,
        correction.attribute,
        correction.sample or correction.person,
        not correction.sample,
        correction.before,
        correction.after,
    )


@contextlib.contextmanager
def _held(root: str | Path, folder: Path | None) -> Iterator[tuple[Path, list[Correction]]]:
    """The file's path and content, while no other tab or process can write it."""
    path = file(root, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(path.with_suffix(".lock"), f"the list of corrections {path}", timeout=5):
            yield path, read(path)
    except OSError as error:
        raise LabError(
            f"corrections {path}: cannot be written ({error.strerror})", "Check its permissions.", "corrections"
        ) from error
