import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from core.config import from_dict
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control
from core.plan.folds import audit
from core.plan.plan import Plan, check_weights, make_plan
from core.runs import FoldState
from core.training.batches import epoch_order, split_batches
from tests.photos import damaged_mask_dataset, draw, mask_dataset

PEOPLE = [(f"{n:03d}", ("female", "male")[n % 2], 20 + 25 * (n // 2 % 3)) for n in range(36)]  # 6 of each class
SMALL = {"training": {"batch_size": 8}, "phases": [{"epochs": 3}, {"epochs": 2}], "model": {"init": "scratch"}}


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """36 people x 7 photos, six people in each class of gender-age."""
    return mask_dataset(tmp_path_factory.mktemp("masks"), PEOPLE)


def plan_of(root, **settings):
    config = from_dict({**SMALL, **settings, "data": {"root": str(root), **settings.get("data", {})}})
    return make_plan(config, scan(config.data, threads=1))


@pytest.mark.parametrize("task", ["gender-age", "mask-gender-age", "mask", "gender", "age"])
@pytest.mark.parametrize("folds", [2, 5])
def test_no_person_is_in_two_folds_and_every_fold_is_held_out(masks, task, folds):
    plan = plan_of(masks, task={"name": task}, folds={"count": folds})
    assert audit(plan.samples) == []
    assert (plan.samples.groupby("person")["fold"].nunique() == 1).all()
    assert sorted(plan.samples["fold"].unique()) == list(range(folds))
    photos = 36 if task == "gender-age" else 252
    assert (plan.photos, plan.people, plan.dropped) == (photos, 36, 252 - photos)
    names = {"gender-age": 6, "mask-gender-age": 18, "mask": 3, "gender": 2, "age": 3}
    assert len(plan.class_names) == names[task] == plan.samples["y"].nunique()
    assert all(
        plan.class_names[y] == name for y, name in zip(plan.samples["y"], plan.samples["class_name"], strict=True)
    )


def test_no_person_of_a_masked_fold_was_trained_on_by_the_unmasked_fold_that_it_starts_from(masks, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda root=None: None)
    parent = control.launch(plan_of(masks, folds={"count": 3}, data={"max_people": 26}))
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"x")
        parent.write_state(FoldState(fold, state="done"))
    settings = {"folds": {"count": 3}, "task": {"name": "mask-gender-age"}, "model": {"init": f"run:{parent.id}"}}
    child = plan_of(masks, **settings).samples
    before = parent.samples()
    assert (len(before), len(child)) == (26, 252)  # one unmasked photo a person; all seven, and ten new people
    for fold in range(3):
        held_out = set(child["person"][child["fold"] == fold])
        assert held_out and not held_out & set(before["person"][before["fold"] != fold])
    new = child[~child["person"].isin(before["person"])]
    assert new["person"].nunique() == 10 and new["fold"].nunique() == 3


def test_the_plan_is_the_same_every_time_and_another_with_another_seed(masks):
    first, again = plan_of(masks), plan_of(masks)
    pd.testing.assert_frame_equal(first.samples, again.samples)
    assert first.fingerprint == again.fingerprint
    other = plan_of(masks, folds={"seed": 1})
    assert first.samples["fold"].tolist() != other.samples["fold"].tolist()
    assert first.fingerprint == other.fingerprint


def test_what_is_frozen_names_the_folder_and_the_reader(masks, monkeypatch):
    monkeypatch.chdir(masks.parent)
    plan = plan_of(masks.name)
    assert plan.config.data.root == str(masks.resolve())
    assert plan.config.data.reader == "mask"


# Bad files block the launch until they are left out


@pytest.fixture
def bad(tmp_path):
    return damaged_mask_dataset(tmp_path / "bad", PEOPLE)


def test_problems_block_the_launch_until_they_are_left_out(bad):
    with pytest.raises(LabError) as caught:
        plan_of(bad)
    assert caught.value.kind == "problems"
    assert caught.value.message.startswith("dataset bad: ")
    assert "bad entries, first " in caught.value.message
    assert "leave_out_problems" in caught.value.remedy
    plan = plan_of(bad, data={"leave_out_problems": True})
    errors = plan.problems[plan.problems["severity"] == "error"]
    assert plan.left_out == len(errors) >= 3
    lines = " ".join(errors["where"] + " " + errors["problem"])
    for named in ("000_female_Asian_20/normal.jpg", "train.csv row 38", "'old'", "train.csv row 39", "nowhere"):
        assert named in lines
    assert plan.photos == 35
    assert not plan.samples["sample"].str.contains("000_female|900_|nowhere").any()


def test_warnings_block_nothing(tmp_path):
    root = mask_dataset(tmp_path / "warned", PEOPLE)
    (root / "images" / "000_female_Asian_20" / "mask3.jpg").unlink()
    plan = plan_of(root)
    assert plan.problems["severity"].tolist() == ["warning"]
    assert plan.left_out == 0


# Fault 17


@pytest.mark.fault(17)
def test_a_class_with_fewer_people_than_folds_is_named_with_the_numbers(masks):
    with pytest.raises(LabError) as caught:
        plan_of(masks, folds={"count": 7})
    assert caught.value.kind == "folds"
    assert "'female <30' has 6 people but 7 folds were asked for" in caught.value.message
    assert "6" in caught.value.remedy
    assert plan_of(masks, folds={"count": 6}).config.folds.count == 6


@pytest.mark.fault(17)
def test_one_class_only_is_named_with_the_numbers(tmp_path):
    for n in range(5):
        draw(tmp_path / "cats" / f"{n}.jpg")
    with pytest.raises(LabError, match=r"one class only, 'cats' \(5 photos\)"):
        plan_of(tmp_path, task={"name": "label"})


@pytest.mark.fault(17)
def test_an_empty_folder_a_missing_one_and_a_task_that_does_not_fit_are_named(tmp_path, masks):
    with pytest.raises(LabError, match="no images"):
        plan_of(tmp_path)
    with pytest.raises(LabError, match="there is no such folder"):
        plan_of(tmp_path / "nowhere")
    with pytest.raises(LabError, match="task label: none of 252 photos tells label"):
        plan_of(masks, task={"name": "label"})


# Counts


def by_a_loader(plan):
    """Steps of the whole run, counted with torch's own DataLoader."""
    size, steps = plan.config.training.batch_size, 0
    for fold in range(plan.config.folds.count):
        rows = [row for row, held in enumerate(plan.samples["fold"]) if held != fold]
        loader = DataLoader(rows, batch_size=size, drop_last=len(rows) > size and len(rows) % size == 1)
        steps += len(loader)
    return steps * plan.config.epochs


@pytest.mark.parametrize("size", [2, 7, 8, 28, 29, 30, 128])
@pytest.mark.parametrize("task", ["gender-age", "mask"])
def test_steps_are_those_that_will_run(masks, size, task):
    plan = plan_of(masks, task={"name": task}, training={"batch_size": size})
    assert plan.total_steps == by_a_loader(plan)
    ours = [
        split_batches(epoch_order((plan.samples["fold"] != f).to_numpy().nonzero()[0], 0, f, 1), size) for f in range(5)
    ]
    assert [len(batches) for batches in ours] == plan.fold_steps
    assert plan.steps_per_epoch == math.ceil(plan.total_steps / 5 / 5)


@settings(max_examples=60, deadline=None)
@given(folds=st.lists(st.integers(1, 40), min_size=2, max_size=6), size=st.integers(2, 50), epochs=st.integers(1, 9))
def test_steps_are_right_for_uneven_folds(folds, size, epochs):
    config = from_dict(
        {"folds": {"count": len(folds)}, "phases": [{"epochs": epochs}], "training": {"batch_size": size}}
    )
    held = [fold for fold, n in enumerate(folds) for _ in range(n)]
    samples = pd.DataFrame({"fold": held, "person": [str(n) for n in range(len(held))]})
    plan = Plan(config, samples, ["a", "b"], 0, pd.DataFrame(), 0, "")
    assert plan.total_steps == by_a_loader(plan)


# First weights: fault 34


def test_missing_first_weights_are_said_before_anything_is_queued(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(LabError, match="ImageNet weights of ResNet-34") as caught:
        check_weights(from_dict({"model": {"depth": 34}}))
    assert caught.value.kind == "weights"
    with pytest.raises(LabError, match="there is no file"):
        check_weights(from_dict({"model": {"init": f"file:{tmp_path}/x.pth"}}))
    check_weights(from_dict({"model": {"init": "scratch"}}))


def test_a_file_of_first_weights_is_frozen_with_its_whole_path_as_workers_begin_elsewhere(
    tiny_config, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pth").write_bytes(b"weights")
    asked = from_dict({**tiny_config.model_dump(mode="json"), "model": {"init": "file:w.pth"}})
    plan = make_plan(asked, scan(asked.data, threads=1))
    assert plan.config.model.init == plan.carrying(asked).config.model.init == f"file:{tmp_path / 'w.pth'}"


# Label corrections


@pytest.fixture
def colours(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    for name in ("a", "b"):
        for n in range(6):
            draw(tmp_path / "photos" / name / f"{n // 2}_{n}.png", colour=(n, 0, 0))
    return tmp_path / "photos"


def colour_plan(root, **settings):
    people = {"person_pattern": r"^(\d)_", "leave_out_problems": settings.pop("leave_out_problems", False)}
    return plan_of(root, task={"name": "label"}, folds={"count": 2}, data=people, **settings)


def test_corrections_reach_the_plan_the_run_and_not_the_dataset(colours, monkeypatch):
    plain = colour_plan(colours)
    made = [
        Correction(kind="relabel", sample="a/0_0.png", attribute="label", before="a", after="b", reason="it is b"),
        Correction(kind="exclude-photo", sample="b/1_2.png"),
        Correction(kind="relabel", sample="a/0_1.png", attribute="label", before="b", after="c"),
    ]
    corrections.add_all(colours, made)
    plan = colour_plan(colours)
    assert [replace(each, by="") for each in plan.corrections] == made[:2]
    assert plan.samples.set_index("sample")["class_name"]["a/0_0.png"] == "b"
    assert "b/1_2.png" not in set(plan.samples["sample"])
    assert plan.fingerprint != plain.fingerprint
    monkeypatch.setattr(control, "ensure_workers", lambda root=None: None)
    run = control.launch(plan)
    corrections.undo(colours, made[0].id)
    assert run.info()["corrections"] == [each.id for each in made[:2]]
    assert [replace(each, by="") for each in corrections.read(run.corrections_file)] == made[:2]
    assert run.samples().set_index("sample")["class_name"]["a/0_0.png"] == "b"
    assert control.resume(run) == run.folds()
    assert run.samples().set_index("sample")["class_name"]["a/0_0.png"] == "b"
    assert colour_plan(colours).samples.set_index("sample")["class_name"]["a/0_0.png"] == "a"


def test_a_run_without_corrections_has_no_file_of_them(colours, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda root=None: None)
    run = control.launch(colour_plan(colours))
    assert not run.corrections_file.exists()
    assert corrections.read(run.corrections_file) == [] == run.info()["corrections"]


def test_a_bad_photo_that_a_correction_leaves_out_needs_no_other_agreement(colours):
    (colours / "a" / "2_9.png").write_bytes(b"no image")
    with pytest.raises(LabError) as caught:
        colour_plan(colours)
    assert caught.value.kind == "problems"
    out = corrections.add(colours, Correction(kind="exclude-photo", sample="a/2_9.png", reason="broken"))
    plan = colour_plan(colours)
    assert plan.corrections == [out] and plan.left_out == 0


def test_a_broken_file_of_corrections_stops_the_plan(colours):
    path = corrections.file(colours)
    path.parent.mkdir(parents=True)
    path.write_text("id\n")
    with pytest.raises(LabError) as caught:
        colour_plan(colours)
    assert caught.value.kind == "corrections"


def test_warnings_about_a_person_are_those_of_the_corrected_labels(colours):
    def warned():
        return [text for text in colour_plan(colours).problems["problem"] if "one person" in text]

    assert warned() == ["3 of 3 people have photos of several classes (a and b); each stays one person"]
    for name in ("b/0_0.png", "b/0_1.png"):
        corrections.add(colours, Correction(kind="relabel", sample=name, attribute="label", before="b", after="a"))
    assert len(warned()) == 2


def test_a_photo_that_changes_its_person_cannot_leak_through_a_parent_run(colours, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda root=None: None)
    parent = control.launch(colour_plan(colours))
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"x")
        parent.write_state(FoldState(fold, state="done"))
    after = {"model": {"init": f"run:{parent.id}"}}
    assert colour_plan(colours, **after).samples["fold"].tolist() == parent.samples()["fold"].tolist()
    fold = parent.samples().drop_duplicates("person").set_index("person")["fold"].to_dict()
    moved = parent.samples().iloc[0]
    other = next(person for person in fold if fold[person] != moved["fold"])
    names = {"before": moved["person"], "after": other}
    corrections.add(colours, Correction(kind="relabel", sample=moved["sample"], attribute="person", **names))
    with pytest.raises(LabError, match="whose weights saw it") as caught:
        colour_plan(colours, **after)
    assert caught.value.kind == "transfer"


def test_nor_through_a_run_before_the_parent_where_the_parent_lacks_the_photo(colours, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda root=None: None)

    def finished(**settings):
        run = control.launch(colour_plan(colours, **settings))
        for fold in run.folds():
            run.weights_file(fold, "best").write_bytes(b"x")
            run.write_state(FoldState(fold, state="done"))
        return run

    first = finished()
    fold = first.samples().drop_duplicates("person").set_index("person")["fold"].to_dict()
    moved = first.samples().iloc[0]
    other = next(person for person in fold if fold[person] != moved["fold"])
    out = corrections.add(colours, Correction(kind="exclude-photo", sample=moved["sample"]))
    middle = finished(model={"init": f"run:{first.id}"})
    assert moved["sample"] not in set(middle.samples()["sample"])
    corrections.undo(colours, out.id)
    after = {"model": {"init": f"run:{middle.id}"}}
    assert moved["sample"] in set(colour_plan(colours, **after).samples["sample"])
    names = {"before": moved["person"], "after": other}
    corrections.add(colours, Correction(kind="relabel", sample=moved["sample"], attribute="person", **names))
    with pytest.raises(LabError, match=f"but not in {first.id}; .* whose weights saw it") as caught:
        colour_plan(colours, **after)
    assert caught.value.kind == "transfer"
