"""Lists of parts: train.txt and test.txt, or tables like them, which name photos and by their own names say what for.

Published datasets divide themselves so. Read together they count as a column of splits would; those that may hold a
test set and are not read are asked about, and so is a list to train on that leaves out some of what is trained on.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.readers.attributes import TEST, UNLABELLED
from core.data.readers.companions import says, tells_positions
from core.data.readers.find_tables import files_of_tables
from core.data.readers.reading import Fact, Reading
from core.data.readers.split_names import TRAIN, VALIDATION, Part, by_words_around
from core.data.readers.tree import Tree
from core.data.tables.looked.forms import is_form
from core.data.tables.looked.how_matched import facts_of
from core.data.tables.matching import NO_MATCH, Match, Matcher
from core.data.tables.meanings import MEANINGS, choose_columns
from core.data.tables.table import Table, is_list, is_table, read_table
from core.errors import LabError
from core.text import listed, number_of

JUDGED_LINES = 50  # of a list, by which it is told where in them photos are named
ROLES = (TRAIN, VALIDATION, TEST, UNLABELLED)
Photos = Mapping[str, dict]  # sample -> the photo, as its reader labels it
Named = dict[str, Part]  # path of a list -> the part that it names


@dataclass(frozen=True)
class _List:
    """matches: (cell, match) of each line. samples: the photos that it names. fault: why it cannot be read, or what in
    it could be any of several photos."""

    path: str
    part: Part
    matches: Sequence[tuple[str, Match]] = ()
    samples: frozenset[str] = frozenset()
    facts: Sequence[Fact] = ()
    fault: str = ""


@dataclass(frozen=True)
class _Lists:
    """Those that by their names are the parts of one dataset. of_sample: photo -> the shortest that names it. why_not:
    why they are not read; "" where they are."""

    lists: Sequence[_List]
    of_sample: Mapping[str, _List]
    why_not: str

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.lists]

    @property
    def aside(self) -> set[str]:
        """The photos that a list of a test set, or of what has no label, names."""
        return {sample for each in self.lists if each.part.split for sample in each.samples}

    @property
    def is_hidden(self) -> bool:
        """Whether a list names photos, and one cannot be read, which may be the test's."""
        return any(each.fault for each in self.lists) and any(each.samples for each in self.lists)

    @property
    def are_to_train(self) -> bool:
        """Whether they only say what to train, or validate, on: nearly all that stands in them names photos."""
        cells = [match.sample for each in self.lists for _, match in each.matches]
        roles = {each.part.role for each in self.lists}
        return TRAIN in roles <= {TRAIN, VALIDATION} and 10 * sum(map(bool, cells)) >= 9 * len(cells) > 0

    def are_asked_about(self, trained: set[str], *, is_divided: bool) -> bool:
        """Whether somebody has to know that they are not read. trained: the photos that are trained on. is_divided:
        whether folders or tables say what photos are for, as val/ does of those that train.txt leaves out."""
        if any(each.part.split for each in self.lists):
            return bool(self.aside & trained) or self.is_hidden
        return self.are_to_train and not is_divided and bool(trained - self.of_sample.keys())

    def differs(self, split_of: Mapping[str, str]) -> bool:
        """Whether by these a photo is a test that by others is trained on, or the other way round."""
        own = {sample: each.part.split for sample, each in self.of_sample.items()}
        return any(bool(split) != bool(split_of.get(sample, split)) for sample, split in own.items())


