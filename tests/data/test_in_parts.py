"""Names that photos of train/ and of test/ have alike: a table whose name says a part speaks of those in its folder."""

import pytest

from core.errors import LabError
from tests.data.tables import facts, labels, table
from tests.photos import draw, problems_of, read

TWICE = [f"{part}/{n}.png" for part in ("train", "test") for n in range(1, 5)]
ROWS = ["1,cat", "2,dog", "3,cat", "4,dog"]
OF_TRAIN = {"train/1.png": "cat", "train/2.png": "dog", "train/3.png": "cat", "train/4.png": "dog"}


@pytest.mark.parametrize(
    "name, header, rows, settings",
    [
        ("trainLabels.csv", "id,label", ROWS, {}),
        ("Train_Labels.csv", "id,label", ROWS, {"csv_file": "Train_Labels.csv"}),
        ("training_set_labels.csv", "id,label", ROWS, {"path_column": "id"}),
        ("train.csv", "image,label", [row.replace(",", ".png,") for row in ROWS], {}),
        ("train/labels.csv", "id,label", ROWS, {}),  # beside its photos
        ("train_gt.csv", "label,id", [",".join(reversed(row.split(","))) for row in ROWS], {}),
    ],
)
def test_a_table_called_as_a_part_speaks_of_its_photos(tmp_path, name, header, rows, settings):
    scanned = read(table(tmp_path, rows, *TWICE, header=header, name=name), **settings)
    assert labels(scanned) == OF_TRAIN and not (scanned.problems["severity"] == "error").any()
    assert not any(fact.probable for fact in scanned.facts) or name == "train/labels.csv", scanned.facts
    if "/" not in name:
        cell = rows[0].split(",")[header.split(",").index("label") - 1]
        text = f"4 file names stand in several folders: taken from that of the part that {name} tells"
        assert f"{text} ({cell} is train/1.png)." in facts(scanned)


@pytest.mark.parametrize("name", ["{pet}/{n}.jpg", "{pet}_{n}.jpg"], ids=["paths", "names"])
@pytest.mark.parametrize("tables", [["train.csv", "test.csv"], ["train.csv"], ["labels.csv"]], ids=len)
def test_names_below_the_folder_of_a_part_are_found_in_several_folders_of_it(tmp_path, name, tables):
    """Which both parts have, by what the tables are called, or a column of splits says."""
    of_part = {
        part: [name.format(pet=pet, n=n) for pet in ("cat", "dog") for n in range(number)]
        for part, number in (("train", 4), ("test", 2))
    }
    photos = {
        part: [f"{part}/{each if '/' in each else f'{each[:3]}/{each}'}" for each in of_part[part]] for part in of_part
    }
    rows = {part: [f"{each},{'xy'[n % 2]},{part}" for n, each in enumerate(names)] for part, names in of_part.items()}
    for path in tables:
        of_table = rows.get(path.removesuffix(".csv"), rows["train"] + rows["test"])
        columns = "image,label,split" if path == "labels.csv" else "image,label"
        of_table = of_table if path == "labels.csv" else [row.rpartition(",")[0] for row in of_table]
        table(tmp_path, of_table, *photos["train"], *photos["test"], header=columns, name=path)
    scanned = read(tmp_path)
    assert labels(scanned) == {photo: "xy"[n % 2] for n, photo in enumerate(photos["train"])}
    assert scanned.set_aside["sample"].tolist() == ([] if tables == ["train.csv"] else photos["test"])


def test_a_table_that_names_each_photo_of_the_part_to_train_on_speaks_of_it(tmp_path):
    """Whatever it is called, where it names those of no other part so."""
    scanned = read(table(tmp_path, ROWS, *TWICE[:6], header="id,label"))
    assert labels(scanned) == OF_TRAIN and not (scanned.problems["severity"] == "error").any()
    text = "2 file names stand in several folders: taken from train/, of which labels.csv names each photo"
    assert f"{text} (1 is train/1.png)." in facts(scanned)


