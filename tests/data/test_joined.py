"""Where folders name the classes, tables beside them tell whom photos show and which are a test: that joins them."""

import re

import pytest

from core.config.run_config import DataConfig
from core.data.tables.matching import Matcher
from core.errors import LabError
from core.predict.photos import rows_of
from tests.data.tables import facts, labels, table
from tests.photos import draw, read

SKIN = [f"{'benign' if n < 6 else 'malignant'}/{n}.jpg" for n in range(12)]
OF_SKIN = [f"{n}.jpg,{photo.split('/')[0]}" for n, photo in enumerate(SKIN)]
PERSONS = "image,label,person", [f"{row.title()},p{n // 2}" for n, row in enumerate(OF_SKIN)]
SPLITS = "image,label,split", [f"{row},{'train' if n % 7 else 'test'}" for n, row in enumerate(OF_SKIN)]
FOLDS = "image,fold", [f"{n}.jpg,{n % 2}" for n in range(12)]
PATIENTS = "image,patient", [f"{n}.jpg,p{n // 2}" for n in range(12)]
BOTH = "image,patient,split", [f"{row},{'test' if n > 6 else 'train'}" for n, row in enumerate(PATIENTS[1])]
DRIVERS = "subject,classname,img", [f"d{n // 2},{photo.split('/')[0]},{n}.jpg" for n, photo in enumerate(SKIN)]


def classes(scanned):
    """Sample -> class of all photos, those of the test set among them."""
    aside = scanned.set_aside
    return labels(scanned) | dict(zip(aside["sample"], aside["label"], strict=True))


def written(root, photos, tables):
    """Draws the photos and writes the tables, path -> (header, rows)."""
    for name, (header, rows) in tables.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        table(root, rows, *photos, header=header, name=name)


def scanned_data(scanned):
    """As a run of it freezes how it is read."""
    return DataConfig(root=scanned.root, reader=scanned.reader)


def read_for(scanned):
    """What tables were read for."""
    texts = list(facts(scanned, "table"))
    said = {"persons": "who the photos show", "parts": "what they are for"}
    return {
        what for what, words in said.items() if any(f"says {words}" in text or f"say {words}" in text for text in texts)
    }


SOME = "image,split", [f"{n}.jpg,{'test' if n % 2 else 'train'}" for n in range(12)]
PARTS = {"train.csv": ("image,label", OF_SKIN[1:-1]), "test.csv": ("image,label", OF_SKIN[::11])}


@pytest.mark.parametrize(
    ("above", "tables", "what", "held_out"),
    [
        ("top/", {"top/labels.csv": PERSONS}, {"persons"}, 0),
        ("top/", {"top/labels.csv": SPLITS}, {"parts"}, 2),
        ("top/", {f"top/{name}": rows for name, rows in PARTS.items()}, {"parts"}, 2),
        ("", {"patients.csv": PATIENTS}, {"persons"}, 0),
        ("", {"patients.csv": PATIENTS, "splits.csv": SOME}, {"persons", "parts"}, 6),
        ("", {"folds.csv": FOLDS}, {"parts"}, 0),
        ("images/", {"metadata/labels.csv": BOTH}, {"persons", "parts"}, 5),
        ("imgs/train/", {"driver_imgs_list.csv": DRIVERS}, {"persons"}, 0),
    ],
    ids=["persons", "splits", "tables", "patients", "two", "folds", "aside", "subjects"],
)
def test_tables_tell_whom_photos_of_class_folders_show_and_which_are_a_test(tmp_path, above, tables, what, held_out):
    photos = [f"{above}{photo}" for photo in SKIN]
    written(tmp_path, photos, tables)
    scanned = read(tmp_path)
    assert scanned.reader == "folders" and classes(scanned) == {photo: photo.split("/")[-2] for photo in photos}
    assert read_for(scanned) == what and len(scanned.set_aside) == held_out
    assert (scanned.persons.state == "known") == ("persons" in what)
    assert ("given_fold" in scanned.samples) == ("folds.csv" in tables)
    assert not any(facts(scanned, "table").values()), "what is read was asked about"
    assert {path for path, *_ in scanned.tables} == set(tables), "a change of one is not noticed"
    _, rows = rows_of(scanned_data(scanned))
    assert sorted(row["sample"] for row in rows if row["split"]) == sorted(scanned.set_aside["sample"])
    people = dict(zip(scanned.samples["sample"], scanned.samples["person"], strict=True))
    assert people.items() <= {row["sample"]: row["person"] for row in rows}.items()
    no_more = read(tmp_path, person_column="none", split_column="none")
    assert not read_for(no_more) and no_more.persons.state == "unknown" and no_more.set_aside.empty


