"""What labels say: words for no label at all, and two spellings of what is probably one class."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping

from core.data.readers.reading import Fact

HARDLY_A_CLASS = frozenset({"nan", "n/a", "null"})
SHOWN = 3  # pairs of spellings that are told one by one


def words_for_nothing(text: str) -> frozenset[str]:
    """The words of the setting no_label, folded; an empty cell always is one of them."""
    return frozenset({"", *(word.strip().casefold() for word in text.split(","))})


def says_nothing(label: str, words: frozenset[str]) -> bool:
    return label.casefold() in words


def names_nobody(what: str, cell: str, words: frozenset[str]) -> list[tuple[str, str]]:
    """(kind, what is wrong) of a cell that should name a person: thousands of photos of one NA would be one person.

    what: "the person". Somebody who is called so is named once the word is taken from no_label.
    """
    if not says_nothing(cell, words):
        return []
    return [("bad-person", f"{what} is {cell!r}, which says nothing (no_label)" if cell else f"{what} is empty")]


def unlabelled_fact(cells: Counter[str], labels: Mapping[str, int], *, kept: int) -> Fact | None:
    """How many photos have no label, by the words for it; None if all have one.

    cells: label cell -> photos, of those without a label. labels: class -> photos. kept: how many of the photos tell
    something else and so stay. A word that stands there as often as a class may be a class: then it is asked.
    """
    if not cells:
        return None
    count = sum(cells.values())
    said = ", ".join(f"{word!r} {photos:,}" if word else f"empty {photos:,}" for word, photos in sorted(cells.items()))
    photos = "1 photo has" if count == 1 else f"{count:,} photos have"
    what = "set aside as unlabelled" if not kept else "they count for other attributes only"
    if 0 < kept < count:
        what = f"{count - kept:,} set aside as unlabelled, {kept:,} count for other attributes only"
    least = min(labels.values(), default=0)
    probable = any(
        word and word.casefold() not in HARDLY_A_CLASS and photos >= max(2, least) for word, photos in cells.items()
    )
    asked = "; if one of these words is a class, take it from no_label" if probable else ""
    return Fact("unlabelled", f"{photos} no label ({said}): {what}{asked}.", ("no_label",), probable)


def spelling_facts(labels: Mapping[str, int]) -> list[Fact]:
    """Labels that are probably one class: they differ in case, blanks, or as 1 and 1.0 do. Nothing is merged."""
    alike = defaultdict(list)
    for label in labels:
        alike[_folded(label)].append(label)
    groups = [sorted(spellings) for spellings in alike.values() if len(spellings) > 1]
    facts = []
    for spellings in groups[:SHOWN]:
        said = " and ".join(f"{label!r} ({labels[label]:,})" for label in spellings)
        text = f"The labels {said} are probably one class; they count as {len(spellings)}."
        facts.append(Fact("values", text, probable=True))
    if len(groups) > SHOWN:
        facts.append(Fact("values", f"So are {len(groups) - SHOWN:,} more groups of labels.", probable=True))
    return facts


def _folded(label: str) -> str:
    """What two spellings of one class have in common."""
    text = " ".join(re.split(r"[\s_]+", unicodedata.normalize("NFKC", label).casefold())).strip()
    number = re.fullmatch(r"([+-]?)0*(\d+?)(?:\.0*)?", text)
    return f"{number[1].replace('+', '')}{number[2]}" if number else text
