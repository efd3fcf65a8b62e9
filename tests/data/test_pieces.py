"""Folders that are pieces of a dataset, as it was packed: what is read in place of them, and that it is told."""

from __future__ import annotations

import pytest

from core.data.readers.named.pieces import hold_classes, pieces_in, pieces_of, words_around
from tests.data.tables import facts, labels, table
from tests.photos import draw, read

ISIC = [f"HAM_images_part_{1 + n % 2}/ISIC_{n:03d}.jpg" for n in range(8)]
CHEST = [f"images_{1 + n // 4:03d}/images/{n:03d}.png" for n in range(8)]
PACKED = [f"train/Batch {1 + n % 2}/{n}.jpg" for n in range(10)] + ["test/t.jpg"]
OF_PACKED = "image,kind", [f"{n}.jpg,{'ab'[n // 5]}" for n in range(10)]
OF_ISIC = "image_id,dx,sex", [f"ISIC_{n:03d},{'ab'[n // 3 % 2]},{'fm'[n % 2]}" for n in range(8)]
OF_CHEST = "Image Index,Findings", [f"{n:03d}.png,{'ab'[n // 3 % 2]}" for n in range(8)]
SIZES = "image,width", [f"ISIC_{n:03d}.jpg,{600 + 7 * n * n}" for n in range(8)]


@pytest.mark.parametrize(
    ("names", "pieces"),
    [
        ("HAM10000_images_part_1 ham10000_images_part_2", "both"),
        ("images_001 images_012", "both"),
        ("Batch1 batch-2", "both"),
        ("imagesPart1 imagesPart2", "both"),
        ("1_images 2_images", "both"),
        ("part_1_of_2 part_2_of_2", "both"),
        ("part_1 part_2 docs", "part_1 part_2"),
        ("part_1 part_01", ""),
        ("part_1", ""),
        ("part_1 batch_2", ""),
        ("part_a part_b", ""),
        ("cat_part_1 dog_part_2", ""),
        ("0 1 2", ""),
        ("class_1 class_2", ""),
        ("class_1_images class_2_images", ""),
        ("images_grade_1 images_grade_2", ""),
        ("party_1 party_2", ""),
    ],
)
def test_names_that_differ_by_a_number_beside_a_word_for_pieces(names, pieces):
    assert pieces_of(names.split()) == set((names if pieces == "both" else pieces).split())


def test_words_beside_those_that_say_that_a_folder_is_a_piece():
    assert (words_around("crop_part1"), words_around("Happy part 2")) == ({"crop"}, {"happy"})
    assert words_around("part") is None and words_around("happy_1") is None


def test_pieces_are_looked_for_below_parts_and_hold_nearly_all_photos():
    assert pieces_in(PACKED) == {"Batch 1", "Batch 2"}
    assert pieces_in([f"top/{photo}" for photo in CHEST]) == {"images_001", "images_002"}
    assert pieces_in([*CHEST, "docs/a.png", "a.png"]) == set(), "a ninth of all is something else"
    assert pieces_in(["cat/part_1/1.jpg", "dog/part_2/2.jpg", "1.jpg"]) == set()


@pytest.mark.parametrize(
    ("below", "hold"),
    [
        ("cat dog", True),
        ("images/cat images/dog", True),
        ("train/cat train/dog test/cat", True),
        ("cat", False),
        ("images masks", False),
        ("train test", False),
        ("", False),
    ],
)
def test_folders_below_pieces_name_classes_where_they_repeat(below, hold):
    folders = [[part, *names.split("/")] for part in ("part_1", "part_2") for names in below.split()]
    assert hold_classes(folders or [["part_1"], ["part_2"]], 0) == hold
    assert not hold_classes([["part_1", "cat"], ["part_2", "dog"]], 0)


@pytest.mark.parametrize(
    ("photos", "name", "rows", "classes", "told"),
    [
        (ISIC, "metadata.csv", OF_ISIC, "", "HAM_images_part_1/ and HAM_images_part_2/"),
        (CHEST, "Data_Entry.csv", OF_CHEST, "a b", "images_001/ and images_002/"),
        (PACKED, "labels.csv", OF_PACKED, "a b", "Batch 1/ and Batch 2/"),
        (ISIC, "labels.txt", ("path kind", [row.replace(",", " ") for row in OF_PACKED[1]]), "part", ""),
        (ISIC, "metadata.csv", SIZES, "part", ""),
        (ISIC, "metadata.csv", (OF_ISIC[0], OF_ISIC[1][:7]), "part", ""),
        (ISIC, "submission.csv", OF_ISIC, "part", ""),
        ([photo.replace("part", "grade") for photo in ISIC], "metadata.csv", OF_ISIC, "grade", ""),
        (ISIC, "notes.md", ("", []), "part", ""),
    ],
    ids=["skin", "chests", "train", "of none", "sizes", "some", "form", "grades", "alone"],
)
def test_a_table_that_labels_the_photos_of_pieces_counts_before_them(tmp_path, photos, name, rows, classes, told):
    """Else they are the classes, and asked about."""
    for photo in photos:
        draw(tmp_path / photo)
    header, lines = rows
    scanned = read(table(tmp_path, lines, header=header, name=name))
    assert scanned.reader == ("csv" if told else "folders")
    assert len(scanned.samples) == sum("test/" not in photo for photo in photos)
    are_pieces = f"{name} is read: the folders {told} are pieces of the dataset, no classes."
    assert (facts(scanned, "table").get(are_pieces) is False) == bool(told)
    named = {label.split("_")[2] if label and "_" in label else label for label in labels(scanned).values()}
    assert named - {None} == set(classes.split())
    asked = [text for text, is_asked in facts(scanned, "classes").items() if is_asked and "they may be pieces" in text]
    assert len(asked) == (classes == "part")
    if told:
        chosen = read(tmp_path, class_level=1 + (photos is PACKED))
        assert chosen.reader == "folders" and not any("pieces" in text for text in facts(chosen, "classes"))


@pytest.mark.parametrize(
    ("above", "classes"),
    [
        (("part_1/", "part_2/"), "cat dog"),
        (("top/Images 1/images/", "top/Images 2/images/"), "cat dog"),
        (("train/part_1/", "train/part_2/", "test/part_1/"), "cat dog"),
        (("site_1/", "site_2/"), "site_1 site_2"),
    ],
)
def test_classes_that_repeat_below_pieces_are_the_classes_and_it_is_told(tmp_path, above, classes):
    for folder in above:
        for pet in ("cat", "dog"):
            draw(tmp_path / f"{folder}{pet}/{folder[-3]}.jpg")
    scanned = read(tmp_path)
    assert " ".join(sorted(set(labels(scanned).values()))) == classes
    (text,) = [text for text, asked in facts(scanned, "classes").items() if not asked and "below" in text] or [""]
    assert text.endswith(" are pieces of the dataset.") == (classes == "cat dog")
