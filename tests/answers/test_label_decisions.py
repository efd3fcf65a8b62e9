"""What became of the labels that a run contradicts: counted from what people wrote, and the share that was wrong."""

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from core.answers.label_decisions import LEFT_OUT, RIGHT, WAITS, WRONG, Tally, decisions, tally
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction

LAUNCHED = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def candidates(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    names = [f"{person}/{photo}.jpg" for person in "abc" for photo in (0, 1)]
    return pd.DataFrame({"sample": names, "person": [name[0] for name in names], "label": "cat", "likely": "dog"})


def relabel(sample="", person="", attribute="label", days=1, kind="relabel"):
    when = (LAUNCHED + timedelta(days=days)).isoformat(timespec="seconds")
    return Correction(
        kind=kind, sample=sample, person=person, attribute=attribute, before="cat", after="dog", when=when
    )


def test_each_decision_counts_once_and_only_what_is_about_the_task_since_the_launch(candidates, tmp_path):
    root = str(tmp_path / "pets")
    reviews.confirm(root, reviews.subject("a/0.jpg", ["label"]), "cat")
    reviews.confirm(root, reviews.subject("a/1.jpg", ["label"]), "dog")  # the label was another one then
    made = [
        relabel(sample="b/0.jpg", person="b"),
        relabel(sample="b/1.jpg", person="b", attribute="colour"),  # says nothing of the label
        relabel(sample="c/0.jpg", person="c", kind="exclude-photo"),
        relabel(sample="c/1.jpg", person="c", days=-1),  # the run was trained on it
    ]
    corrections.add_all(root, made)
    since = LAUNCHED.timestamp()
    decided = decisions(candidates, root, since, ["label"])
    assert decided.tolist() == [RIGHT, WAITS, WRONG, WAITS, LEFT_OUT, WAITS]
    assert tally(decided) == Tally(waiting=3, right=1, wrong=1, left_out=1)
    corrections.add(root, relabel(person="c"))
    assert decisions(candidates, root, since, ["label"]).tolist()[4:] == [LEFT_OUT, WRONG]


def test_what_is_confirmed_of_one_attribute_says_nothing_of_another_and_replaces_nothing(candidates, tmp_path):
    root, since = str(tmp_path / "faces"), LAUNCHED.timestamp()
    asked = candidates.assign(label="yes")

    def decided(*attributes, of_each=""):
        return decisions(asked, root, since, attributes, of_each).tolist()

    made = reviews.confirm(root, reviews.subject("a/0.jpg", ["smiling"]), "yes")
    reviews.confirm(root, reviews.subject("a/1.jpg", ["glasses"]), "yes")
    reviews.confirm(root, reviews.subject("a/0.jpg", ["smiling", "glasses"]), "yes no")
    assert decided("smiling") == decided("smiling", of_each="smiling") == [RIGHT, *[WAITS] * 5]
    assert decided("glasses") == decided("glasses", of_each="glasses") == [WAITS, RIGHT, *[WAITS] * 4]
    reviews.confirm(root, reviews.subject("a/0.jpg", ["glasses"]), "no")
    assert decided("smiling")[0] == RIGHT, "another one found something else of the same photo"
    reviews.forget(root, reviews.subject("a/0.jpg", ["smiling"]), made=made)
    assert decided("smiling") == [WAITS] * 6 and decided("glasses")[1] == RIGHT


def test_what_older_labs_confirmed_counts_where_nothing_was_found_of_the_task_itself(candidates, tmp_path):
    root, since = str(tmp_path / "pets"), LAUNCHED.timestamp()
    for sample in ("a/0.jpg", "a/1.jpg"):
        reviews.confirm(root, sample, "cat")  # as they wrote it: of the photo alone
    reviews.confirm(root, reviews.subject("a/1.jpg", ["label"]), "dog")
    assert decisions(candidates, root, since, ["label"]).tolist() == [RIGHT, *[WAITS] * 5]
    assert decisions(candidates, root, since, ["label"], "label").tolist() == [WAITS] * 6, "one of many attributes"


@pytest.mark.parametrize(("wrong", "right"), [(0, 3), (1, 0), (9, 3), (40, 60)])
def test_the_precision_has_wilsons_interval(wrong, right):
    counted = Tally(waiting=5, right=right, wrong=wrong, left_out=2)
    assert counted.precision == wrong / (wrong + right)
    assert counted.interval() == pytest.approx(proportion_confint(wrong, wrong + right, method="wilson"), abs=1e-12)


def test_without_a_judged_label_there_is_no_precision():
    only_left_out = Tally(waiting=5, right=0, wrong=0, left_out=2)
    assert math.isnan(only_left_out.precision) and all(map(math.isnan, only_left_out.interval()))
