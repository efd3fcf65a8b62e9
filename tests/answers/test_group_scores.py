"""Whether a run fails on some group: every attribute cuts what it answered, asked for or not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.answers import group_scores, mistakes
from tests.answered import CLASSES, made, probabilities_of, table_of


@pytest.fixture
def answers(tmp_path):
    """96 people, of whom those in the camera's dark photos are often taken for another class; a height says nothing."""
    table = table_of(tmp_path / "photos", people=96)
    table["attribute:camera"] = [("bright", "dark", "dark", None)[i % 4] for i in range(len(table))]
    table["attribute:height"] = [150.0 + i % 40 for i in range(len(table))]
    dark = np.flatnonzero(table["attribute:camera"] == "dark")
    wrong = {int(row): (int(table["y"][row]) + 1) % 6 for row in dark[::2]} | {0: 1}
    return mistakes.load_answers(made(tmp_path, table, probabilities=probabilities_of(table["y"], wrong=wrong)))


def test_a_group_that_fails_is_named_and_each_score_is_scikit_learns(answers):
    scores = {(each.attribute, each.value): each for each in group_scores.of_answers(answers)}
    camera = answers.table["attribute:camera"]
    for value, told in (("bright", 24), ("dark", 48)):
        photos = answers.table[camera == value]
        one = scores["camera", value]
        assert (one.photos, one.people) == (told, told)
        assert one.accuracy == pytest.approx((photos["true"] == photos["predicted"]).mean())
        present = [name for name in CLASSES if (photos["true"] == name).any()]
        f1 = f1_score(photos["true"], photos["predicted"], labels=present, average="macro", zero_division=0)
        assert one.f1 == pytest.approx(f1)
    dark, bright = scores["camera", "dark"], scores["camera", "bright"]
    assert dark.gap.mean == pytest.approx(dark.accuracy - bright.accuracy) == -bright.gap.mean
    assert dark.differs == "worse" and dark.p == bright.p, "two values ask one question"
    assert {attribute for attribute, _ in scores} == {"gender", "age", "camera", "height"}
    assert all(not each.differs for each in scores.values() if each.attribute != "camera")
    words = group_scores.sentence(list(scores.values()), "people")
    assert words.startswith("Answered worse than the others: camera dark (50.0% right, ") and "48 people" in words


def test_the_one_attribute_that_makes_the_classes_is_no_group_and_one_value_alone_neither(tmp_path):
    table = table_of(tmp_path / "photos").assign(mask="normal", race=None)
    table["y"], table["class_name"] = table["y"] // 3, table["gender"]
    names, task = ["female", "male"], {"name": "gender"}
    probabilities = probabilities_of(table["y"], classes=2)
    run = made(tmp_path, table, probabilities=probabilities, names=names, task=task)
    scores = group_scores.of_answers(mistakes.load_answers(run))
    assert {each.attribute for each in scores} == {"age"}
    assert "None of 3 groups of 1 attribute is" in group_scores.sentence(scores, "people")


def test_of_many_values_those_with_the_most_photos_are_told():
    values = [f"v{i}" for i in range(30) for _ in range(i + 1)]
    table = pd.DataFrame({"person": range(len(values)), "label": "a", "predicted": (["a", "b"] * len(values))[::2]})
    scores = group_scores.group_scores(table, {"where": pd.Series(pd.Categorical(values))}, ["a", "b"])
    assert len(scores) == group_scores.MOST_GROUPS and {each.value for each in scores}.isdisjoint({"v0", "v1"})
    more = "Of where the 24 values with the most photos are looked at, 6 more are not."
    assert group_scores.sentence(scores, "people").endswith(more)
