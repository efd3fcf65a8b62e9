"""At which level of folders the classes stand, and which photos have one there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.data.content.same_bytes import digest_of
from core.data.readers.named.heaps import parts_among, tell_no_classes
from core.data.readers.named.masks import masks_beside
from core.data.readers.named.people import count_visits, is_person
from core.data.readers.named.pieces import CONTAINERS, hold_classes, pieces_of
from core.data.readers.reading import folder_list
from core.data.readers.split_names import Part, may_be_part, parts_of
from core.data.readers.tree import Tree

LOOKED_AT = 16  # photos that may be copies, of those of a folder
LONG = 4  # digits of a number that is no age, coin or class: a patient's, a case's, a year's
Folders = dict[str, list[str]]  # path of a photo -> the folders above it, from the dataset down


@dataclass(frozen=True)
class Level:
    """at: which folder of a path names the class, from 0. used: the photos for which it does; strays are not in it.

    doubt: what may be wrong with it, as a sentence; "" where nothing speaks against it. pieces: the folders above it
    that are pieces of the dataset, looked through. masks: photos that are masks or copies of others, left out -> the
    folder that is called so, or is above one.
    """

    at: int
    used: Folders
    doubt: str = ""
    pieces: frozenset[str] = frozenset()
    masks: Mapping[str, str] = field(default_factory=dict)


def find_level(folders: Folders, tree: Tree) -> Level:
    """The first level whose folders are neither parts or pieces of the dataset nor one folder that only holds the
    others."""
    at, doubt = 0, ""
    masks: dict[str, str] = {}
    pieces: frozenset[str] = frozenset()
    used = {path: names for path, names in folders.items() if names}
    aside: set[str] = set()  # photos of test parts, which need no class
    while True:
        here = {path: names for path, names in used.items() if len(names) > at}
        if beside := masks_beside(used, at):
            masks |= {path: used[path][at] for path in beside}
            used = {path: names for path, names in used.items() if path not in masks}
            continue
        deeper = {path: names for path, names in here.items() if len(names) > at + 1}
        if not deeper:
            break
        tops = {names[at] for names in here.values()}
        parts = parts_of(tops) or _parts_of_classes(here, at)
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
    if parts_of(tops) or (tell_no_classes(tops) and not doubt):  # train/1.jpg and test/2.jpg: no class anywhere
        used = {}
    for i in range(at + 1, max(map(len, used.values()), default=0)):
        masks |= {path: used[path][i] for path in masks_beside(used, i)}
        used = {path: names for path, names in used.items() if path not in masks}
    if again := _classes_again(used, at, tree):
        used, doubt = again
    elif below := _below_persons(used, at):
        at, doubt = below
    return Level(at, used, doubt, pieces, masks)


def _below_persons(used: Folders, at: int) -> tuple[int, str] | None:
    """(level of the classes, what is asked) where long numbers, as of patients, or folders that are called as persons
    would be the classes, and fewer folders repeat below nearly all of them that count no visits."""
    trained = [names for names in used.values() if len(names) > at]
    tops = {names[at] for names in trained}
    what = "are numbers" if all(name.isdecimal() and len(name) >= LONG for name in tops) else ""
    what = what or ("by their names are persons" if all(map(is_person, tops)) else "")
    for i in range(at + 1, max(map(len, trained), default=0)) if what else ():
        again = again_below(trained, at, i)
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


def _parts_of_classes(here: Folders, at: int) -> dict[str, Part]:
    """The parts of the dataset among the folders of a level, where those that are to train on hold classes."""
    parts = parts_among({names[at] for names in here.values()})
    trained = [names for names in here.values() if names[at] not in parts or not parts[names[at]].split]
    return (
        parts
        if all(names[at] in parts for names in trained) and _holds_classes([names[at + 1 :] for names in trained])
        else {}
    )


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


def again_below(trained: list[list[str]], at: int, i: int) -> set[str]:
    """The folders of level i that stand with more than one folder of the level of the classes; none unless nearly all
    photos are in such. trained: the folders above each photo."""
    classes = defaultdict(set)
    for names in trained:
        if len(names) > max(i, at):
            classes[names[i]].add(names[at])
    again = {name for name, with_it in classes.items() if len(with_it) > 1}
    held = sum(len(names) > i and names[i] in again for names in trained)
    return again if len(again) > 1 and 10 * held >= 9 * len(trained) else set()
