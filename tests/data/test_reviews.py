"""Labels that a person found right: kept beside the corrections, none lost, none asked twice."""

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.data.labels import corrections, reviews
from core.errors import LabError
from core.places import lab_folder
from core.storage import files
from tests.closed import close
from tests.people import ANNA, BERT, acting

ODD = '=cmd,"a"\nb/ü.jpg'


def test_what_is_confirmed_is_remembered_until_it_is_forgotten(tmp_path):
    assert reviews.load("/photos", tmp_path) == {}
    for sample, label in (("a.jpg", "male <30"), (ODD, "female >=60"), ("a.jpg", "male 30-59")):
        reviews.confirm("/photos", sample, label, tmp_path)
    assert reviews.load("/photos", tmp_path) == {"a.jpg": "male 30-59", ODD: "female >=60"}
    assert reviews.load("/other", tmp_path) == {} and corrections.load("/photos", tmp_path) == []
    with open(reviews.file("/photos", tmp_path), newline="") as file:
        assert next(csv.reader(file)) == ["when", "sample", "label", "by"]
    reviews.forget("/photos", "a.jpg", tmp_path)
    reviews.forget("/photos", "never there", tmp_path)
    assert reviews.load("/photos", tmp_path) == {ODD: "female >=60"}


def test_what_somebody_found_before_stays_theirs(tmp_path, monkeypatch):
    acting(monkeypatch, ANNA)
    hers = reviews.confirm("/photos", "a.jpg", "male", tmp_path)
    lines = reviews.file("/photos", tmp_path).read_text().splitlines()
    acting(monkeypatch, BERT)
    assert hers.review.by == "anna" and reviews.confirm("/photos", "a.jpg", "male", tmp_path) is None
    assert reviews.file("/photos", tmp_path).read_text().splitlines() == lines
    his = reviews.confirm("/photos", "b.jpg", "male", tmp_path)
    reviews.forget("/photos", "b.jpg", tmp_path, made=his._replace(review=his.review._replace(by="anna")))
    assert reviews.load("/photos", tmp_path) == {"a.jpg": "male", "b.jpg": "male"}, "another one stands there by now"
    reviews.forget("/photos", "b.jpg", tmp_path, made=his)
    assert reviews.load("/photos", tmp_path) == {"a.jpg": "male"}


def test_taking_back_what_replaced_another_label_puts_that_one_back(tmp_path, monkeypatch):
    acting(monkeypatch, ANNA)
    first = reviews.confirm("/photos", "a.jpg", "male 30-59", tmp_path)
    before = reviews.file("/photos", tmp_path).read_text()
    acting(monkeypatch, BERT)
    second = reviews.confirm("/photos", "a.jpg", "male 40-59", tmp_path)
    reviews.forget("/photos", "a.jpg", tmp_path, made=first)
    assert reviews.load("/photos", tmp_path) == {"a.jpg": "male 40-59"}, "another one stands there by now"
    reviews.forget("/photos", "a.jpg", tmp_path, made=second)
    assert reviews.file("/photos", tmp_path).read_text() == before
    acting(monkeypatch, ANNA)
    reviews.forget("/photos", "a.jpg", tmp_path, made=first)
    assert reviews.load("/photos", tmp_path) == {}


def test_many_at_once_lose_none(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: reviews.confirm("/photos", f"{i}.jpg", "male", tmp_path), range(24)))
    assert set(reviews.load("/photos", tmp_path)) == {f"{i}.jpg" for i in range(24)}


def test_only_a_broken_file_is_said_to_be_deleted(tmp_path, monkeypatch):
    reviews.confirm("/photos", "a.jpg", "male", tmp_path)
    path = reviews.file("/photos", tmp_path)
    with monkeypatch.context() as patch:
        close(patch, path)
        with pytest.raises(LabError, match=r"cannot be read \(Permission denied\)") as caught:
            reviews.load("/photos", tmp_path)
    assert (caught.value.kind, caught.value.remedy) == ("corrections", files.CHECK)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LabError, match="cannot be read") as caught:
        reviews.load("/photos", tmp_path)
    assert caught.value.remedy == "Mend or delete it."


@pytest.mark.parametrize("content", [b"id,nonsense\n", b"when,sample,label\na,b\n", b"\xff\xfe", b""])
def test_a_broken_file_is_named_and_never_overwritten(tmp_path, content):
    path = reviews.file("/photos", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for act in (lambda: reviews.load("/photos", tmp_path), lambda: reviews.confirm("/photos", "a", "b", tmp_path)):
        with pytest.raises(LabError) as caught:
            act()
        assert caught.value.kind == "corrections" and str(path) in caught.value.message
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    lab_folder(tmp_path).write_text("a file stands where the folder should be")
    with pytest.raises(LabError) as caught:
        reviews.confirm("/photos", "a.jpg", "male", tmp_path)
    assert "cannot be written" in caught.value.message and caught.value.remedy
