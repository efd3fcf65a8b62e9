"""Classes in the names of photos: which name tells which, where that is detected, and what is asked and told of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from core.config.run_config import DataConfig
from core.data.readers.named.names import read_names, tell_classes
from core.data.readers.tree import Tree
from core.errors import LabError
from tests.data.tables import facts, labels, table
from tests.photos import draw, problems_of, read

PETS = [f"{pet}.{n}.jpg" for pet in ("cat", "dog") for n in range(4)]
MOODS = [f"{mood}_{n:02d}.jpg" for mood in ("happy", "sad") for n in range(4)]
PEOPLE = [f"{mood}_{who}_{n}.jpg" for mood in ("happy", "sad") for who in ("anna", "ben") for n in range(3)]


def tree(*paths):
    return Tree(Path("photos"), {path: path for path in paths}, [], [])


def numbered(*names, count=4, suffix=".jpg"):
    return [f"{name}{n}{suffix}" for name in names for n in range(1, 1 + count)]


def classes_of(*paths, **settings):
    """Path -> class, part and split of each photo that is read."""
    photos = read_names(tree(*paths), DataConfig(**settings)).photos
    return {each["sample"]: (each["label"], each["part"], each["split"]) for each in photos}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("cat.0.jpg", "cat"),
        ("great_pyrenees_12.jpg", "great_pyrenees"),
        ("benign (1).png", "benign"),
        ("benign[12].png", "benign"),
        ("cat-12.JPEG", "cat"),
        ("Cat7.jpg", "Cat"),
        ("_cat_7.jpg", "cat"),
        ("level_1_03.jpg", "level_1"),
        ("고양이_3.jpg", "고양이"),
        ("happy (3) (1).jpg", "happy"),
        ("happy_1_2.jpg", "happy"),
        ("img_cat_3.jpg", "img_cat"),
        ("happy.jpg", None),
        ("12.jpg", None),
        ("2024-01-02 (3).jpg", None),
        ("IMG_20240102_33.jpg", None),
        ("WhatsApp Image 2024-01-02 at 10.11.12.jpg", None),
        ("video2_frame_0007.jpg", None),
        ("train_7.jpg", None),
        ("Test Set 7.jpg", None),
        ("cat_7_mask.png", None),
    ],
)
def test_the_class_is_the_name_before_its_last_number(name, label):
    photos = classes_of(*MOODS, name)
    assert photos.get(name) == ((label, "", "") if label else None)
    (told,) = read_names(tree(*MOODS, name), DataConfig()).problems or [None]
    assert (told is None) == (label is not None)
    assert told is None or (told["where"] == name and "its name is not a class and a number" in told["problem"])


@pytest.mark.parametrize(
    ("paths", "tell"),
    [
        (PETS, True),
        (MOODS, True),
        (PEOPLE, True),
        (numbered("cat (", "dog (", suffix=").jpg"), True),
        (numbered("images/Abyssinian_", "images/great_pyrenees_"), True),
        (numbered("cat_", "dog_", count=3), True),
        (numbered("cat_", "dog_", count=2), False),
        (numbered("level_1_", "level_2_", "grade_1_"), True),
        (numbered("a", "b", "c"), True),
        ([*numbered("train/cat.", "train/dog."), *numbered("test1/", count=30)], True),
        ([*numbered("train/cat.", "train/dog."), *numbered("extra/", count=30)], False),
        ([*numbered("cat_", "dog_", count=9), "a.jpg", "b.jpg"], True),
        ([*numbered("cat_", "dog_", count=9), "a.jpg", "b.jpg", "c.jpg"], False),
        (numbered("cat_"), False),
        (numbered("IMG_", "DSC_"), False),
        (numbered("train_", "test_"), False),
        (numbered("p1_", "p2_"), False),
        (numbered("p1_", "p2_", "p3_", "p4_", "x5_"), False),
        (numbered(*(f"{chr(97 + n)}{chr(107 + n)}_" for n in range(9)), count=1), False),
        ([*numbered("cat_"), *numbered(*(f"{chr(97 + n)}_" for n in range(3)), count=1)], False),
        (numbered("test/cat_", "test/dog_"), True),
        ([], False),
    ],
    ids=str,
)
def test_where_names_probably_tell_the_classes(paths, tell):
    assert tell_classes(tree(*paths)) == tell


def test_photos_of_a_test_set_need_no_class_and_folders_that_are_none_say_nothing(tmp_path):
    trained = [f"train/{photo}" for photo in PETS]
    aside = classes_of(*trained, "test1/1.jpg", "test1/IMG_2.jpg", "test1/bird_3.jpg")
    assert {aside[path] for path in aside if path not in trained} == {(None, "test1/", "unlabelled")}
    labelled = classes_of(*trained, "test/cat.9.jpg", "test/bird.3.jpg", "test/4.jpg", "new/cat.3.jpg")
    expected = [("cat", "test/", "test"), ("bird", "test/", "test"), (None, "test/", "unlabelled"), ("cat", "", "")]
    assert [labelled[path] for path in labelled if path not in trained] == expected
    assert classes_of(*PETS, "test/cat.9.jpg")["test/cat.9.jpg"] == ("cat", "test/", "test"), "beside the photos"
    assert classes_of("pred/cat.1.jpg", *PETS)["pred/cat.1.jpg"] == (None, "pred/", "unlabelled")
    assert set(classes_of(*numbered("test/cat.")).values()) == {("cat", "", "")}, "nothing else is left to train on"
    folds = read_names(tree("fold_1/cat_1.jpg", "fold_2/cat_2.jpg"), DataConfig()).photos
    assert [each["given_fold"] for each in folds] == [1, 2]


def test_names_that_say_a_class_and_a_part_are_divided_and_asked_about():
    reading = read_names(tree(*numbered("train_cat_", "train_dog_", "test_cat_", "test_dog_")), DataConfig())
    counts = Counter((each["label"], each["part"], each["split"]) for each in reading.photos)
    parts = {("train_cat", ""), ("train_dog", ""), ("test_cat", "test"), ("test_dog", "test")}
    assert counts == {(part.rpartition("_")[2], part, split): 4 for part, split in parts}
    assert any("test_cat, test_dog" in fact.text and fact.probable for fact in reading.facts)
    stray = classes_of(*numbered("train_cat_", "test_cat_", "train_dog_", "test_dog_", "banana_"))
    assert stray["test_cat_1.jpg"] == ("cat", "test_cat", "test") and stray["banana_1.jpg"] == ("banana", "", "")
    assert classes_of(*numbered("train_station_", "test_tube_", "cat_"))["test_tube_1.jpg"] == ("test_tube", "", "")
    photos = read_names(tree(*numbered("cat_train_", "test_cat_")), DataConfig(label_pattern="^([a-z]+)_")).photos
    assert {each["label"] for each in photos} == {"cat", "test"}, "a pattern says what the class is"


def test_a_dataset_whose_names_tell_its_classes_is_read_so_and_asked_about(tmp_path):
    aside = [f"test1/{n}.jpg" for n in range(1, 4)]
    form = [f"{n},0" for n in range(1, 4)]
    trained = [f"train/{photo}" for photo in PETS]
    table(tmp_path, form, *trained, *aside, header="id,label", name="sampleSubmission.csv")
    scanned = read(tmp_path)
    assert scanned.reader == "names" and labels(scanned) == {path: path[6:9] for path in trained}
    assert scanned.set_aside["sample"].tolist() == aside and set(scanned.set_aside["split"]) == {"unlabelled"}
    text = "The names of the photos are taken to tell their classes: train/cat.0.jpg is cat."
    assert facts(scanned, "names") == {text: True} and scanned.problems.empty
    chosen = read(tmp_path, reader="names", persons="none")
    assert facts(chosen, "names") == {text: False} and labels(chosen) == labels(scanned)
    by_pattern = read(tmp_path, label_pattern=r"([a-z]+)\.[0-3]\.")
    assert by_pattern.reader == "names" and labels(by_pattern) == labels(scanned), "a pattern is a choice of the reader"
    assert facts(by_pattern, "names") == {
        "The class is what the pattern ([a-z]+)\\.[0-3]\\. finds in a photo's name.": False
    }
    bad = problems_of(read(tmp_path, label_pattern=r"([a-z]+)\.[01]\."), "bad-name")
    assert len(bad) == 4 and "the label pattern" in bad["train/cat.2.jpg"]


def test_persons_are_told_by_a_pattern_a_folder_or_a_table_beside_the_names(tmp_path):
    photos = [f"{'ab'[n // 6]}/{photo}" for n, photo in enumerate(PEOPLE)]
    for photo in photos:
        draw(tmp_path / photo)
    settings = {"reader": "names", "label_pattern": "^([a-z]+)_"}
    scanned = read(tmp_path, person_pattern="_([a-z]+)_", **settings)
    assert set(labels(scanned).values()) == {"happy", "sad"} and set(scanned.samples["person"]) == {"anna", "ben"}
    by_folder = read(tmp_path, persons="folder", **settings)
    assert by_folder.samples["person"].tolist() == [photo[0] for photo in photos]
    assert "The folder that holds a photo is the person." in facts(by_folder, "persons")
    table(tmp_path, [f"{photo},{photo[-5]}" for photo in photos], header="path,person")
    joined = read(tmp_path, csv_file="labels.csv", **settings)
    assert joined.persons.people == 3
    for photo in PETS:
        draw(tmp_path / "flat" / photo)
    whose = table(tmp_path / "flat", [f"{photo},{photo[-5]}" for photo in PETS], header="path,person")
    assert [read(whose, **chosen).persons.people for chosen in ({}, {"csv_file": "labels.csv"})] == [4, 4]
    assert any("read together with the names (12 of 12 photos)" in text for text in facts(joined, "table"))


def test_folders_and_tables_that_name_classes_count_before_names(tmp_path):
    photos = [f"{'ab'[n % 2]}/{photo}" for n, photo in enumerate(PETS)]
    for photo in photos:
        draw(tmp_path / "folders" / photo)
    assert read(tmp_path / "folders").reader == "folders"
    rows = [f"{photo},{'xy'[n % 2]}" for n, photo in enumerate(PETS)]
    assert read(table(tmp_path / "tables", rows, *PETS)).reader == "csv"
    chosen = read(tmp_path / "folders", reader="names")
    assert set(labels(chosen).values()) == {"cat", "dog"}
    notes = read(table(tmp_path / "notes", ["1,2"], *PETS, header="width,height", name="notes.csv"))
    assert notes.reader == "names"
    ((text, probable),) = facts(notes, "table").items()
    assert text.startswith("notes.csv is not read: ") and probable, "it may have meant to label them"
    with pytest.raises(LabError, match="mood"):
        read(tmp_path / "notes", label_column="mood")


def test_where_no_name_tells_a_class_it_is_said_what_to_do():
    with pytest.raises(LabError, match="no name of one to train on tells its class") as refusal:
        classes_of("1.jpg", "test/cat_1.jpg")
    assert "data.label_pattern" in refusal.value.remedy
