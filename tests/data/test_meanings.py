"""Which column of a table holds what."""

import pytest

from core.errors import LabError
from tests.data.tables import facts, labels, table
from tests.photos import read

SIX = [f"{i}.jpg" for i in range(6)]


def people(scanned):
    return scanned.persons.state, scanned.samples["person"].nunique()


def test_an_id_of_few_values_is_not_taken_for_the_person(tmp_path):
    root = table(tmp_path, [f"{i % 2},{i}.jpg,{'ab'[i % 2]}" for i in range(6)], *SIX, header="id,file,label")
    scanned = read(root)
    assert people(scanned) == ("unknown", 6)
    assert facts(scanned, "persons") == {
        "labels.csv: column 'id' has only 2 values in 6 rows: not taken for the person.": True
    }
    assert people(read(root, person_column="id")) == ("known", 2)
    (root / "labels.csv").write_text((root / "labels.csv").read_text().replace("id", "patient"))
    assert people(read(root)) == ("unknown", 6), "ill and well were taken for two persons"
    scanned = read(table(tmp_path, [f"{i}.jpg,{i % 2}" for i in range(6)], header="image,patient"))
    assert people(scanned) == ("unknown", 6) and set(labels(scanned).values()) == {"0", "1"}
    assert any(facts(scanned, "classes").values()), "that 'patient' is the class is asked about"


@pytest.mark.parametrize("last", ["filename", "seen"])
def test_of_several_columns_of_photos_the_one_that_is_called_so_or_differs_in_each_row_is_read(tmp_path, last):
    """Each row of an eye tells both eyes of its patient, and where the photo lay on another machine."""
    eyes = [f"{patient}_{side}.jpg" for patient in range(4) for side in ("left", "right")]
    rows = [f"{eye[0]}_left.jpg,{eye[0]}_right.jpg,in/train/{eye},{'ab'[n % 2]},{eye}" for n, eye in enumerate(eyes)]
    photos = [f"test/{eye}" for eye in eyes]
    scanned = read(table(tmp_path, rows, *photos, header=f"left,right,filepath,label,{last}"), reader="csv")
    assert len(scanned.samples) + len(scanned.set_aside) == 8 and scanned.problems.empty


@pytest.mark.parametrize(("column", "state"), [("id", "unknown"), ("subject", "known"), ("identity", "known")])
def test_a_person_in_each_row_is_told(tmp_path, column, state):
    root = table(tmp_path, [f"{i},{i}.jpg,{'ab'[i % 2]}" for i in range(6)], *SIX, header=f"{column},file,label")
    scanned = read(root)
    assert people(scanned) == (state, 6)
    ((text, probable),) = facts(scanned, "persons").items()
    assert probable and ("differs in each row" if column == "id" else "another person in each of 6 rows") in text
    assert people(read(root, person_column="none")) == ("unknown", 6)
    assert not facts(read(root, person_column="none"), "persons")


@pytest.mark.parametrize(
    ("first", "cell"),
    [("id", lambda i: i), ("id", lambda i: i % 2), ("person", lambda i: ""), ("person_id", lambda i: "n/a")],
)
def test_where_a_column_can_hardly_tell_persons_the_next_that_is_called_so_does(tmp_path, first, cell):
    """Else photos of one person would stand on both sides of a fold."""
    rows = [f"{cell(i)},{i}.jpg,{'ab'[i % 2]},p{i // 2}" for i in range(6)]
    root = table(tmp_path, rows, *SIX, header=f"{first},file,label,subject_id")
    scanned = read(root)
    assert people(scanned) == ("known", 3) and not facts(scanned, "persons")
    for patient in ("patient_id", "PatientID", "Patient"):
        table(root, rows, header=f"{first},file,label,{patient}")
        assert people(read(root)) == ("known", 3), patient


@pytest.mark.parametrize("cell", ["", "n/a", "{i}", "{half}"])
def test_a_next_column_that_cannot_tell_persons_either_changes_nothing(tmp_path, cell):
    rows = [f"{i},{i}.jpg,{'ab'[i % 2]},{cell.format(i=i, half=i % 2)}" for i in range(6)]
    scanned = read(table(tmp_path, rows, *SIX, header="id,file,label,subject_id"))
    assert people(scanned) == ("unknown", 6)
    ((text, probable),) = facts(scanned, "persons").items()
    assert probable and "column 'id' differs in each row" in text


def test_the_next_column_is_no_person_where_the_first_tells_them_or_was_chosen(tmp_path):
    rows = [f"{i // 3},{i},{i}.jpg,{'ab'[i % 2]},p{i // 2}" for i in range(9)]
    nine = [f"{i}.jpg" for i in range(9)]
    root = table(tmp_path, rows, *nine, header="person,id,file,label,subject_id")
    assert people(read(root)) == ("known", 3)
    assert people(read(root, person_column="id")) == ("known", 9)
    root = table(tmp_path, [row.partition(",")[2] for row in rows], *nine, header="id,file,label,subject_id")
    assert people(read(root)) == ("known", 5)
    assert people(read(root, attributes={"subject_id": "categories"})) == ("unknown", 9)


