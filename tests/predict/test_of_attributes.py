"""Answers to yes/no attributes in the form of a sample file, or a refusal that names why."""

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
