import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import from_dict
from core.config.run_config import FoldsConfig, ModelConfig
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control
from core.plan.plan import make_plan
from core.plan.transfer import ancestry, check_held_out, check_parent, folds_for, inherit_folds
from core.runs import FoldState, Run
from tests.photos import draw
from tests.plan.lineage import make_run, table_of

BEST = ModelConfig(init_checkpoint="best")
COMPOSED, APART = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_nobody_validated_in_fold_k_was_trained_on_in_fold_k_of_any_ancestor(tmp_path_factory, data):
    """Four generations, each with its own random part of forty people, new ones among them."""
    folder = tmp_path_factory.mktemp("runs")
    everyone = [f"p{i:02d}" for i in range(40)]
    line: list[pd.DataFrame] = []
    parent = None
    for generation in range(4):
        people = sorted(data.draw(st.sets(st.sampled_from(everyone), min_size=25)))
        table = table_of(people, seed=generation)
        if parent is None:
            order = np.random.default_rng(generation).permutation(len(people))
            table["fold"] = table["person"].map({p: int(order[i]) % 4 for i, p in enumerate(people)})
            ancestors = None
        else:
            ancestors = ancestry(parent)
            table["fold"] = inherit_folds(table, ancestors, 4, seed=generation)
        parent = make_run(folder, f"g{generation}", table, ancestors)
        line.append(table)
        for fold in range(4):
            held_out = set(table["person"][table["fold"] == fold])
            for older in line:
                trained = set(older["person"][older["fold"] != fold])
                assert not held_out & trained


def test_new_people_are_spread_and_known_people_never_move():
    old = table_of([f"p{i:02d}" for i in range(40)])
    old["fold"] = old["person"].map({p: i % 5 for i, p in enumerate(sorted(old["person"].unique()))})
    people = old[["person", "fold"]].drop_duplicates()
    new = table_of([f"p{i:02d}" for i in range(40)] + [f"new{i}" for i in range(10)])
    new["fold"] = inherit_folds(new, people, 5, seed=0)
    stayed = new[new["person"].isin(set(old["person"]))]
    moved = stayed.drop_duplicates("person").set_index("person")["fold"] != people.set_index("person")["fold"]
    assert not moved.any()
    fresh = new[new["person"].str.startswith("new")].drop_duplicates("person")
    assert fresh["fold"].nunique() >= 4
    again = inherit_folds(new.sample(frac=1, random_state=1), people, 5, seed=0)
    shuffled = new.sample(frac=1, random_state=1)
    assert (shuffled["fold"].to_numpy() == again).all()


def test_another_dataset_is_refused():
    people = pd.DataFrame({"person": ["a", "b"], "fold": [0, 1]})
    with pytest.raises(LabError, match="none of the 3 people is known"):
        inherit_folds(table_of(["x", "y", "z"]), people, 2, seed=0)


def test_unfinished_deleted_and_differently_folded_parents_are_refused(tmp_path):
    table = table_of([f"p{i}" for i in range(12)])
    table["fold"] = table["person"].map({p: i % 3 for i, p in enumerate(sorted(table["person"].unique()))})
    unfinished = make_run(tmp_path, "unfinished", table, done=False)
    with pytest.raises(LabError, match=r"fold 0 of .* is queued"):
        check_parent(unfinished, 3, BEST)
    done = make_run(tmp_path, "done", table)
    check_parent(done, 3, BEST)
    with pytest.raises(LabError, match="has 3 folds, this run 5"):
        check_parent(done, 5, BEST)
    with pytest.raises(LabError, match="is a ResNet-18, this run a ResNet-50"):
        check_parent(done, 3, ModelConfig(depth=50))
    done.weights_file(1, "best").unlink()
    with pytest.raises(LabError, match=r"fold 1 of .* is without weights"):
        check_parent(done, 3, BEST)
    done.delete()
    with pytest.raises(LabError, match="there is no run"):
        check_parent(done, 3, BEST)
    with pytest.raises(LabError, match="no run is chosen to start from"):
        check_parent(Run("choose", tmp_path), 3, BEST)


