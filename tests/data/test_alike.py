"""Pairs that look alike, as they are kept for whoever only warns of them."""

import errno

import pandas as pd
import pytest

from core.data.pictures import alike
from core.errors import LabError
from core.storage import files

PAIRS = pd.DataFrame({"sample_a": ["a.jpg", "b.jpg"], "sample_b": ["c.jpg", "gone.jpg"], "likeness": [0.99, 0.97]})


def test_the_newest_pairs_are_kept_and_those_of_photos_that_are_there_are_counted(runs_folder):
    samples = pd.DataFrame({"sample": ["a.jpg", "b.jpg", "c.jpg"]})
    assert alike.kept("/photos") is None and alike.number_among("/photos", samples) == 0
    alike.keep("/photos", PAIRS)
    pd.testing.assert_frame_equal(alike.kept("/photos"), PAIRS)
    assert alike.number_among("/photos", samples) == 1 and alike.kept("/elsewhere") is None
    alike.keep("/photos", PAIRS.iloc[:0])
    assert alike.number_among("/photos", samples) == 0


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"sample_a": ["x"]}', '{"sample_a": [1], "sample_b": [1, 2]}'])
def test_a_damaged_file_is_as_if_nobody_had_looked(runs_folder, content):
    alike.keep("/photos", PAIRS)
    alike._file("/photos").write_text(content)
    assert alike.kept("/photos") is None


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), LabError("The disk is full.", kind="disk-full")])
def test_a_search_is_not_lost_where_its_pairs_cannot_be_written(runs_folder, monkeypatch, error):
    def refused(*_, **__):
        raise error

    monkeypatch.setattr(files, "write_json", refused)
    alike.keep("/photos", PAIRS)
    assert alike.kept("/photos") is None


def test_of_as_many_pairs_as_a_search_keeps_there_may_be_more():
    assert alike.at_least(None) == alike.at_least(PAIRS) == ""
    assert alike.at_least(pd.concat([PAIRS] * (alike.MOST // 2))) == "at least "
