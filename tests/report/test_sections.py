"""Who launched what, as a report tells it."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from core.compare.cost import RunCost, Size
from core.config.run_config import TaskConfig
from core.report import numbers, sections
from tests.people import ANNA, acting
from tests.yes_no_runs import told_by_few


def line(*whose):
    members = [SimpleNamespace(id=f"run{n}", info={"by": name} if name else {}) for n, name in enumerate(whose)]
    return sections._launched(SimpleNamespace(members=members, names={each.id: each.id.upper() for each in members}))


@pytest.mark.parametrize("whose", [("",), ("anna",), ("anna", "anna"), ("anna", ""), ("", "")])
def test_a_lab_of_one_person_says_nothing_of_people(whose):
    assert line(*whose) == ""


@pytest.mark.parametrize(
    ("unusable", "off_task", "words"),
    [
        (0, 0, "No file was left out."),
        (1, 0, "1 unreadable or unusable file was left out."),
        (
            2,
            1,
            "2 unreadable or unusable files were left out. 1 photo of the dataset is not used: the task mask leaves it "
            "out, or a label that it needs lacks.",
        ),
    ],
)
def test_what_a_run_did_not_use_has_its_reason(unusable, off_task, words):
    assert sections._left_out({"left_out": unusable, "dropped": off_task}, TaskConfig(name="mask")) == words


def test_where_several_people_are_it_is_told_who_launched_what(monkeypatch):
    assert line("anna", "bert", "anna") == "Launched: RUN0, RUN2 by anna; RUN1 by bert."
    acting(monkeypatch, ANNA)
    assert line("anna", "anna") == "Launched by anna."
    assert line("anna", "") == "Launched: RUN0 by anna; RUN1 by nobody known."
    assert line("", "") == ""


def test_an_attribute_that_no_finished_fold_tells_has_dashes_and_stands_last(tmp_path):
    run = told_by_few(tmp_path, fold=0)
    member = SimpleNamespace(run=run, done=(0,), config=run.config())
    table = numbers._of_attributes(member, "first")
    assert [row[0] for row in table.rows] == ["Smiling", "Young"] and table.rows[1][1:] == ("–",) * 6 + ("0",)
    assert table.note.endswith(f"mean F1 of yes {table.rows[0][2]}.")


def test_a_run_of_one_lucky_fold_and_one_of_other_photos_are_not_on_the_front_of_the_costs():
    photos = pd.DataFrame({"sample": ["a", "b"], "person": ["p", "q"], "class_name": ["x", "y"], "fold": [0, 1]})
    others = photos.assign(sample=["c", "d"])
    scores = {"whole": [0.7] * 5, "dear": [0.6] * 5, "lucky": [0.9], "apart": [0.95] * 5}
    members = [
        SimpleNamespace(
            id=name,
            samples=others if name == "apart" else photos,
            states=range(5),
            done=range(len(of_folds)),
            scores=lambda *_, of_folds=of_folds: dict(enumerate(of_folds)),
        )
        for name, of_folds in scores.items()
    ]
    billions = {"whole": 2, "dear": 3, "lucky": 1, "apart": 1}
    costs = {name: RunCost(Size(1, n * 10**9), *[math.nan] * 6, device="cpu") for name, n in billions.items()}
    same = {name: name for name in scores}
    findings = SimpleNamespace(members=members, names=same, colours=dict.fromkeys(scores, "#336699"), costs=costs)
    figure = numbers.costs(findings).blocks[-1]
    stair, *dots = figure.figure.to_plotly_json()["data"]
    assert list(stair["y"]) == [0.7]
    assert [dot["marker"]["symbol"] for dot in dots] == ["circle", "circle-open", "x-open", "x-open"]
    assert "1 of 5 folds" in dots[2]["hovertemplate"] and "other photos" in dots[3]["hovertemplate"]
    why = "lucky (1 of 5 folds) and apart (other photos, labels or folds)."
    assert f"Crosses: not ranked with the others, {why}" in figure.caption
