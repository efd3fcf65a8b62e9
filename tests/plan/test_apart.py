"""Test photos: labelled as the run's, and never among what the run, or a run that it starts from, was trained on."""

import shutil

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import from_dict
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control, trash
from core.plan import apart
from core.plan.plan import make_plan
from core.runs import Run
from core.runs.create import create
from core.runs.lists.summaries import summaries
from tests.held_apart import with_test
from tests.photos import mask_dataset

PEOPLE = [(f"{n:03d}", ("female", "male")[n % 2], 20 + 25 * (n // 2 % 3)) for n in range(24)]  # 4 of each class
AWAY = ["blue/blue0.jpg", "green/green1.jpg", "red/red2.jpg"]
SHORT = {"training": {"batch_size": 8}, "phases": [{"epochs": 1}], "model": {"init": "scratch"}, "folds": {"count": 2}}


@pytest.fixture(scope="module")
def scanned(tiny_config):
    return scan(tiny_config.data, threads=1)


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """24 people, seven photos each, with mask, gender and age."""
    return scan(from_dict({"data": {"root": str(mask_dataset(tmp_path_factory.mktemp("masks"), PEOPLE))}}).data)


@pytest.fixture
def launched(runs_folder, monkeypatch):
    """launch(plan) without a worker."""
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    return lambda plan: control.launch(plan, folder=runs_folder)


def config_of(dataset, **more):
    return from_dict({**SHORT, "data": {"root": dataset.root, "reader": dataset.reader}, **more})


def test_test_photos_are_frozen_beside_the_samples_with_the_runs_classes(launched, tiny_config, scanned):
    plan = make_plan(tiny_config, with_test(scanned, AWAY))
    run = launched(plan)
    frozen = run.test_photos()
    assert frozen["sample"].tolist() == AWAY
    assert frozen["class_name"].tolist() == ["blue", "green", "red"] and frozen["y"].tolist() == [0, 1, 2]
    assert "split" not in frozen and "fold" not in frozen
    assert plan.photos == 21 and not set(run.samples()["sample"]) & set(AWAY)
    assert run.info()["test"]["photos"] == 3
    assert apart.sentences(run.info()["test"]) == ["3 test photos are set aside and never trained on."]


def test_what_a_run_trains_on_is_the_same_with_and_without_test_photos(tiny_config, scanned):
    """The same samples, folds, classes and fingerprint as if the test photos were not there at all."""
    there = make_plan(tiny_config, with_test(scanned, AWAY))
    alone = make_plan(tiny_config, with_test(with_test(scanned, AWAY), [], "unlabelled"))
    gone = make_plan(tiny_config, type(scanned)(**{**vars(with_test(scanned, AWAY)), "set_aside": scanned.set_aside}))
    for other in (alone, gone):
        pd.testing.assert_frame_equal(there.samples, other.samples)
        assert there.fingerprint == other.fingerprint and there.class_names == other.class_names
    assert gone.apart.record() == {}


def test_a_run_without_test_photos_has_no_file_and_no_word_of_them(launched, tiny_plan, tiny_config, scanned):
    unlabelled = with_test(scanned, AWAY, "unlabelled")
    for plan in (tiny_plan, make_plan(tiny_config, unlabelled)):
        run = launched(plan)
        assert run.test_photos() is None and "test" not in run.info()
        assert not run.test_file.exists()


def test_photos_of_a_class_that_the_run_does_not_tell_are_told_and_left_out(launched, tiny_config, scanned):
    dataset = with_test(scanned, [*AWAY, "blue/blue1.jpg"])
    dataset.set_aside.loc[[0, 1], "label"] = ["violet", "amber"]
    run = launched(make_plan(tiny_config, dataset))
    assert run.test_photos()["sample"].tolist() == AWAY[1:]
    assert apart.sentences(run.info()["test"])[1:] == [
        "2 test photos are left out, of classes that the run does not tell: amber 1, violet 1."
    ]


def test_photos_outside_the_task_are_told_and_left_out(masks):
    people = masks.samples["person"].drop_duplicates().tolist()[:6]
    dataset = with_test(masks, masks.samples["sample"][masks.samples["person"].isin(people)])
    plan = make_plan(config_of(dataset, task={"name": "gender-age"}), dataset)
    assert len(plan.apart.photos) == 6 and (plan.apart.photos["mask"] == "normal").all()
    assert plan.apart.photos["class_name"].tolist() == [
        f"{row.gender} {['<30', '30-59', '>=60'][int(row.age >= 30) + int(row.age >= 60)]}"
        for row in plan.apart.photos.itertuples()
    ]
    assert apart.sentences(plan.apart.record())[1:] == ["36 test photos are left out, outside the task."]


def test_a_combination_that_only_the_test_set_has_is_unknown_and_stops_no_launch(masks):
    """In the trained photos nobody wears a mask wrongly; in the test set one woman does."""
    wrong = masks.samples[masks.samples["mask"] == "incorrect"]["sample"].tolist()
    rest = type(masks)(**{**vars(masks), "samples": masks.samples[~masks.samples["sample"].isin(wrong[1:])]})
    plan = make_plan(config_of(masks, task={"name": "mask-gender-age"}), with_test(rest, wrong[:1]))
    assert len(plan.class_names) == 12 and plan.apart.photos.empty
    assert dict(plan.apart.unknown) == {"incorrect female <30": 1}
    (told,) = apart.sentences(plan.apart.record())[1:]
    assert told == "1 test photo is left out, of a class that the run does not tell: incorrect female <30 1."


def test_people_who_are_trained_on_in_other_photos_are_said(masks):
    one = masks.samples.iloc[0]
    plan = make_plan(config_of(masks, task={"name": "mask"}), with_test(masks, [one["sample"]]))
    assert plan.apart.people_shared == 1
    assert apart.sentences(plan.apart.record())[1:] == [
        "1 person of the test set is in photos that are trained on, too: the score flatters for new people."
    ]


def test_a_copy_of_a_trained_photo_under_another_name_is_no_test_photo(launched, tiny_dataset, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(tiny_dataset, root)
    shutil.copy(root / "red" / "red0.jpg", root / "red" / "again.jpg")
    dataset = scan(from_dict({"data": {"root": str(root)}}).data, threads=1)
    dataset = with_test(dataset, ["red/again.jpg", "blue/blue0.jpg"])
    run = launched(make_plan(config_of(dataset, task={"name": "label"}), dataset))
    assert run.test_photos()["sample"].tolist() == ["blue/blue0.jpg"]
    assert run.info()["test"]["copies"] == 1
    assert "under another name" in apart.sentences(run.info()["test"])[1]


def test_label_corrections_apply_to_test_photos(launched, tiny_config, scanned, runs_folder):
    dataset = with_test(scanned, AWAY)
    corrections.add_all(
        dataset.root,
        [
            Correction(kind="relabel", sample=AWAY[0], attribute="label", before="blue", after="red"),
            Correction(kind="exclude-photo", sample=AWAY[1]),
        ],
        runs_folder,
    )
    run = launched(make_plan(tiny_config, dataset, folder=runs_folder))
    frozen = run.test_photos()
    assert dict(zip(frozen["sample"], frozen["class_name"], strict=True)) == {AWAY[0]: "red", AWAY[2]: "red"}
    assert len(corrections.read(run.corrections_file)) == 2
    assert len(run.samples()) == 21


def test_what_the_run_that_it_starts_from_was_trained_on_is_no_test_photo(launched, tiny_config, scanned, runs_folder):
    parent = launched(make_plan(tiny_config, with_test(scanned, AWAY[:1])))
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"weights")
        parent.write_state(type(parent.written_state(fold))(fold, "done"))
    child_config = tiny_config.model_copy(
        update={"model": tiny_config.model.model_copy(update={"init": f"run:{parent.id}"})}
    )
    child = launched(make_plan(child_config, with_test(scanned, AWAY), folder=runs_folder))
    assert child.test_photos()["sample"].tolist() == AWAY[:1]
    assert child.info()["test"]["inherited"] == 2
    for fold in child.folds():
        child.weights_file(fold, "best").write_bytes(b"weights")
        child.write_state(type(child.written_state(fold))(fold, "done"))
    parent.delete()  # of whom only the people are remembered
    grandchild_config = child_config.model_copy(
        update={"model": tiny_config.model.model_copy(update={"init": f"run:{child.id}"})}
    )
    plan = make_plan(grandchild_config, with_test(scanned, AWAY), folder=runs_folder)
    assert plan.apart.photos["sample"].tolist() == AWAY[:1] and plan.apart.inherited == 2


@given(
    away=st.lists(st.integers(0, 23), min_size=1, max_size=12, unique=True),
    both=st.integers(0, 23),
    by=st.sampled_from(["sample", "path"]),
)
@settings(max_examples=20)
def test_no_test_photo_is_ever_trained_or_validated_on(tmp_path_factory, tiny_config, scanned, away, both, by):
    """Whatever is set aside; and what stands in both, under one name or one path, cannot be frozen."""
    folder = tmp_path_factory.mktemp("runs")
    names = scanned.samples["sample"].to_numpy()[away]
    dataset = with_test(scanned, names)
    try:
        plan = make_plan(tiny_config, dataset)
    except LabError as error:
        assert error.kind in ("folds", "task")  # too few photos of a class are left
        return
    freeze = {"class_names": plan.class_names, "info": {}, "folder": folder}
    run = create(plan.config, plan.samples, test=plan.apart.photos, **freeze)
    assert not set(run.test_photos()["sample"]) & set(run.samples()["sample"])
    assert not set(run.test_photos()["path"]) & set(run.samples()["path"])
    assert len(run.test_photos()) == len(names)
    leaked = plan.samples.iloc[[both % len(plan.samples)]].drop(columns="fold")
    if by == "path":
        leaked = leaked.assign(sample="another name")
    with pytest.raises(LabError, match="would be trained on") as told:
        create(plan.config, plan.samples, test=pd.concat([plan.apart.photos, leaked]), **freeze)
    assert told.value.kind == "leak"
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [run.id], "nothing half-made stays behind"


@pytest.mark.parametrize("record", [None, "6 photos", {}, []])
def test_a_run_that_says_nothing_of_test_photos_gives_no_sentence(record):
    assert apart.sentences(record) == []


def test_old_runs_have_no_test_photos(tmp_path):
    run = Run("20260101-000000-old-0000", tmp_path)
    run.dir.mkdir()
    run.config_file.write_text("name: old")
    assert run.test_photos() is None


def test_test_photos_go_where_the_run_goes_and_change_nothing_else(launched, tiny_config, scanned, runs_folder):
    """Copied, thrown away and brought back, queued anew; a list says the same of it as of a run without them."""
    dataset = with_test(scanned, AWAY)
    run = launched(make_plan(tiny_config, dataset))
    plain = launched(make_plan(tiny_config, type(scanned)(**{**vars(dataset), "set_aside": scanned.set_aside})))
    listed = {summary["id"]: summary for summary in summaries(runs_folder)}
    own = ("id", "created", "colour")
    assert [{k: v for k, v in listed[each.id].items() if k not in own} for each in (run, plain)].count(
        {k: v for k, v in listed[run.id].items() if k not in own}
    ) == 2
    shutil.copytree(run.dir, runs_folder / "elsewhere" / run.id)
    assert Run(run.id, runs_folder / "elsewhere").test_photos()["sample"].tolist() == AWAY
    control.cancel(run)
    assert control.resume(run) == [0, 1]
    control.cancel(run)
    trash.delete([run.id], runs_folder)
    assert not run.exists()
    trash.restore([run.id], runs_folder)
    assert run.test_photos()["sample"].tolist() == AWAY
