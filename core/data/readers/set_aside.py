"""Parts of a dataset: what is trained on and what is set aside, as facts; what of the one stands in the other."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Set

from core.config.run_config import DataConfig
from core.data.content.same_bytes import twins
from core.data.readers.attributes import TEST, UNLABELLED, problem
from core.data.readers.named.heaps import parts_among
from core.data.readers.named.pieces import CONTAINERS
from core.data.readers.reading import Fact
from core.data.readers.split_names import FOLD, TRAIN, VALIDATION, Part, parts_of
from core.text import listed

LEAK = "leak"  # kind of a problem: what is trained on stands in the test set, too
_NO_LABEL = {"split": UNLABELLED, "label": None}
MEND_LEAK = "Take them out of one of the two; until then the test set's scores are too good."


def parted_by_folders(photos: list[dict]) -> list[dict]:
    """Photos of which a table or a name tells no part, with the parts of a level of folders that are called so, one of
    them at least to train on. A table may label what is called unlabelled. Folds are divided in a way of their own, and
    parts that would leave no photo to train on say nothing."""
    folders = [photo["sample"].split("/")[:-1] for photo in photos]
    levels: dict[int, dict[str, Part]] = {}
    for i in range(max(map(len, folders), default=0)):
        here = {names[i] for names in folders if len(names) > i}
        own = [part for name in here for part in parts_of([name]).values()]
        if own and all(part.role == FOLD for part in own) and (len(own) > 1 or len(here) == 1):
            return photos
        parts = parts_among(here)
        if len(parts) > 1 and not all(part.split for part in parts.values()):
            levels[i] = parts
    parted = [photo | _of_folders(photo, names, levels) for photo, names in zip(photos, folders, strict=True)]
    return parted if any(not photo["split"] for photo in parted) else photos


def _of_folders(photo: dict, names: list[str], levels: dict[int, dict[str, Part]]) -> dict:
    """names: of the folders above the photo."""
    here = {i: parts[names[i]] for i, parts in levels.items() if i < len(names) and names[i] in parts}
    if not here or photo["part"] or photo["given_fold"] is not None:
        return {}
    is_tested = any(part.split == TEST for part in here.values())
    if photo["split"] and not is_tested:  # it lacks a label for a reason that its reader tells
        return {}
    return {"part": f"{names[max(here)]}/", "split": photo["split"] or (TEST if is_tested else "")}


def without_class(
    photos: list[dict], roles_of: Mapping[str, Set[str]], *, is_chosen: bool
) -> tuple[list[dict], list[Fact]]:
    """(photos, facts): those of a test set in one folder that is no class of the others, such as test/images/, are
    unlabelled. So are those to validate on where that folder is called as what only holds photos, unless somebody chose
    the level of the classes.

    roles_of: photo -> what its folders say that it is for.
    """
    of_role = {
        role: [photo for photo in photos if not photo["split"] and photo["label"] and role in roles_of[photo["sample"]]]
        for role in (TRAIN, VALIDATION)
    }
    of_role[VALIDATION] = [photo for photo in of_role[VALIDATION] if TRAIN not in roles_of[photo["sample"]]]
    classes = {photo["label"].casefold() for photo in of_role[TRAIN]}
    folders = {photo["label"] for photo in of_role[VALIDATION]}
    held = next(iter(folders)) if len(folders) == 1 and len(classes) > 1 and not is_chosen else ""
    facts = []
    if held.lower() in CONTAINERS and held.casefold() not in classes:
        names = {role: listed(sorted({photo["part"] for photo in of_role[role]})) for role in of_role}
        text = f"The photos of {names[VALIDATION]} in {held}/ have no label: {names[TRAIN]} has no such class."
        facts = [Fact("classes", text, ("class_level",))]
        samples = {photo["sample"] for photo in of_role[VALIDATION]}
        photos = [photo | (_NO_LABEL if photo["sample"] in samples else {}) for photo in photos]
    trained = {photo["label"] for photo in photos if not photo["split"]}
    tested = {photo["label"] for photo in photos if photo["split"] == TEST}
    if len(tested) == 1 and not tested & trained:
        photos = [photo | (_NO_LABEL if photo["split"] == TEST else {}) for photo in photos]
    return photos, facts


def divided(photos: list[dict], data: DataConfig) -> tuple[list[dict], list[Fact]]:
    """(the photos, those of a test set among the trained ones if it is to be pooled; what stands where, as facts)."""
    facts = []
    trained, tested, waiting = (_parts(photos, split) for split in ("", TEST, UNLABELLED))
    pool = bool(tested) and data.test_set == "pool"
    if pool:
        trained = trained + tested
        photos = [photo | ({"split": ""} if photo["split"] == TEST else {}) for photo in photos]
    named = [part for part in trained if part]
    if pool:
        text = f"Cross-validated, the test set among the rest: {_told(trained)}."
    elif tested:
        text = f"Set aside as the test set, never trained on: {_told(tested)}. Cross-validated: {_told(trained)}."
    else:
        text = f"Cross-validated together: {_told(trained)}."
    if tested or len(named) > 1:
        facts.append(Fact("split", text, ("test_set",) if tested else ()))
    del waiting[""]  # photos in no part lack a label for another reason, which their reader tells
    if waiting:
        text = f"{_photos(waiting.total(), 'photo has', 'photos have')} no label: set aside for prediction"
        facts.append(Fact("unlabelled", f"{text} ({listed(list(waiting))})."))
    folds = {photo["given_fold"] for photo in photos if not photo["split"]} - {None}
    if len(folds) > 1:
        text = (
            f"The dataset gives its photos {len(folds)} folds of its own: they can be used as they are (folds.given)."
        )
        facts.append(Fact("split", text, probable=True))
    return photos, facts


def leaks(trained: list[dict], aside: list[dict]) -> list[dict]:
    """Warnings about a test set of which something is trained on (the same bytes, names, persons), and about classes
    that only it has. trained, aside: photos with path and bytes; opens those of which two have the same size.
    """
    tested = [photo for photo in aside if photo["split"] == TEST]
    if not tested:
        return []
    same_bytes = twins(*([(p["sample"], p["path"], p["bytes"]) for p in part] for part in (trained, tested)))
    return [
        *_unknown_classes(trained, tested),
        *_copies(same_bytes),
        *_names(trained, [photo for photo in tested if photo["sample"] not in same_bytes]),
        *_persons(trained, tested),
    ]


def _copies(same_bytes: dict[str, str]) -> list[dict]:
    if not same_bytes:
        return []
    first, twin = next(iter(same_bytes.items()))
    photos = _photos(len(same_bytes), "photo of the test set is", "photos of the test set are")
    text = f"{photos} trained on, too, byte by byte: {first} is {twin}"
    remedy = "Take them out of one of the two; until then a run leaves them out of its test set."
    return [problem(LEAK, first, first, text, remedy, "warning")]


def _names(trained: list[dict], tested: list[dict]) -> list[dict]:
    """Names that stand on both sides, where a name means one photo: where none is given twice in the trained part."""
    names = Counter(os.path.basename(photo["sample"]) for photo in trained)
    if max(names.values(), default=0) > 1:
        return []
    twice = [photo for photo in tested if os.path.basename(photo["sample"]) in names]
    if not twice:
        return []
    first = twice[0]["sample"]
    photos = _photos(len(twice), "photo of the test set has", "photos of the test set have")
    text = f"{photos} the file name of one that is trained on, such as {os.path.basename(first)}"
    return [problem(LEAK, first, first, text, "See whether they are the same photos, saved anew.", "warning")]


def _persons(trained: list[dict], tested: list[dict]) -> list[dict]:
    trained_people = {photo["person"] for photo in trained if photo["person_known"]}
    theirs = [photo for photo in tested if photo["person_known"] and photo["person"] in trained_people]
    if not theirs:
        return []
    people = sorted({photo["person"] for photo in theirs})
    both = "1 person is" if len(people) == 1 else f"{len(people):,} people are"
    text = f"{both} trained on and in the test set, too, with {_photos(len(theirs))}: {listed(people)}"
    return [problem(LEAK, theirs[0]["sample"], theirs[0]["where"], text, MEND_LEAK, "warning")]


def _unknown_classes(trained: list[dict], tested: list[dict]) -> list[dict]:
    classes = {photo["label"] for photo in trained}
    unknown = Counter(photo["label"] for photo in tested if photo["label"] not in classes)
    if not unknown:
        return []
    photos = _photos(unknown.total(), "photo of the test set is", "photos of the test set are")
    text = f"{photos} of a class that no photo to train on has: {listed(sorted(unknown))}"
    remedy = "Move some of them to the part that is trained on, or pool the test set (data.test_set)."
    return [problem("split", "", "", text, remedy, "warning")]


def _parts(photos: list[dict], split: str) -> Counter[str]:
    """What the photos of a split stand in -> how many."""
    return Counter(photo["part"] for photo in photos if photo["split"] == split)


def _told(parts: Counter[str]) -> str:
    """ "train/ and valid/ (12 photos)"."""
    names = [part for part in parts if part] + ["the rest" for part in parts if not part]
    return f"{listed(names)} ({_photos(parts.total())})"


def _photos(number: int, one: str = "photo", many: str = "photos") -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {many}"