def test_no_column_can_be_chosen_for_what_a_usual_name_would_be_taken_for(tmp_path):
    rows = [f"{i}.jpg,{'ab'[i % 2]},p{i // 2},{30 + i}" for i in range(6)]
    root = table(tmp_path, rows, *SIX, header="path,label,person,age")
    assert people(read(root)) == ("known", 3)
    scanned = read(root, person_column="none", age_column="none")
    assert people(scanned) == ("unknown", 6) and scanned.samples["age"].isna().all()
    assert people(read(root, person_column="none", person_pattern=r"^(\d)")) == ("known", 6)
    with pytest.raises(LabError, match="label"):
        read(root, label_column="none", age_column="none", attributes={})


def test_an_empty_person_column_tells_nobody(tmp_path):
    root = table(tmp_path, [f"{i}.jpg,{'ab'[i % 2]}," for i in range(6)], *SIX, header="path,label,person")
    scanned = read(root)
    assert people(scanned) == ("unknown", 6) and scanned.problems.empty
    assert facts(scanned, "persons") == {"labels.csv: column 'person' is empty: persons are unknown.": False}


def test_the_only_other_column_is_probably_the_class(tmp_path):
    root = table(
        tmp_path, [f"{i},{'ab'[i % 2]}" for i in range(6)], *(f"train/{i}.jpg" for i in range(6)), header="id,breed"
    )
    scanned = read(root)
    assert labels(scanned) == {f"train/{i}.jpg": "ab"[i % 2] for i in range(6)}
    assert list(facts(scanned, "classes").values()) == [True]


def test_columns_of_one_name_are_told_with_the_one_that_is_read(tmp_path):
    rows = [f"{i}.jpg,{'ab'[i % 2]},{'cd'[i % 2]},{'ef'[i % 2]},{'gh'[i % 2]}" for i in range(6)]
    scanned = read(table(tmp_path, rows, *SIX, header="path,label,label,hair,hair"))
    assert labels(scanned) == {f"{i}.jpg": "ab"[i % 2] for i in range(6)}
    (label, asked), (hair, is_asked) = facts(scanned, "table").items()
    assert label.startswith("labels.csv: column 'label' stands 2 times in the header; the first is read.") and asked
    assert hair == "labels.csv: hair stands more than once in the header: not read." and not is_asked


WHALES = [f"{n:x}.jpg,w_{n % 3}" for n in range(12)]


@pytest.mark.parametrize(
    ("header", "folder", "settings"),
    [
        ("Image,Id", "train/", {}),
        ("image,identity", "photos/", {"reader": "csv"}),
        ("Image,Id", "photos/", {"reader": "csv", "csv_file": "train.csv"}),
        ("Image,person_id", "", {}),
    ],
)
def test_persons_who_are_all_that_a_table_tells_are_the_classes_where_nothing_else_names_some(
    tmp_path, header, folder, settings
):
    """A form beside it is none; which is asked about."""
    photos = [f"{folder}{n:x}.jpg" for n in range(12)]
    if folder:
        rows = ["x.jpg,w_0 w_1", "y.jpg,w_0 w_1"]
        table(tmp_path, rows, "test/x.jpg", "test/y.jpg", header=header, name="sample_submission.csv")
    scanned = read(table(tmp_path, WHALES, *photos, header=header, name="train.csv"), **settings)
    assert scanned.attributes["label"].counts == {"w_0": 4, "w_1": 4, "w_2": 4} and people(scanned) == ("unknown", 12)
    ((text, probable),) = facts(scanned, "classes").items()
    assert probable and "is taken for the class: it is the only one that is left, though it may tell persons" in text


@pytest.mark.parametrize(
    ("header", "folders", "settings"),
    [
        ("image,patient_id", ["photos"], {}),
        ("Image,Id", ["photos"], {"person_column": "Id"}),
        ("Image,Id", ["photos"], {"label_column": "none"}),
        ("Image,Id", ["cat", "dog"], {}),
    ],
)
def test_persons_are_no_classes_where_folders_are_or_somebody_says_so_or_they_are_patients(
    tmp_path, header, folders, settings
):
    photos = [f"{folders[n // 3 % len(folders)]}/{n:x}.jpg" for n in range(12)]
    root = table(tmp_path, WHALES, *photos, header=header, name="train.csv")
    if len(folders) > 1:
        assert read(root, **settings).attributes["label"].counts == {"cat": 6, "dog": 6}
    else:
        with pytest.raises(LabError, match="no column is known to hold a label"):
            read(root, **settings)
