"""Names of classes and persons that are one name in two spellings, and those that are only probably one."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from core.data.readers.reading import Fact

NAMED = {"label": ("class", "classes", "values"), "person": ("person", "persons", "persons")}  # noun, plural, kind
SHOWN = 3


def nfc(text: str) -> str:
    """The text with accents and syllables composed: file systems keep them composed or taken apart."""
    return unicodedata.normalize("NFC", text)


def as_spelt(text: str, values: Iterable[str]) -> str:
    """The one of the values that is the same name, as it is spelt there; else the text, composed."""
    of_text, composed = set(values), nfc(text)
    return text if text in of_text else next((value for value in of_text if nfc(value) == composed), composed)


def one_spelling(photos: list[dict]) -> tuple[list[dict], list[Fact]]:
    """Photos in which a class or person that is spelt in two ways is one, and what a person should know of it.

    Composed and decomposed letters look the same, so they are joined, in NFC. A name that is spelt in one way stays as
    it is: runs of older labs know it so. Names that differ in capitals or blanks only are probably one, and stay apart.
    """
    facts = []
    for name, (noun, plural, kind) in NAMED.items():
        spellings = defaultdict(set)
        for value in {photo[name] for photo in photos if _is_named(photo, name)}:
            spellings[nfc(value)].add(value)
        joined = sorted(composed for composed, values in spellings.items() if len(values) > 1)
        if joined:
            photos = [
                photo | {name: nfc(photo[name])}
                if _is_named(photo, name) and len(spellings[nfc(photo[name])]) > 1
                else photo
                for photo in photos
            ]
            noun = noun if len(joined) == 1 else plural
            count = f"{len(joined):,} {noun} {'is' if len(joined) == 1 else 'are'}"
            text = f"{count} spelt in two ways that look the same (accents apart or joined), taken as one: "
            text += f"{_some(joined)}."
            facts.append(Fact(kind, text))
        similar = [" and ".join(map(_shown, values)) for values in probably_one(spellings)]
        if similar:
            text = f"{plural.capitalize()} that differ only in capitals, blanks or as numbers, probably one: "
            text += f"{_some(similar, '; ')}. They are kept apart; give them one name if they are one."
            facts.append(Fact(kind, text, probable=True))
    return photos, facts


def probably_one(values: Iterable[str]) -> list[list[str]]:
    """Groups of values that differ only in capitals and blanks (Cat, "cat ") or are one number (1, 1.0)."""
    groups = defaultdict(set)
    for value in values:
        groups[_core(value)].add(value)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _core(value: str) -> str:
    text = " ".join(nfc(value).casefold().split())
    whole = re.fullmatch(r"0*(\d+)(?:\.0+)?", text, re.ASCII)
    return whole[1] if whole else text


def _is_named(photo: dict, name: str) -> bool:
    """Whether somebody gave the name: a photo without a known person is its own, by its path."""
    value = photo[name]
    return isinstance(value, str) and not (name == "person" and value == photo["sample"])


def _shown(value: str) -> str:
    return f'"{value}"' if value != value.strip() else value


def _some(names: list[str], between: str = ", ") -> str:
    return between.join(names[:SHOWN]) + (f"{between}and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