@pytest.mark.parametrize(
    "header, rows, of_labels",
    [
        ("id,label", ["1,1", "2,2", "3,1", "4,2"], ["1", "2"]),  # digits name photos, too
        ("label,id", ["1,1", "2,2", "1,3", "2,4"], ["1", "2"]),
        ("id,label", ["1,1", "2,2", "3,1", "5,2"], ["1", "2"]),  # one photo is not there
        ("id,cat,dog", ["1,1,0", "2,0,1", "3,1,0", "4,0,1"], ["cat", "dog"]),
    ],
)
def test_classes_that_are_numbers_name_no_photos(tmp_path, header, rows, of_labels):
    scanned = read(table(tmp_path, rows, *TWICE, header=header, name="trainLabels.csv"))
    here = [label for label, row in zip(of_labels * 2, rows, strict=True) if "5" not in row]
    assert list(labels(scanned).items()) == [(f"train/{n}.png", label) for n, label in enumerate(here, 1)]


def test_tables_of_two_parts_each_speak_of_their_own(tmp_path):
    table(tmp_path, ROWS, *TWICE, header="id,label", name="train_labels.csv")
    scanned = read(table(tmp_path, ROWS, header="id,label", name="test_labels.csv"))
    assert labels(scanned) == OF_TRAIN
    assert scanned.set_aside["sample"].tolist() == TWICE[4:] and set(scanned.set_aside["split"]) == {"test"}


def test_a_photo_that_only_another_part_has_is_missing(tmp_path):
    draw(tmp_path / "test/5.png")
    scanned = read(table(tmp_path, [*ROWS, "5,cat"], *TWICE, header="id,label", name="trainLabels.csv"))
    assert labels(scanned) == OF_TRAIN
    assert problems_of(scanned, "missing-file") == {"trainLabels.csv row 6": "there is no file '5' in the dataset"}


def test_a_table_in_the_folder_of_a_part_names_the_photos_at_any_depth_below_it(tmp_path):
    """Beside masks that have these names, and in folders of classes, where it tells the persons."""
    masked, classes = tmp_path / "masked", tmp_path / "classes"
    for part, numbers in (("train", range(10)), ("test", range(4))):
        photos = [f"{part}/images/{n}.jpg" for n in numbers] + [f"{part}/masks/{n}.png" for n in numbers]
        table(masked, [f"{n}.jpg,{'ab'[n % 2]}" for n in numbers], *photos, name=f"{part}/{part}.csv")
        photos = [f"{part}/images/{'ab'[n % 2]}/{n}.jpg" for n in numbers]
        rows = [f"{n}.jpg,{part}{n // 2}" for n in numbers]
        table(classes, rows, *photos, header="image,patient_id", name=f"{part}/{part}.csv")
    scanned = read(masked)
    assert labels(scanned) == {f"train/images/{n}.jpg": "ab"[n % 2] for n in range(10)}
    assert scanned.set_aside["sample"].tolist() == [f"test/images/{n}.jpg" for n in range(4)]
    scanned = read(classes)
    assert scanned.reader == "folders" and scanned.persons.people == 5 and len(scanned.set_aside) == 4


@pytest.mark.parametrize(
    "name, photos",
    [
        ("labels.csv", TWICE),  # says no part
        ("labels.csv", [*TWICE, "train/5.png"]),  # names each of the test set
        ("labels.csv", [*TWICE[:7], "train/5.png"]),  # names some of train/
        ("val_labels.csv", TWICE),  # of which there is no folder
        ("trainLabels.csv", [*TWICE, *(f"train/more/{n}.png" for n in range(1, 5))]),  # two folders of one part
        ("trainLabels.csv", [*TWICE, *(f"train/{n}.jpg" for n in range(1, 5))]),  # several of one name in it
    ],
)
def test_names_that_could_be_of_several_folders_are_refused(tmp_path, name, photos):
    with pytest.raises(LabError, match="no column is known to hold a path"):
        read(table(tmp_path, ROWS, *photos, header="id,label", name=name))