def test_persons_join_photos_of_which_folders_name_the_parts(tmp_path):
    photos = [f"{'test' if n > 9 else 'train'}/{photo}" for n, photo in enumerate(SKIN)]
    photos += ["test/benign/20.jpg", "train/malignant/21.jpg"]
    rows = [f"{photo},p{n // 3},{'train'}" for n, photo in enumerate(photos)]
    scanned = read(table(tmp_path, rows, *photos, header="image,patient,split", name="patients.csv"))
    assert read_for(scanned) == {"persons"} and len(scanned.set_aside) == 3 and scanned.persons.state == "known"
    asked = "patients.csv names photos, too, and may say which are a test (split): that is not read."
    assert facts(scanned, "table")[asked], "folders name the parts: those of the table are asked about"
    rows = [f"{photo},p{n // 3},{photo.partition('/')[0].upper()}" for n, photo in enumerate(photos)]
    for header in ("image,patient,split", "image,patient,kind"):
        table(tmp_path, rows[:-1], header=header, name="patients.csv")
        assert not any(facts(read(tmp_path), "table").values()), "what the folders say, too, is asked about"
        table(tmp_path, [*rows[:-1], rows[-1].replace("TRAIN", "TEST")], header=header, name="patients.csv")
        assert any("say which are a test" in text for text in facts(read(tmp_path), "table"))


@pytest.mark.parametrize(
    ("first", "header", "cells", "more", "what"),
    [
        ("none", "person", lambda n: f"p{n // 2}", [], {"persons"}),
        ("benign", "person,sex", lambda n: f"p{n // 2},{'unknown' if n == 3 else 'f'}", [], {"persons"}),
        ("benign", "person,age", lambda n: f"p{n // 2},{'85+' if n == 3 else 40 + n}", [], {"persons"}),
        ("benign", "split", lambda n: "extra" if n == 3 else ("train", "test")[n % 2], [], set()),
        (
            "benign",
            "split,person",
            lambda n: f"{('train', 'test')[n % 2]},{f'p{n // 2}' * (n not in (3, 4))}",
            [],
            {"parts"},
        ),
        ("benign", "person", lambda n: f"p{n // 2}", ["99.jpg,benign,p4"], {"persons"}),
        ("benign", "person", lambda n: f"p{n // 2}", ["0.jpg,benign,p0"], {"persons"}),
        ("benign", "person", lambda n: f"p{n // 2}", ["0.jpg,benign,p1"], set()),
        ("Benign", "person", lambda n: f"p{n // 2}", [], {"persons"}),
        ("benign", "person", lambda n: "Kim", [], set()),
        ("benign", "id", lambda n: f"breed {n // 2}", [], set()),
        ("benign", "split", lambda n: "train" if n < 6 else "test", [], set()),
        ("benign", "person", lambda n: f"p{n // 6}", [], set()),
    ],
    ids=[
        "none",
        "sex",
        "age",
        "split",
        "person",
        "no photo",
        "again",
        "two",
        "capitals",
        "one person",
        "id",
        "classes",
        "each its own",
    ],
)
def test_no_photo_and_no_class_is_lost_by_a_table_that_joins_and_what_does_not_is_asked(
    tmp_path, first, header, cells, more, what
):
    """Labels stay those of the folders, whatever the table calls them; what is told of too few photos, or in two ways,
    and persons who are as good as the classes, do not join by themselves."""
    photos = [f"top/{photo.replace('benign', first)}" for photo in SKIN]
    words = [photo.split("/")[1] for photo in photos]
    rows = [f"{n}.jpg,{word.lower() if n == 2 else word},{cells(n)}" for n, word in enumerate(words)]
    scanned = read(table(tmp_path, rows + more, *photos, header=f"image,label,{header}", name="top/labels.csv"))
    assert scanned.reader == "folders" and classes(scanned) == dict(zip(photos, words, strict=True))
    assert read_for(scanned) == what
    columns = set(header.split(","))
    asked = " ".join(text for text, is_asked in facts(scanned, "table").items() if is_asked)
    assert [column for column in ("person", "id", "split", "age", "sex") if column in re.split(r"\W+", asked)] == [
        column
        for column in ("person", "id", "split", "age", "sex")
        if column in columns - ({"person"} if "persons" in what else set()) - ({"split"} if "parts" in what else set())
    ]


