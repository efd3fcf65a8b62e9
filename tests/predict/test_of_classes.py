"""Predictions in the form of a sample file: its columns, order and way to write labels, or a refusal that names why."""

import unicodedata

import numpy as np
import pytest

from core.errors import LabError
from core.predict.submission.of_classes import CODE, NAME, ONE_HOT, SHARES, read_form

CLASSES = ["cat", "dog", "owl"]
PHOTOS = ["a/003.jpg", "a/001.jpg", "b/002.png"]
OF_PHOTOS = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.25, 0.5, 0.25]])
ANSWERS = OF_PHOTOS.argmax(axis=1)


def form(text, photos=PHOTOS, **more):
    content = text if isinstance(text, bytes) else text.encode()
    return read_form(content, "sample.csv", photos, more.pop("classes", CLASSES), **more)


def filled(text, **more):
    return form(text, **more).filled(OF_PHOTOS, ANSWERS).decode("utf-8-sig")


@pytest.mark.parametrize(
    "ids",
    [
        ("001", "002", "003"),
        ("001.jpg", "002.png", "003.jpg"),
        ("a/001", "b/002", "a/003"),
        ("a/001.jpg", "b/002.png", "a/003.jpg"),
    ],
)
def test_ids_mean_photos_by_path_or_name_with_or_without_suffix_in_the_samples_order(ids):
    text = "id,label\n" + "".join(f"{each},cat\n" for each in ids)
    assert filled(text) == f"id,label\n{ids[0]},cat\n{ids[1]},dog\n{ids[2]},owl\n"
    assert form(text).labels == NAME


def test_a_row_that_names_no_photo_needs_no_id():
    read = form("id,label\n001,cat\n002,cat\n003,cat\n", photos=["", *PHOTOS])
    answered = read.filled(np.vstack([np.full(3, np.nan), OF_PHOTOS]), np.array([-1, *ANSWERS]))
    assert answered.decode() == "id,label\n001,cat\n002,dog\n003,owl\n"


def test_labels_are_written_as_the_sample_spells_them():
    assert filled("label;photo\nDog;001\nDog;002\nCat;003\n") == "label;photo\nCat;001\nDog;002\nowl;003\n"


LETTERS = ["A", "B", "a", "b"]


@pytest.mark.parametrize("labels", ["Aab", "aaa", "AAA", "BAb"])
def test_classes_that_differ_in_capitals_alone_are_written_as_they_are(labels):
    text = "id,label\n" + "".join(f"{n},{label}\n" for n, label in enumerate(labels, 1))
    read = form(text, photos=["1.jpg", "2.jpg", "3.jpg"], classes=LETTERS)
    assert read.filled(np.eye(3, 4), np.array([2, 0, 3])).decode() == "id,label\n" + "".join(
        f"{n},{label}\n" for n, label in enumerate("aAb", 1)
    )


def test_a_class_is_another_one_in_capitals_where_that_is_not_in_doubt():
    """ "Cat" is the class cat, unless the sample has a cat as well; CAT could be either of two classes."""
    text = "id,label\n001,{}\n002,{}\n003,{}\n"
    assert filled(text.format("Cat", "Cat", "DOG")) == text.format("Cat", "DOG", "owl")
    assert filled(text.format("Cat", "cat", "DOG")) == text.format("cat", "DOG", "owl")
    assert filled(text.format("CAT", "CAT", "owl"), classes=["cat", "Cat", "owl"]) == text.format("cat", "Cat", "owl")


def test_columns_of_classes_that_differ_in_capitals_alone_hold_their_own():
    head = "id,b,a,p_B,prob_A\n"
    read = form(head + "1,0.1,0.2,0.3,0.4\n", photos=["1.jpg"], classes=LETTERS)
    assert read.filled(np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([3])).decode() == head + "1,0.4,0.3,0.2,0.1\n"
    with pytest.raises(LabError, match="no class is called Cat"):
        form("id,cat,Cat,dog,owl\n001,0,0,0,0\n002,0,0,0,0\n003,0,0,0,0\n")


