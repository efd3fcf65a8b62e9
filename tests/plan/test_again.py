"""What changed in a dataset since a run was trained on it."""

import pandas as pd
import pytest

from core.config.run_config import DataConfig
from core.plan.again import read_as_before, since
from tests.photos import draw


@pytest.fixture
def before() -> pd.DataFrame:
    rows = [(f"{i}.jpg", f"p{i}", ("cat", "dog")[i % 2], i % 3, f"h{i}") for i in range(6)]
    return pd.DataFrame(rows, columns=["sample", "person", "class_name", "fold", "hash"])


def test_the_same_photos_labels_and_folds_are_no_difference(before):
    assert since(before, before.sample(frac=1, random_state=0)) == []


def test_each_kind_of_difference_is_counted(before):
    now = before.drop(index=0).copy()
    now.loc[len(before)] = ("new.jpg", "p9", "cat", 0, "h9")
    now.loc[1, "class_name"] = "cat"
    now.loc[2, ["person", "fold"]] = "p3", 1
    now.loc[3, "fold"] = 2
    now.loc[4, "hash"] = "another"
    now.loc[5, "hash"] = None  # not read this time
    assert since(before, now) == [
        "1 photo is new.",
        "1 photo is not in it any more.",
        "1 photo has other pixels.",
        "1 photo is of another class now.",
        "1 photo shows another person now.",
        "2 photos stand in another fold.",
    ]
    assert since(before, before.drop(index=[0, 1]), ["0.jpg", "7.jpg"]) == [
        "1 photo is set aside now, trained on no more.",
        "1 photo is not in it any more.",
    ]


def test_photos_that_counted_as_persons_do_so_still_where_folders_are_called_as_persons_by_now(tmp_path):
    photos = [f"{state}/patient_{n}/1.jpg" for n, state in enumerate(["ill", "well"] * 3)]
    for photo in photos:
        draw(tmp_path / photo)
    config = DataConfig(root=str(tmp_path))
    for people, persons in ((photos, "none"), ([f"patient_{n}" for n in range(6)], "auto")):
        data, scanned = read_as_before(config, pd.Series(0, index=people))
        assert data.persons == persons and sorted(scanned.samples["person"]) == sorted(people)
