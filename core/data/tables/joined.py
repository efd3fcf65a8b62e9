"""What tables tell of photos whose folders or names tell the classes: whom they show, and which are a test or in which
fold.

The classes stay as they are. A table joins by itself where it tells that of nearly all photos, and of none two things;
one without labels that somebody chose (data.csv_file) where it tells it of one. One with labels was chosen to be read
for these, perhaps, before the reader was: it joins as by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.persons import KNOWN, units
from core.data.readers.companions import tells_positions
from core.data.readers.csv_table import Parts
from core.data.readers.find_tables import chosen_csv, files_of_tables, parts_of_one
from core.data.readers.reading import Fact, Reading
from core.data.readers.tree import Tree
from core.data.tables.beside_folders import hold_one
from core.data.tables.cells import spelt
from core.data.tables.looked.candidates import DatasetTable, Source, dataset_table, is_predicted
from core.data.tables.looked.forms import is_form
from core.data.tables.looked.how_matched import facts_of
from core.data.tables.matching import NO_MATCH, Match, Matcher
from core.data.tables.meanings import usual_column
from core.data.tables.table import is_table, read_table
from core.data.tables.words import says_nothing, words_for_nothing
from core.errors import LabError, ended
from core.text import listed, number_of, one_line

PERSON, SPLIT = "person", "split"  # what a table may tell, as the meanings of its columns
SAYS = {PERSON: "who the photos show", SPLIT: "what they are for"}
SETTINGS = {PERSON: ("person_column",), SPLIT: ("split_column", "test_set")}
FEWEST = 5  # persons that are not asked about: as many as there usually are folds
Photos = Mapping[str, dict]  # sample -> the photo, as its folders label it


@dataclass(frozen=True)
class _Table:
    """One that names photos, or several that are parts of one. matches: of each row, in their order. is_chosen: whether
    somebody chose it for what it tells beside folders."""

    dataset: DatasetTable
    matches: Sequence[Match]
    is_chosen: bool

    @property
    def listed(self) -> str:
        return listed(self.dataset.paths)

    def rows(self, of: Photos) -> Iterable[tuple[Source, dict[str, str], dict]]:
        """(where it stands, meaning -> cell, its photo) of each row that names one of these."""
        table = self.dataset.table
        at = {meaning: table.columns.index(column) for meaning, column in self.dataset.meanings.columns.items()}
        for source, (_, cells), match in zip(self.dataset.sources, table.rows, self.matches, strict=True):
            if match.sample in of:
                said = {meaning: cells[place] if place < len(cells) else "" for meaning, place in at.items()}
                yield source, said, of[match.sample]


def with_tables(reading: Reading, tree: Tree, data: DataConfig, classes: str = "folders") -> Reading:
    """The photos of folders with the persons and parts that tables tell, and a fact about each of these.
    classes: what tells the classes, folders or names.

    Raises LabError for a table that was chosen for that and says two things of a photo.
    """
    photos = {photo["sample"]: photo for photo in reading.photos if photo["label"] is not None}
    meanings = [meaning for meaning in SAYS if _is_asked(meaning, reading.photos, data)]
    try:
        paths = [chosen_csv(tree.root, data.csv_file)] if data.csv_file else _to_look_at(tree)
        if not paths or not photos:
            return reading
        tables = _tables(paths, tree, data)
    except LabError as fault:  # of a table that was chosen
        text = ended(f"{data.csv_file} is not read: {fault.message.removeprefix('csv: ')}")
        return replace(reading, facts=[*reading.facts, Fact("table", text, ("csv_file",), probable=True)])
    read_for: dict[str, set[str]] = defaultdict(set)
    by_sample, facts = {photo["sample"]: photo for photo in reading.photos}, []
    for meaning in meanings:
        of_tables = [(table, said) for table in tables if (said := _SAID[meaning](table, photos, data))]
        if len(of_tables) != 1:  # of several nobody knows here which is right: they are asked about
            continue
        ((table, said),) = of_tables
        by_sample |= {sample: by_sample[sample] | more for sample, more in said.items()}
        is_first = not read_for.keys() & set(table.dataset.paths)
        facts += _facts(meaning, table, said, len(photos), classes, is_first=is_first)
        for path in table.dataset.paths:
            read_for[path].add(meaning)
    if data.csv_file and not read_for:
        facts.append(_why_not(data.csv_file, tables, meanings))
    joined = {path: frozenset(said) for path, said in read_for.items()}
    return replace(
        reading, photos=list(by_sample.values()), facts=[*reading.facts, *facts], tables=[*joined], joined=joined
    )


def _why_not(path: str, tables: Iterable[_Table], meanings: Sequence[str]) -> Fact:
    """That a table that was chosen is read for nothing. meanings: what tables may tell here."""
    every = [table.dataset for table in tables]
    columns = {meaning for each in every for meaning in each.meanings.columns}
    names = {PERSON: {PERSON}, SPLIT: {SPLIT, "fold"}}
    usual = {one for of in names.values() for one in of if any(usual_column(each.table.columns, one) for each in every)}
    already = [SAYS[meaning] for meaning in SAYS if meaning not in meanings and (columns | usual) & names[meaning]]
    refused = [SAYS[meaning] for meaning in meanings if columns & names[meaning]]
    why = f"it tells neither {SAYS[PERSON]} nor {SAYS[SPLIT]}"
    if not every:
        why = "it names no photo"
    elif refused and not any(each.tells_usual for each in every):
        why = f"no cell of it tells {' or '.join(refused)}"
    elif refused:
        why = (
            f"it has labels, and then {' and '.join(refused)} is read only where it is said of nearly all photos, "
            "never in two ways, no class is all test, and persons are several, not the classes, and in no column id"
        )
    elif already:
        why = f"folders or settings say {' and '.join(already)} already"
    settings = ("reader", "csv_file", "person_column", "split_column")
    return Fact("table", f"{path} is not read: {why}.", settings, probable=True)


def _to_look_at(tree: Tree) -> list[str]:
    return [
        path
        for path in files_of_tables(tree)
        if is_table(path) and not (is_form(path) or is_predicted(path) or tells_positions(path))
    ]


def _is_asked(meaning: str, photos: Sequence[dict], data: DataConfig) -> bool:
    """Whether tables are to tell it: not what somebody said how to tell, nor parts where folders name some."""
    if getattr(data, f"{meaning}_column") == NO_COLUMN:
        return False
    if meaning == PERSON:
        return data.persons == "auto" and not data.person_pattern
    return not any(photo["part"] or photo["given_fold"] is not None for photo in photos)


def _tables(paths: Iterable[str], tree: Tree, data: DataConfig) -> list[_Table]:
    """Those of the tables at `paths` that name photos; those that are parts of one as one."""
    matcher = Matcher(tree)
    same: dict[tuple[str, ...], list[DatasetTable]] = defaultdict(list)
    for path in paths:
        try:
            table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
            dataset = dataset_table([(Source(path), table)], data, matcher, needs_label=False)
        except LabError:
            if data.csv_file:
                raise
            continue  # the readers tell why
        if dataset.names_photos(matcher):
            same[tuple(dataset.table.columns)].append(dataset)
    tables = []
    for datasets in same.values():
        parts = parts_of_one(datasets, [])
        with suppress(LabError):
            datasets = [dataset_table(parts, data, matcher, needs_label=False)] if parts else datasets
        for dataset in datasets:
            cells = dataset.table.column(dataset.meanings.columns["path"])
            places = [(cell, source.home) for cell, source in zip(cells, dataset.sources, strict=True)]
            matches = matcher.match(places)
            is_chosen = bool(data.csv_file) and not dataset.tells_usual
            tables.append(_Table(dataset, [matches.get(place, NO_MATCH) for place in places], is_chosen))
    return tables


def _persons(table: _Table, photos: Photos, data: DataConfig) -> dict[str, dict[str, Any]]:
    """Sample -> its person; {} where the table tells none, or by itself would tell too few, or as good as the class, or
    by a column id, which may stand for anything."""
    column = table.dataset.meanings.columns.get(PERSON)
    if column is None or table.dataset.meanings.numbers_photos:
        return {}
    nothing = words_for_nothing(data.no_label)
    rows = [(photo["sample"], cell[PERSON]) for _, cell, photo in table.rows(photos)]
    persons = [(sample, cell) for sample, cell in rows if not says_nothing(cell, nothing)]
    said = _of_each([(sample, {"person": person, "person_known": True}) for sample, person in persons], table)
    if table.is_chosen or not said:
        return said
    folders = {photo["label"] for photo in photos.values()}
    is_class = hold_one({(photos[sample]["label"], more["person"]) for sample, more in said.items()}, folders)
    several = len({more["person"] for more in said.values()}) > 1
    is_doubted = spelt(column) == "id" and column != data.person_column
    return said if several and not (is_class or is_doubted) and _nearly_all(said, photos) else {}


def _parts(table: _Table, photos: Photos, data: DataConfig) -> dict[str, dict[str, Any]]:
    """Sample -> the part that it stands in; {} where the table tells none, or by itself would tell too few, or leave
    none of a class to train on."""
    labelled = {"label": "of its folder", "attributes": {}}
    said, faults = [], []
    try:
        parts = Parts(table.dataset, sets_aside=data.split_column != NO_COLUMN)
        for source, cell, photo in table.rows(photos):
            stands, wrong = parts.read(source, cell, labelled)
            said.append((photo["sample"], stands))
            faults += [f"{source.path}: {text}" for _, text in wrong]
        if faults:
            raise LabError(f"csv: {faults[0]}", "Correct the table, or choose no split column.", "csv")
    except LabError:
        if table.is_chosen:
            raise
        return {}
    of_each = _of_each(said, table)
    if not any(of_each.values()) or table.is_chosen:
        return {sample: stands for sample, stands in of_each.items() if stands}
    trained = {photo["label"] for sample, photo in photos.items() if not of_each.get(sample, photo).get("split")}
    classes = {photo["label"] for photo in photos.values() if not photo["split"]}
    return of_each if classes <= trained and _nearly_all(of_each, photos) else {}


_SAID = {PERSON: _persons, SPLIT: _parts}


def _of_each(said: Iterable[tuple[str, dict[str, Any]]], table: _Table) -> dict[str, dict[str, Any]]:
    """Sample -> what rows say of it; {} where two rows say two things. Raises LabError for that of a chosen table."""
    of_each: dict[str, dict[str, Any]] = {}
    for sample, more in said:
        if of_each.setdefault(sample, more) != more:
            if not table.is_chosen:
                return {}
            first, second = (next(iter(each.values()), "nothing") for each in (of_each[sample], more))
            text = f"csv: {table.listed} says two things of {sample} ({first} and {second})"
            raise LabError(text, "Correct its rows, or choose another table.", "csv")
    return of_each


def _nearly_all(said: Mapping[str, object], photos: Photos) -> bool:
    return 10 * len(said) >= 9 * len(photos)


def _facts(
    meaning: str, table: _Table, said: Mapping[str, dict[str, Any]], photos: int, classes: str, *, is_first: bool
) -> list[Fact]:
    """That a table is read for what it tells, asked where its persons are few or one holds a third of the photos (as
    "unknown" does); what is only probable of its columns and names, with the first."""
    columns, name = table.dataset.meanings.columns, table.listed
    column = columns.get(meaning) or columns.get("fold")
    by = f" ({column})" if column else ""
    text = f"{name} {'say' if len(table.dataset.paths) > 1 else 'says'} {SAYS[meaning]}{by}: "
    text += f"read together with the {classes} ({len(said):,} of {number_of(photos, 'photo')})."
    if meaning == PERSON and not table.is_chosen:
        held = Counter(more["person"] for more in said.values())
        (person, most), *_ = held.most_common(1)
        are_few = len(held) < FEWEST or 3 * most >= len(said)
        who = f" {units(len(held), KNOWN)}, of which {one_line(person, 40)} has {number_of(most, 'photo')}."
        facts = [Fact("table", text + who * are_few, (*SETTINGS[meaning], "persons", "no_label"), probable=are_few)]
    else:
        facts = [Fact("table", text, SETTINGS[meaning])]
    facts += [fact for fact in table.dataset.meanings.facts if f"{meaning}_column" in fact.settings]
    if not is_first:
        return facts
    cells = table.dataset.table.column(columns["path"])
    if nameless := sum(not match.sample for match in table.matches):
        text = f"{number_of(nameless, 'row')} of {name} {'names' if nameless == 1 else 'name'} no photo: not read."
        facts.append(Fact("match", text))
    return [*facts, *table.dataset.table.facts, *facts_of(zip(cells, table.matches, strict=True), name)]
