"""The reader of folders: one folder a class, and what folders above and below it say (parts, folds, persons)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.data.readers.attributes import TEST, UNLABELLED, photo, problem
from core.data.readers.looked.level import Level, again_below, find_level
from core.data.readers.named.heaps import parts_among
from core.data.readers.named.masks import AS_MASKS, told_of_masks
from core.data.readers.named.people import count_visits, is_person, may_be_person
from core.data.readers.named.pieces import pieces_of
from core.data.readers.reading import Fact, Reading, folder_list
from core.data.readers.set_aside import without_class
from core.data.readers.split_names import Part, classes_and_parts
from core.data.readers.tree import Tree, by_folder, left_over
from core.data.readers.whom import by_pattern
from core.errors import LabError
from core.text import listed, number_of

BESIDE = {"assets", "docs", "doc", "misc", "figures", "screenshots", "logo", "logos", "icons", "examples", "samples"}
MOST_KINDS = 20  # folders of a level that is an attribute: more are persons, places or days
NO_CLASSES = (
    "Put each class in a folder of its own, add a CSV with a path and a label column, or choose the reader for file "
    "names (data.reader: names) where these tell it, as cat_12.jpg does."
)
IF_SO = "If so, choose the class folder, or add a table of the path and class of each photo."
Marks = dict[int, dict[str, Part]]  # level -> name of a folder there -> which part of the dataset it is
Both = dict[str, tuple[str, Part]]  # name of a folder of the class level -> (class, part) where it says both


def read_folders(tree: Tree, data: DataConfig) -> Reading:
    """One folder a class, at any depth below it. Folders named as a part of the dataset (train, valid, test, fold_1)
    are looked through, above the class and below it; photos of a test part without a class are unlabelled.

    Raises LabError where no folder names a class.
    """
    folders = {path: path.split("/")[:-1] for path in tree.images}
    level = Level(data.class_level - 1, folders) if data.class_level else find_level(folders, tree)
    marks = _marks(level)
    levels = _levels(level, marks, data)
    photos = [_photo(path, tree.images[path], names, levels) for path, names in level.used.items()]
    photos, of_containers = without_class(photos, _roles_of(level, marks), is_chosen=data.class_level is not None)
    photos = [photo for photo in photos if photo["label"] is not None or photo["split"]]
    if not any(photo["label"] is not None and not photo["split"] for photo in photos):
        raise LabError(
            f"dataset {tree.root}: {len(folders):,} images but nothing that names their classes",
            NO_CLASSES if not data.class_level else "Clear the class folder, or choose another one (data.class_level).",
            "classes" if data.class_level else "data",
        )
    used = {photo["sample"] for photo in photos}
    problems = left_over(tree, used | level.masks.keys(), "not in a class folder") + _without_pictures(tree, level)
    if level.masks:
        problems += left_over(tree, {*tree.images, *tree.others} - level.masks.keys(), AS_MASKS)
    photos, attributes = _with_levels(photos, level, levels, data)
    facts = [*_told(level, levels.both), *of_containers, *_asked(photos, level, marks, data), *attributes]
    if written_out := _written_out(photos):
        photos, copies, fact = written_out
        problems, facts = problems + copies, [*facts, fact]
    if data.person_pattern and data.persons == "auto":
        photos, nameless = by_pattern(photos, PersonPattern(data.person_pattern))
        problems = nameless + problems
    return Reading(photos, problems, facts)


def _without_pictures(tree: Tree, level: Level) -> list[dict]:
    """A warning for each folder beside those of the classes that holds files, and none with the suffix of a picture."""
    above = {tuple(names[: level.at]) for names in level.used.values() if len(names) > level.at}
    filled = {tuple(path.split("/")[:-1][: level.at + 1]) for path in tree.images}
    groups = defaultdict(list)
    for path in tree.others:
        names = tuple(path.split("/")[:-1][: level.at + 1])
        if len(names) > level.at and names[:-1] in above and names not in filled:
            groups["/".join(names)].append(path)
    remedy = (
        "Nothing, if it is no class. Else give its files the suffix that they should have, or convert them to JPEG."
    )
    warnings = []
    for folder, paths in sorted(groups.items()):
        text = f"{number_of(len(paths), 'file')} left out, none with the suffix of a picture: {listed(paths)}"
        warnings.append(problem("left-over", folder, f"{folder}/", text, remedy, "warning"))
    return warnings


def _marks(level: Level) -> Marks:
    """The levels whose folders are parts of the dataset. One that would leave no photo to train on says nothing; nor
    does one below the classes that would leave a class none.
    """
    marks: Marks = {}
    for i in range(max(map(len, level.used.values()), default=0)):
        parts = parts_among({names[i] for names in level.used.values() if len(names) > i})
        if i == level.at or not parts:
            continue
        labelled = [names for names in level.used.values() if len(names) > level.at]
        kept = [names for names in labelled if len(names) <= i or names[i] not in parts or not parts[names[i]].split]
        classes = {names[level.at] for names in labelled if i > level.at}
        if kept and classes <= {names[level.at] for names in kept}:
            marks[i] = parts
    return marks


@dataclass(frozen=True)
class _Levels:
    """What each level of folders says. at: the class. near: levels that may be the person, the likeliest first."""

    at: int
    marks: Marks
    near: list[int]
    both: Both


def _levels(level: Level, marks: Marks, data: DataConfig) -> _Levels:
    classes = {names[level.at] for names in level.used.values() if len(names) > level.at}
    deepest = max(map(len, level.used.values()), default=0)
    above = [i for i in range(level.at) if len({names[i] for names in level.used.values() if len(names) > i}) > 1]
    near = [i for i in [*range(level.at + 1, deepest), *reversed(above)] if i not in marks]
    return _Levels(level.at, marks, near, {} if data.class_level else classes_and_parts(classes))


def _photo(path: str, real: str, names: list[str], levels: _Levels) -> dict:
    """One photo with what its folders say."""
    stands = {i: parts[names[i]] for i, parts in levels.marks.items() if len(names) > i and names[i] in parts}
    label = names[levels.at] if len(names) > levels.at else None
    if label in levels.both:
        label, stands[levels.at] = levels.both[label]
    splits = {part.split for part in stands.values()} - {""}
    split = UNLABELLED if UNLABELLED in splits else TEST if splits else ""
    return photo(
        path,
        real,
        label=None if split == UNLABELLED else label,
        split=UNLABELLED if split and label is None else split,
        part=f"{names[max(stands)]}/" if stands else "",
        given_fold=next((part.fold for part in stands.values() if part.fold is not None), None),
        person_folder=next((names[i] for i in levels.near if i < len(names)), None),
    )


def _roles_of(level: Level, marks: Marks) -> dict[str, set[str]]:
    """Photo -> what its folders say that it is for."""
    return {
        path: {parts[names[i]].role for i, parts in marks.items() if len(names) > i and names[i] in parts}
        for path, names in level.used.items()
    }


def _written_out(photos: list[dict]) -> tuple[list[dict], list[dict], Fact] | None:
    """Of a cross-validation that is written out, a train/ and a test/ in each fold: (the photos of each fold's test/,
    with that fold; problems that name the copies; a fact). None where it is anything else.
    """
    rounds: dict[int | None, dict[bool, set[tuple]]] = defaultdict(lambda: {False: set(), True: set()})
    for each in photos:
        key = each["label"], each["sample"].rpartition("/")[2]
        rounds[each["given_fold"]][each["split"] == TEST].add(key)
    if len(rounds) < 2 or None in rounds or not all(parts[False] and parts[True] for parts in rounds.values()):
        return None
    for number, parts in rounds.items():
        elsewhere = set().union(*(others[True] for other, others in rounds.items() if other != number))
        if not parts[False] <= elsewhere:
            return None
    held_out = [photo | {"split": "", "part": ""} for photo in photos if photo["split"] == TEST]
    copies = [photo for photo in photos if not photo["split"]]
    remedy = "Nothing, if that is right."
    problems = []
    for folder, paths in by_folder(each["sample"] for each in copies).items():
        text = f"{len(paths):,} file{'s'[: len(paths) > 1]} left out, copies of what is held out in other folds"
        problems.append(problem("left-over", folder, f"{folder}/", text, remedy, "warning"))
    text = (
        f"Each of {len(rounds)} folds holds a part to train on and a test part: the {len(held_out):,} photos of the "
        f"test parts are used, and the {len(copies):,} copies to train on are left out."
    )
    return held_out + [photo for photo in photos if photo["split"] == UNLABELLED], problems, Fact("split", text)


def _asked(photos: list[dict], level: Level, marks: Marks, data: DataConfig) -> list[Fact]:
    """What may be otherwise with the classes, where nobody chose their level and nothing was asked of it yet."""
    if data.class_level or level.doubt:
        return []
    facts = _repeated(photos, level, marks)
    counts = Counter(each["label"] for each in photos if not each["split"])
    for name, number in counts.items():
        others = [photos for other, photos in counts.items() if other != name]
        if name.lower() in BESIDE and number < min(others, default=0):
            pictures = "1 picture" if number == 1 else f"{number:,} pictures"
            facts.append(Fact("classes", f"{folder_list([name])} ({pictures}) may be no class.", probable=True))
    people = {name for name in counts if may_be_person(name)}
    if not facts and len(people) > 1 and 10 * sum(counts[name] for name in people) >= 9 * counts.total():
        text = f"By their names the folders {folder_list(people)} may be persons, no classes. {IF_SO}"
        facts.append(Fact("classes", text, ("class_level", "reader"), probable=True))
    if parts := parts_among(counts):
        text = f"By their names the folders {folder_list(parts)} may be parts of the dataset, no classes. {IF_SO}"
        facts.append(Fact("classes", text, ("class_level", "reader"), probable=True))
    pieces = pieces_of(counts)
    if 10 * sum(counts[name] for name in pieces) >= 9 * counts.total():
        text = f"The folders {folder_list(pieces)} differ by a number alone: they may be pieces of the dataset, no "
        text += f"classes. {IF_SO}"
        facts.append(Fact("classes", text, ("class_level", "reader"), probable=True))
    return facts


def _repeated(photos: list[dict], level: Level, marks: Marks) -> list[Fact]:
    """Folders that repeat below different classes, as cat/ and dog/ below asia/ and europe/, may be the classes. Not
    persons, unless the classes are their visits, nor visits of persons."""
    trained = [level.used[each["sample"]] for each in photos if not each["split"]]
    classes = {names[level.at] for names in trained}
    for i in range(level.at + 1, max(map(len, trained), default=0)):
        again = again_below(trained, level.at, i) if i not in marks else set()
        are_persons = all(map(is_person, again)) and not count_visits(classes)
        of_persons = count_visits(again) and all(is_person(names[i - 1]) for names in trained if len(names) > i)
        if again and not (are_persons or of_persons):
            text = f"The folders {folder_list(again)} repeat below {folder_list(classes)}: they may be the classes"
            return [Fact("classes", f"{text} (class folder {i + 1}).", ("class_level",), probable=True)]
    return []


def _with_levels(photos: list[dict], level: Level, levels: _Levels, data: DataConfig) -> tuple[list[dict], list[Fact]]:
    """(photos, a fact): levels of folders that repeat, as cat/ and dog/ below asia/ and europe/, are an attribute each,
    and so is that of the classes then. Not a level of persons, nor one of too many folders to be kinds of photos.
    """
    trained = [level.used[each["sample"]] for each in photos if not each["split"]]
    persons = levels.near[:1] if data.persons == "folder" else []
    repeated = {
        i: again
        for i in range(max(map(len, trained), default=0))
        if i not in (level.at, *levels.marks, *persons)
        and 0 < len(again := again_below(trained, level.at, i)) <= MOST_KINDS
    }
    if not repeated:
        return photos, []
    places = sorted([level.at, *repeated])
    for each in photos:
        names = level.used[each["sample"]]
        here = {f"level {i + 1}": names[i] for i in places if i < len(names) and each["split"] != UNLABELLED}
        each["attributes"] = each["attributes"] | here
    parts = []
    for i in places:
        parts.append(f"level {i + 1} ({folder_list({row[i] for row in trained if i < len(row)})})")
    text = f"Levels of folders that repeat are attributes: {listed(parts)}. A task can be made of each, or of several."
    return photos, [Fact("values", text, ("class_level",))]


def _told(level: Level, both: Both) -> list[Fact]:
    """Where the classes were found, unless in the first level of folders, and what may be wrong with that."""
    facts = []
    if both:
        text = f"The folders {folder_list(both)} each name a class and a part of the dataset."
        facts.append(Fact("classes", text, ("class_level",), probable=True))
    if level.at:
        above = {names[level.at - 1] for names in level.used.values() if len(names) > level.at}
        text = f"The folders below {folder_list(above)} are the classes"
        text += f"; {folder_list(level.pieces)} are pieces of the dataset" if level.pieces else ""
        facts.append(Fact("classes", f"{text}.", ("class_level",)))
    if level.masks:
        facts.append(Fact("classes", told_of_masks(level.masks.values()), ("class_level",), probable=True))
    if level.doubt:
        facts.append(Fact("classes", level.doubt, ("class_level",), probable=True))
    return facts
