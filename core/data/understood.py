"""What was understood of a dataset: as sentences for people, the same on page and terminal, and as numbers for scripts.

Imports no torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.config.parts import DataConfig
from core.data.persons import KNOWN, units
from core.data.readers.attributes import NUMBER, YES_NO
from core.data.readers.reading import Fact
from core.data.scan import Scan
from core.data.values import OWN, attributes, column_of
from core.text import in_full, one_line

READER_NAMES = {"mask": "mask layout", "utkface": "UTKFace", "names": "file names", "folders": "folders", "csv": "CSV"}
# Kinds of facts in the order in which they are told, after what is asked; kinds not named here come before the last.
ORDER = (
    "layout",
    "table",
    "names",
    "encoding",
    "match",
    "classes",
    "values",
    "persons",
    "split",
    "unlabelled",
    "left-out",
    "problems",
)
MOST_VALUES = 12  # of an attribute that are told; of more the first FEW
FEW = 3
LONGEST_VALUE = 40  # characters
TELLS_CLASS = {"folders": ("class_level", "reader"), "names": ("label_pattern", "reader")}
TELLS_PERSON = {
    "csv": ("person_column", "persons", "person_pattern"),
    "folders": ("persons", "person_pattern"),
    "mask": ("persons",),
    "names": ("persons", "person_pattern"),
    "utkface": ("persons", "person_pattern"),
}


def facts_of(scan: Scan, *, checked: bool = True) -> tuple[Fact, ...]:
    """All that a person should see of a dataset first: what is asked, then what the readers and the scan know.

    checked: False while photos are still being decoded, so that nothing is said of problems yet.
    """
    facts = [*scan.facts, _layout(scan), *_attributes(scan), *_persons(scan), *_set_aside(scan)]
    facts += [_problems(scan)] if checked else []
    order = {kind: place for place, kind in enumerate(ORDER)}
    others = order["problems"] - 0.5
    return tuple(sorted(facts, key=lambda fact: (not fact.probable, order.get(fact.kind, others))))


def as_record(scan: Scan) -> dict[str, Any]:
    """The same for scripts, as plain values: photos are those of the cross-validation, without what is set aside."""
    split = scan.set_aside["split"]
    columns = ["where", "kind", "problem", "remedy", "severity"]
    return {
        "reader": scan.reader,
        "photos": len(scan.samples),
        "persons": {"known": scan.persons.are_known and len(scan.samples) > 0, "count": named_people(scan)},
        "attributes": attribute_counts(scan.samples),
        "set_aside": {name: int((split == name).sum()) for name in ("test", "unlabelled")},
        "problems": scan.problems[columns].to_dict("records"),
        "facts": [
            {"kind": fact.kind, "text": fact.text, "settings": list(fact.settings), "probable": fact.probable}
            for fact in facts_of(scan)
        ],
    }


def named_people(scan: Scan) -> int:
    """How many different persons are known; photos of unknown persons add none."""
    persons = scan.persons
    return persons.people - (persons.photos - persons.known)


def attribute_counts(samples: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """attribute -> {value: photos} in the order of its values; of a number {"min", "max", "photos"}."""
    return {
        each.name: {"min": each.low, "max": each.high, "photos": each.photos} if each.kind == NUMBER else each.counts
        for each in attributes(samples).values()
    }


def problem_counts(scan: Scan) -> str:
    """ "5 bad entries and 1 warning"; empty when there are none."""
    bad = bad_files(scan)
    warnings = len(scan.problems) - bad
    parts = [f"{bad:,} bad {'entry' if bad == 1 else 'entries'}"] if bad else []
    parts += [f"{warnings:,} {'warning' if warnings == 1 else 'warnings'}"] if warnings else []
    return " and ".join(parts)


def bad_files(scan: Scan) -> int:
    return int((scan.problems["severity"] == "error").sum())


def examples(scan: Scan, most: int) -> list[tuple[str, pd.Series]]:
    """(what it is, its row of the samples table) of at most `most` photos, of as many different kinds as there are.

    A kind is a class where photos have one, else what the first two attributes that are no numbers say. Of many kinds
    some from first to last.
    """
    samples = scan.samples
    named = [each for each in scan.attributes.values() if each.kind != NUMBER]
    kinds = pd.Series("", index=samples.index, dtype="object")
    for each in [one for one in named if one.name == "label"] or named[:2]:
        values = samples[str(column_of(each.name, samples))].astype("object").fillna("")
        values = values.map({"yes": each.name}).fillna("") if each.kind == YES_NO else values.astype("str")
        kinds = (kinds + " " + values).str.strip()
    turn = kinds.groupby(kinds, sort=False).cumcount()
    drawn = pd.DataFrame({"kind": kinds, "turn": turn}).sort_values(["turn", "kind"], kind="stable")
    several = int((turn == 0).sum())
    places = np.linspace(0, several - 1, most).round().astype(int) if several > most else np.arange(most)
    chosen = drawn.iloc[places[places < len(drawn)]].sort_values(["kind", "turn"], kind="stable")
    return [(one_line(kinds[at], LONGEST_VALUE), samples.loc[at]) for at in chosen.index]


def _photos(n: int) -> str:
    return "1 photo" if n == 1 else f"{n:,} photos"


def _layout(scan: Scan) -> Fact:
    name, photos = READER_NAMES[scan.reader], scan.samples
    if not len(photos):
        return Fact("layout", f"Read as {name}: no photo that can be trained on.", ("reader",))
    low, high = photos[["width", "height"]].min(), photos[["width", "height"]].max()
    sizes = f", {low['width']} × {low['height']}"
    if (low != high).any():
        sizes += f" to {high['width']} × {high['height']}"
    sizes = f"{sizes} px" if high["width"] else ""  # no photo is opened yet
    return Fact("layout", f"Read as {name}: {_photos(len(photos))}{sizes}.", ("reader",))


def _attributes(scan: Scan) -> list[Fact]:
    """One for each attribute: how many values, and the photos of each. One class and nothing else is asked about."""
    facts, counts_of = [], attribute_counts(scan.samples)
    alone = len(counts_of) == 1 and len(counts_of.get("label", ())) == 1
    own = {name for name in counts_of if str(column_of(name, scan.samples)).startswith(OWN)}
    more = [name for name in counts_of if name in own][MOST_VALUES:]
    for name, counts in counts_of.items():
        if name in more:
            continue
        settings = (f"{name}_column",) if scan.reader == "csv" and f"{name}_column" in DataConfig.model_fields else ()
        settings = ("attributes",) if name in own else settings
        if scan.attributes[name].kind == NUMBER:
            years = " years" if name == "age" else ""
            without = len(scan.samples) - counts["photos"]
            low, high = counts["min"], counts["max"]
            text = (
                f"{name}: {in_full(low)} to {in_full(high)}{years}" if low < high else f"{name}: {in_full(low)}{years}"
            )
        else:
            without = len(scan.samples) - sum(counts.values())
            text = _values(counts, "" if name == "label" else name)
        text += f"; unknown for {_photos(without)}." if without else "."
        text += " A classifier needs two." if alone else ""
        kind = "classes" if name == "label" else "values"
        facts.append(
            Fact(kind, text, settings or (TELLS_CLASS.get(scan.reader, ()) if kind == "classes" else ()), alone)
        )
    if more:
        listed = ", ".join(one_line(name, LONGEST_VALUE) for name in more)
        facts.append(Fact("values", f"{len(more)} more attributes: {listed}.", ("attributes",)))
    return facts


def _values(counts: dict[str, int], name: str) -> str:
    """ "2 classes: cat 6, dog 6", or "gender: female 4, male 4"; a long list is cut."""
    first = list(counts.items()) if len(counts) <= MOST_VALUES else list(counts.items())[:FEW]
    listed = ", ".join(f"{one_line(value, LONGEST_VALUE)} {photos:,}" for value, photos in first)
    if len(first) == len(counts):
        several = "1 class" if len(counts) == 1 else f"{len(counts):,} classes"
        return f"{name or several}: {listed}"
    low, high = min(counts.values()), max(counts.values())
    each = f"{low:,} to {high:,} photos" if low < high else f"{_photos(low)} each"
    what = f"{name}: {len(counts):,} values" if name else f"{len(counts):,} classes"
    return f"{what} of {each}: {listed} and {len(counts) - FEW:,} more"


def _persons(scan: Scan) -> list[Fact]:
    settings, persons = TELLS_PERSON.get(scan.reader, ()), scan.persons
    if not persons.photos:
        return []
    if persons.warning:
        return [Fact("persons", persons.warning, settings)]
    photos = scan.samples["person"].value_counts()
    low, high = int(photos.min()), int(photos.max())
    each = f"{low:,} to {high:,} photos" if low < high else _photos(low)
    return [Fact("persons", f"Persons: {units(persons.people, KNOWN)}, {each} each.", settings)]


def _set_aside(scan: Scan) -> list[Fact]:
    """The photos that are neither trained nor validated on, for each split that no reader has told of itself."""
    kinds = {fact.kind for fact in scan.facts}
    split, facts = scan.set_aside["split"], []
    if (n := int((split == "test").sum())) and "split" not in kinds:
        facts.append(Fact("split", f"{_photos(n)} set aside as test set: never trained or validated on."))
    if (n := int((split == "unlabelled").sum())) and not kinds & {"split", "unlabelled"}:
        facts.append(Fact("unlabelled", f"{_photos(n)} without a label set aside for prediction."))
    return facts


def _problems(scan: Scan) -> Fact:
    counts = problem_counts(scan)
    settings = ("leave_out_problems",) if bad_files(scan) else ()
    return Fact("problems", f"{counts[:1].upper()}{counts[1:]}." if counts else "No problems.", settings)
