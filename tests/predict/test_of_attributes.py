"""Answers to yes/no attributes in the form of a sample file, or a refusal that names why."""

import unicodedata

import numpy as np
import pytest

from core.errors import LabError
from core.predict.submission.of_attributes import CODE, NAME, SHARES, read_form

NAMES = ["Smiling", "Bald", "Male"]
PHOTOS = ["a/003.jpg", "a/001.jpg"]
SHARE = np.array([[0.9, 0.25, 0.5], [0.125, 0.3, 0.75]])
ANSWERED = np.array([[1, 0, 0], [0, 1, 1]])  # Bald by a threshold below 0.5


def form(text, **more):
    return read_form(text.encode(), "sample.csv", PHOTOS, NAMES, **more)


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        (("0,1", "0,0"), CODE, ("1,0", "0,1")),
        (("-1,1", "1,1"), CODE, ("1,-1", "-1,1")),
        (("0,0", "0,0"), CODE, ("1,0", "0,1")),
        (("Yes,No", "No,No"), NAME, ("Yes,No", "No,Yes")),
        (("False,False", "False,False"), CODE, ("True,False", "False,True")),
        (("0.5,0.5", "0.5,0.5"), SHARES, ("0.75,0.3", "0.5,0.25")),
    ],
)
def test_answers_are_written_as_the_sample_writes_them(cells, kind, expected):
    """Two attributes of three, in the sample's order."""
    text = f"image;male;p_bald\n001;{cells[0].replace(',', ';')}\n003;{cells[1].replace(',', ';')}\n"
    read = form(text)
    assert read.labels == kind and "2 of 3 attributes" in read.sentences[1]
    of_001, of_003 = (SHARE[1], SHARE[0]) if kind == SHARES else (None, None)
    if kind == SHARES:
        rows = [f"{of_001[2]:g};{of_001[1]:g}", f"{of_003[2]:g};{of_003[1]:g}"]
    else:
        no, yes = read.codes
        rows = [";".join((no, yes)[ANSWERED[photo, place]] for place in (2, 1)) for photo in (1, 0)]
        spelt = set(f"{expected[0]},{expected[1]}".split(","))
        assert {no, yes} == spelt
    assert read.filled(SHARE, ANSWERED).decode() == f"image;male;p_bald\n001;{rows[0]}\n003;{rows[1]}\n"


def test_how_an_answer_is_written_can_be_told():
    text = "id,Smiling,Bald,Male\n001,,,\n003,,,\n"
    with pytest.raises(LabError, match="and they are empty") as unclear:
        form(text)
    assert unclear.value.kind == "labels" and "Say how" in unclear.value.remedy
    told = form(text, labels=CODE, codes={"no": "n", "yes": "J"})
    assert told.filled(SHARE, ANSWERED).decode() == "id,Smiling,Bald,Male\n001,n,J,J\n003,J,n,n\n"
    assert form(text, labels=CODE).codes == ("0", "1") and form(text, labels=SHARES).labels == SHARES
    with pytest.raises(LabError, match="codes are to be given for no and yes"):
        form(text, codes={"no": "0"})


def test_a_column_of_no_attribute_and_a_photo_without_an_answer_are_named():
    with pytest.raises(LabError, match="no attribute is called Wise") as unclear:
        form("id,Bald,Wise\n001,0,0\n003,0,0\n")
    assert unclear.value.kind == "labels"
    with pytest.raises(LabError, match="it has no column for an attribute"):
        form("id\n001\n003\n")
    with pytest.raises(LabError, match="there is no photo for id '7'"):
        form("id,Bald\n001,0\n003,0\n7,0\n")
    with pytest.raises(LabError, match="id '003' has no answer"):
        form("id,Bald\n001,0\n003,0\n").filled(SHARE, np.array([[-1, -1, -1], [0, 1, 1]]))


def test_attributes_that_differ_in_capitals_alone_keep_their_columns():
    def read(text, names):
        return read_form(text.encode(), "sample.csv", PHOTOS, names)

    text = "id,p_a,A\n001,0.5,0.5\n003,0.5,0.5\n"
    shares = np.array([[0.9, 0.25], [0.125, 0.75]])
    assert read(text, ["A", "a"]).filled(shares, np.ones((2, 2), int)).decode() == (
        "id,p_a,A\n001,0.75,0.125\n003,0.25,0.9\n"
    )
    for head, names, strange in (
        ("id,smiling,Smiling", ["Smiling", "Bald"], "smiling"),
        ("id,SMILING,Bald", ["Smiling", "smiling", "Bald"], "SMILING"),
        ("id,SMILING,smiling", ["Smiling", "Bald"], "SMILING and smiling"),
    ):
        with pytest.raises(LabError, match=f"no attribute is called {strange}") as unclear:
            read(f"{head}\n001,0,0\n003,0,0\n", names)
        assert unclear.value.kind == "labels"


def test_accents_of_a_column_are_joined_or_apart():
    names = [unicodedata.normalize("NFC", "fâché"), "Bald"]
    head = unicodedata.normalize("NFD", "id,Fâché")
    read = read_form(f"{head}\n001,0.5\n003,0.5\n".encode(), "sample.csv", PHOTOS, names)
    assert read.filled(SHARE[:, :2], ANSWERED[:, :2]).decode() == f"{head}\n001,0.125\n003,0.9\n"