def test_a_person_in_two_folds_of_the_line_is_refused(tmp_path):
    table = table_of(["a", "b", "c"])
    table["fold"] = [0, 1, 0, 0, 1, 1]
    with pytest.raises(LabError, match="person 'a' stands in two folds"):
        ancestry(make_run(tmp_path, "leaky", table))


@pytest.mark.parametrize("here", [COMPOSED, APART])
@pytest.mark.parametrize("others", ["the same photos", "other photos"])
def test_two_spellings_that_an_older_lab_held_out_as_two_persons_are_refused_with_what_can_be_done(
    tmp_path, here, others
):
    table = table_of([COMPOSED, APART, *"abcdef"])
    table["fold"] = table["person"].map({person: i % 2 for i, person in enumerate(table["person"].unique())})
    parent = make_run(tmp_path, "parent", table)
    one = table.drop(columns="fold").replace({"person": {COMPOSED: here, APART: here}})
    if others == "other photos":
        one["sample"] += "-masked"
    one["fold"] = folds_for(one, FoldsConfig(count=2), parent, BEST)
    with pytest.raises(LabError, match=f"'{here}' out in fold .* another spelling .* weights saw") as caught:
        check_held_out(one, parent)
    assert caught.value.kind == "transfer" and "Start from other weights" in caught.value.remedy


@pytest.mark.parametrize("before, here", [(COMPOSED, APART), (APART, COMPOSED)])
def test_a_person_stays_in_their_fold_where_only_the_spelling_of_their_name_changed(tmp_path, before, here):
    table = table_of(["a", "b", "c", before]).assign(y=0)
    table["fold"] = table["person"].map({"a": 1, "b": 0, "c": 0, before: 0})  # somebody new would stand in fold 1
    parent = make_run(tmp_path, "parent", table)
    respelt = table.drop(columns="fold").replace({"person": {before: here}})
    respelt["fold"] = folds_for(respelt, FoldsConfig(count=2), parent, BEST)
    assert respelt["fold"].tolist() == table["fold"].tolist()
    check_held_out(respelt, parent)


@pytest.mark.parametrize("new", [1, 2])
def test_the_fold_that_holds_all_of_a_class_is_named_where_folds_follow_the_parent(tmp_path, monkeypatch, new):
    """One person is all of it; of two, each stands in a fold of its own. Split anew it would be refused."""
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(control, "ensure_workers", lambda root=None: None)
    root = tmp_path / "photos"
    shade = iter(range(250))
    for name in ("a", "b"):
        for person in range(4):
            draw(root / name / f"{name}{person}_0.png", colour=(next(shade), 0, 0))

    def planned(**model):
        settings = {"task": {"name": "label"}, "folds": {"count": 2}, "model": model}
        config = from_dict({**settings, "data": {"root": str(root), "person_pattern": r"^([a-z]+\d)_"}})
        return make_plan(config, scan(config.data, threads=1))

    parent = control.launch(planned(init="scratch"))
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"x")
        parent.write_state(FoldState(fold, state="done"))
    assert planned(init=f"run:{parent.id}").absences == []
    for person in range(new):
        for photo in range(2):
            draw(root / "rare" / f"rare{person}_{photo}.png", colour=(next(shade), 0, 0))
    if new == 1:
        with pytest.raises(LabError, match="class 'rare' has 1 person but 2 folds were asked for"):
            planned(init="scratch")
    plan = planned(init=f"run:{parent.id}")
    if new == 2:
        assert plan.absences == []
        return
    (fold,) = plan.samples["fold"][plan.samples["class_name"] == "rare"].unique()
    assert plan.absences[0] == (
        f"Fold {fold} holds all photos of 'rare': the network that is validated on it never saw it."
    )
    assert [line.partition(" of ")[0] for line in plan.absences[1:]] == [f"Fold {1 - fold} has no photo"]
