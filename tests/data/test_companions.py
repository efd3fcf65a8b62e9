"""Tables that say one more thing of the photos of another: CelebA's identities and partition beside its attributes."""

import pytest

from core.config.parts import DataConfig
from core.data.readers import companions
from core.data.scan import scan
from tests.celeba import drawn
from tests.data.cases import photos as photos_of
from tests.data.cases import table

FEW = ("Bald", "Smiling", "Young", "Male")


@pytest.fixture
def celeba(tmp_path):
    return drawn(tmp_path / "celeba", photos=24, people=6, attributes=FEW, side=16)


def of(root, **data):
    return scan(DataConfig(root=str(root), **data), threads=1)


def test_attributes_are_read_with_the_identities_beside_them(celeba):
    scanned = of(celeba)
    assert scanned.reader == "csv" and len(scanned.samples) == 24
    assert {name: attribute.kind for name, attribute in scanned.attributes.items()} == dict.fromkeys(FEW, "yes/no")
    assert scanned.samples["person"].nunique() == 6
    first = celeba.joinpath("list_attr_celeba.txt").read_text().splitlines()[2].split()
    row = scanned.samples.set_index("sample").loc[f"img_align_celeba/{first[0]}"]
    assert [row[f"attribute:{name}"] for name in FEW] == [{"1": "yes", "-1": "no"}[cell] for cell in first[1:]]
    assert row["person"] == "1" and scanned.samples["label"].isna().all(), "identities are persons, no classes"
    assert any("says who the photos show" in fact.text for fact in scanned.facts)


def test_without_identities_persons_are_unknown_and_can_be_refused_with_them(celeba):
    assert of(celeba, persons="none").samples["person"].nunique() == 24
    assert of(celeba, person_column="none").samples["person"].nunique() == 24
    (celeba / "identity_CelebA.txt").unlink()
    assert of(celeba).persons.state == "unknown"


def test_a_partition_sets_the_test_photos_aside(celeba):
    names = [f"{number:06d}.jpg" for number in range(1, 25)]
    lines = [f"{name} {2 if number < 4 else number % 2}" for number, name in enumerate(names)]
    (celeba / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    parted = of(celeba)
    assert sorted(parted.set_aside["sample"]) == [f"img_align_celeba/{name}" for name in names[:4]]
    assert set(parted.set_aside["split"]) == {"test"} and len(parted.samples) == 20


@pytest.mark.parametrize(
    ("name", "cells"), [("trailing comma", ","), ("surplus word", ",yes"), ("comma and word", ",,x")]
)
def test_a_row_with_more_cells_than_the_header_keeps_what_its_companion_says(tmp_path, name, cells):
    photos = [f"{number}.jpg" for number in range(8)]
    lines = [f"{photo},{'ab'[number % 2]}{cells}" for number, photo in enumerate(photos)]
    table(tmp_path, ["path,label", *lines[:2], lines[2].removesuffix(cells), *lines[3:]])
    photos_of(tmp_path, photos)
    parts = [f"{photo},{'test' if number < 2 else 'train'}" for number, photo in enumerate(photos)]
    (tmp_path / "partition.csv").write_text("\n".join(["path,partition", *parts]) + "\n")
    scanned = of(tmp_path)
    faults = scanned.problems[scanned.problems["kind"] == "bad-row"]["problem"].tolist()
    if name == "trailing comma":
        assert scanned.set_aside["sample"].tolist() == photos[:2] and set(scanned.set_aside["split"]) == {"test"}
        assert scanned.samples["sample"].tolist() == photos[2:] and not faults
    else:
        assert faults == ["the row has more cells than the header (3)"] * 7
        assert scanned.samples["sample"].tolist() == photos[2:3] and scanned.set_aside.empty


def test_boxes_and_landmarks_are_no_other_choice_and_a_chosen_table_has_its_companions(celeba):
    boxes = ["24", "image_id x_1 y_1", *(f"{number:06d}.jpg {number} {number * 3}" for number in range(1, 25))]
    (celeba / "list_bbox_celeba.txt").write_text("\n".join(boxes) + "\n")
    assert set(of(celeba).attributes) == set(FEW)
    chosen = of(celeba, csv_file="list_attr_celeba.txt")
    assert set(chosen.attributes) == set(FEW) and chosen.samples["person"].nunique() == 6


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("identity_CelebA.txt", "identity"),
        ("list_eval_partition.csv", "partition"),
        ("labels.csv", ""),
        ("personal.csv", ""),
        ("splitting.csv", ""),
    ],
)
def test_a_companion_is_known_by_its_name(path, column):
    assert companions.says(path) == column
