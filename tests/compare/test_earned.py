"""What training earned over a run's own frozen features: paired photo by photo, and said as other differences are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.compare import earned, members
from core.stats import paired
from tests.compared import CLASSES, make_run, samples
from tests.frozen_runs import keep


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return samples(tmp_path_factory.mktemp("earned"), people=60, photos=2)


def trained(tmp_path, table, skill, frozen, **made):
    run = make_run(tmp_path, table, skill=skill, **made)
    kept = keep(run, table, frozen) if frozen is not None else None
    return run, kept


def by_hand(run, kept, folds):
    """Macro F1 of the training minus that of the baseline, of each fold, by scikit-learn."""
    options = {"labels": CLASSES, "average": "macro", "zero_division": 0}
    gaps = []
    for fold in folds:
        ours, theirs = run.predictions(fold, "final"), kept.table[kept.table["fold"] == fold]
        assert set(ours["sample"]) == set(theirs["sample"])
        f1 = [f1_score(each["label"], each["predicted"], **options) for each in (ours, theirs)]
        gaps.append(f1[0] - f1[1])
    return gaps


def test_the_difference_is_that_of_the_same_photos_in_the_same_folds(tmp_path, table):
    run, kept = trained(tmp_path, table, 0.95, 0.3)
    earning = earned.of_run(members.load(run.id, tmp_path))
    assert np.allclose(earning.difference.deltas, by_hand(run, kept, range(5))) and earning.difference.which == "final"
    assert earning.difference.verdict == paired.BETTER
    boot = earning.difference.bootstrap
    both = members.out_of_fold(earning.member, "final").merge(kept.table, on="sample", suffixes=("_a", "_b"))
    codes = [[CLASSES.index(name) for name in both[column]] for column in ("label_a", "predicted_a", "predicted_b")]
    person = pd.factorize(both["person"])[0]
    expected = paired.bootstrap_f1_difference(person, *map(np.array, codes), len(CLASSES))
    assert (boot.low, boot.high, boot.n) == (expected.low, expected.high, 60)
    assert earning.sentence.startswith(f"Training earned {paired.signed(boot.mean)} points [")
    assert "95% over people] at the last epoch over frozen ImageNet features" in earning.sentence


def test_what_is_not_shown_is_not_claimed_and_a_loss_is_said(tmp_path, table):
    run, _ = trained(tmp_path, table, 0.6, 0.6, seed=3)
    earning = earned.of_run(members.load(run.id, tmp_path))
    assert earning.difference.verdict == paired.UNDECIDED and "is not shown to have" in earning.sentence
    run, _ = trained(tmp_path, table, 0.1, 0.95, name="worse")
    earning = earned.of_run(members.load(run.id, tmp_path))
    assert earning.difference.verdict == paired.WORSE and earning.sentence.startswith("Training lost -")


def test_only_finished_folds_are_paired_and_none_without_a_baseline(tmp_path, table):
    run, kept = trained(tmp_path, table, 0.9, 0.3, states={1: "failed", 2: "failed", 3: "failed", 4: "failed"})
    earning = earned.of_run(members.load(run.id, tmp_path))
    assert earning.difference.folds == (0,) and "one fold cannot show it" in earning.sentence
    assert earning.difference.deltas == pytest.approx(by_hand(run, kept, [0]))
    run, _ = trained(tmp_path, table, 0.9, None, name="without")
    assert earned.of_run(members.load(run.id, tmp_path)) is None
    run, _ = trained(tmp_path, table, 0.9, 0.3, name="waits", states=dict.fromkeys(range(5), "failed"))
    assert earned.of_run(members.load(run.id, tmp_path)) is None