def test_a_photo_that_a_table_does_not_name_and_a_row_that_names_none_are_read_for(tmp_path):
    photos = [f"{'benign' if n < 10 else 'malignant'}/{n}.jpg" for n in range(20)]
    rows = [f"{n}.jpg,p{n // 3}" for n in range(19)] + ["99.jpg,p9"]
    scanned = read(table(tmp_path, rows, *photos, header="image,patient", name="patients.csv"))
    assert (
        "patients.csv says who the photos show (patient): read together with the folders (19 of 20 photos)."
        in facts(scanned, "table")
    )
    assert facts(scanned) == {"1 row of patients.csv names no photo: not read.": False}
    assert scanned.persons.state == "partly" and len(scanned.samples) == 20
    draw(tmp_path / "benign/20.jpg")
    draw(tmp_path / "benign/21.jpg")
    (text,) = facts(scanned := read(tmp_path), "table")
    assert scanned.persons.state == "unknown" and "tells whom they show (patient): it is not read" in text


def test_a_table_that_somebody_chose_joins_for_as_many_photos_as_it_names(tmp_path):
    """Beside folders that name classes, it is no table of labels where it has none."""
    root = table(tmp_path, PATIENTS[1][:3], *SKIN, header="image,patient_id", name="patients.csv")
    assert any(facts(scanned := read(root), "table").values()) and scanned.persons.state == "unknown"
    scanned = read(root, csv_file="patients.csv")
    assert (scanned.reader, scanned.persons.state, read_for(scanned)) == ("folders", "partly", {"persons"})
    table(root, ["0.jpg,a,x", "1.jpg,b,y"], header="image,doctor,remark", name="notes.csv")
    assert read(root, csv_file="notes.csv", person_column="doctor").persons.known == 2
    scanned = read(root, csv_file="notes.csv", reader="folders")
    assert facts(scanned, "table") == {
        "notes.csv is not read: it tells neither who the photos show nor what they are for.": True
    }
    table(root, [f"{n},{n}.jpg,first visit {n}" for n in range(12)], header="id,image,remark", name="visits.csv")
    (text,) = facts(read(root, csv_file="visits.csv"), "table")
    assert text == "visits.csv is not read: no cell of it tells who the photos show."
    table(root, ["0.jpg,p0", "0.jpg,p1"], header="image,patient_id", name="patients.csv")
    with pytest.raises(LabError, match=r"patients.csv says two things of benign/0.jpg \(p0 and p1\)"):
        read(root, csv_file="patients.csv")
    table(
        root, [f"{row},{n % 2}" for n, row in enumerate(PATIENTS[1])], header="image,patient,label", name="labels.csv"
    )
    assert read(root, csv_file="labels.csv").reader == "csv", "it has labels of its own"


