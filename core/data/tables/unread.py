"""Tables that name photos and are not read: what is asked about them, the costliest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.data.readers.reading import Fact
from core.data.readers.tree import Tree
from core.data.tables.looked.in_parts import home_of
from core.data.tables.matching import Matcher
from core.data.tables.meanings import LABELLED, Meanings
from core.data.tables.table import Table
from core.text import listed, number_of

MOST_TOLD = 3  # tables that are asked about one by one


@dataclass(frozen=True)
class UnreadTable:
    """path: relative to the dataset's folder. joined: what it is read for, as meanings. is_same: its labels are those
    of the folders. others: columns of its own, of a table that joined, that say other things than the folders."""

    path: str
    table: Table
    meanings: Meanings
    joined: frozenset[str] = frozenset()
    is_same: bool = False
    others: tuple[str, ...] = ()

    def names_photos(self, matcher: Matcher) -> bool:
        cells = list(dict.fromkeys(self._names))
        home = home_of(self.path, cells, matcher)
        return any(matcher.is_photo(cell) or (home and matcher.is_photo(cell, home)) for cell in cells)

    def names_half(self, tree: Tree, matcher: Matcher) -> bool:
        """Whether it names half of all photos, or of those in its folder and below."""
        cells, home = self._names, self.path.rpartition("/")[0]
        place = home_of(self.path, cells, matcher)
        photos = {match.sample for match in matcher.match((cell, place) for cell in cells).values()}
        beside = [path for path in tree.images if path.startswith(f"{home}/")]
        groups = (list(tree.images), beside)
        return any(group and 2 * len(photos.intersection(group)) >= len(group) for group in groups)

    @property
    def _names(self) -> list[str]:
        """The cells of its column of paths."""
        column = self.meanings.columns.get("path")
        return [] if column is None else self.table.column(column)

    @property
    def parts(self) -> list[str]:
        """The columns that may say what its photos are for."""
        split = [column for meaning, column in self.meanings.columns.items() if meaning == "split"]
        return [] if "split" in self.joined else [*split, *self.meanings.parts]

    @property
    def persons(self) -> list[str]:
        """The column that says who they show."""
        columns = [column for meaning, column in self.meanings.columns.items() if meaning == "person"]
        return [] if self.meanings.numbers_photos or "person" in self.joined else columns

    @property
    def labels(self) -> list[str]:
        meanings = set(LABELLED) - ({"label"} if self.joined and self.is_same else set())
        return [column for meaning, column in self.meanings.columns.items() if meaning in meanings]

    @property
    def says_no_more(self) -> bool:
        """Whether its labels are those of the folders, and it tells nothing else."""
        others = self.meanings.columns.keys() & set(LABELLED) - {"label"}
        return self.is_same and not (others or self.parts or self.persons)

    @property
    def is_read(self) -> bool:
        """Whether nothing is left to ask about."""
        return bool(self.joined) and not (self.parts or self.persons or self.labels or self.others)

    @property
    def question(self) -> str:
        also = [f"may say which are a test ({listed(self.parts)})"] if self.parts else []
        also += [f"tells whom they show ({listed(self.persons)})"] if self.persons else []
        labels = self.labels or self.others
        says = f" (labels in {listed(labels)})" if labels else ""
        ends = "that is not read" if self.joined else "it is not read"
        return f"{self.path} names photos, too{says}{', and ' if also else ''}{' and '.join(also)}: {ends}."


def questions(unread: Iterable[UnreadTable], settings: tuple[str, ...] = ("reader", "csv_file")) -> list[Fact]:
    """First of those that may tell the test set, then of those that tell persons; of many, some in one line."""
    tables = sorted((each for each in unread if not each.is_read), key=lambda each: (not each.parts, not each.persons))
    texts = [each.question for each in tables]
    if more := tables[MOST_TOLD:]:
        texts[MOST_TOLD:] = [_summary(more)]
    return [Fact("table", text, settings, probable=True) for text in texts]


def _summary(tables: list[UnreadTable]) -> str:
    number = number_of(len(tables), "more table names photos", "more tables name photos")
    also = ["may say which are a test"] if any(each.parts for each in tables) else []
    also += ["may tell whom they show"] if any(each.persons for each in tables) else []
    which = "some of which" if len(tables) > 1 else "which"
    ends = f", {which} {' or '.join(also)}" if also else ""
    return f"{number}, too: not read ({listed([each.path for each in tables])}){ends}."
