"""Small datasets as people really have them, each of a kind that breaks a reader which assumes too much."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.photos import noise

PETS = ("cat", "dog")
DRAWINGS: dict[str, Callable[[Path], object]] = {}  # name of a case -> what draws it into an empty folder


def case(drawing: Callable[[Path], object]) -> Callable[[Path], object]:
    DRAWINGS[drawing.__name__.replace("_", "-")] = drawing
    return drawing


def photos(root: Path, paths: Iterable[str]) -> None:
    """Noise of 24 px, JPEG whatever the suffix says, no two of one folder the same."""
    for seed, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(24, 24, seed=seed)).save(root / path, "JPEG")


def table(root: Path, lines: Iterable[str], encoding: str = "utf-8") -> None:
    (root / "labels.csv").write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))


def three_of(*folders: str) -> list[str]:
    return [f"{folder}/{number}.jpg" for folder in folders for number in range(3)]


# Splits


@case
def labelled_train_flat_test(root: Path) -> None:
    photos(root, [*three_of("train/cat", "train/dog"), "test/8.jpg", "test/9.jpg"])


@case
def stray_picture(root: Path) -> None:
    photos(root, [*three_of("data/train/cat", "data/train/dog"), "assets/logo.png"])


@case
def three_labelled_splits(root: Path) -> None:
    photos(root, three_of(*(f"{split}/{pet}" for split in ("train", "valid", "test") for pet in PETS)))


@case
def split_column(root: Path) -> None:
    photos(root, (f"{n}.jpg" for n in range(8)))
    rows = (f"{n}.jpg,{'ab'[n % 2]},{'train' if n < 6 else 'test'}" for n in range(8))
    table(root, ["path,label,split", *rows])


# Persons


@case
def person_is_a_folder(root: Path) -> None:
    folders = [f"{state}/{state}-p{person}" for state in ("ill", "well") for person in range(3)]
    photos(root, (f"{folder}/{n}.jpg" for folder in folders for n in range(2)))


@case
def no_person_column(root: Path) -> None:
    photos(root, (f"{n}.jpg" for n in range(6)))
    table(root, ["id,file,label", *(f"{n % 2},{n}.jpg,{'ab'[n % 2]}" for n in range(6))])


# Tables


@case
def names_without_suffix(root: Path) -> None:
    photos(root, (f"images/{n:03d}.jpg" for n in range(6)))
    table(root, ["id,label", *(f"{n:03d},{'ab'[n % 2]}" for n in range(6))])


@case
def paths_of_another_machine(root: Path) -> None:
    photos(root, (f"faces/{n}.jpg" for n in range(4)))
    elsewhere = (r"D:\work\faces\0.jpg", "/mnt/else/faces/1.jpg", "/mnt/else/faces/2.jpg", "faces/3.jpg")
    table(root, ["path,label", *(f"{path},{'ab'[n % 2]}" for n, path in enumerate(elsewhere))])


@case
def wrong_case(root: Path) -> None:
    photos(root, (f"IMG_{n}.JPG" for n in range(4)))
    table(root, ["path,label", *(f"img_{n}.jpg,{'ab'[n % 2]}" for n in range(4))])


@case
def no_header(root: Path) -> None:
    photos(root, (f"{n}.jpg" for n in range(4)))
    table(root, (f"{n}.jpg,{'ab'[n % 2]}" for n in range(4)))


@case
def words_for_nothing(root: Path) -> None:
    photos(root, (f"{n}.jpg" for n in range(6)))
    table(root, ["path,label", *(f"{n}.jpg,{word}" for n, word in enumerate(("a", "b", "nan", "NA", "", "a")))])


@case
def chinese_excel(root: Path) -> None:
    photos(root, (f"{n}.jpg" for n in range(4)))
    table(root, ["path,label", *(f"{n}.jpg,{'猫狗'[n % 2]}" for n in range(4))], "gbk")


@case
def several_attributes(root: Path) -> None:
    photos(root, (f"{n}.jpg" for n in range(12)))
    rows = (f"{n}.jpg,{('dark', 'fair', 'red')[n % 3]},{n % 2},{150 + 5 * n}" for n in range(12))
    table(root, ["image,hair,smiling,height_cm", *rows])


@case
def below_a_top_folder(root: Path) -> None:
    photos(root, (f"pets/images/{n}.jpg" for n in range(4)))
    table(root / "pets", ["image,breed", *(f"{n}.jpg,{'ab'[n % 2]}" for n in range(4))])


# Trees


@case
def network_storage(root: Path) -> None:
    photos(root, three_of(*PETS))
    photos(root, (f"{pet}/@eaDir/{n}.jpg/THUMB_M.jpg" for pet in PETS for n in range(3)))


@case
def links(root: Path) -> None:
    """Each photo is a link to a folder beside the dataset."""
    for path in three_of(*PETS):
        stored = root.parent / "store" / path.replace("/", "-")
        photos(stored.parent, [stored.name])
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(stored)


@case
def two_ways_to_write(root: Path) -> None:
    for form in ("NFC", "NFD"):
        photos(root, (f"{unicodedata.normalize(form, 'café')}/{form}{n}.jpg" for n in range(2)))
    photos(root, three_of("thé"))


@case
def one_rare_class(root: Path) -> None:
    photos(root, [f"{name}/{n}.jpg" for name in ("common", "usual") for n in range(12)] + three_of("rare"))


# Pictures


@case
def twelve_bit(root: Path) -> None:
    for seed, path in enumerate(three_of("a", "b")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        bits = np.random.default_rng(seed).integers(0, 4096, (40, 40)).astype(np.uint16)
        Image.fromarray(bits).save((root / path).with_suffix(".png"))


@case
def phone(root: Path) -> None:
    """A HEIC file that is called JPEG, and a JPEG that lacks its last two bytes."""
    photos(root, three_of("a", "b"))
    (root / "a/IMG_7.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(4) + b"mif1heic" + bytes(100))
    (root / "b/IMG_8.jpg").write_bytes((root / "b/2.jpg").read_bytes()[:-2])
