"""Pairs that look alike, as they are kept for whoever only warns of them."""

import errno

import pandas as pd
import pytest

from core.data.pictures import alike
from core.errors import LabError
from core.storage import files

PAIRS = pd.DataFrame({"sample_a": ["a.jpg", "b.jpg"], "sample_b": ["c.jpg", "gone.jpg"], "likeness": [0.99, 0.97]})
EVERYBODY = pd.DataFrame({"sample": ["a.jpg", "b.jpg", "c.jpg", "gone.jpg"], "person": ["a", "b", "c", "d"]})


def test_the_newest_pairs_are_kept_and_those_of_different_people_who_are_there_are_counted(runs_folder):
    samples = EVERYBODY.iloc[:3]
    assert alike.kept("/photos") is None and alike.number_among("/photos", samples) == 0
    alike.keep("/photos", PAIRS, EVERYBODY)
    pd.testing.assert_frame_equal(alike.kept("/photos"), PAIRS)
    assert alike.number_among("/photos", samples) == 1 and alike.kept("/elsewhere") is None
    assert alike.number_among("/photos", samples.assign(person=["a", "b", "a"])) == 0, "one person's by now"
    alike.keep("/photos", PAIRS.iloc[:0], EVERYBODY)
    assert alike.number_among("/photos", samples) == 0 and not len(alike.kept("/photos"))


@pytest.mark.parametrize(
    "searched",
    [
        EVERYBODY[EVERYBODY["sample"] != "c.jpg"],  # fewer people, another reader, a photo that is left out
        EVERYBODY.assign(person=["a", "b", "a", "d"]),  # one person by now
    ],
)
def test_a_search_takes_back_only_the_pairs_that_it_could_have_found(runs_folder, searched):
    alike.keep("/photos", PAIRS, EVERYBODY)
    other = pd.DataFrame({"sample_a": ["a.jpg"], "sample_b": ["b.jpg"], "likeness": [0.98]})
    alike.keep("/photos", other, searched)
    kept = alike.kept("/photos")
    assert kept[["sample_a", "sample_b"]].to_numpy().tolist() == [["a.jpg", "b.jpg"], ["a.jpg", "c.jpg"]]
    assert alike.number_among("/photos", EVERYBODY) == 2, "who has both photos of two people is warned as before"


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"sample_a": ["x"]}', '{"sample_a": [1], "sample_b": [1, 2]}'])
def test_a_damaged_file_is_as_if_nobody_had_looked(runs_folder, content):
    alike.keep("/photos", PAIRS, EVERYBODY)
    alike._file("/photos").write_text(content)
    assert alike.kept("/photos") is None
    alike.keep("/photos", PAIRS, EVERYBODY)
    pd.testing.assert_frame_equal(alike.kept("/photos"), PAIRS)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), LabError("The disk is full.", kind="disk-full")])
def test_a_search_is_not_lost_where_its_pairs_cannot_be_written(runs_folder, monkeypatch, error):
    def refused(*_, **__):
        raise error

    monkeypatch.setattr(files, "write_json", refused)
    alike.keep("/photos", PAIRS, EVERYBODY)
    assert alike.kept("/photos") is None


def test_of_as_many_pairs_as_a_search_keeps_there_may_be_more():
    assert alike.at_least(None) == alike.at_least(PAIRS) == ""
    assert alike.at_least(pd.concat([PAIRS] * (alike.MOST // 2))) == "at least "
