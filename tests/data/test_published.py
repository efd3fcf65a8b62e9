"""Datasets as they are published and downloaded, drawn small: what each must be read as, and what is asked of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.data.readers.attributes import TEST, UNLABELLED
from tests.photos import draw, read


@dataclass
class Archive:
    """A dataset in the making."""

    root: Path

    def photos(self, *paths: str) -> None:
        for path in paths:
            draw(self.root / path)

    def table(self, path: str, header: str, rows: Iterable[Sequence[object]]) -> None:
        self.lines(path, [header, *(",".join(map(str, row)) for row in rows)])

    def lines(self, path: str, lines: Iterable[str]) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@dataclass(frozen=True)
class Reading:
    """What is expected. values: of the label, or of an attribute -> photos to train on. test, unlabelled: photos set
    aside. people: known persons, None for unknown ones. asked: words of the questions, in any order."""

    reader: str
    values: dict[str, int]
    of: str = "label"
    test: int = 0
    unlabelled: int = 0
    people: int | None = None
    asked: list[str] = field(default_factory=list)


def cats_and_dogs(archive: Archive) -> Reading:
    archive.photos(*(f"train/{pet}.{n}.jpg" for pet in ("cat", "dog") for n in range(8)))
    archive.photos(*(f"test1/{n}.jpg" for n in range(1, 7)))
    archive.table("sampleSubmission.csv", "id,label", [(n, 0) for n in range(1, 7)])
    return Reading("names", {"cat": 8, "dog": 8}, unlabelled=6, asked=["names"])


def oxford_pets_without_maps(archive: Archive) -> Reading:
    """Its lists tell numbers of the breeds, too, and which of them is meant nobody can tell."""
    pets = oxford_pets(archive)
    shutil.rmtree(archive.root / "annotations" / "trimaps")
    return replace(pets, asked=["names of the photos", "list.txt"])


def oxford_pets(archive: Archive) -> Reading:
    breeds = ("Abyssinian", "american_bulldog", "great_pyrenees")
    names = [f"{breed}_{n}" for breed in breeds for n in range(1, 9)]
    archive.photos(*(f"images/{name}.jpg" for name in names), *(f"annotations/trimaps/{name}.png" for name in names))
    lines = [f"{name} {1 + n // 8} 1 1" for n, name in enumerate(names)]
    archive.lines("annotations/list.txt", ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids", *lines])
    archive.lines("annotations/trainval.txt", lines[::2])
    archive.lines("annotations/test.txt", lines[1::2])
    return Reading("names", dict.fromkeys(breeds, 4), test=12, asked=["names", "annotations/"])


def humpback_whales(archive: Archive) -> Reading:
    whales = {f"{n:08x}.jpg": ("new_whale", "w_1a", "w_2b")[n % 3] for n in range(100, 118)}
    forms = [f"{n:08x}.jpg" for n in range(200, 206)]
    archive.photos(*(f"train/{name}" for name in whales), *(f"test/{name}" for name in forms))
    archive.table("train.csv", "Image,Id", whales.items())
    archive.table("sample_submission.csv", "Image,Id", [(name, "new_whale w_1a w_2b") for name in forms])
    return Reading("csv", {"new_whale": 6, "w_1a": 6, "w_2b": 6}, asked=["'Id'"])


def skin_with_patients(archive: Archive) -> Reading:
    trained, tested = ([f"ISIC_{n:07d}" for n in range(start, start + 12)] for start in (0, 500))
    archive.photos(*(f"jpeg/train/{name}.jpg" for name in trained), *(f"jpeg/test/{name}.jpg" for name in tested))
    columns = "image_name,patient_id,sex,age_approx,anatom_site"
    rows = [(name, f"IP_{n % 5}", ("male", "female")[n % 2], 40 + n % 3, "torso") for n, name in enumerate(trained)]
    labelled = [(*row, ("benign", "malignant")[n % 3 == 0], int(n % 3 == 0)) for n, row in enumerate(rows)]
    archive.table("train.csv", f"{columns},benign_malignant,target", labelled)
    archive.table("test.csv", columns, [(name, *row[1:]) for name, row in zip(tested, rows, strict=True)])
    archive.table("sample_submission.csv", "image_name,target", [(name, 0) for name in tested])
    return Reading("csv", {"0": 8, "1": 4}, unlabelled=12, people=5)


def skin_of_two_tables(archive: Archive) -> Reading:
    names = [f"ISIC_{n:07d}" for n in range(12)]
    archive.photos(*(f"ISIC_2019_Training_Input/{name}.jpg" for name in names))
    one_hot = [(name, *(f"{float(n % 3 == k)}" for k in range(3))) for n, name in enumerate(names)]
    archive.table("ISIC_2019_Training_GroundTruth.csv", "image,MEL,NV,BCC", one_hot)
    facts = [(name, "55.0", "torso", f"MSK4_{n // 2}", ("male", "female")[n % 2]) for n, name in enumerate(names)]
    archive.table("ISIC_2019_Training_Metadata.csv", "image,age_approx,anatom_site_general,lesion_id,sex", facts)
    return Reading("csv", {"BCC": 4, "MEL": 4, "NV": 4}, asked=["Metadata.csv"])


def skin_in_two_pieces(archive: Archive) -> Reading:
    names = [f"ISIC_{24306 + n:07d}" for n in range(18)]
    archive.photos(*(f"HAM10000_images_part_{1 + n % 2}/{name}.jpg" for n, name in enumerate(names)))
    rows = [
        (f"HAM_{n // 2}", name, ("bkl", "nv", "mel")[n % 3], "histo", 60 + n % 3, ("male", "female")[n % 2], "scalp")
        for n, name in enumerate(names)
    ]
    archive.table("HAM10000_metadata.csv", "lesion_id,image_id,dx,dx_type,age,sex,localization", rows)
    return Reading("csv", {"bkl": 6, "mel": 6, "nv": 6}, of="dx")


def chests_in_many_pieces(archive: Archive) -> Reading:
    names = [f"{person:08d}_{n:03d}.png" for person in range(1, 13) for n in range(2)]
    archive.photos(*(f"images_{1 + n // 8:03d}/images/{name}" for n, name in enumerate(names)))
    found = ("No Finding", "Cardiomegaly", "Effusion")
    rows = [(name, found[n % 3], n % 2, 1 + n // 2, 30 + n, "MF"[n % 2], "PA") for n, name in enumerate(names)]
    columns = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"
    archive.table("Data_Entry_2017.csv", columns, rows)
    archive.lines("train_val_list.txt", names[:18])
    archive.lines("test_list.txt", names[18:])
    return Reading("csv", dict.fromkeys(found, 6), of="Finding Labels", test=6, people=9)


def chests_of_patients(archive: Archive) -> Reading:
    columns = "Path,Sex,Age,Frontal/Lateral,AP/PA,Cardiomegaly,Edema"
    for part, first in (("train", 1), ("valid", 64541)):
        rows = []
        for n in range(12 if part == "train" else 4):
            path = f"CheXpert-v1.0-small/{part}/patient{first + n // 2:05d}/study{1 + n % 2}/view1_frontal.jpg"
            archive.photos(path)
            rows.append((path, ("Male", "Female")[n // 2 % 2], 40 + n // 2, "Frontal", "AP", f"{n % 2}.0", "1.0"))
        archive.table(f"CheXpert-v1.0-small/{part}.csv", columns, rows)
    return Reading("csv", {"no": 8, "yes": 8}, of="Cardiomegaly", people=8)


def food(archive: Archive) -> Reading:
    photos = [f"{dish}/{n}" for dish in ("apple_pie", "waffles") for n in range(1005649, 1005657)]
    archive.photos(*(f"images/{photo}.jpg" for photo in photos))
    archive.lines("meta/classes.txt", ["apple_pie", "waffles"])
    archive.lines("meta/train.txt", [photo for n, photo in enumerate(photos) if n % 4])
    archive.lines("meta/test.txt", photos[::4])
    return Reading("folders", {"apple_pie": 6, "waffles": 6}, test=4)


def tiny_imagenet(archive: Archive) -> Reading:
    words = ("n01443537", "n01629819", "n01641577")
    for word in words:
        archive.photos(*(f"train/{word}/images/{word}_{n}.JPEG" for n in range(4)))
        archive.lines(f"train/{word}/{word}_boxes.txt", [f"{word}_{n}.JPEG\t0\t10\t63\t58" for n in range(4)])
    archive.photos(*(f"{part}/images/{part}_{n}.JPEG" for part in ("val", "test") for n in range(9)))
    lines = [f"val_{n}.JPEG\t{words[n % 3]}\t0\t32\t44\t62" for n in range(9)]
    archive.lines("val/val_annotations.txt", lines)
    archive.lines("wnids.txt", words)
    archive.lines("words.txt", [f"{word}\tfish, of a kind" for word in words])
    return Reading("folders", dict.fromkeys(words, 4), unlabelled=18, asked=["val_annotations.txt"])


def cifar(archive: Archive) -> Reading:
    archive.photos(*(f"{part}/{n}.png" for part in ("train", "test") for n in range(1, 13)))
    archive.table("trainLabels.csv", "id,label", [(n, ("frog", "truck", "deer")[n % 3]) for n in range(1, 13)])
    archive.table("sampleSubmission.csv", "id,label", [(n, "cat") for n in range(1, 13)])
    return Reading("csv", {"deer": 4, "frog": 4, "truck": 4})


def eyes(archive: Archive) -> Reading:
    archive.photos(*(f"train_images/{n:012x}.png" for n in range(10)))
    archive.photos(*(f"test_images/{n:012x}.png" for n in range(90, 94)))
    archive.table("train.csv", "id_code,diagnosis", [(f"{n:012x}", n % 2) for n in range(10)])
    archive.table("test.csv", "id_code", [(f"{n:012x}",) for n in range(90, 94)])
    archive.table("sample_submission.csv", "id_code,diagnosis", [(f"{n:012x}", 0) for n in range(90, 94)])
    return Reading("csv", {"0": 5, "1": 5}, unlabelled=4, asked=["'diagnosis'"])


def leaves(archive: Archive) -> Reading:
    sick = ("healthy", "rust", "scab")
    archive.photos(*(f"images/{part}_{n}.jpg" for part in ("Train", "Test") for n in range(12)))
    rows = [(f"Train_{n}", *(int(n % 3 == k) for k in range(3))) for n in range(12)]
    archive.table("train.csv", f"image_id,{','.join(sick)}", rows)
    archive.table("test.csv", "image_id", [(f"Test_{n}",) for n in range(12)])
    archive.table(
        "sample_submission.csv", f"image_id,{','.join(sick)}", [(f"Test_{n}", *[0.25] * 3) for n in range(12)]
    )
    return Reading("csv", {"healthy": 4, "rust": 4, "scab": 4}, unlabelled=12)


def cassava(archive: Archive) -> Reading:
    archive.photos(*(f"train_images/{1000015157 + n}.jpg" for n in range(10)), "test_images/2216849948.jpg")
    archive.table("train.csv", "image_id,label", [(f"{1000015157 + n}.jpg", n % 2) for n in range(10)])
    archive.table("sample_submission.csv", "image_id,label", [("2216849948.jpg", 4)])
    archive.lines("label_num_to_disease_map.json", ['{"0": "Bacterial Blight", "1": "Healthy"}'])
    return Reading("csv", {"0": 5, "1": 5})


def traffic_signs(archive: Archive) -> Reading:
    trained = [f"Train/{sign}/{sign:05d}_{n:05d}.png" for sign in range(3) for n in range(4)]
    archive.photos(*trained, *(f"Test/{n:05d}.png" for n in range(12)), *(f"Meta/{sign}.png" for sign in range(3)))
    columns = "Width,Height,ClassId,Path"
    archive.table("Train.csv", columns, [(27, 26, path.split("/")[1], path) for path in trained])
    archive.table("Test.csv", columns, [(53, 54, n % 3, f"Test/{n:05d}.png") for n in range(12)])
    archive.table("Meta.csv", "Path,ClassId,ShapeId", [(f"Meta/{sign}.png", sign, 0) for sign in range(3)])
    return Reading("folders", {"0": 4, "1": 4, "2": 4}, unlabelled=12, asked=["Test.csv", "Train.csv"])


def scenes(archive: Archive) -> Reading:
    for scene in ("buildings", "sea"):
        archive.photos(*(f"seg_train/seg_train/{scene}/{n}.jpg" for n in range(5)))
        archive.photos(*(f"seg_test/seg_test/{scene}/{2000 + n}.jpg" for n in range(3)))
    archive.photos(*(f"seg_pred/seg_pred/{n}.jpg" for n in range(4)))
    return Reading("folders", {"buildings": 5, "sea": 5}, test=6, unlabelled=4)


def faces_of_two_tables(archive: Archive) -> Reading:
    for part, count in (("train", 12), ("val", 4)):
        archive.photos(*(f"{part}/{n}.jpg" for n in range(1, count + 1)))
        rows = [
            (f"{part}/{n}.jpg", ("30-39", "3-9")[n % 2], ("Male", "Female")[n % 2], ("White", "Black")[n % 2], True)
            for n in range(1, count + 1)
        ]
        archive.table(f"fairface_label_{part}.csv", "file,age,gender,race,service_test", rows)
    return Reading("csv", {"female": 8, "male": 8}, of="gender")


PUBLISHED: list[Callable[[Archive], Reading]] = [
    cats_and_dogs,
    oxford_pets,
    oxford_pets_without_maps,
    humpback_whales,
    skin_with_patients,
    skin_of_two_tables,
    skin_in_two_pieces,
    chests_in_many_pieces,
    chests_of_patients,
    food,
    tiny_imagenet,
    cifar,
    eyes,
    leaves,
    cassava,
    traffic_signs,
    scenes,
    faces_of_two_tables,
]


@pytest.mark.parametrize("drawn", PUBLISHED, ids=lambda drawn: drawn.__name__)
def test_a_published_dataset_is_read_as_it_is_meant_or_asked_about(tmp_path, drawn):
    expected = drawn(Archive(tmp_path))
    scanned = read(tmp_path)
    assert (scanned.reader, scanned.attributes[expected.of].counts) == (expected.reader, expected.values)
    splits = scanned.set_aside["split"].value_counts()
    assert (splits.get(TEST, 0), splits.get(UNLABELLED, 0)) == (expected.test, expected.unlabelled)
    people = scanned.persons.people if scanned.persons.are_known else None
    assert people == expected.people
    asked = [fact.text for fact in scanned.facts if fact.probable]
    assert len(asked) == len(expected.asked), asked
    assert all(any(words in text for text in asked) for words in expected.asked), asked