@pytest.mark.parametrize(("theirs", "ours"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_are_joined_or_apart(theirs, ours):
    """As macOS writes names of files and as people type them."""
    cafe, fete = (unicodedata.normalize(theirs, word) for word in ("café", "Fête"))
    classes = [unicodedata.normalize(ours, word) for word in ("café", "fête")]
    photos = [unicodedata.normalize(ours, f"rue/{word}.jpg") for word in ("à", "été")]
    ids = [unicodedata.normalize(theirs, word) for word in ("été", "à")]
    text = f"id,label\n{ids[0]},{cafe}\n{ids[1]},{fete}\n"
    read = form(text, photos=photos, classes=classes)
    assert read.labels == NAME
    assert read.filled(np.eye(2), np.array([0, 1])).decode() == f"id,label\n{ids[0]},{fete}\n{ids[1]},{cafe}\n"
    columns = f"id,{fete},{cafe}\n{ids[0]},0.5,0.5\n{ids[1]},0.5,0.5\n"
    shares = form(columns, photos=photos, classes=classes).filled(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    assert shares.decode() == f"id,{fete},{cafe}\n{ids[0]},0.8,0.2\n{ids[1]},0.1,0.9\n"


def test_codes_are_the_places_of_the_classes_and_that_is_said():
    read = form("ImageID,ans\n003.jpg,0\n001.jpg,0\n002.png,0\n")
    assert (
        read.labels == CODE and "0 = cat, 1 = dog, 2 = owl" in read.sentences[1] and "taken to be" in read.sentences[1]
    )
    assert read.filled(OF_PHOTOS, ANSWERS) == b"ImageID,ans\n003.jpg,2\n001.jpg,0\n002.png,1\n"


def test_codes_can_be_given():
    text = "id,label\n001,-1\n002,-1\n003,-1\n"
    assert filled(text, codes={"cat": "7", "dog": "x", "owl": "-1"}) == "id,label\n001,7\n002,x\n003,-1\n"
    with pytest.raises(LabError, match="code -1, but the run's classes are 0 to 2") as unclear:
        form(text)
    assert unclear.value.kind == "labels"
    with pytest.raises(LabError, match="they differ in dog"):
        form(text, codes={"cat": "1", "owl": "2"})


def test_a_column_a_class_holds_probabilities_or_one_hot():
    head = "id,owl,p_cat,Dog\n"
    shares = form(head + "001,0.3,0.3,0.4\n002,1,0,0\n003,0,0,0\n")
    assert shares.labels == SHARES
    assert shares.filled(OF_PHOTOS, ANSWERS).decode() == head + "001,0.1,0.6,0.3\n002,0.25,0.25,0.5\n003,0.7,0.1,0.2\n"
    marked = form(head + "001,1,0,0\n002,1,0,0\n003,0,1,0\n")
    assert marked.labels == ONE_HOT
    assert marked.filled(OF_PHOTOS, ANSWERS).decode() == head + "001,0,1,0\n002,0,0,1\n003,1,0,0\n"
    assert form(head + "001,1,0,0\n002,1,0,0\n003,0,1,0\n", labels=SHARES).labels == SHARES


def test_one_column_of_a_class_is_its_probability():
    assert filled("id,owl\n001,0.5\n002,0.5\n003,0.5\n") == "id,owl\n001,0.1\n002,0.25\n003,0.7\n"


def test_a_file_keeps_its_separator_line_ends_and_mark():
    text = "id\tlabel\r\n001\tcat\r\n002\tcat\r\n003\tcat\r\n"
    written = form(text.encode("utf-8-sig")).filled(OF_PHOTOS, ANSWERS)
    assert written == "id\tlabel\r\n001\tcat\r\n002\tdog\r\n003\towl\r\n".encode("utf-8-sig")


@pytest.mark.parametrize(
    ("ids", "match"),
    [
        (("001", "002"), r"photo 'a/003.jpg' has no id"),
        (("001", "002", "003", "004", "xyz"), r"there is no photo for 2 ids '004' and 'xyz'"),
        (("001", "002", "003", "001"), r"id '001' stands there more than once"),
        (("7", "8", "9"), r"there is no photo for 3 ids '7', '8' and '9'; 3 photos 'a/003.jpg', .* have no id"),
    ],
)
def test_missing_and_surplus_ids_are_refused_by_name(ids, match):
    with pytest.raises(LabError, match=match) as refused:
        form("id,label\n" + "".join(f"{each},cat\n" for each in ids))
    assert refused.value.kind == "ids"


def test_an_id_that_may_mean_two_photos_is_refused():
    with pytest.raises(LabError, match="id '001' may mean several photos"):
        form("id,label\n001,cat\n", photos=["a/001.jpg", "b/001.jpg"])


def test_a_photo_without_an_answer_is_named():
    with pytest.raises(LabError, match="id '002' has no answer") as refused:
        form("id,label\n001,cat\n002,cat\n003,cat\n").filled(OF_PHOTOS, np.array([2, 0, -1]))
    assert refused.value.kind == "ids"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("id,label\n001,\n002,\n003,\n", "column 'label' is empty"),
        ("id,label\n001,0.5\n002,0.5\n003,0.5\n", "holds 0.5, which names no class and is no code"),
        ("id,label\n001,fish\n002,cat\n003,cat\n", "holds cat and fish"),
        ("id,cat,dog,fish\n001,0,0,0\n002,0,0,0\n003,0,0,0\n", "no class is called fish; no column is called owl"),
        ("id\n001\n002\n003\n", "no column for a label"),
    ],
)
def test_what_a_sample_does_not_say_is_asked(text, match):
    with pytest.raises(LabError, match=match) as unclear:
        form(text)
    assert unclear.value.kind == "labels" and "Say how" in unclear.value.remedy


def test_an_empty_sample_is_refused():
    with pytest.raises(LabError, match="has no rows") as refused:
        form("id,label\n")
    assert refused.value.kind == "csv"
