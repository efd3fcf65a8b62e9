"""Lists of photos that by their names are parts: train.txt and test.txt say what photos are for, or are asked about."""

from __future__ import annotations

import pytest

from core.data.readers.attributes import TEST, UNLABELLED
from tests.data.tables import facts, labels, table
from tests.photos import draw, read, utkface

PETS = [f"{pet}_{n}" for pet in ("cat", "dog") for n in range(5)]
FOLDERS = [f"images/{name.partition('_')[0]}/{name}.jpg" for name in PETS]
FLAT = [f"images_{1 + n % 2}/{name}.jpg" for n, name in enumerate(PETS)]
TRAINED, TESTED = ([name for n, name in enumerate(PETS) if (n % 5 == 0) == is_test] for is_test in (False, True))
SHORT = [f"{name.partition('_')[0]}/{name}" for name in PETS]
IN_PARTS = [f"{'test' if name in TESTED else 'train'}/{name.partition('_')[0]}/{name}.jpg" for name in PETS]
ANEW = [
    f"{part}/{pet}/{pet}_{n}.jpg" for part, k in (("train", 4), ("test", 2)) for pet in ("cat", "dog") for n in range(k)
]
LABELLED = ["image,label", *(f"{name}.jpg,{name.partition('_')[0]}" for name in PETS)]
BOXES = {f"labels/{part}_{n}.txt": ["0 .5 .5 .1 .1"] * (n > 1) for part in ("train", "test") for n in range(4)}
OF_BOXES = [f"images/{'ab'[n % 2]}/{part}_{n}.jpg" for part in ("train", "test") for n in range(4)]
OF_NUMBERS = {
    "images.txt": [f"{n} {name}.jpg" for n, name in enumerate(SHORT)],
    "train_test_split.txt": [f"{n} {int(n % 5 > 0)}" for n in range(10)],
}
NUMBERS = [f"{pet}/{n}.jpg" for pet, numbers in (("cat", range(5)), ("dog", range(5, 10))) for n in numbers]


def drawn(root, photos, lists):
    for photo in photos:
        draw(root / photo)
    for path, lines in lists.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return root


def of_the_test(scanned):
    """The names of the photos of the test set."""
    return [path.rpartition("/")[2].partition(".")[0] for path in scanned.set_aside["sample"]]


def asked(scanned):
    return [fact for fact in scanned.facts if fact.probable and "split_column" in fact.settings]


@pytest.mark.parametrize(
    ("photos", "lists"),
    [
        (FOLDERS, {"meta/train.txt": [name for name in SHORT if "_0" not in name], "meta/test.txt": SHORT[::5]}),
        (
            FOLDERS,
            {
                f"marks/{part}.txt": [f"{name} 1 1 2" for name in names]
                for part, names in (("trainval", TRAINED), ("test", TESTED))
            },
        ),
        (FOLDERS, {"splits/Train.TXT": TRAINED[::2], "splits/Val.TXT": TRAINED[1::2], "splits/TEST.TXT": TESTED}),
        (FOLDERS, {"trainval.txt": TRAINED, "train.txt": TRAINED[::2], "val.txt": TRAINED[1::2], "test.txt": TESTED}),
        (FOLDERS, {"train.csv": ["image", *TRAINED], "test.csv": ["file", *TESTED]}),
        (
            FLAT,
            {
                "labels.csv": LABELLED,
                "train_val_list.txt": TRAINED,
                "test_list.txt": [f"{name}.jpg" for name in TESTED],
            },
        ),
        (FLAT, {"labels.csv": LABELLED, "train_split.txt": TRAINED, "test_split.txt": TESTED}),
        (FOLDERS, {"train_split.txt": TRAINED, "test_split.txt": TESTED}),
        (
            FOLDERS,
            {
                f"{pet}_{part}.txt": [name for name in names if pet in name]
                for pet in ("cat", "dog")
                for part, names in (("train", TRAINED), ("test", TESTED))
            },
        ),
    ],
    ids=[
        "paths",
        "numbers behind",
        "capitals",
        "in two",
        "tables",
        "of a table",
        "split",
        "split of folders",
        "classes",
    ],
)
def test_lists_of_parts_set_the_test_set_aside(tmp_path, photos, lists):
    """classes.txt and the like are no such lists; whoever says that no column tells splits has none."""
    more = {"classes.txt": ["cat", "dog"], "wnids.txt": ["n01", "n02"], "images.txt": ["1 images/cat/cat_1.jpg"]}
    scanned = read(drawn(tmp_path, photos, lists | more))
    assert of_the_test(scanned) == TESTED and set(scanned.set_aside["split"]) == {TEST} and len(scanned.samples) == 8
    assert set(scanned.set_aside["label"]) == set(labels(scanned).values()) == {"cat", "dog"}
    said = [text for text, is_asked in facts(scanned, "table").items() if "say what photos are for" in text]
    assert len(said) == 1 and said[0].endswith("they name 10 of 10 photos.") and not asked(scanned)
    assert {path for path, *_ in scanned.tables} >= {*lists} and not any(facts(scanned, "table").values())
    for settings in ({"test_set": "pool"}, {"split_column": "none"}):
        assert len(read(tmp_path, **settings).samples) == 10


