"""Which of several tables counts, or the folders beside them, and that the others are asked about."""

from __future__ import annotations

import pytest

from core.errors import LabError
from tests.data.tables import facts, labels, table
from tests.photos import draw, read

EIGHT = [f"{n}.jpg" for n in range(8)]
PETS = [f"{pet}/{n}.jpg" for pet in ("cat", "dog") for n in range(3)]
SKIN = [f"{'benign' if n < 4 else 'malignant'}/{n}.jpg" for n in range(8)]
TRAINED = [f"train/{pet}/{pet}{n}.jpg" for pet in ("cat", "dog") for n in range(3)]
BATCHES = [f"batch_{1 + n // 4}/{n}.jpg" for n in range(8)]
CODES = "id,name", ["0,cat", "1,dog"]
NUMBERED = "file,class", [f"{n}.jpg,{n % 2}" for n in range(8)]
LABELLED = "image,label", [f"{n}.jpg,{'ab'[n % 2]}" for n in range(8)]
HALF, FEW = (LABELLED[0], LABELLED[1][:4]), (LABELLED[0], LABELLED[1][:3])
OF_LARGE = LABELLED[0], [f"large/{row}" for row in LABELLED[1]]
OF_MASKS = [("large", ""), ("masks", "_mask"), ("masks", "_mask-2"), ("turned", " (90)")]
BUSI = [f"{site}/{n} ({n}){more}.jpg" for site in ("A", "B") for n in range(4) for more in ("", "_mask", "_mask_1")]
OF_BUSI = LABELLED[0], [f"{photo},{'ab'[n % 2]}" for n, photo in enumerate(BUSI[::3])]
PATIENTS = [f"test/pat{n // 4}/{n}.jpg" for n in range(24, 40)]
IN_TRAIN = LABELLED[0], [f"train/pat{n}/{4 * n}.jpg,{'ab'[n % 2]}" for n in range(6)]
DEFECT = [f"defect/{n}.jpg" for n in range(1, 8)]
KINDS = LABELLED[0], [f"{photo},{('dent', 'scratch')[n % 2]}" for n, photo in enumerate(DEFECT)]
TURNED = [f"{pet}/{n}{more}.jpg" for pet in ("cat", "dog") for n in range(3) for more in ("", "_turned", " (2)")]
OF_TURNED = LABELLED[0], [f"{photo},{photo.split('/')[0]}" for photo in TURNED[::3]]
OF_PATIENTS = LABELLED[0], [f"pat{n}/{4 * n}.jpg,{'ab'[n % 2]}" for n in range(6)]
OF_TRAINED = "image,label", [f"{photo},{('in', 'out')[n % 2]}" for n, photo in enumerate(TRAINED)]
SIZES = "image,width,height", [f"{n}.jpg,{100 + n % 3 % 2 * 100},{60 + 20 * (n % 2)}" for n in range(8)]
AGES = "image,age,sex", [f"{n}.jpg,{20 + n},{'fm'[n % 2]}" for n in range(8)]
SMILES = "image,smiling,glasses", [f"{n}.jpg,{('yes', 'no')[n % 2]},{('yes', 'no')[n // 2 % 2]}" for n in range(8)]
SICK = "image,MEL,NV,bcc", [f"{n}.jpg,{n % 3 == 0:d}.0,{n % 3 == 1:d}.0,{n % 3 == 2:d}.0" for n in range(8)]
SICK_PEOPLE = "image,sex,MEL,NV,bcc", [row.replace(".jpg,", f".jpg,{'fm'[n % 2]},") for n, row in enumerate(SICK[1])]
SITES = "image,site", [f"{n}.jpg,{('arm', 'leg')[n % 2]}" for n in range(8)]
SEEN = "image,front,side", [f"{n}.jpg,{n % 2},{1 - n % 2}" for n in range(8)]
FIVE = "image,class", [f"{n}.jpg,{('good', 'bad')[n % 2]}" for n in range(5)]
REMARKS = "image,sex,remark", ["0.jpg,f,x", "7.jpg,m,y"]
NOTES = "image,category", ["cat/0.jpg,indoor", "dog/1.jpg,outdoor"]
PREDICTED = "path,class,probability", [f"{photo},{'Dog' if '0' in photo else 'cat'},0.9" for photo in PETS]
TEXTS = "image,note", [f"{n}.jpg,seen on day {n}" for n in range(8)]
FORM = "image,label", ["t1.jpg,cat", "t2.jpg,cat"]
DIAGNOSES = "id,dx", [f"{n},{'ab'[n % 2]}" for n in range(8)]
IMAGES, DEEP = ([f"{home}/{n}.jpg" for n in range(8)] for home in ("images", "data/img"))
OF_EIGHT = [*(f"train/{n}.jpg" for n in range(8)), *(f"test/{n}.jpg" for n in range(8))]
WITH_TEST = [*TRAINED, "test/t1.jpg", "test/t2.jpg"]
OF_TEST = "image,label", ["t1.jpg,cat", "t2.jpg,dog"]