def with_part_lists(reading: Reading, tree: Tree, data: DataConfig) -> Reading:
    """The photos of a reader with the parts that lists of photos tell, and facts: that these are read, or why not.

    They are read where by them each photo is to be trained on or a test, never both, nine in ten of those that are
    trained on are named, and each class keeps some. What folders or tables say of it already counts before them.
    """
    of_folders = [] if data.split_column == NO_COLUMN else _of_folders(reading, tree, data)
    photos = {photo["sample"]: photo for photo in reading.photos}
    if not of_folders or not photos:
        return reading
    matcher = Matcher(replace(tree, images={sample: photo["real"] for sample, photo in photos.items()}))
    groups = [group for named in of_folders for group in _groups(named, photos, tree, data, matcher)]
    right = [group for group in groups if not group.why_not]
    split_of = {sample: photo["split"] for sample, photo in photos.items()}
    is_divided = any(photo["part"] or photo["given_fold"] is not None for photo in reading.photos)
    if is_divided:
        why_not = "folders or tables say it already, and otherwise"
        right, others = [], [replace(group, why_not=why_not) for group in right if group.differs(split_of)]
    else:
        first = {sample: each.part.split for group in right[:1] for sample, each in group.of_sample.items()}
        differ = any(group.differs(first) for group in right)
        others = [replace(group, why_not="others of them say otherwise") for group in right if differ]
        right = [] if differ else right[:1]
    aside = {sample for group in right for sample in group.aside}
    trained = {sample for sample, split in split_of.items() if not split} - aside
    unread = [group for group in groups if group.why_not]
    others += [group for group in unread if group.are_asked_about(trained, is_divided=is_divided)]
    asked = frozenset(path for group in others for path in group.paths)
    reading = replace(reading, facts=[*reading.facts, *_questions(others, trained)], asked=asked)
    return _joined(reading, right[0]) if right else reading


def _of_folders(reading: Reading, tree: Tree, data: DataConfig) -> list[list[Named]]:
    """For each folder, and each suffix of its files: the lists that are called alike but for the part, one of them at
    least to train on, or that of a test set, where they tell no two parts. Not captions of photos, nor what was read
    for labels, nor what somebody predicted."""
    captioned = {posixpath.splitext(path)[0] for path in tree.images}
    numbered = {stem for path in captioned if (stem := posixpath.basename(path)) and any(map(str.isdecimal, stem))}
    read = {path for path in reading.tables if not says(path)}
    files: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for path in files_of_tables(tree):
        whole, suffix = posixpath.splitext(path)
        home, stem = posixpath.split(whole)
        if not (whole in captioned or stem in numbered or is_form(path) or tells_positions(path)):
            files[home, suffix.lower()][stem] = path
    of_folders = []
    for paths in files.values():
        alike = [
            {paths[stem]: part for stem, part in sorted(parts.items(), key=_order) if _is_list_of(part, stem)}
            for parts in by_words_around(paths).values()
        ]
        tell = [named for named in alike if len(set(named.values())) > 1 or any(map(_tells_alone, named.items()))]
        of_folders.append([named for named in tell if not (named.keys() <= read or data.csv_file in named)])
    return [named for named in of_folders if named]


def _is_list_of(part: Part, stem: str) -> bool:
    return part.role in ROLES and not (part.role == UNLABELLED and "pred" in stem.lower())


def _tells_alone(of_path: tuple[str, Part]) -> bool:
    """Whether a list by itself is that of a test set, or of what to train on: list_eval_partition.txt tells of all
    photos what they are for."""
    path, part = of_path
    return part.role != VALIDATION and not says(path)


def _order(of_stem: tuple[str, Part]) -> tuple[int, str]:
    """Lists to train on first, those of a test set last."""
    stem, part = of_stem
    return ROLES.index(part.role) if part.role in ROLES else len(ROLES), stem


def _groups(
    of_folder: Sequence[Named], photos: Photos, tree: Tree, data: DataConfig, matcher: Matcher
) -> Sequence[_Lists]:
    """The lists of a folder as they are called; all as one where that is right and no group by itself is: each pair may
    be of a class (cat_train.txt and cat_test.txt)."""
    read = [[_read(path, part, tree, data, matcher) for path, part in named.items()] for named in of_folder]
    groups = [_judged(lists, photos) for lists in read]
    if len(groups) < 2 or not all(group.why_not for group in groups):
        return groups
    as_one = _judged([each for lists in read for each in lists], photos)
    return groups if as_one.why_not else [as_one]


