"""The parts of a dataset in a plan: nothing that is set aside is in a fold, and given folds are used as they are."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import from_dict
from core.config.parts import FoldsConfig, ModelConfig
from core.data.scan import scan
from core.errors import LabError
from core.plan.folds import given_folds
from core.plan.plan import make_plan
from core.plan.transfer import folds_for
from core.studies import grid
from tests.photos import draw

SETTINGS = {"model": {"init": "scratch"}, "task": {"name": "label"}, "folds": {"count": 2}}


def plan_of(root, **more):
    config = from_dict({**SETTINGS, **more, "data": {"root": str(root), **more.get("data", {})}})
    return make_plan(config, scan(config.data, threads=1))


TRAINED = ("train", "Training", "images_train", "train-set", "Train2017")
VALIDATED = ("val", "Valid", "dev", "images_val")
TESTED = ("test", "Testing", "TST", "eval", "hold-out", "images_test")
TREES = ("{part}/{name}/{file}", "all/{part}/{name}/{file}", "{part}/images/{name}/{file}", "{name}/{part}/{file}")
FLAT = ("{part}/{file}", "all/{part}/{file}", "{part}/images/{file}", None)  # where the parts of TREES have no class


@st.composite
def datasets(draw_from):
    """(path -> what must become of it: "", test or unlabelled), for a tree of parts as people name and nest them."""
    tree = draw_from(st.integers(0, len(TREES) - 1))
    part_of = {"": [draw_from(st.sampled_from(TRAINED))], "test": [draw_from(st.sampled_from(TESTED))]}
    if draw_from(st.booleans()):
        part_of[""].append(draw_from(st.sampled_from(VALIDATED)))
    classes = draw_from(st.lists(st.sampled_from(["cat", "dog", "emu", "테스트"]), min_size=2, max_size=3, unique=True))
    flat = FLAT[tree] is not None and draw_from(st.booleans())
    paths = {}
    for split, parts in part_of.items():
        for part in parts:
            each = draw_from(st.integers(2, 3)) if part == parts[0] else draw_from(st.integers(1, 2))
            for name in classes:
                for i in range(each):
                    if split and flat:
                        paths[FLAT[tree].format(part=part, file=f"{part}{name}{i}.jpg")] = "unlabelled"
                    else:
                        paths[TREES[tree].format(part=part, name=name, file=f"{part}{i}.jpg")] = split
    if draw_from(st.booleans()):
        paths[f"{'all/' * TREES[tree].startswith('all/')}stray.jpg"] = "left out"
    return paths


@settings(max_examples=40, deadline=None)
@given(datasets())
def test_no_photo_that_is_set_aside_is_in_a_fold_whatever_the_tree(paths):
    with tempfile.TemporaryDirectory() as root:
        for i, path in enumerate(paths):
            draw(Path(root, path), (i * 5 % 256, i * 11 % 256, 90))
        plan = plan_of(root)
        expected = {split: {path for path in paths if paths[path] == split} for split in paths.values()}
        assert set(plan.samples["sample"]) == expected[""]
        assert set(plan.samples["fold"]) == {0, 1}
        aside = plan.set_aside
        for split in ("test", "unlabelled"):
            assert set(aside["sample"][aside["split"] == split]) == expected.get(split, set())


@pytest.fixture
def split_dataset(tmp_path):
    """Two classes: 4 photos each to train on, 2 each in a test set, 3 without a label."""
    for name in ("cat", "dog"):
        for i in range(4):
            draw(tmp_path / f"train/{name}/{name}{i}.jpg", (30 * i, 5, 7))
        for i in range(2):
            draw(tmp_path / f"test/{name}/{name}t{i}.jpg", (30 * i, 50, 7))
    for i in range(3):
        draw(tmp_path / f"pred/{i}.jpg", (30 * i, 50, 70))
    return tmp_path


def test_a_plan_says_how_many_photos_are_set_aside(split_dataset):
    plan = plan_of(split_dataset)
    assert plan.photos == 8 and len(plan.set_aside) == 7
    assert plan.set_aside_note == ("4 photos of the test set and 3 unlabelled photos are set aside, never trained on")
    pooled = plan_of(split_dataset, data={"test_set": "pool"})
    assert pooled.photos == 12 and pooled.set_aside_note == "3 unlabelled photos are set aside, never trained on"


def test_a_plan_of_a_dataset_in_one_part_says_nothing_of_it(split_dataset):
    assert plan_of(split_dataset / "train").set_aside_note == ""


@pytest.fixture
def folded(tmp_path):
    """fold_1 to fold_3, two photos of each of two classes in each."""
    for k in (1, 2, 3):
        for name in ("cat", "dog"):
            for i in range(2):
                draw(tmp_path / f"fold_{k}/{name}/{name}{k}{i}.jpg", (30 * i, 50 * k, 70))
    return tmp_path


def test_given_folds_are_used_as_they_are(folded):
    plan = plan_of(folded, folds={"count": 3, "given": True})
    assert (plan.samples["fold"] + 1 == plan.samples["sample"].str[5].astype(int)).all()
    own = plan_of(folded, folds={"count": 3})
    assert own.samples["fold"].tolist() != plan.samples["fold"].tolist()


def test_given_folds_of_another_number_are_refused_with_theirs(folded):
    with pytest.raises(LabError, match="the dataset gives 3 folds but 5 were asked for") as refusal:
        plan_of(folded, folds={"count": 5, "given": True})
    assert refusal.value.kind == "folds" and "Set the number of folds to 3" in refusal.value.remedy


def test_a_person_in_two_given_folds_is_refused_by_name(folded):
    data = {"persons": "path", "person_pattern": r"(\d)\.jpg$"}
    with pytest.raises(LabError, match="person '0' stands in folds 1, 2, 3; so do 1 more") as refusal:
        plan_of(folded, folds={"count": 3, "given": True}, data=data)
    assert refusal.value.kind == "given"


def table(*rows):
    frame = pd.DataFrame(rows, columns=["person", "class_name", "given_fold"]).astype({"given_fold": "Int64"})
    return frame.assign(sample=[f"{i}.jpg" for i in range(len(frame))])


def test_photos_without_a_given_fold_are_counted():
    with pytest.raises(LabError, match=r"1 photo has no fold of the dataset, such as 2\.jpg"):
        given_folds(table(("a", "x", 1), ("b", "x", 2), ("c", "x", None)), 2)
    with pytest.raises(LabError, match="2 of 2 photos have no fold"):
        given_folds(table(("a", "x", 1), ("b", "y", 2)).drop(columns="given_fold"), 2)


def test_a_class_in_one_given_fold_alone_is_refused_by_name():
    with pytest.raises(LabError, match="class 'y' stands in the dataset's fold 4 alone"):
        given_folds(table(("a", "x", 2), ("b", "x", 4), ("c", "y", 4), ("d", "y", 4)), 2)


def test_numbers_of_given_folds_count_in_their_order():
    rows = [("a", "x", 7), ("b", "x", 3), ("c", "y", 3), ("d", "y", 7)]
    assert given_folds(table(*rows), 2).tolist() == [1, 0, 0, 1]


def test_runs_of_a_study_share_the_given_folds(folded):
    configs = [
        from_dict({**SETTINGS, "folds": {"count": 3, "given": True}, "data": {"root": str(folded)}, "training": seed})
        for seed in ({"seed": 0}, {"seed": 1})
    ]
    dataset = scan(configs[0].data, threads=1)
    plans = grid.make_plans(configs, dataset)
    assert plans[0].samples["fold"].tolist() == plans[1].samples["fold"].tolist()
    elsewhere = plans[0].samples.drop_duplicates("person").set_index("person")["fold"].map({0: 1, 1: 0, 2: 2})
    with pytest.raises(LabError, match="stands in another of the dataset's folds than in the runs that are there"):
        grid.make_plans(configs, dataset, people=elsewhere)


def test_a_parent_that_held_people_out_elsewhere_is_refused(folded, monkeypatch):
    plan = plan_of(folded, folds={"count": 3, "given": True})
    people = plan.samples[["person", "fold"]]
    folds = FoldsConfig(count=3, given=True)
    monkeypatch.setattr("core.plan.transfer.check_parent", lambda *_: None)
    monkeypatch.setattr("core.plan.transfer.ancestry", lambda _: people)
    assert folds_for(plan.samples, folds, Parent(), ModelConfig()).tolist() == plan.samples["fold"].tolist()
    people = people.assign(fold=people["fold"].map({0: 1, 1: 0, 2: 2}))
    with pytest.raises(LabError, match="held 8 photos out in another fold than the dataset gives"):
        folds_for(plan.samples, folds, Parent(), ModelConfig())


class Parent:
    id = "20260101-000000-parent-0000"


def test_folds_and_a_test_set_of_a_table_go_the_same_way(tmp_path):
    rows = ["path,label,fold"]
    for i in range(8):
        draw(tmp_path / f"{i}.jpg", (30 * i, 9, 9))
        rows.append(f"{i}.jpg,{'ab'[i % 2]},{i // 4 + 1}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    plan = plan_of(tmp_path, folds={"count": 2, "given": True})
    assert plan.samples["fold"].tolist() == [0] * 4 + [1] * 4