@pytest.mark.parametrize(
    ("photos", "lists", "why"),
    [
        (FOLDERS, {"test.txt": TESTED}, "no list beside it names the photos to train on"),
        (FOLDERS, {"train.txt": TRAINED, "test.txt": [*TESTED, TRAINED[0]]}, "1 photo is trained on and a test, too"),
        (FOLDERS, {"train.txt": TRAINED[:2], "test.txt": TESTED}, "they name 4 of 10 photos"),
        (FOLDERS, {"train.txt": PETS[:5], "test.txt": PETS[5:]}, "dog would keep no photo to train on"),
        (
            FOLDERS,
            {
                f"{n}/{part}.txt": PETS[n::5] if part == "test" else [each for each in PETS if each not in PETS[n::5]]
                for n in (0, 1)
                for part in ("train", "test")
            },
            "others of them say otherwise",
        ),
        (NUMBERS, {"train.txt": range(1, 9), "test.txt": [0, 10]}, "as 10 names no photo"),
        (IN_PARTS, {"train.txt": PETS[1:], "test.txt": PETS[:1]}, "folders or tables say it already, and otherwise"),
        (
            [*FOLDERS, "more/bird/cat_0.jpg"],
            {"train.txt": TRAINED, "test.txt": TESTED},
            "cat_0 could be any of 2 photos",
        ),
        (FOLDERS, {"train.txt": TRAINED, "test.txt": []}, "test.txt is empty"),
        (FOLDERS, OF_NUMBERS, "no column of it names photos"),
        (FOLDERS, {"train.txt": TRAINED}, "it is not read, and 2 photos that it does not name are trained on, too"),
        (
            FLAT,
            {"labels.csv": LABELLED, "train.csv": ["image", *PETS[1:]]},
            "that names it, such as test.csv, would set it aside",
        ),
        (FOLDERS, {"train.txt": TRAINED[::2], "val.txt": TRAINED[1::2]}, "2 photos that they do not name are trained"),
        (FOLDERS, {"train.txt": PETS, "unlabeled.txt": TESTED}, "2 photos are trained on and unlabelled, too"),
    ],
    ids=[
        *("alone", "both", "few", "a class", "two ways", "numbers", "folders", "several", "empty", "by numbers"),
        *("to train on", "one left out", "of two", "unlabelled"),
    ],
)
def test_lists_that_may_tell_a_test_set_and_are_not_read_are_asked_about(tmp_path, photos, lists, why):
    scanned = read(drawn(tmp_path, photos, lists))
    (question,) = asked(scanned)
    assert "may say w" in question.text and why in question.text
    assert len(scanned.samples) == (8 if photos == IN_PARTS else len(photos))
    assert not asked(read(tmp_path, split_column="none"))