def _read(path: str, part: Part, tree: Tree, data: DataConfig, matcher: Matcher) -> _List:
    try:
        table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
        cells = _cells(path, table, data, matcher)
    except LabError as fault:  # of a table its reader tells why
        return _List(path, part, fault=fault.message if is_list(path) else "")
    homes = [posixpath.dirname(path), *([matcher.top_of_part[part]] if part in matcher.top_of_part else [])]
    of_place = [matcher.match((cell, home) for cell in cells) for home in homes]  # in the folder of its part at last
    of_cell = [[of.get((cell, home), NO_MATCH) for home, of in zip(homes, of_place, strict=True)] for cell in cells]
    matches = [(cell, next(filter(_is_one, of), of[0])) for cell, of in zip(cells, of_cell, strict=True)]
    samples = frozenset(match.sample for _, match in matches if match.sample in matcher.tree.images)
    several = [cell for cell, match in matches if not match.sample and len(matcher.called(cell)) > 1]
    unclear = f"{several[0]} could be any of {number_of(len(matcher.called(several[0])), 'photo')}" if several else ""
    return _List(path, part, matches, samples, [fact for fact in table.facts if fact.kind == "encoding"], unclear)


def _is_one(match: Match) -> bool:
    return bool(match.sample)


def _cells(path: str, table: Table, data: DataConfig, matcher: Matcher) -> list[str]:
    """What names the photos: of a table its column of paths, of a list the cells, or the lines, that most name one. The
    first line of a list may name one though it was taken for names of columns. Raises LabError as choose_columns."""
    if not is_list(path):
        by_name = data.model_copy(update={f"{meaning}_column": None for meaning in MEANINGS})
        return table.column(choose_columns(table, by_name, matcher.is_photo, needs_label=False).columns["path"])
    rows = [*([table.columns] if table.has_header else []), *(cells for _, cells in table.rows)]
    ways = [[cells[at] if at < len(cells) else "" for cells in rows] for at in range(len(table.columns))]
    ways += [[" ".join(cells) for cells in rows]] if len(table.columns) > 1 else []
    best = max(ways, key=lambda cells: sum(map(matcher.is_photo, cells[:JUDGED_LINES])))
    is_named = matcher.is_photo(best[0]) or bool(matcher.called(best[0]))
    return best[1:] if table.has_header and not is_named else best


def _judged(lists: Sequence[_List], photos: Photos) -> _Lists:
    of_sample: dict[str, _List] = {}
    for each in sorted(lists, key=lambda each: -len(each.samples)):  # trainval.txt before train.txt and val.txt
        of_sample |= dict.fromkeys(each.samples, each)
    return _Lists(lists, of_sample, _why_not(lists, of_sample, photos))


def _why_not(lists: Sequence[_List], of_sample: Mapping[str, _List], photos: Photos) -> str:
    """Why lists are not read; "" where they are."""
    naming = [each for each in lists if each.samples]
    aside = {sample for each in naming if each.part.split for sample in each.samples}
    waiting = {sample for each in naming if each.part.split == UNLABELLED for sample in each.samples}
    kept = {sample for each in naming if not each.part.split for sample in each.samples}
    label_of = {sample: photo["label"] for sample, photo in photos.items() if not photo["split"]}
    classes = {label for sample, label in label_of.items() if sample not in waiting}
    left = {label for sample, label in label_of.items() if sample not in aside}
    named = sum(sample in of_sample for sample in label_of)
    nameless = [cell for each in naming for cell, match in each.matches if not match.sample]
    if fault := next((each.fault for each in lists if each.fault), ""):
        return fault
    if len({each.part for each in naming}) < 2 or not kept:
        return "no list beside it names the photos to train on"
    if both := aside & kept:
        are, what = "is" if len(both) == 1 else "are", "unlabelled" if both <= waiting else "a test"
        return f"by them {number_of(len(both), 'photo')} {are} trained on and {what}, too ({listed(sorted(both))})"
    if nameless and all(cell.isdecimal() for each in naming for cell, _ in each.matches):
        return f"their numbers may stand for something else, as {nameless[0]} names no photo"
    if 10 * named < 9 * len(label_of):
        return f"they name {named:,} of {number_of(len(label_of), 'photo')}"
    if classes - left:
        lost = [label for label in classes - left if label is not None]
        return f"{listed(sorted(lost)) if lost else 'the dataset'} would keep no photo to train on"
    return ""


