"""A run trained anew on corrected labels: nobody changes folds, nothing but the labels differs."""

from dataclasses import replace

import pytest

from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control
from core.plan.again import since
from core.plan.plan import make_plan
from core.runs import Run
from core.runs.lists.summaries import summaries
from core.studies import record_file, records, retrain
from tests.photos import draw
from tests.workers import launch, with_changes


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
    assert retrain.differs(run, plan) == since(run.samples(), plan.samples)
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


def test_a_run_from_before_the_column_patient_id_was_known_is_made_anew_with_each_photo_a_person(
    tiny_plan, runs_folder, monkeypatch, tmp_path
):
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    rows = [f"{i}.jpg,{'ab'[i % 2]},p{i // 4}" for i in range(24)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label,patient_id", *rows]))
    for i in range(24):
        draw(tmp_path / f"{i}.jpg")
    task = {"task__name": "label", "data__root": str(tmp_path), "data__reader": "csv"}
    now = with_changes(tiny_plan, **task).config
    as_before = with_changes(tiny_plan, **task, data__persons="none").config
    plan = make_plan(as_before, scan(as_before.data))
    older = [replace(plan, config=now.model_copy(update={"name": name})) for name in ("one", "two")]
    study = records.launch_plans("older", "", older, "20260101-000000-older-abcd")
    one, two = (Run(run_id) for run_id in study.run_ids)
    before = [run.samples()[["sample", "person", "fold"]].values.tolist() for run in (one, two)]
    out = Correction(kind="exclude-photo", sample="0.jpg", person="0.jpg")
    two.delete()
    records.launch_missing(record_file.load(study.id))
    assert [run.samples()[["sample", "person", "fold"]].values.tolist() for run in (one, two)] == before
    corrections.add_all(str(tmp_path), [out])
    plan = retrain.plan_of(one)
    again = plan.samples[["sample", "person", "fold"]].values.tolist()
    gone, as_photos = retrain.differs(one, plan)
    assert gone == "1 photo is not in it any more." and "The dataset names persons by now. As in this run" in as_photos
    assert as_photos.endswith("launch it anew to part them.")
    assert again == [row for row in before[0] if row[0] != "0.jpg"]
    retrained = retrain.launch(plan, one)
    corrections.add_all(str(tmp_path), [Correction(kind="exclude-photo", sample="1.jpg", person="1.jpg")])
    gone, as_photos = retrain.differs(retrained, retrain.plan_of(retrained))
    assert "As in this run" in as_photos and f"launch {one.id} anew to part them" in as_photos
    with pytest.raises(LabError, match="its photos counted as people") as refused:
        records.joined(study, make_plan(now, scan(now.data)), scan(now.data))
    assert "Nobody is known" in refused.value.remedy