@pytest.mark.parametrize(
    ("photos", "lists"),
    [
        (OF_BOXES, BOXES),
        (OF_BOXES, {f"images/{path}": ["a cat"] for path in ("a/train_0.txt", "b/test_1.txt")}),
        (FOLDERS, {"train_classes.txt": ["cat"], "test_classes.txt": ["dog"]}),
        (FOLDERS, {"train.txt": ["We trained for two days."], "test.txt": ["and tested for one."]}),
        (FOLDERS, {"images.txt": ["1 cat/cat_0.jpg", "2 cat/cat_1.jpg"], "test_tube.txt": ["glass"]}),
        (IN_PARTS, {"train.txt": TRAINED, "test.txt": TESTED}),
        (FOLDERS, {"splits.txt": ["1 fold", "2 of", "3 five", "4 splits"]}),
        (FOLDERS, {"train.txt": PETS, "predictions.txt": TESTED}),
        (FOLDERS, {"train.txt": ["To train on", "cat_1", "we took", "two days."]}),
        (IN_PARTS, {"train.txt": TRAINED[1:]}),
        (ANEW, {f"{part}.txt": [path[-9:] for path in ANEW if path.startswith(part)] for part in ("train", "test")}),
    ],
    ids=[
        *("boxes", "captions", "classes", "letters", "no lists", "as the folders", "a letter"),
        *("of all", "names in a letter", "of a folder", "numbered anew"),
    ],
)
def test_other_lists_are_no_parts_and_no_question(tmp_path, photos, lists):
    scanned = read(drawn(tmp_path, photos, lists))
    assert not asked(scanned) and not any("what photos are for" in text for text in facts(scanned, "table"))
    assert len(scanned.samples) == (8 if photos in (IN_PARTS, ANEW) else len(photos))


def test_lists_set_aside_what_has_no_label(tmp_path):
    """Also where its photos lie in a folder of their own, which would be a class."""
    more = [f"unlabeled_{n}" for n in range(4)]
    photos = [*FOLDERS, *(f"images/unlabeled/{name}.jpg" for name in more)]
    lists = {"train.txt": TRAINED[1:], "test.txt": TESTED, "unlabeled.txt": [*more, TRAINED[0]]}
    scanned = read(drawn(tmp_path, photos, lists))
    assert len(scanned.samples) == 7 and set(labels(scanned).values()) == {"cat", "dog"} and not asked(scanned)
    waiting = scanned.set_aside[scanned.set_aside["split"] == UNLABELLED]
    assert len(waiting) == 5 and waiting["label"].isna().all() and len(scanned.set_aside) == 7


def test_lists_set_a_test_set_of_utkface_aside(tmp_path):
    names = [path.name for path in sorted(utkface(tmp_path, each=2).iterdir())]
    scanned = read(drawn(tmp_path, [], {"train_list.txt": names[2:], "test_list.txt": names[:2]}))
    assert scanned.reader == "utkface" and sorted(scanned.set_aside["sample"]) == names[:2]


def test_lists_that_label_photos_stay_the_table_of_the_dataset(tmp_path):
    for part, names in (("train", TRAINED), ("test", TESTED)):
        table(
            tmp_path, [f"{name}.jpg {n % 2}" for n, name in enumerate(names)], header="path label", name=f"{part}.txt"
        )
    scanned = read(drawn(tmp_path, [f"photos/{name}.jpg" for name in PETS], {}))
    assert scanned.reader == "csv" and of_the_test(scanned) == TESTED and set(labels(scanned).values()) == {"0", "1"}
    assert not any("what photos are for" in text for text in facts(scanned, "table"))
    assert len(read(tmp_path, csv_file="train.txt").samples) == len(TRAINED)
