"""One label correction, and the lines of CSV that it is written in. Imports no torch."""

from __future__ import annotations

import csv
import io
import re
import secrets
from dataclasses import dataclass, field, fields
from datetime import datetime

import pandas as pd

from core.data.readers.attributes import PARSERS
from core.errors import LabError
from core.text import in_full

KINDS = ("relabel", "exclude-photo", "exclude-person")
SEVERAL = " | "  # between the values that a person's photos had before
MEND = "Correct that line, or take it out."
_ID = re.compile(r"[0-9a-f]{8}")


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One thing that is wrong in a dataset, and what is right. Everything is text, as in the file.

    id: 8 hex digits. when: ISO 8601 with its offset from UTC. kind: 'relabel' changes an attribute of a photo, or of
    all photos of a person where sample is empty; 'exclude-photo' and 'exclude-person' leave them out of new runs.
    sample: relative to the dataset's root. person: whose photo it was when the correction was made.
    attribute: mask, gender, age, label, person or one of the dataset's own. before: what the dataset said, "" if
    nothing; several values of a person's photos are joined by SEVERAL. after: what is right, "" for unknown. reason:
    why, in a person's words. by: who made it, or took it in; empty in lists of older labs.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    when: str = field(default_factory=_now)
    kind: str
    sample: str = ""
    person: str = ""
    attribute: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    by: str = ""


COLUMNS = [column.name for column in fields(Correction)]
LATER = "by"  # a column that lists of older labs lack


def parse(text: str, source: str) -> list[Correction]:
    """Corrections from CSV text. source: named in errors. Raises LabError naming line and fault."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    corrections: dict[str, Correction] = {}
    line = 1
    try:
        head = next(rows, None)
        if head is None:
            return []
        if sorted({*head, LATER}) != sorted(COLUMNS) or len(set(head)) < len(head):
            raise ValueError(f"its columns are {', '.join(head) or 'none'}, not {', '.join(COLUMNS)}")
        for cells in rows:
            line, first = rows.line_num, line + 1
            if not any(cells):
                continue
            try:
                if len(cells) != len(head):
                    raise ValueError(f"{len(cells)} cells, not {len(head)}")
                correction = checked(dict(zip(head, cells, strict=True)))
                if correction.id in corrections:
                    raise ValueError(f"id {correction.id} stands there twice")
            except ValueError as error:
                raise LabError(f"corrections {source}: line {first}: {error}", MEND, "corrections") from None
            corrections[correction.id] = correction
    except csv.Error as error:
        raise LabError(f"corrections {source}: line {rows.line_num}: {error}", MEND, "corrections") from None
    except ValueError as error:
        raise LabError(
            f"corrections {source}: line 1: {error}", "Put its first line back as it was.", "corrections"
        ) from None
    return list(corrections.values())


def to_csv(corrections: list[Correction]) -> str:
    """The text that `parse` reads."""
    stream = io.StringIO(newline="")
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows([getattr(correction, name) for name in COLUMNS] for correction in corrections)
    return stream.getvalue()


def table(corrections: list[Correction]) -> pd.DataFrame:
    """One row a correction, columns as in the file."""
    return pd.DataFrame([[getattr(each, name) for name in COLUMNS] for each in corrections], columns=COLUMNS, dtype=str)


def value_text(value: object) -> str:
    """A value of the samples table as corrections write it: "31" for an age, "" for what is not known."""
    if value is None or value != value:
        return ""
    return in_full(value) if isinstance(value, float) else str(value)


def in_words(text: str) -> str:
    """What `value_text` gives, as sentences and controls say it: a class may well be called "unknown"."""
    return text or "not told"


def checked(cells: dict[str, str]) -> Correction:
    """A correction from its cells. Raises ValueError in words for anything that a correction cannot be."""
    if not _ID.fullmatch(cells["id"]):
        raise ValueError(f"id {cells['id']!r} is not eight hex digits")
    try:
        datetime.fromisoformat(cells["when"])
    except ValueError:
        raise ValueError(f"when {cells['when']!r} is not a time like {_now()}") from None
    kind, sample, person = cells["kind"], cells["sample"], cells["person"]
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    if not (person if kind == "exclude-person" else sample or person) or (kind == "exclude-photo" and not sample):
        raise ValueError(f"{kind} names no {kind.removeprefix('exclude-') if kind != 'relabel' else 'photo or person'}")
    if kind == "exclude-person":
        cells = cells | {"sample": ""}
    if kind != "relabel":
        return Correction(**(cells | {"attribute": "", "before": "", "after": ""}))
    attribute, after = cells["attribute"], cells["after"]
    if not attribute.strip():
        raise ValueError("no attribute is named: mask, gender, age, label, person or one of the dataset's own")
    if attribute == "person" and not after:
        raise ValueError("a photo cannot be nobody's: after is empty")
    if after and attribute in PARSERS:
        after = value_text(PARSERS[attribute](after))
    if after == cells["before"]:
        raise ValueError(f"before and after are both {after!r}")
    return Correction(**(cells | {"after": after}))