def _questions(asked: Sequence[_Lists], trained: set[str]) -> list[Fact]:
    """One about all lists that may tell a test set, and why the first is not read; one about those that may say what to
    train on. trained: the photos that are trained on."""
    of_train = [group for group in asked if not any(each.part.split for each in group.lists)]
    of_aside = [group for group in asked if group not in of_train]
    facts = []
    if paths := [path for group in of_aside for path in group.paths]:
        number = len(set().union(*(group.aside for group in of_aside)) & trained)
        counts = f" ({number_of(number, 'photo')} that {'is' if number == 1 else 'are'} trained on)" * bool(number)
        first = "" if len(of_aside) == 1 else f" the first, {of_aside[0].paths[0]}:"
        is_test = any(each.part.split == TEST for group in of_aside for each in group.lists)
        which = "are a test" if is_test else "have no label"
        text = (
            f"{listed(paths)} may say which photos {which}{counts}; {_not_read(paths)}:{first} {of_aside[0].why_not}."
        )
        facts.append(_question(text, paths))
    if paths := [path for group in of_train for path in group.paths]:
        number = len(trained - {sample for group in of_train for sample in group.of_sample})
        does, its = ("it does", "its") if len(paths) == 1 else ("they do", "their")
        are, them = ("is", "it") if number == 1 else ("are", "them")
        text = f"{listed(paths)} may say what to train on; {_not_read(paths)}, and {number_of(number, 'photo')} that "
        text += f"{does} not name {are} trained on, too. A list in {its} folder that names {them}, such as "
        text += f"test{posixpath.splitext(paths[0])[1]}, would set {them} aside."
        facts.append(_question(text, paths))
    return facts


def _not_read(paths: Sequence[str]) -> str:
    return "it is not read" if len(paths) == 1 else "they are not read"


def _question(text: str, paths: Sequence[str]) -> Fact:
    return Fact("table", text, ("split_column", *(("reader", "csv_file") if any(map(is_table, paths)) else ())), True)


def _joined(reading: Reading, group: _Lists) -> Reading:
    """The photos with the parts that lists tell of them, and facts about that. One that lacks a label for a reason that
    its reader tells stays set aside for it."""
    photos = []
    for photo in reading.photos:
        if each := group.of_sample.get(photo["sample"]):
            stands = {"part": each.path} if each.part.split or not photo["split"] else {}
            labels = {"label": None} if each.part.split == UNLABELLED else {}
            photo = photo | stands | labels | {"split": photo["split"] or each.part.split}
        photos.append(photo)
    name = listed(group.paths)
    text = f"{name} say what photos are for: they name {len(group.of_sample):,} of {number_of(len(photos), 'photo')}."
    facts = [Fact("table", text, ("split_column", "test_set"))]
    matches = [match for each in group.lists for match in each.matches]
    if nameless := sum(not match.sample for _, match in matches):
        text = f"{number_of(nameless, 'line')} of {name} {'names' if nameless == 1 else 'name'} no photo: not read."
        facts.append(Fact("match", text))
    facts += [*(fact for each in group.lists for fact in each.facts), *facts_of(matches, name)]
    joined = {path: reading.joined.get(path, frozenset()) | {"split"} for path in group.paths}
    return replace(
        reading,
        photos=photos,
        facts=[*reading.facts, *facts],
        tables=list(dict.fromkeys([*reading.tables, *group.paths])),
        joined={**reading.joined, **joined},
    )
