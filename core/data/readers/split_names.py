"""What people call the parts of a dataset: train, valid, test, unlabelled, fold_3, with words around them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.data.readers.attributes import TEST, UNLABELLED

TRAIN, VALIDATION, FOLD = "train", "validation", "fold"
WORDS = {
    TRAIN: "train training trn trainset traindata trainval",
    VALIDATION: "val valid validation validate dev valset validset devset valdata",
    TEST: "test testing tst eval evaluation holdout testset testdata evalset",
    UNLABELLED: "unlabelled unlabeled pred predict prediction predictions",
}
ROLES = {word: role for role, words in WORDS.items() for word in words.split()}
AROUND = (  # words that add nothing: images_train, Training Set, new_test
    *("set", "sets", "data", "dataset", "image", "images", "img", "imgs", "photo", "photos", "picture", "pictures"),
    *("pic", "pics", "folder", "split", "part", "new", "raw", "final", "full", "all", "small", "clean", "cropped"),
    *("resized", "labelled", "labeled", "class", "classes"),
)
FOLD_NAME = re.compile(r"(?:k[ _-]?)?folds?[ _.-]?(\d{1,4})|(\d{1,4})[ _.-]?folds?", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """What a folder's name, or a value of a column, says. role: train, validation, test, unlabelled or fold."""

    role: str
    fold: int | None = None

    @property
    def split(self) -> str:
        """What becomes of its photos: "" for those to train and validate on, else test or unlabelled."""
        return self.role if self.role in (TEST, UNLABELLED) else ""


def parts_of(names: Iterable[str]) -> dict[str, Part]:
    """name -> what it says, where each of these names is that of a part; empty where one of them is not.

    Words around must be usual ones, or the same for names of different parts: seg_train and seg_test are parts,
    bullet_train and steam_train or a test_tube are none.
    """
    read = {name: _read(name) for name in names}
    parts = {name: part for name, (part, _) in read.items() if part}
    strange = {around for _, around in read.values() if around}
    one_role = len({part.role for part in parts.values()}) < 2
    if len(parts) < len(read) or len(strange) > 1 or (strange and one_role):
        return {}
    return parts


def folders_of_parts(folders: Iterable[str]) -> dict[Part, str]:
    """Part -> the one of these folders that by its name, or that of a folder above it, is the only one of that part."""
    of_part: dict[Part, list[str]] = defaultdict(list)
    for folder in folders:
        if parts := [part for name in folder.split("/") for part in parts_of([name]).values()]:
            of_part[parts[-1]].append(folder)
    return {part: places[0] for part, places in of_part.items() if len(places) == 1}


def tops_of_parts(folders: Iterable[str]) -> dict[Part, str]:
    """Part -> the only folder that is called so, in or below which all of these folders of that part lie."""
    of_part: dict[Part, set[str]] = defaultdict(set)
    for folder in folders:
        names = folder.split("/")
        called = [(part, i) for i, name in enumerate(names) for part in parts_of([name]).values()]
        for part, i in called[-1:]:
            of_part[part].add("/".join(names[: i + 1]))
    return {part: tops.pop() for part, tops in of_part.items() if len(tops) == 1}


def by_words_around(names: Iterable[str]) -> dict[str, dict[str, Part]]:
    """The words around that are not usual -> name -> its part, of those of these names that are called as a part."""
    groups: dict[str, dict[str, Part]] = defaultdict(dict)
    for name in names:
        part, around = _read(name)
        if part is not None:
            groups[around][name] = part
    return groups


def classes_and_parts(names: Iterable[str]) -> dict[str, tuple[str, Part]]:
    """name -> (class, part), where each name is both, as cat_train, cat_test, dog_train; else empty."""
    read = {name: _read(name) for name in names}
    split = {name: (_without_word(name, around), part) for name, (part, around) in read.items() if part and around}
    roles = {part.role for _, part in split.values()}
    several = len({name for name, _ in split.values()}) > 1 and len(roles) > 1
    return split if len(split) == len(read) and several and roles & {TRAIN, VALIDATION} else {}


def _without_word(name: str, around: str) -> str:
    """cat of cat_train, in its own letters."""
    words = [word for word in re.split(r"[\W_]+", name) if word and word.lower() not in ROLES]
    own = [word for word in words if word.lower() not in AROUND and not word.isdecimal()]
    return " ".join(own) if " ".join(own).lower() == around else around


def may_be_part(name: str) -> bool:
    """Whether a name by itself could be that of a part, if those beside it are."""
    return _read(name)[0] is not None


def _read(name: str) -> tuple[Part | None, str]:
    """(what one name says by itself, the words around that are not usual)."""
    if fold := FOLD_NAME.fullmatch(name.strip()):
        return Part(FOLD, int(fold[1] or fold[2])), ""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", name)
    words = re.sub(r"hold[ _-]out", "holdout", spaced.lower())
    tokens = [token for token in re.split(r"[\W_]+", words) if token]
    roles = {ROLES[token] for token in tokens if token in ROLES}
    around = [token for token in tokens if token not in ROLES and token not in AROUND and not token.isdecimal()]
    if UNLABELLED in roles:
        role = UNLABELLED
    elif roles == {TRAIN, VALIDATION}:
        role = TRAIN
    elif len(roles) == 1:
        role = roles.pop()
    elif not roles and {"labelled", "labeled"} & set(tokens):  # beside unlabelled
        role = TRAIN
    else:
        return None, ""
    return Part(role), " ".join(around)