def drawn(root, photos, tables):
    for photo in photos:
        draw(root / photo)
    for name, (header, rows) in tables.items():
        table(root, rows, header=header, name=name)
    return root


@pytest.mark.parametrize(
    ("photos", "tables", "classes", "asked"),
    [
        (PETS, {"notes.csv": NOTES}, "cat dog", "notes.csv"),
        (PETS, {"predictions.csv": PREDICTED}, "cat dog", "predictions.csv"),
        (PETS, {"labels.csv": ("image,label", ["gone/0.jpg,a", "gone/1.jpg,b"])}, "cat dog", "labels.csv"),
        (WITH_TEST, {"sample_submission.csv": FORM}, "cat dog", ""),
        ([*TRAINED, *(f"test/{n}.jpg" for n in range(9))], {"labels.csv": OF_TRAINED}, "in out", ""),
        (BATCHES, {"labels.csv": HALF}, "a b", ""),
        (
            [f"{home}/{n}.jpg" for home in ("large", "masks", "small") for n in range(8)],
            {"labels.csv": OF_LARGE},
            "a b",
            "",
        ),
        (
            [f"{home}/{n}{more}.jpg" for home, more in OF_MASKS for n in range(8)],
            {"labels.csv": OF_LARGE},
            "a b",
            "",
        ),
        (BUSI, {"labels.csv": OF_BUSI}, "a b", ""),
        ([f"train/pat{n // 4}/{n}.jpg" for n in range(24)] + PATIENTS, {"train.csv": IN_TRAIN}, "a b", ""),
        (WITH_TEST, {"test.csv": OF_TEST}, "cat dog", "test.csv"),
        (PETS, {"test.csv": ("image,label", [f"{PETS[0]},cat", f"{PETS[3]},dog"])}, "cat dog", "test.csv"),
        (
            ["good/0.jpg", *(f"good/{n}.jpg" for n in range(9, 20)), *DEFECT],
            {"kinds.csv": KINDS},
            "defect good",
            "kinds.csv",
        ),
        (TURNED, {"labels.csv": OF_TURNED}, "cat dog", "labels.csv"),
        ([*IMAGES, *(f"new/{n}.png" for n in range(20, 40))], {"labels.csv": LABELLED}, "a b", ""),
        ([f"pat{n // 4}/{n}.jpg" for n in range(24)], {"labels.csv": OF_PATIENTS}, "a b", ""),
        ([f"images/{n}.jpg" for n in range(8)], {"labels.csv": FEW}, "a b", ""),
        ([f"{n // 4:02d}/{n}.jpg" for n in range(8)], {"labels.csv": FEW}, "a b", ""),
    ],
    ids=[
        "notes",
        "predictions",
        "lost",
        "form",
        "a test",
        "half",
        "copies",
        "masks",
        "beside",
        "slices",
        "a test's",
        "a test's of them",
        "of one class",
        "turned",
        "new",
        "patients",
        "no folders",
        "numbers",
    ],
)
def test_a_table_in_the_root_counts_before_folders_of_classes_where_it_names_half_of_the_photos(
    tmp_path, photos, tables, classes, asked
):
    """And is no form or prediction; what is of a test set needs no label. Where folders name no classes, it counts."""
    scanned = read(drawn(tmp_path, photos, tables))
    assert " ".join(sorted(set(labels(scanned).values()))) == classes
    assert [text.split(" ")[0] for text, is_asked in facts(scanned, "table").items() if is_asked] == asked.split()
    header, _ = next(iter(tables.values()))
    assert read(tmp_path, label_column=header.split(",")[1]).reader == "csv", "its column was chosen"


