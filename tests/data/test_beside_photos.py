"""What lies beside photos in folders and is not what the classes are made of: tables of patients, masks, thumbnails."""

import pytest
from openpyxl import Workbook

from tests.data.tables import facts, table
from tests.photos import draw, read

PATIENTS = [f"P{n:03}/slice{i}.png" for n in range(8) for i in range(2)]
NUMBERED = [f"{n:05}/slice{i}.png" for n in range(8) for i in range(2)]
ILL = [f"{'ill' if n < 4 else 'well'}/P{n:03}/slice{i}.png" for n in range(8) for i in range(2)]
PETS = [f"{pet}/{n}.png" for pet in ("ant", "bee", "cat", "dog") for n in range(2)]


def asked(scanned, kind):
    return [text for text, is_asked in facts(scanned, kind).items() if is_asked]


@pytest.mark.parametrize(
    ("photos", "name", "header", "rows", "columns"),
    [
        (
            PATIENTS,
            "labels.csv",
            "patient,label",
            [f"P{n:03},{n % 2}" for n in range(8)],
            "(label) of folders (patient)",
        ),
        (
            [f"images/{photo}" for photo in ILL],
            "about/metadata.csv",
            "patient_id,diagnosis,age,sex",
            [f"p{n:03},{'ill' if n < 4 else 'well'},{40 + n},{'fm'[n % 2]}" for n in range(8)],
            "(sex) of folders (patient_id)",
        ),
        (
            NUMBERED,
            "train_labels.csv",
            "BraTS21ID,MGMT_value",
            [f"{n:05},{n % 2}" for n in range(100)],
            "(MGMT_value) of folders (BraTS21ID)",
        ),
        (NUMBERED, "metadata.xlsx", "", [[n, "ab"[n % 2]] for n in range(8)], "(grade) of folders (patient)"),
    ],
    ids=["labels", "below", "more patients", "workbook"],
)
def test_a_table_of_patients_whose_folders_hold_the_photos_is_asked_about(
    tmp_path, photos, name, header, rows, columns
):
    (tmp_path / "about").mkdir()
    if header:
        table(tmp_path, rows, *photos, header=header, name=name)
    else:
        book = Workbook()
        for cells in [["patient", "grade"], *rows]:
            book.active.append(cells)
        book.save(tmp_path / name)
        for photo in photos:
            draw(tmp_path / photo)
    (text,) = asked(read(tmp_path), "table")
    assert text.startswith(f"{name} tells something {columns}, not of photos: it is not read.")
    assert not asked(read(tmp_path, reader="folders"), "table"), "whoever chose the folders was asked again"


@pytest.mark.parametrize(
    ("photos", "header", "rows"),
    [
        (PETS, "name,number", ["ant,0", "bee,1", "cat,2", "dog,3"]),
        (PETS, "label,n", ["ant,2", "bee,2", "cat,2", "dog,2"]),
        ([*PETS, "ant/2.png", "bee/2.png"], "label,n", ["ant,3", "bee,3", "cat,2", "dog,2"]),
        (PETS, "label,train images", ["ant,80", "bee,80", "cat,90", "dog,90"]),
        ([*PETS, "ant/2.png"], "name,imagenum1,imagenum2", ["ant,1,2", "bee,1,2", "cat,2,1", "dog,2,1"]),
        (PETS, "scan,label,part", [f"gone{n}.png,{PETS[n][:3]},{'ab'[n in (0, 2, 5)]}" for n in range(8)]),
        (ILL, "patient,diagnosis", [f"P{n:03},{n // 4}" for n in range(8)]),
        (PATIENTS, "patient,age", [f"P{n:03},{40 + n % 7}" for n in range(8)]),
        (PATIENTS, "patient,label", [f"Q{n:03},{n % 2}" for n in range(8)]),
    ],
    ids=[
        "numbers",
        "same count",
        "counts",
        "old counts",
        "pairs",
        "rows of photos",
        "as folders",
        "each its own",
        "others",
    ],
)
def test_a_table_that_says_of_folders_what_they_say_is_not_asked_about(tmp_path, photos, header, rows):
    scanned = read(table(tmp_path, rows, *photos, header=header, name="about.csv"))
    assert scanned.reader == "folders" and not [text for text in asked(scanned, "table") if "of folders" in text]


def lay(root, *photos):
    for photo in photos:
        draw(root / photo)
    return read(root)


@pytest.mark.parametrize(
    ("beside", "first"),
    [
        ("{pet}/{pet} ({n})_mask.png", "cat/cat (0)_mask.png"),
        ("{pet}/{pet} ({n})-mask-2.png", "cat/cat (0)-mask-2.png"),
        ("{pet}/{pet} ({n})_Segmentation.png", "cat/cat (0)_Segmentation.png"),
        ("{pet}/{pet} ({n}).thumb.jpg", "cat/cat (0).thumb.jpg"),
    ],
    ids=["mask", "numbered", "segmentation", "thumb"],
)
def test_masks_and_thumbnails_beside_photos_of_classes_are_asked_about(tmp_path, beside, first):
    photos = [f"{pet}/{pet} ({n}).jpg" for pet in ("cat", "dog") for n in range(3)]
    more = [beside.format(pet=pet, n=n) for pet in ("cat", "dog") for n in range(2)]
    (text,) = asked(lay(tmp_path, *photos, *more), "pictures")
    assert text.startswith(
        f"4 pictures are called as another beside them, such as {first}: they count as photos of their"
    )


def test_one_mask_among_few_photos_is_asked_about_and_masks_below_classes_that_somebody_chose_are(tmp_path):
    (text,) = asked(lay(tmp_path / "one", *PETS, "cat/0_gt.png"), "pictures")
    assert text.startswith("cat/0_gt.png is called as another picture beside it: it counts as a photo of its class.")
    assert not asked(lay(tmp_path / "one", *(f"dog/{n}.png" for n in range(2, 6))), "pictures"), "few are no question"
    parts = [f"{pet}/{part}/{n}.png" for pet in ("cat", "dog") for part in ("images", "masks") for n in range(2)]
    assert not asked(lay(tmp_path / "two", *parts, "cat/thumbnails/1.png"), "pictures"), "they are left out"
    (text,) = asked(read(tmp_path / "two", class_level=1), "pictures")
    assert text.startswith("5 pictures are called as another beside them, such as cat/masks/0.png")


@pytest.mark.parametrize(
    "photos",
    [
        [f"{pet}/{pet}_{n}.jpg" for pet in ("cat", "dog") for n in range(1, 4)],
        [f"{pet}/{pet}{n}.jpg" for pet in ("cat", "dog") for n in ("", "_1", "_2", "_masked")],
        [f"{worn}/{n}.jpg" for worn in ("images", "masks") for n in range(3)],
        [f"{worn}/{worn}_{n}.jpg" for worn in ("with_mask", "without_mask") for n in range(3)],
        [f"{who}/{name}.jpg" for who in ("kim", "lee") for name in ("mask1", "mask2", "incorrect_mask", "normal")],
    ],
    ids=["numbers", "copies", "classes of numbers", "worn", "as of persons"],
)
def test_photos_called_as_others_are_or_of_masks_that_people_wear_are_not_asked_about(tmp_path, photos):
    assert not asked(lay(tmp_path, *photos), "pictures")
