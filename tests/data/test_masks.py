"""Masks and copies in folders beside the one that holds the photos: no classes, left out and asked about."""

from __future__ import annotations

import pytest

from core.data.readers.named.masks import masks_beside, masks_in
from tests.photos import draw, problems_of, read


def pairs(*folders, names=("a_1", "a_2", "b_1", "b_2"), behind=""):
    """A photo of each name in the first folder, and one with a word behind in the others."""
    return [f"{folder}/{name}{behind * (folder != folders[0])}.png" for folder in folders for name in names]


@pytest.mark.parametrize(
    ("paths", "masks"),
    [
        (pairs("images", "masks"), "masks"),
        (pairs("Images", "Masks_PNG"), "Masks_PNG"),
        (pairs("images", "annotations/trimaps"), "annotations"),
        (pairs("images", "masks", "thumbnails"), "masks thumbnails"),
        (pairs("images", "GT", behind="_segmentation"), "GT"),
        (pairs("images/cat", "masks/cat"), "masks"),
        (pairs("photos", "labels", names="1234"), "labels"),
        ([*pairs("photos", "labels", names="1234567890"), "photos/11.png", "photos/12.png"], ""),
        (pairs("images", "faces"), ""),
        (pairs("faces", "masks"), ""),
        (pairs("face_images", "face_mask"), ""),
        (pairs("images", "pictures", "masks"), ""),
        (pairs("images", "masks", "other"), ""),
        ([*pairs("images"), *pairs("masks", names="cdef")], ""),
        (pairs("cat", "masks"), ""),
        (pairs("images"), ""),
        (pairs("JPEGImages", "SegmentationClass", "SegmentationObject"), "SegmentationClass SegmentationObject"),
        ([*pairs("CXR_png", "masks", behind="_mask"), "test/c_1.png"], "masks"),
        (pairs("leftEye", "gtFine"), ""),
        (pairs("x", "labels"), "labels"),
        (pairs("x", "labels", names="1234"), ""),
        (pairs("raw", "labels", names="1234"), "labels"),
        ([*"ab", *pairs("masks", names="ab")], "masks"),
    ],
    ids=str,
)
def test_folders_of_masks_stand_beside_one_folder_of_photos_and_under_their_names(paths, masks):
    beside = masks_beside({path: path.split("/")[:-1] for path in paths}, 0)
    assert {path.split("/")[0] for path in beside} == set(masks.split())
    parted = [f"top/{part}/{path}" for part in ("train", "test") for path in paths]
    left_out = {path for path in parted if path.split("/")[2] in masks.split()}
    assert masks_in(parted)[0] == left_out


PETS = [f"{pet}_{n}" for pet in ("cat", "dog") for n in range(3)]


@pytest.mark.parametrize(
    ("photos", "masks", "names", "told", "classes"),
    [
        ("images", "annotations/trimaps", PETS, "annotations/ holds", ""),
        (
            "JPEGImages",
            "SegmentationClass SegmentationObject",
            PETS,
            "SegmentationClass/ and SegmentationObject/ hold",
            "",
        ),
        ("images/cat images/dog", "masks/cat masks/dog", "123", "masks/ holds", "cat dog"),
        ("cat/images dog/images", "cat/masks", "123", "masks/ holds", "cat dog"),
        (
            "cat/jpg dog/p7/jpg",
            "cat/lung_masks cat/infection_masks",
            "123",
            "infection_masks/ and lung_masks/ hold",
            "cat dog",
        ),
        ("all/cat all/dog", "all/cat/thumbnails", "123", "thumbnails/ holds", "cat dog"),
    ],
    ids=["names", "segmentation", "above", "below", "of two kinds", "below photos"],
)
def test_a_dataset_beside_its_masks_is_read_without_them(tmp_path, photos, masks, names, told, classes):
    paths = pairs(*photos.split(), *masks.split(), names=names)
    for path in paths:
        draw(tmp_path / path)
    scanned = read(tmp_path)
    assert scanned.reader == ("folders" if classes else "names")
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    assert {sample.rpartition("/")[0] for sample in scanned.samples["sample"]} == set(photos.split())
    (asked,) = [fact.text for fact in scanned.facts if fact.probable and "masks or copies" in fact.text]
    left_over = problems_of(scanned, "left-over")
    assert asked.startswith(told) and set(left_over) == {f"{folder}/" for folder in masks.split()}
    assert all("left out, as masks or copies of photos: " in text for text in left_over.values())
    if classes:
        chosen = read(tmp_path, class_level=1)
        assert len(chosen.samples) == len(paths) and set(chosen.samples["label"]) == {
            path.partition("/")[0] for path in paths
        }
    else:
        (tmp_path / "labels.csv").write_text("id,label\n" + "".join(f"{name},{name[0]}\n" for name in names))
        of_table = read(tmp_path)
        assert of_table.reader == "csv" and of_table.samples["sample"].tolist() == scanned.samples["sample"].tolist()
