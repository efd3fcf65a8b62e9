"""The reader of folders: one folder a class, and what folders above and below it say (parts, folds, persons)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.data.content.same_bytes import digest_of
from core.data.readers.attributes import TEST, UNLABELLED, photo, problem
from core.data.readers.named.masks import masks_beside, told
from core.data.readers.named.people import count_visits, is_person, may_be_person
from core.data.readers.named.pieces import CONTAINERS, hold_classes, pieces_of
from core.data.readers.reading import Fact, Reading
from core.data.readers.set_aside import without_class
from core.data.readers.split_names import Part, classes_and_parts, may_be_part, parts_of
from core.data.readers.tree import Tree, by_folder, left_over
from core.data.readers.whom import by_pattern
from core.errors import LabError
from core.text import listed, number_of

BESIDE = {"assets", "docs", "doc", "misc", "figures", "screenshots", "logo", "logos", "icons", "examples", "samples"}
LOOKED_AT = 16  # photos that may be copies, of those of a folder
LONG = 4  # digits of a number that is no age, coin or class: a patient's, a case's, a year's
MOST_KINDS = 20  # folders of a level that is an attribute: more are persons, places or days
NO_CLASSES = (
    "Put each class in a folder of its own, add a CSV with a path and a label column, or choose the reader for file "
    "names (data.reader: names) where these tell it, as cat_12.jpg does."
)
Folders = dict[str, list[str]]  # path of a photo -> the folders above it, from the dataset down
Marks = dict[int, dict[str, Part]]  # level -> name of a folder there -> which part of the dataset it is
Both = dict[str, tuple[str, Part]]  # name of a folder of the class level -> (class, part) where it says both


@dataclass(frozen=True)
class _Level:
    """at: which folder of a path names the class, from 0. used: the photos for which it does; strays are not in it.

    doubt: what may be wrong with it, as a sentence; "" where nothing speaks against it. pieces: the folders above it
    that are pieces of the dataset, looked through.
    """

    at: int
    used: Folders
    doubt: str = ""
    pieces: frozenset[str] = frozenset()


def read_folders(tree: Tree, data: DataConfig) -> Reading:
    """One folder a class, at any depth below it. Folders named as a part of the dataset (train, valid, test, fold_1)
    are looked through, above the class and below it; photos of a test part without a class are unlabelled.

    Raises LabError where no folder names a class.
    """
    folders = {path: path.split("/")[:-1] for path in tree.images}
    level = _Level(data.class_level - 1, folders) if data.class_level else _find_level(folders, tree)
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
    problems = left_over(tree, used, "not in a class folder") + _without_pictures(tree, level)
    photos, attributes = _with_levels(photos, level, levels, data)
    facts = [*_told(level, levels.both), *of_containers, *_asked(photos, level, marks, data), *attributes]
    if written_out := _written_out(photos):
        photos, copies, fact = written_out
        problems, facts = problems + copies, [*facts, fact]
    if data.person_pattern and data.persons == "auto":
        photos, nameless = by_pattern(photos, PersonPattern(data.person_pattern))
        problems = nameless + problems
    return Reading(photos, problems, facts)


def _without_pictures(tree: Tree, level: _Level) -> list[dict]:
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


def _find_level(folders: Folders, tree: Tree) -> _Level:
    """The first level whose folders are neither parts or pieces of the dataset nor one folder that only holds the
    others."""
    at, doubt, of_masks = 0, "", ""
    pieces: frozenset[str] = frozenset()
    used = {path: names for path, names in folders.items() if names}
    aside: set[str] = set()  # photos of test parts, which need no class
    while True:
        here = {path: names for path, names in used.items() if len(names) > at}
        if masks := masks_beside(here, at):
            of_masks = told(masks)
            used = {path: names for path, names in used.items() if len(names) <= at or names[at] not in masks}
            continue
        deeper = {path: names for path, names in here.items() if len(names) > at + 1}
        if not deeper:
            break
        tops = {names[at] for names in here.values()}
        parts = parts_of(tops)
        if parts or (len(tops) == 1 and _holds_all(here, deeper, aside, at)):
            aside |= {path for path, names in here.items() if parts and parts[names[at]].split}
            at += 1
            continue
        if pieces_of(tops) == tops and hold_classes(here.values(), at):
            at, pieces = at + 1, pieces | tops
            continue
        home, doubt = _home(here, at)
        if home is None:
            break
        used = {path: names for path, names in used.items() if len(names) <= at or names[at] in home}
    tops = {names[at] for names in used.values() if len(names) > at}
    if parts_of(tops):  # train/1.jpg and test/2.jpg: no class anywhere
        used = {}
    if again := _classes_again(used, at, tree):
        used, doubt = again
    elif below := _below_persons(used, at):
        at, doubt = below
    return _Level(at, used, " ".join(filter(None, (of_masks, doubt))), pieces)


def _below_persons(used: Folders, at: int) -> tuple[int, str] | None:
    """(level of the classes, what is asked) where long numbers, as of patients, or folders that are called as persons
    would be the classes, and fewer folders repeat below nearly all of them that count no visits."""
    trained = [names for names in used.values() if len(names) > at]
    tops = {names[at] for names in trained}
    what = "are numbers" if all(name.isdecimal() and len(name) >= LONG for name in tops) else ""
    what = what or ("by their names are persons" if all(map(is_person, tops)) else "")
    for i in range(at + 1, max(map(len, trained), default=0)) if what else ():
        again = _again(trained, at, i)
        if 0 < len(again) < len(tops) and not count_visits(again):
            text = (
                f"The folders {folder_list(again)} repeat below {folder_list(tops)}, which {what}: they are taken for"
            )
            return i, f"{text} the classes."
    return None


def _classes_again(used: Folders, at: int, tree: Tree) -> tuple[Folders, str] | None:
    """(the photos without those that are copies, what is asked) where one of the folders that would be classes holds
    nothing but the others once more, as archives that were packed twice do: photos/cat, photos/dog, photos/photos/cat.
    What is no copy there is of the class that its folder names."""
    place_of: dict[str, list[tuple[str, ...]]] = defaultdict(list)  # folder -> places of photos: above it, then below
    photo_at: dict[tuple[str, ...], str] = {}
    for path, names in used.items():
        if len(names) > at:
            place = (*names[:at], *names[at + 1 :], path.rpartition("/")[2])
            place_of[names[at]].append(place)
            photo_at[(*names, path.rpartition("/")[2])] = path
    for name, places in place_of.items():
        inner = [place for place in places if len(place) > at + 1 and place[at] in place_of and place[at] != name]
        classes = {place[at] for place in inner}
        if len(classes) < 2 or 10 * len(inner) < 9 * len(places):
            continue
        pairs = [(photo_at[(*place[:at], name, *place[at:])], photo_at.get(place, "")) for place in inner]
        looked_at = pairs[:: max(1, -(-len(pairs) // LOOKED_AT))]
        if 10 * sum(_are_one(copy, photo, tree) for copy, photo in looked_at) >= 9 * len(looked_at):
            kept = {path: names for path, names in used.items() if len(names) <= at or names[at] != name}
            return kept, f"{name}/ holds the photos of {folder_list(classes)} beside it once more: it is left out."
        moved = {path: names for path, names in used.items() if len(names) > at + 1 and names[at] == name}
        text = f"{name}/ is no class: its photos are of the classes {folder_list(classes)}, as its folders are called."
        return used | {path: names[:at] + names[at + 1 :] for path, names in moved.items()}, text
    return None


def _are_one(copy: str, photo: str, tree: Tree) -> bool:
    """Whether two photos are the same, byte by byte. photo: "" for none."""
    digest = digest_of(str(tree.root / tree.images[copy]), copy) if photo else ""
    return bool(digest) and digest == digest_of(str(tree.root / tree.images[photo]), photo)


def _holds_all(here: Folders, deeper: Folders, aside: set[str], at: int) -> bool:
    """Whether the one folder of a level only holds others: all or most photos that need a class are deeper."""
    flat = len(here.keys() - deeper.keys() - aside)
    below = {names[at + 1] for names in deeper.values()}
    return not flat or (len(below) > 1 and flat < len(deeper))


def _home(here: Folders, at: int) -> tuple[set[str] | None, str]:
    """(the folders of a level that hold the dataset, what may be wrong with that): the others hold stray pictures.

    None where all of them are classes. The dataset is in the folders that are parts of it and hold classes; or in the
    only one below which there are such; or in the only one with a usual name for it that holds folders alone.
    """
    groups: dict[str, list[list[str]]] = defaultdict(list)
    for names in here.values():
        groups[names[at]].append(names[at + 1 :])
    named = {name for name in groups if may_be_part(name)}
    if parts_of(named) and any(rest for name in named for rest in groups[name]):
        home = named
    else:
        home = {name for name, rests in groups.items() if _holds_parts(rests)}
        home = home or {name for name, rests in groups.items() if name.lower() in CONTAINERS and _holds_classes(rests)}
        if len(home) != 1:
            return None, ""
    strays = sorted(groups.keys() - home)
    count = sum(len(groups[name]) for name in strays)
    sure = len({part.role for part in parts_of(home).values()}) > 1 or any(_holds_parts(groups[name]) for name in home)
    nested = any(rest for name in strays for rest in groups[name])
    smallest = min(Counter(rest[0] for name in home for rest in groups[name] if rest).values())
    few = not nested and count < smallest
    if not sure and not few:
        text = f"{folder_list(home)} may hold the classes; as it stands it is one, beside {folder_list(strays)}."
        return None, text
    pictures = "1 picture" if count == 1 else f"{count:,} pictures"
    text = f"The dataset is taken to be {folder_list(home)} alone, without the {pictures} in {folder_list(strays)}."
    return home, "" if sure and few else text


def _holds_parts(rests: list[list[str]]) -> bool:
    """Whether the folders here, or below one that holds all else, are all parts of a dataset, and some of them hold
    classes."""
    while all(rests) and len({rest[0] for rest in rests}) == 1 and not parts_of([rests[0][0]]):
        rests = [rest[1:] for rest in rests]
    names = {rest[0] for rest in rests if rest}
    return bool(parts_of(names)) and any(len(rest) > 1 for rest in rests)


def _holds_classes(rests: list[list[str]]) -> bool:
    return all(rests) and len({rest[0] for rest in rests}) > 1


def _marks(level: _Level) -> Marks:
    """The levels whose folders are all parts of the dataset. One that would leave no photo to train on says nothing;
    nor does one below the classes that would leave a class none.
    """
    marks: Marks = {}
    for i in range(max(map(len, level.used.values()), default=0)):
        parts = parts_of({names[i] for names in level.used.values() if len(names) > i})
        if i == level.at or not parts:
            continue
        labelled = [names for names in level.used.values() if len(names) > level.at]
        kept = [names for names in labelled if len(names) <= i or not parts[names[i]].split]
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


def _levels(level: _Level, marks: Marks, data: DataConfig) -> _Levels:
    classes = {names[level.at] for names in level.used.values() if len(names) > level.at}
    deepest = max(map(len, level.used.values()), default=0)
    above = [i for i in range(level.at) if len({names[i] for names in level.used.values() if len(names) > i}) > 1]
    near = [i for i in [*range(level.at + 1, deepest), *reversed(above)] if i not in marks]
    return _Levels(level.at, marks, near, {} if data.class_level else classes_and_parts(classes))


def _photo(path: str, real: str, names: list[str], levels: _Levels) -> dict:
    """One photo with what its folders say."""
    stands = {i: parts[names[i]] for i, parts in levels.marks.items() if len(names) > i}
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


def _roles_of(level: _Level, marks: Marks) -> dict[str, set[str]]:
    """Photo -> what its folders say that it is for."""
    return {
        path: {parts[names[i]].role for i, parts in marks.items() if len(names) > i}
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


def _asked(photos: list[dict], level: _Level, marks: Marks, data: DataConfig) -> list[Fact]:
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
        text = f"By their names the folders {folder_list(people)} may be persons, no classes. If so, choose "
        text += "the class folder, or add a table of the path and class of each photo."
        facts.append(Fact("classes", text, ("class_level", "reader"), probable=True))
    pieces = pieces_of(counts)
    if 10 * sum(counts[name] for name in pieces) >= 9 * counts.total():
        text = f"The folders {folder_list(pieces)} differ by a number alone: they may be pieces of the dataset, no "
        text += "classes. If so, choose the class folder, or add a table of the path and class of each photo."
        facts.append(Fact("classes", text, ("class_level", "reader"), probable=True))
    return facts


def _repeated(photos: list[dict], level: _Level, marks: Marks) -> list[Fact]:
    """Folders that repeat below different classes, as cat/ and dog/ below asia/ and europe/, may be the classes. Not
    persons, unless the classes are their visits, nor visits of persons."""
    trained = [level.used[each["sample"]] for each in photos if not each["split"]]
    classes = {names[level.at] for names in trained}
    for i in range(level.at + 1, max(map(len, trained), default=0)):
        again = _again(trained, level.at, i) if i not in marks else set()
        are_persons = all(map(is_person, again)) and not count_visits(classes)
        of_persons = count_visits(again) and all(is_person(names[i - 1]) for names in trained if len(names) > i)
        if again and not (are_persons or of_persons):
            text = f"The folders {folder_list(again)} repeat below {folder_list(classes)}: they may be the classes"
            return [Fact("classes", f"{text} (class folder {i + 1}).", ("class_level",), probable=True)]
    return []


def _again(trained: list[list[str]], at: int, i: int) -> set[str]:
    """The folders of level i that stand with more than one folder of the level of the classes; none unless nearly all
    photos are in such. trained: the folders above each photo."""
    classes = defaultdict(set)
    for names in trained:
        if len(names) > max(i, at):
            classes[names[i]].add(names[at])
    again = {name for name, with_it in classes.items() if len(with_it) > 1}
    held = sum(len(names) > i and names[i] in again for names in trained)
    return again if len(again) > 1 and 10 * held >= 9 * len(trained) else set()


def _with_levels(photos: list[dict], level: _Level, levels: _Levels, data: DataConfig) -> tuple[list[dict], list[Fact]]:
    """(photos, a fact): levels of folders that repeat, as cat/ and dog/ below asia/ and europe/, are an attribute each,
    and so is that of the classes then. Not a level of persons, nor one of too many folders to be kinds of photos.
    """
    trained = [level.used[each["sample"]] for each in photos if not each["split"]]
    persons = levels.near[:1] if data.persons == "folder" else []
    repeated = {
        i: again
        for i in range(max(map(len, trained), default=0))
        if i not in (level.at, *levels.marks, *persons) and 0 < len(again := _again(trained, level.at, i)) <= MOST_KINDS
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


def _told(level: _Level, both: Both) -> list[Fact]:
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
    if level.doubt:
        facts.append(Fact("classes", level.doubt, ("class_level",), probable=True))
    return facts


def folder_list(names: Iterable[str]) -> str:
    return listed([f"{name}/" for name in sorted(names)])
