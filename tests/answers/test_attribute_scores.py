"""Promises of per-attribute scores: they equal scikit-learn's, and several networks are scored as one."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from core.answers.attribute_scores import attribute_scores, attributes_together, combine, score_run, score_together
from core.config import RunConfig, from_dict
from core.config.run_config import TaskConfig
from core.data.tasks import scored_parts
from core.errors import LabError
from core.runs import FoldState
from core.runs.create import create

AGES, GENDERS = ["<30", "30-59", ">=60"], ["female", "male"]
JOINT = [f"{g} {a}" for g in GENDERS for a in AGES]
PARTS = scored_parts(TaskConfig(name="gender-age"), JOINT)


def predictions(rng, names, true, samples=None):
    """Random out-of-fold predictions in the form that a fold leaves."""
    shares = rng.dirichlet(np.ones(len(names)), len(true))
    chosen = np.asarray(names, dtype=object)[shares.argmax(1)]
    samples = np.arange(len(true)) if samples is None else samples
    frame = pd.DataFrame({"sample": samples, "label": true, "predicted": chosen, "loss": 0.0})
    return pd.concat([frame, pd.DataFrame(shares, columns=[f"p_{n}" for n in names])], axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_attribute_scores_equal_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    table = predictions(rng, JOINT, rng.choice(JOINT[:4], 40))  # two joint classes are absent
    for score in attribute_scores(table, PARTS, JOINT, fold=3):
        values = {"gender": GENDERS, "age": AGES}[score.attribute]
        true = [dict(zip(("gender", "age"), label.split(), strict=True))[score.attribute] for label in table["label"]]
        shares = np.stack([table[[f"p_{n}" for n in JOINT if v in n.split()]].sum(axis=1) for v in values], axis=1)
        chosen = np.asarray(values)[shares.argmax(1)]
        assert score.accuracy == pytest.approx(accuracy_score(true, chosen))
        assert score.f1 == pytest.approx(f1_score(true, chosen, labels=values, average="macro", zero_division=0))
        assert (score.fold, score.samples) == (3, 40)


def test_an_attribute_is_read_from_its_summed_probability():
    row = {"sample": 0, "label": "female <30", "predicted": "male <30", "loss": 1.0}
    shares = dict(zip([f"p_{n}" for n in JOINT], [0.2, 0.2, 0.2, 0.3, 0.05, 0.05], strict=True))
    gender, age = attribute_scores(pd.DataFrame([row | shares]), PARTS, JOINT, fold=0)
    assert (gender.accuracy, age.accuracy) == (1.0, 1.0)  # female 0.6 although the likeliest class is male


def test_a_task_of_one_attribute_has_no_attribute_scores():
    rng = np.random.default_rng(0)
    parts = scored_parts(TaskConfig(name="gender"), GENDERS)
    assert attribute_scores(predictions(rng, GENDERS, GENDERS * 3), parts, GENDERS, 0) == []


def test_an_attribute_that_classes_do_not_tell_apart_has_no_score():
    """Gender, of women only and of classes that are merged across it: its F1 would be 1 whatever is answered. Where one
    class is merged across it, "female" would be wrong of a woman in it."""
    rng = np.random.default_rng(6)
    merged = {f"aged {a}": [f"{g} {a}" for g in GENDERS] for a in AGES}
    old = {"old": merged["aged >=60"]}
    # both genders alike, though not in one order: ages stay apart
    young = {f"young {g}": [f"{g} {a}" for a in AGES[:2]][:: 1 - 2 * place] for place, g in enumerate(GENDERS)}
    parts = scored_parts(TaskConfig(name="gender-age", merge=young), [*young, *JOINT[2::3]])
    assert [part["age"] for part in parts] == ["<30 or 30-59"] * 2 + [">=60"] * 2
    for merge, names in (({}, JOINT[:3]), (merged, list(merged)), (old, [*JOINT[:2], "old", *JOINT[3:5]])):
        parts = scored_parts(TaskConfig(name="gender-age", merge=merge), names)
        scores = attribute_scores(predictions(rng, names, rng.choice(names, 20)), parts, names, 0)
        assert [score.attribute for score in scores] == ["age"] and scores[0].f1 < 1


def test_two_networks_together_are_their_product():
    rng = np.random.default_rng(1)
    gender = predictions(rng, GENDERS, rng.choice(GENDERS, 30), np.arange(30))
    age = predictions(rng, AGES, rng.choice(AGES, 25), np.arange(29, 4, -1))  # other order, fewer photos
    table, names = combine([(gender, GENDERS), (age, AGES)])
    assert names == JOINT and set(table["sample"]) == set(range(5, 30))
    assert table[[f"p_{n}" for n in names]].sum(axis=1).to_numpy() == pytest.approx(1)
    for row in table.to_dict("records"):
        g, a = gender.loc[gender["sample"] == row["sample"]].iloc[0], age.loc[age["sample"] == row["sample"]].iloc[0]
        assert row["p_male >=60"] == pytest.approx(g["p_male"] * a["p_>=60"])
        assert row["predicted"] == f"{g['predicted']} {a['predicted']}"
        assert row["label"] == f"{g['label']} {a['label']}"
        assert row["loss"] == pytest.approx(-np.log(row[f"p_{row['label']}"]))
    with pytest.raises(LabError, match="share no out-of-fold photo"):
        combine([(gender, GENDERS), (age.assign(sample=age["sample"] + 100), AGES)])


def finished(folder, task, names, truth, folds, rng):
    """A run of which every fold is done, with predictions of its held-out samples."""
    people = [f"p{i}" for i in range(len(truth))]
    table = pd.DataFrame({"sample": np.arange(len(truth)), "person": people, "class_name": truth, "fold": folds})
    config = from_dict(RunConfig(name=task).model_dump(mode="json") | {"task": {"name": task}})
    run = create(config, table, class_names=names, info={}, folder=folder)
    for fold in run.folds():
        rows = np.flatnonzero(folds == fold)
        predictions(rng, names, truth[rows], rows).to_parquet(run.predictions_file(fold, "best"))
        run.write_state(FoldState(fold, "done"))
    return run


def test_runs_of_one_attribute_are_scored_on_the_joint_classes(tmp_path):
    rng = np.random.default_rng(2)
    gender, age, folds = rng.choice(GENDERS, 60), rng.choice(AGES, 60), np.arange(60) % 3
    one = finished(tmp_path, "gender", GENDERS, gender, folds, rng)
    two = finished(tmp_path, "age", AGES, age, folds, rng)
    scores = score_together([one, two])
    assert [s.fold for s in scores] == [0, 1, 2] and all(s.samples == 20 for s in scores)
    for s in scores:
        table, _ = combine([(one.predictions(s.fold), GENDERS), (two.predictions(s.fold), AGES)])
        assert s.accuracy == pytest.approx(accuracy_score(table["label"], table["predicted"]))
        f1 = f1_score(table["label"], table["predicted"], labels=JOINT, average="macro", zero_division=0)
        assert s.f1 == pytest.approx(f1)
    fewer = score_together([one, two], classes=JOINT[:5])  # a sixth class that the joint task does not have
    for s, whole in zip(fewer, scores, strict=True):
        table, _ = combine([(one.predictions(s.fold), GENDERS), (two.predictions(s.fold), AGES)])
        table = table[table["label"].isin(JOINT[:5])]
        assert s.accuracy == pytest.approx(accuracy_score(table["label"], table["predicted"]))
        expected = f1_score(table["label"], table["predicted"], labels=JOINT[:5], average="macro", zero_division=0)
        assert s.f1 == pytest.approx(expected) and s.samples <= whole.samples
    names = [*JOINT[:2], "old", *JOINT[3:5]]
    for s in score_together([one, two], classes=names, merge={"old": JOINT[2::3]}):
        table, _ = combine([(one.predictions(s.fold), GENDERS), (two.predictions(s.fold), AGES)])
        table["p_old"] = table[[f"p_{name}" for name in JOINT[2::3]]].sum(axis=1)
        chosen = np.asarray(names, dtype=object)[table[[f"p_{name}" for name in names]].to_numpy().argmax(1)]
        true = table["label"].replace(dict.fromkeys(JOINT[2::3], "old"))
        expected = f1_score(true, chosen, labels=names, average="macro", zero_division=0)
        assert s.samples == 20 and s.f1 == pytest.approx(expected)
    with pytest.raises(LabError, match="tell no class 'female old'"):
        score_together([one, two], classes=["female old", *JOINT])


def test_each_attribute_of_several_networks_is_the_networks_own(tmp_path):
    rng = np.random.default_rng(5)
    gender, age, folds = rng.choice(GENDERS, 40), rng.choice(AGES, 40), np.arange(40) % 2
    team = [finished(tmp_path, *what, folds, rng) for what in (("gender", GENDERS, gender), ("age", AGES, age))]
    scores = {(s.attribute, s.fold): s for s in attributes_together(team)}
    assert len(scores) == 4
    for run, attribute, values in zip(team, ("gender", "age"), (GENDERS, AGES), strict=True):
        for fold in (0, 1):
            table = run.predictions(fold)
            f1 = f1_score(table["label"], table["predicted"], labels=values, average="macro", zero_division=0)
            assert scores[attribute, fold].accuracy == pytest.approx(accuracy_score(table["label"], table["predicted"]))
            assert scores[attribute, fold].f1 == pytest.approx(f1)


def test_networks_with_other_folds_are_not_scored_together(tmp_path):
    rng = np.random.default_rng(3)
    gender, age, folds = rng.choice(GENDERS, 30), rng.choice(AGES, 30), np.arange(30) % 3
    one = finished(tmp_path, "gender", GENDERS, gender, folds, rng)
    two = finished(tmp_path, "age", AGES, age, (folds + 1) % 3, rng)
    with pytest.raises(LabError, match="holds out other people"):
        score_together([one, two])


def test_a_run_is_scored_fold_by_fold(tmp_path):
    rng = np.random.default_rng(4)
    truth, folds = rng.choice(JOINT, 40), np.arange(40) % 2
    run = finished(tmp_path, "gender-age", JOINT, truth, folds, rng)
    run.write_state(FoldState(1, "failed"))
    scores = score_run(run)
    assert {(s.attribute, s.fold) for s in scores} == {("gender", 0), ("age", 0)}
    assert scores == attribute_scores(run.predictions(0), PARTS, JOINT, 0)
