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


@pytest.mark.parametrize(
    ("folders", "names", "reader", "classes"),
    [
        (
            ("images", "annotations/trimaps"),
            [f"{pet}_{n}" for pet in ("cat", "dog") for n in range(3)],
            "names",
            "cat dog",
        ),
        (("images/cat", "images/dog", "masks/cat", "masks/dog"), "123", "folders", "cat dog"),
        (
            ("JPEGImages", "SegmentationClass", "SegmentationObject"),
            [f"{pet}_{n}" for pet in ("cat", "dog") for n in range(3)],
            "names",
            "cat dog",
        ),
    ],
)
def test_a_dataset_beside_its_masks_is_read_without_them(tmp_path, folders, names, reader, classes):
    for path in pairs(*folders, names=names):
        draw(tmp_path / path)
    home = folders[0].partition("/")[0]
    scanned = read(tmp_path)
    assert scanned.reader == reader and set(scanned.samples["label"]) == set(classes.split())
    assert len(scanned.samples) == 6 and scanned.samples["sample"].str.startswith(home).all()
    (asked,) = [fact.text for fact in scanned.facts if fact.probable and "masks or copies" in fact.text]
    masks = {folder for folder in folders if not folder.startswith(home)}
    assert asked.startswith(f"{min(masks).partition('/')[0]}/ ") and set(problems_of(scanned, "left-over")) == {
        f"{folder}/" for folder in masks
    }
    if reader == "folders":
        assert set(read(tmp_path, class_level=1).samples["label"]) == {"images", "masks"}