@pytest.mark.parametrize(
    ("photo", "column", "settings", "people"),
    [
        ("top/{word}/q{pair}/{n}.jpg", "person", {"persons": "folder"}, 6),
        ("top/{word}/q{pair}/{n}.jpg", "split", {"persons": "folder"}, 3),
        ("top/{word}/q{pair}_{n}.jpg", "person", {"person_pattern": r"(q\d)_"}, 6),
        ("top/{word}/q{pair}/{n}.jpg", "person", {}, 3),
    ],
    ids=["folder", "splits", "pattern", "table"],
)
def test_what_somebody_said_of_persons_counts_before_a_table_and_that_before_a_guess(
    tmp_path, photo, column, settings, people
):
    photos = [photo.format(word=each.split("/")[0], pair=n // 2, n=n) for n, each in enumerate(SKIN)]
    cells = [f"p{n % 3}" if column == "person" else ("train", "test")[n // 2 % 2] for n in range(12)]
    rows = [f"{each.rpartition('/')[2]},{each.split('/')[1]},{cells[n]}" for n, each in enumerate(photos)]
    table(tmp_path, rows, *photos, header=f"image,label,{column}", name="top/labels.csv")
    scanned = read(tmp_path, **settings)
    assert scanned.reader == "folders" and scanned.persons.people == people
    assert not any(facts(scanned, "persons").values())


def test_a_table_of_labels_that_is_still_chosen_beside_folders_joins_as_by_itself(tmp_path):
    """It may have been chosen to be read for its labels, before somebody chose the folders; or for an older run."""
    rows = [f"{row},{'test' if n == 3 else 'train'},p{n // 2}" for n, row in enumerate(OF_SKIN)]
    root = table(tmp_path, rows, *SKIN, header="image,label,split,person", name="labels.csv")
    assert read_for(read(root, csv_file="labels.csv", reader="folders")) == {"persons", "parts"}
    twice = [*rows, "0.jpg,benign,test,p0"]
    table(root, twice, header="image,label,split,person", name="labels.csv")
    scanned = read(root, csv_file="labels.csv", reader="folders")
    assert read_for(scanned) == {"persons"} and scanned.set_aside.empty
    table(root, rows[2:5], header="image,label,split,person", name="labels.csv")
    scanned = read(root, csv_file="labels.csv", reader="folders")
    assert scanned.set_aside.empty and scanned.persons.state == "unknown"
    ((text, is_asked),) = facts(scanned, "table").items()
    assert text.startswith("labels.csv is not read: it has labels, and then who the photos show and") and is_asked
    scanned = read(root, csv_file="gone.csv", reader="folders")
    assert len(scanned.samples) == 12
    ((text, is_asked),) = facts(scanned, "table").items()
    assert text.startswith("gone.csv is not read: there is no file gone.csv in ") and is_asked


def test_a_column_that_is_chosen_beside_folders_leaves_them_the_classes(tmp_path):
    photos = [f"top/{photo}" for photo in SKIN]
    rows = [f"{row},p{n // 2},d{n % 3}" for n, row in enumerate(OF_SKIN)]
    root = table(tmp_path, rows, *photos, header="image,label,person,doctor", name="top/labels.csv")
    scanned = read(root, person_column="doctor")
    assert scanned.reader == "folders" and sorted(scanned.samples["person"].unique()) == ["d0", "d1", "d2"]
    assert read(root, label_column="label").reader == "csv"


def test_what_folders_or_settings_say_already_is_not_said_to_be_missing_in_a_table(tmp_path):
    photos = [f"{'test' if n % 2 else 'train'}/{photo}" for n, photo in enumerate(SKIN)]
    root = table(tmp_path, SOME[1], *photos, header=SOME[0], name="splits.csv")
    said = "splits.csv is not read: folders or settings say what they are for already."
    assert facts(read(root, csv_file="splits.csv"), "table") == {said: True}


def test_a_path_that_lacks_a_folder_is_looked_for_in_folders_of_its_own_folders_name(tmp_path, monkeypatch):
    """Frames of videos are numbered anew in each: of all that are called so, the ones of its folder are few."""
    photos = [f"{('cat', 'dog')[video % 2]}/v{video}/{n}.jpg" for video in range(20) for n in range(5)]
    rows = [f"{photo.partition('/')[2]},p{n // 10}" for n, photo in enumerate(photos)]
    ranked, alike = [], Matcher._alike
    monkeypatch.setattr(Matcher, "_alike", lambda *asked: ranked.append(asked) or alike(*asked))
    scanned = read(table(tmp_path, rows, *photos, header="image,patient_id", name="patients.csv"))
    assert scanned.persons.people == 10 and len(ranked) < 20 * len(rows)


def test_a_name_that_thousands_of_rows_and_photos_share_is_looked_for_once(tmp_path, monkeypatch):
    """Twenty folders of persons number their photos anew, and so do their rows: none is found, in no time."""
    photos = [f"{name}/{person}/{n}.jpg" for name in ("cat", "dog") for person in range(10) for n in range(3)]
    looked = []
    is_photo = Matcher.is_photo
    monkeypatch.setattr(Matcher, "is_photo", lambda self, cell: looked.append(cell) or is_photo(self, cell))
    rows = [f"{n}.jpg,p{person}" for person in range(2000) for n in range(3)]
    scanned = read(table(tmp_path, rows, *photos, header="image,patient", name="patients.csv"))
    assert scanned.persons.state == "unknown" and len(looked) < len(rows)


@pytest.mark.parametrize(
    ("cells", "who"),
    [
        (lambda n: f"s{n % 3}", "3 people, of which s0 has 4 photos."),
        (lambda n: ("patient", "control")[n % 2], "2 people, of which patient has 6 photos."),
        (lambda n: "unknown" if n % 2 else f"p{n}", "7 people, of which unknown has 6 photos."),
    ],
    ids=["few", "groups", "unknown"],
)
def test_persons_that_are_few_or_of_whom_one_has_a_third_of_the_photos_join_and_are_asked_about(tmp_path, cells, who):
    """A word that is no person's would have all its photos in one fold; and three persons are too few for five."""
    rows = [f"{n}.jpg,{cells(n)}" for n in range(12)]
    scanned = read(table(tmp_path, rows, *SKIN, header="image,subject", name="info.csv"))
    ((text, is_asked),) = facts(scanned, "table").items()
    assert is_asked and text.endswith(f"(12 of 12 photos). {who}") and scanned.persons.state == "known"
    assert not any(facts(read(tmp_path, csv_file="info.csv"), "table").values()), "it was asked again what was answered"


def test_a_table_that_joins_and_may_name_other_classes_than_the_folders_is_asked_about(tmp_path):
    """As of sites, or of the parts in which a dataset comes; by the names of its columns no label is known."""
    photos = [photo.replace("benign", "site_1").replace("malignant", "site_2") for photo in SKIN]
    rows = [f"{n}.jpg,p{n // 2},{('nevus', 'melanoma')[n % 2]},{('left', 'right')[n // 3 % 2]}" for n in range(12)]
    scanned = read(table(tmp_path, rows, *photos, header="image,patient_id,dx,laterality", name="metadata.csv"))
    asked = [text for text, is_asked in facts(scanned, "table").items() if is_asked]
    assert asked == ["metadata.csv names photos, too (labels in dx and laterality): that is not read."]
    assert read_for(scanned) == {"persons"}
    rows = [f"{n}.jpg,p{n // 2},{photo.split('/')[0]},0" for n, photo in enumerate(photos)]
    table(tmp_path, rows, header="image,patient_id,site,version", name="metadata.csv")
    assert not any(facts(read(tmp_path), "table").values()), "it says what the folders say"
