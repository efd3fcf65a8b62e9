"""The handles of what the lab noticed in a run: each does what follows from the finding, with no other change."""

from dataclasses import replace

import pandas as pd
import pytest

from core.answers import noticed as findings
from core.data.pictures import alike
from core.report import gather
from core.runs import FoldState
from pages.parts.form import draft
from pages.parts.launch import source
from tests.compared import make_run, samples
from tests.pages.app import button, html, labels, page

ODD = (0.70, 0.71, 0.41, 0.72, 0.70)


@pytest.fixture
def run(opened, tmp_path):
    """Five folds, of which one is odd."""
    folder = tmp_path / "runs"
    run = make_run(
        folder, samples(folder, people=60, photos=1, draw=True), skill=0.9, run_id="20260101-000000-odd-0000"
    )
    for fold, f1 in enumerate(ODD):
        scores = {f"{which}_{metric}": f1 for which in ("best", "final") for metric in ("f1", "accuracy", "loss")}
        run.write_state(FoldState(fold, "done", epoch=6, best_epoch=6, scores=scores))
    return run


def test_an_odd_fold_leads_to_its_mistakes_and_stands_in_the_report(run, opened):
    at = page("live", run=run.id)
    assert "<b>Odd fold:</b> fold 2 has F1 0.410, the others 0.700 to 0.720" in html(at)
    button(at, "See its mistakes").click().run()
    assert opened == [("look_inside", {"run": run.id, "fold": "2"})]
    (section,) = [part for part in gather.gather([run]).sections if part.title == "What stands out"]
    assert section.blocks[0].lines[0].startswith("Odd fold: fold 2 has F1 0.410")


def test_a_fold_that_merely_lacks_a_class_is_odd_neither_on_the_page_nor_in_the_report(run):
    for state in run.states():
        present = 0.71 if state.fold == 2 else state.scores["best_f1"]
        run.write_state(replace(state, scores=state.scores | {"best_f1_present": present}))
    assert "Odd fold" not in html(page("live", run=run.id))
    said = [part for part in gather.gather([run]).sections if part.title == "What stands out"]
    assert not any("Odd fold" in line for part in said for block in part.blocks for line in block.lines)


def test_who_never_stops_early_gets_it_as_a_change_on_launch(run, opened, monkeypatch):
    monkeypatch.setattr("core.answers.outcome.overfit", lambda curves: findings.Overfit(2, 0.4, 4, 5))
    at = page("live", run=run.id)
    button(at, "Stop early").click().run()
    assert opened == [("launch", {"from": run.id})]
    at.switch_page("pages/launch.py")
    at.query_params["from"] = run.id
    at.run()
    assert not at.exception, at.exception
    assert at.session_state[draft.DRAFT]["training"]["early_stopping"] == 3
    assert source.AGAIN not in at.session_state, "nobody is asked whether as it was"
    assert at.session_state["launch_base"]["training"]["early_stopping"] is None, "it stands there as a change"


def test_duplicates_in_two_folds_are_carried_to_the_run_also_once_they_are_settled_for_later_ones(run):
    table = run.samples()
    first, other = table["sample"].iloc[0], table.loc[table["fold"] != table["fold"].iloc[0], "sample"].iloc[0]
    pairs = pd.DataFrame({"sample_a": [first], "sample_b": [other]})
    at = page("live", run=run.id)
    assert "See the pairs" not in labels(at)
    root = run.config().data.root
    alike.keep(root, pairs, table)
    at.run()
    leak = "1 pair of photos that look the same stands in two folds"
    assert leak in html(at) and "See the pairs" in labels(at)
    for searched in (table.assign(person="one"), table[table["sample"] != other]):
        alike.keep(root, pairs.iloc[:0], searched)
        at.run()
        assert leak in html(at), "this run trained on one of them, whatever a later one does"
    alike.keep(root, pairs.iloc[:0], table)
    assert leak not in html(at.run()), "the photos are others by now"