@pytest.mark.parametrize("other", [("metadata.csv", *AGES), ("notes.csv", "image,category", ["0.jpg,x", "1.jpg,y"])])
def test_labels_of_all_photos_are_not_passed_over_for_folders_because_of_a_second_table(tmp_path, other):
    name, header, rows = other
    with pytest.raises(LabError, match=r"2 CSV files .* Choose one"):
        read(drawn(tmp_path, BATCHES, {"labels.csv": LABELLED, name: (header, rows)}))


def test_labels_that_say_what_the_folders_say_leave_a_second_table_to_tell_persons(tmp_path):
    patients = "image,patient_id,age", [f"{n}.jpg,p{n // 2},{40 + n}" for n in range(12)]
    skin = [f"{('benign', 'malignant')[n // 6]}/{n}.jpg" for n in range(12)]
    rows = [f"{n}.jpg,{photo.split('/')[0]}" for n, photo in enumerate(skin)]
    scanned = read(drawn(tmp_path, skin, {"labels.csv": ("image,label", rows), "patients.csv": patients}))
    assert scanned.reader == "folders" and scanned.persons.people == 6


def test_a_list_above_all_photos_is_found_among_tables_below(tmp_path):
    (tmp_path / "data/sub").mkdir(parents=True)
    for number in range(70):
        (tmp_path / f"data/sub/{number:02d}.csv").write_text("time,load\n1,2\n")
    photos = [f"data/photos/{n}.jpg" for n in range(4)]
    rows = [f"{n}.jpg {'ab'[n % 2]}" for n in range(4)]
    scanned = read(table(tmp_path, rows, *photos, header="path label", name="data/labels.txt"))
    assert labels(scanned) == {photo: "ab"[n % 2] for n, photo in enumerate(photos)}


@pytest.mark.parametrize(
    ("photos", "name", "text", "asked"),
    [
        (IMAGES, "test.csv", "image\n", ""),
        (PETS, "log.csv", "epoch,loss\n", ""),
        (PETS, "labels.csv", "image,label\n", "labels.csv"),
    ],
)
def test_a_table_without_a_row_is_in_nobodys_way(tmp_path, photos, name, text, asked):
    """It is asked about where it would name photos."""
    drawn(tmp_path, photos, {"train.csv": LABELLED} if photos == IMAGES else {})
    (tmp_path / name).write_text(text)
    scanned = read(tmp_path)
    assert sorted(set(labels(scanned).values())) == (["a", "b"] if photos == IMAGES else ["cat", "dog"])
    assert [text.split(" ")[0] for text, is_asked in facts(scanned, "table").items() if is_asked] == asked.split()


def test_a_table_of_labels_is_found_below_the_root_among_a_caption_of_each_photo(tmp_path):
    for number in range(70):
        draw(tmp_path / f"photos/{number}.jpg")
        (tmp_path / f"photos/{number}.txt").write_text("A cat that sleeps.\n")
    rows = [f"{n}.jpg,{'ab'[n % 2]}" for n in range(4)]
    scanned = read(table(tmp_path, rows, *(f"photos/{n}.jpg" for n in range(4)), name="photos/labels.csv"))
    assert labels(scanned) == {f"photos/{n}.jpg": "ab"[n % 2] for n in range(4)}
    (tmp_path / "lists").mkdir()
    (tmp_path / "photos/labels.csv").rename(tmp_path / "lists/labels.csv")
    assert read(tmp_path).reader == "csv"


