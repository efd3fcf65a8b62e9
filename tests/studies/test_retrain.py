"""A run trained anew on corrected labels: nobody changes folds, nothing but the labels differs."""

import pytest

from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.errors import LabError
from core.jobs import control
from core.runs.lists.summaries import summaries
from core.studies import retrain
from tests.workers import launch


@pytest.fixture
def run(tiny_plan, runs_folder, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    return launch(tiny_plan, runs_folder)


def test_the_corrected_run_has_the_same_settings_people_and_folds(run, runs_folder):
    with pytest.raises(LabError, match="on these very labels") as unchanged:
        retrain.plan_of(run)
    assert unchanged.value.kind == "unchanged"
    before = run.samples().set_index("sample")
    first, second = before.index[:2]
    attribute = next(name for name in ("gender", "label") if before[name].notna().all())
    value = str(before.loc[first, attribute])
    other = next(str(each) for each in before[attribute].unique() if str(each) != value)
    root = run.config().data.root
    made = {"sample": first, "person": str(before.loc[first, "person"]), "attribute": attribute}
    relabel = Correction(kind="relabel", before=value, after=other, **made)
    out = Correction(kind="exclude-photo", sample=second, person=str(before.loc[second, "person"]))
    corrections.add_all(root, [relabel, out])

    plan = retrain.plan_of(run)
    after = plan.samples.set_index("sample")
    assert set(before.index) - set(after.index) == {second}
    assert (after["fold"] == before.loc[after.index, "fold"]).all()
    differs = after.index[after["class_name"] != before.loc[after.index, "class_name"]]
    assert list(differs) == [first]
    assert plan.config.name == f"{run.config().name}{retrain.MARK}"
    assert plan.config.model_copy(update={"name": run.config().name}) == run.config()

    again = retrain.launch(plan, run)
    assert retrain.origin(again) == run.id and retrain.origin(run) is None
    assert [each["id"] for each in retrain.retrained_from(run.id, summaries())] == [again.id]
    assert {each.id for each in corrections.read(again.corrections_file)} == {relabel.id, out.id}
    corrections.undo(root, out.id)
    assert retrain.plan_of(again).config.name == plan.config.name, "the mark stands there once"
