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


@pytest.mark.parametrize(("column", "state"), [("id", "unknown"), ("subject", "known"), ("identity", "known")])
def test_a_person_in_each_row_is_told(tmp_path, column, state):
    root = table(tmp_path, [f"{i},{i}.jpg,{'ab'[i % 2]}" for i in range(6)], *SIX, header=f"{column},file,label")
    scanned = read(root)
    assert people(scanned) == (state, 6)
    ((text, probable),) = facts(scanned, "persons").items()
    assert probable and ("differs in each row" if column == "id" else "another person in each of 6 rows") in text
    assert people(read(root, person_column="none")) == ("unknown", 6)
    assert not facts(read(root, person_column="none"), "persons")


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