@pytest.mark.parametrize(
    ("photos", "tables", "read_one", "asked"),
    [
        (IMAGES, {"classes.csv": CODES, "images/labels.csv": NUMBERED}, "images/labels.csv", ["classes.csv"]),
        (DEEP, {"photos.csv": SIZES, "data/labels.csv": LABELLED}, "data/labels.csv", ["photos.csv"]),
        (DEEP, {"some.csv": HALF, "data/labels.csv": LABELLED}, "some.csv", []),
        (DEEP, {"few.csv": FEW, "data/labels.csv": LABELLED}, "data/labels.csv", ["few.csv"]),
        (DEEP, {"few.csv": FEW, "data/one.csv": LABELLED, "data/two.csv": LABELLED}, "few.csv", []),
        (IMAGES, {"smiles.csv": SMILES, "images/quality.csv": FIVE}, "smiles.csv", []),
        (OF_EIGHT, {"sample_submission.csv": FORM, "train/labels.csv": LABELLED}, "train/labels.csv", []),
        (OF_EIGHT, {"few.csv": FEW, "test/labels.csv": LABELLED}, "few.csv", []),
        (IMAGES, {"classes.csv": CODES, "labels.csv": NUMBERED}, "labels.csv", ["classes.csv"]),
        (IMAGES, {"labels.csv": LABELLED, "sizes.csv": SIZES}, "labels.csv", ["sizes.csv"]),
        (SKIN, {"metadata.csv": AGES, "notes.csv": REMARKS}, "", ["metadata.csv", "notes.csv"]),
        (IMAGES, {"metadata.csv": AGES, "truth.csv": SICK}, "truth.csv", ["metadata.csv"]),
        (IMAGES, {"metadata.csv": AGES, "truth.csv": (SICK[0], SICK[1][:3])}, "metadata.csv", ["truth.csv"]),
        (IMAGES, {"metadata.csv": AGES, "views.csv": SEEN}, "metadata.csv", ["views.csv"]),
        (IMAGES, {"sites.csv": SITES, "truth.csv": SICK_PEOPLE}, "truth.csv", ["sites.csv"]),
    ],
    ids=[
        *("names of classes", "sizes", "half", "few", "two below", "attributes", "form", "a test below"),
        *("names in the root", "sizes in the root", "notes"),
        *("a column a class", "of few photos", "two columns", "a column a class of people"),
    ],
)
def test_one_of_several_tables_that_is_the_only_one_to_say_what_it_holds_is_read(
    tmp_path, photos, tables, read_one, asked
):
    """And names half of the photos; beside folders of classes several that are none count for nothing. The others are
    asked about."""
    scanned = read(drawn(tmp_path, photos, tables))
    assert scanned.reader == ("csv" if read_one else "folders")
    assert [path for path, *_ in scanned.tables] == read_one.split()
    questions = [fact for fact in scanned.facts if fact.kind == "table" and fact.probable]
    assert [fact.text.split(" ")[0] for fact in questions] == asked
    assert all("csv_file" in fact.settings for fact in questions)
    answer = {"csv_file": read_one} if read_one else {"reader": "folders"}
    assert not any(facts(read(tmp_path, **answer), "table").values()), "it was asked again what was answered"


def test_a_table_of_ages_does_not_count_before_one_of_labels_whose_columns_are_called_otherwise(tmp_path):
    with pytest.raises(LabError, match="2 CSV files"):
        read(drawn(tmp_path, IMAGES, {"metadata.csv": AGES, "diagnoses.csv": DIAGNOSES}))


def test_a_table_with_the_attributes_that_were_chosen_is_not_passed_over(tmp_path):
    drawn(tmp_path, DEEP, {"photos.csv": SIZES, "data/labels.csv": LABELLED})
    assert "width" in read(tmp_path, attributes={"width": "number"}).attributes


