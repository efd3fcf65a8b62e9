"""What a reader understood of a dataset: photos with labels, what is wrong, and facts that a person should see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.text import listed


@dataclass(frozen=True)
class Fact:
    """One thing that was understood, told before anything else.

    kind: a stable word for scripts and tests (split, persons, unlabelled, left-out, table, ...). text: a sentence.
    settings: the fields of DataConfig by which a person can change it. probable: it is only probable, so it is asked.
    """

    kind: str
    text: str
    settings: tuple[str, ...] = ()
    probable: bool = False


@dataclass(frozen=True)
class Reading:
    """photos, problems: rows as attributes.photo and attributes.problem make them. tables: files of labels that were
    read, relative to the dataset. joined: those of them that only tell something else of photos whose folders, or other
    tables, name the classes -> what, as meanings of columns. asked: lists and tables that a fact asks about already.

    A photo whose `split` is test or unlabelled is set aside by the scan: it is checked, and never trained on.
    """

    photos: list[dict]
    problems: list[dict]
    facts: list[Fact] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    joined: Mapping[str, frozenset[str]] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()


def folder_list(names: Iterable[str]) -> str:
    return listed([f"{name}/" for name in sorted(names)])
