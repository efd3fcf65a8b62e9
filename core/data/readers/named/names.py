"""The reader of names: the class of a photo stands in its file's name, as in cat.0.jpg, great_pyrenees_12.jpg and
"sad (3).png", or where data.label_pattern finds it."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from core.config.person_pattern import LabelPattern, PersonPattern
from core.config.run_config import DataConfig
from core.data.readers.attributes import TEST, UNLABELLED, photo, problem
from core.data.readers.named.masks import AS_MASKS, masks_in
from core.data.readers.reading import Fact, Reading
from core.data.readers.split_names import FOLD, Part, classes_and_parts, may_be_part, parts_of
from core.data.readers.tree import Tree, left_over
from core.data.readers.whom import by_pattern
from core.errors import LabError
from core.text import listed, one_line

_BEHIND = re.compile(r"\d+[)\]]?$")
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")
_OF_NO_CLASS = {  # words that cameras and programs write before a number
    *("image", "images", "img", "imgs", "photo", "photos", "pic", "pics", "pict", "picture", "pictures", "file", "jpg"),
    *("dsc", "dscf", "dscn", "gopr", "mvimg", "pxl", "vid", "video", "cam", "camera", "capture", "frame", "frames"),
    *("screen", "screenshot", "shot", "snapshot", "scan", "scans", "slice", "thumb", "whatsapp", "at", "am", "pm"),
    *("copy", "download", "id", "index", "item", "no", "nr", "number", "page", "png", "sample", "unnamed", "untitled"),
}
_SETTINGS = ("label_pattern", "reader")
Marks = Mapping[int, Mapping[str, Part]]  # level of folders -> name of a folder there -> which part it is


@dataclass(frozen=True)
class _Stand:
    """What the folders above a photo say of it. part: as the dataset calls it. person: the folder that may be its
    person."""

    part: str
    split: str
    fold: int | None
    person: str | None


def read_names(tree: Tree, data: DataConfig) -> Reading:
    """The class is the name without its last number, or what the pattern finds. Folders that are parts set photos
    aside, which need no class there; masks beside images/ are left out, and other folders say nothing.

    Raises LabError where no name of a photo to train on tells a class.
    """
    masks, of_masks = masks_in(tree.images)
    images = {path: real for path, real in tree.images.items() if path not in masks}
    stands = _stands(images)
    label_of = _labels(images, data)
    both = {} if data.label_pattern else _both({label for label in label_of.values() if label})
    photos, problems = [], []
    for path, real in images.items():
        stand, label = stands[path], label_of[path]
        part, split = stand.part, stand.split
        if label in both:
            part = part or label
            label, of_name = both[label]
            split = split or of_name.split
        if label is None and not split:
            problems.append(problem("bad-name", path, path, *_why_none(data)))
            continue
        aside = split == UNLABELLED or (split and label is None)
        photos.append(
            photo(
                path,
                real,
                label=None if aside else label,
                split=UNLABELLED if aside else split,
                part=part,
                given_fold=stand.fold,
                person_folder=stand.person,
            )
        )
    photos = _without_class(photos)
    classes = {each["label"] for each in photos if not each["split"]}
    if not classes:
        text = f"dataset {tree.root}: {len(tree.images):,} images, and no name of one to train on tells its class"
        remedy = "Give a label pattern, such as ^([a-z]+) (data.label_pattern), or choose another reader."
        raise LabError(text, remedy, "classes")
    if data.person_pattern and data.persons == "auto":
        photos, nameless = by_pattern(photos, PersonPattern(data.person_pattern))
        problems = nameless + problems
    facts = [*_told(photos, both, data), *([Fact("names", of_masks, probable=True)] if of_masks else [])]
    return Reading(photos, problems + left_over(tree, set(images), AS_MASKS), facts)


def tell_classes(tree: Tree) -> bool:
    """Whether the names of photos probably tell their classes: nine of ten names of those to train on have words before
    their last number, two or more different ones, which are few: three photos for each, and two of most. Where they
    differ by numbers alone, as p1 and p2 do, these are not classes but of persons or the like."""
    images = tree.images.keys() - masks_in(tree.images)[0]
    stands = _stands(images)
    trained = [path for path in images if not stands[path].split]
    counts = Counter(label for label in _labels(trained, DataConfig()).values() if label)
    words = {_NUMBER.sub("", label) for label in counts}
    return (
        len(words) > 1
        and 2 * len(words) >= len(counts)
        and 10 * counts.total() >= 9 * len(trained)
        and 3 * len(counts) <= counts.total()
        and 2 * sum(number > 1 for number in counts.values()) > len(counts)
    )


def _labels(paths: Iterable[str], data: DataConfig) -> dict[str, str | None]:
    """Path -> the class in its name; None for none."""
    if data.label_pattern:
        pattern = LabelPattern(data.label_pattern)
        return {path: pattern.group(path) for path in paths}
    label_of = {path: _before_number(posixpath.splitext(path.rpartition("/")[2])[0]) for path in paths}
    classes = {label for label in label_of.values() if label}
    inner = {label: shorter for label in classes if (shorter := _before_number(label)) in classes}  # cat.0 (1)
    return {path: inner.get(label, label) if label else None for path, label in label_of.items()}


def _both(labels: set[str]) -> dict[str, tuple[str, Part]]:
    """Label -> (class, part) where all say both, or those that do say each class in several parts: train_cat, test_cat
    and banana, not train_station, test_tube and banana."""
    some = classes_and_parts({label for label in labels if may_be_part(label)})
    parts = Counter(name for name, _ in some.values())
    return some if some.keys() == labels or all(number > 1 for number in parts.values()) else {}


def _before_number(name: str) -> str | None:
    """ "cat" of cat.0, "sad" of "sad (3)"; None where there is no number behind, or no word of a class before it."""
    behind = _BEHIND.search(name)
    label = _AROUND.sub("", name[: behind.start()]) if behind else ""
    return label if label and _may_be_a_class(label) else None


@lru_cache(maxsize=1024)
def _may_be_a_class(label: str) -> bool:
    words = {word.casefold() for word in _WORD.findall(label)}
    return bool(words - _OF_NO_CLASS) and not parts_of([label])


def _why_none(data: DataConfig) -> tuple[str, str]:
    """(what is wrong with a name that tells no class, what to do)."""
    if data.label_pattern:
        text = f"the label pattern {data.label_pattern!r} finds nothing in its name"
        return text, "Correct the pattern or the name, or leave it out."
    return "its name is not a class and a number, as cat_12 is", "Rename it, give a label pattern, or leave it out."


def _stands(paths: Iterable[str]) -> dict[str, _Stand]:
    """Path -> what its folders say. A level of parts that leaves no photo to train on says nothing; the likeliest
    person is the deepest folder of several that are no parts."""
    above = {path: path.rpartition("/")[0] for path in paths}
    folders = {folder: folder.split("/") if folder else [] for folder in {*above.values()}}
    marks: dict[int, dict[str, Part]] = {}
    near: list[int] = []
    for i in range(max(map(len, folders.values()), default=0)):
        here = {names[i] for names in folders.values() if len(names) > i}
        parts = _parts(here)
        if any(len(names) <= i or names[i] not in parts or not parts[names[i]].split for names in folders.values()):
            marks[i] = parts
        if len(here - parts.keys()) > 1:
            near.insert(0, i)
    stands = {folder: _stand(names, marks, near) for folder, names in folders.items()}
    return {path: stands[folder] for path, folder in above.items()}


def _parts(folders: set[str]) -> dict[str, Part]:
    """Those of the folders of one level that are parts: all, or those that are by their own name, beside new/."""
    alone = {name: part for name in folders for part in parts_of([name]).values() if part.role != FOLD}
    return parts_of(folders) or alone


def _stand(names: list[str], marks: Marks, near: Iterable[int]) -> _Stand:
    here = {i: parts[names[i]] for i, parts in marks.items() if i < len(names) and names[i] in parts}
    splits = {part.split for part in here.values()}
    return _Stand(
        part=f"{names[max(here)]}/" if here else "",
        split=UNLABELLED if UNLABELLED in splits else TEST if TEST in splits else "",
        fold=next((part.fold for part in here.values() if part.fold is not None), None),
        person=next((names[i] for i in near if i < len(names) and names[i] not in marks.get(i, {})), None),
    )


def _without_class(photos: list[dict]) -> list[dict]:
    """A test set of which no name tells a class of the others is unlabelled."""
    trained = {photo["label"] for photo in photos if not photo["split"]}
    if trained & {photo["label"] for photo in photos if photo["split"] == TEST}:
        return photos
    return [photo | ({"split": UNLABELLED, "label": None} if photo["split"] == TEST else {}) for photo in photos]


def _told(photos: list[dict], both: Mapping[str, tuple[str, Part]], data: DataConfig) -> list[Fact]:
    """How the classes were found; asked where nobody chose that."""
    first = next(each for each in photos if not each["split"])
    if data.label_pattern:
        text = f"The class is what the pattern {data.label_pattern} finds in a photo's name."
        return [Fact("names", one_line(text), _SETTINGS)]
    text = f"The names of the photos are taken to tell their classes: {first['sample']} is {first['label']}."
    facts = [Fact("names", one_line(text), _SETTINGS, probable=data.reader == "auto")]
    if both:
        text = f"The names {listed(sorted(both))} each say a class and a part of the dataset."
        facts.append(Fact("names", one_line(text), _SETTINGS, probable=True))
    return facts
