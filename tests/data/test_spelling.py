import unicodedata

import pytest

from core.data.readers.spelling import probably_one
from tests.photos import draw, read

FORMS = ("NFC", "NFD")


def folder_per_form(root, name, below="{form}{i}.jpg", each=2):
    for form in FORMS:
        for i in range(each):
            draw(root / unicodedata.normalize(form, name) / below.format(form=form, i=i))


def facts_of(scanned, kind):
    return [fact for fact in scanned.facts if fact.kind == kind]


@pytest.mark.parametrize("below", ["{form}{i}.jpg", "{i}.jpg"], ids=["names differ", "names are the same"])
def test_a_class_spelt_in_two_ways_is_one_and_its_photos_keep_their_own_names(tmp_path, below):
    folder_per_form(tmp_path, "café", below)
    for i in range(3):
        draw(tmp_path / "thé" / f"{i}.jpg")
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"café": 4, "thé": 3}
    assert all((tmp_path / sample).is_file() for sample in scanned.samples["sample"])
    assert scanned.samples["person"].nunique() == 7 and not scanned.samples["person_known"].any()
    (fact,) = facts_of(scanned, "values")
    assert fact.text.startswith("1 class is spelt in two ways") and "café" in fact.text and not fact.probable


def test_a_person_spelt_in_two_ways_is_one(tmp_path):
    for label, form in (("cat", "NFC"), ("dog", "NFD")):
        draw(tmp_path / label / unicodedata.normalize(form, "zoé_1.jpg"))
        draw(tmp_path / label / f"ann{form}_1.jpg")
    scanned = read(tmp_path, person_pattern="^(.+)_")
    assert set(scanned.samples["person"]) == {"zoé", "annNFC", "annNFD"}
    (fact,) = facts_of(scanned, "persons")
    assert "1 person is spelt in two ways" in fact.text


def test_a_name_spelt_in_one_way_stays_as_older_labs_read_it(tmp_path):
    apart = unicodedata.normalize("NFD", "café")
    for label in (apart, "dog"):
        draw(tmp_path / label / f"{apart}_1.jpg")
    scanned = read(tmp_path, person_pattern="^(.+)_")
    assert set(scanned.samples["label"]) == {apart, "dog"} and set(scanned.samples["person"]) == {apart}
    assert scanned.facts == ()


def test_classes_that_differ_only_in_capitals_or_blanks_are_told_and_not_joined(tmp_path):
    for label in ("Cat", "cat ", "dog", "1", "1.0"):
        draw(tmp_path / label / "0.jpg")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"Cat", "cat ", "dog", "1", "1.0"}
    (fact,) = facts_of(scanned, "values")
    assert fact.probable and 'Cat and "cat "' in fact.text and "1 and 1.0" in fact.text and "dog" not in fact.text


def test_what_is_probably_one():
    assert probably_one(["Cat", "cat", "cats", "big  cat", "Big Cat", "01", "1.0", "1.5", "10"]) == [
        ["01", "1.0"],
        ["Big Cat", "big  cat"],
        ["Cat", "cat"],
    ]
    long = "12345678901234567890"
    assert probably_one([long, long[:-1] + "1", "1_0", "10"]) == []