@pytest.mark.parametrize(
    ("photos", "name", "rows", "asked"),
    [
        (PETS, "labels.txt", [f"{photo} {'ab'[n % 2]}" for n, photo in enumerate(PETS)], "labels in label"),
        (BATCHES, "labels.txt", [f"{photo} a" for photo in BATCHES[:3]], ""),
        (PETS, "train.txt", [f"{photo} {n // 3}" for n, photo in enumerate(PETS)], ""),
        (PETS, "cat/labels.csv", [f"{n}.jpg,cat" for n in range(3)], ""),
        (WITH_TEST, "test/labels.csv", OF_TEST[1], "labels in label"),
        (WITH_TEST, "test/labels.csv", OF_TEST[1][:0], ""),
        (PETS, "cat/labels.csv", ["0.jpg,indoor"], ""),
        (PETS, "cat/labels.csv", ["0.jpg,indoor", "1.jpg,outdoor"], "labels in label"),
        (PETS, "dog/labels.csv", [f"{photo},indoor" for photo in PETS[:3]], "labels in label"),
    ],
    ids=[
        "list",
        "short list",
        "numbers of folders",
        "the folder",
        "test set",
        "empty",
        "one beside it",
        "most beside it",
        "half of all",
    ],
)
def test_a_list_or_a_table_below_that_names_half_of_the_photos_is_asked_about_beside_folders(
    tmp_path, photos, name, rows, asked
):
    drawn(tmp_path, photos, {name: ("path label" if name.endswith(".txt") else "image,label", rows)})
    questions = {f"{name} names photos, too ({asked}): it is not read.": True} if asked else {}
    scanned = read(tmp_path)
    assert scanned.reader == "folders" and facts(scanned, "table") == questions


def test_of_many_tables_below_that_are_not_read_some_are_asked_about_in_one_line(tmp_path):
    drawn(tmp_path, [f"c{at}/{at}.jpg" for at in range(5)], {})
    for at in range(5):
        table(tmp_path, [f"{at}.jpg,a"], header="image,label", name=f"c{at}/labels.csv")
    assert len(questions := list(facts(read(tmp_path), "table"))) == 4
    assert questions[-1] == "2 more tables name photos, too: not read (c3/labels.csv and c4/labels.csv)."


@pytest.mark.parametrize(
    ("photos", "tables", "said"),
    [
        (IMAGES, {"train.csv": LABELLED, "sampleSubmission.csv": ("photo,a,b", ["0,.5,.5"])}, ""),
        (IMAGES, {"train.csv": SMILES, "SampleSubmissionFormat.csv": (SMILES[0], ["0.jpg,.5,.5"])}, ""),
        (IMAGES, {"train.csv": DIAGNOSES, "sample_submission_v2.csv": ("id,dx", ["1,a", "2,b"])}, ""),
        (WITH_TEST, {"sample_submission.csv": FORM}, ""),
        (IMAGES, {"images/submissions/labels.csv": LABELLED}, ""),
        (IMAGES, {"images/submissions/net.csv": LABELLED, "images/labels/train.csv": LABELLED}, ""),
        (IMAGES, {"resubmission.csv": LABELLED}, ""),
        (IMAGES, {"sampleSubmission.csv": LABELLED}, r"csv: sampleSubmission\.csv .* a form .* no other table labels"),
        (EIGHT, {"submission.csv": LABELLED}, r"csv: submission\.csv by its name is a form .* no other table labels"),
        (IMAGES, {"train.csv": TEXTS, "submission.csv": LABELLED}, r"csv: train\.csv is not read"),
        (EIGHT, {"train.csv": TEXTS, "submission.csv": LABELLED}, r"csv: no column .* a label"),
    ],
    ids=[
        "one of shares",
        "same columns",
        "numbers",
        "beside folders",
        "folder",
        "folder beside another",
        "another word",
        "alone",
        "alone in the root",
        "beside another",
        "in root",
    ],
)
def test_a_form_for_predictions_labels_nothing_and_is_no_question(tmp_path, photos, tables, said):
    for path in tables:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    drawn(tmp_path, photos, tables)
    forms = [path for path in tables if "ubmission" in path and not path.endswith(("labels.csv", "resubmission.csv"))]
    if not said:
        told = {f"{path} is not read: it is a form for predictions.": False for path in forms}
        scanned = read(tmp_path)
        assert len(scanned.samples) == len(TRAINED if photos == WITH_TEST else IMAGES)
        assert told.items() == {each for each in facts(scanned, "table").items() if "not read" in each[0]}
        return
    with pytest.raises(LabError, match=said):
        read(tmp_path)
    assert len(read(tmp_path, csv_file=forms[0]).samples) == 8
    scanned = read(tmp_path, label_column="label")
    assert len(scanned.samples) == 8, "what read it before does no more"
    assert any(facts(scanned, "table").values()), "a form is read without a word"
    if len(tables) == 1:
        assert len(read(tmp_path, reader="csv").samples) == 8
