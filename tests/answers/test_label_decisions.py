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
    reviews.confirm(root, "a/0.jpg", "cat")
    reviews.confirm(root, "a/1.jpg", "dog")  # the label was another one then
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


@pytest.mark.parametrize(("wrong", "right"), [(0, 3), (1, 0), (9, 3), (40, 60)])
def test_the_precision_has_wilsons_interval(wrong, right):
    counted = Tally(waiting=5, right=right, wrong=wrong, left_out=2)
    assert counted.precision == wrong / (wrong + right)
    assert counted.interval() == pytest.approx(proportion_confint(wrong, wrong + right, method="wilson"), abs=1e-12)


def test_without_a_judged_label_there_is_no_precision():
    only_left_out = Tally(waiting=5, right=0, wrong=0, left_out=2)
    assert math.isnan(only_left_out.precision) and all(map(math.isnan, only_left_out.interval()))
