"""Confident learning against an independent count, and on labels that were made wrong on purpose."""

import numpy as np
import pytest

from core.answers import label_errors, mistakes
from tests.answered import made, probabilities_of, table_of


def joint_by_hand(labels, p):
    """The definition of Northcutt et al. 2021, equation 1, face by face."""
    classes = len(p[0])
    thresholds = []
    for j in range(classes):
        own = [row[j] for row, label in zip(p, labels, strict=True) if label == j]
        thresholds.append(sum(own) / len(own) if own else float("inf"))
    counts = [[0] * classes for _ in range(classes)]
    flagged = []
    for n, (row, label) in enumerate(zip(p, labels, strict=True)):
        above = [j for j in range(classes) if row[j] >= thresholds[j]]
        if above:
            best = max(above, key=lambda j: row[j])
            counts[label][best] += 1
            if best != label:
                flagged.append(n)
    return counts, flagged


@pytest.mark.parametrize("seed", range(5))
def test_the_joint_equals_a_count_by_hand(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 200)
    p = rng.dirichlet(np.ones(5) * 0.4, 200) * 0.6 + 0.4 * np.eye(5)[labels]
    joint = label_errors.confident_joint(labels, p)
    counts, flagged = joint_by_hand(labels, p.tolist())
    np.testing.assert_array_equal(joint.counts, counts)
    assert np.flatnonzero((joint.confident >= 0) & (joint.confident != labels)).tolist() == flagged
    np.testing.assert_allclose(joint.estimate.sum(axis=1), np.bincount(labels, minlength=5))


def test_labels_made_wrong_are_found_and_come_first():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 600)
    labels = truth.copy()
    wrong = rng.choice(600, 40, replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, 6, 40)) % 6
    noise = rng.dirichlet(np.ones(6), 600)
    p = 0.3 * noise + 0.7 * np.eye(6)[truth]
    joint = label_errors.confident_joint(labels, p)
    flagged = np.flatnonzero((joint.confident >= 0) & (joint.confident != labels))
    assert set(flagged) <= set(wrong) and len(flagged) >= 20  # sure of a class means above its mean
    right = joint.confident[flagged] == truth[flagged]
    assert right.all()
    assert joint.estimate.sum() - np.trace(joint.estimate) == pytest.approx(40, abs=12)


def test_equal_probabilities_and_absent_classes_and_nan():
    labels = np.array([0, 0, 1, 1])
    joint = label_errors.confident_joint(labels, np.full((4, 3), 1 / 3))
    assert joint.counts.sum() == 4 and np.isnan(joint.thresholds[2])
    p = np.array([[0.9, 0.1, 0], [np.nan] * 3, [0.2, 0.8, 0], [0.1, 0.9, 0]])
    joint = label_errors.confident_joint(labels, p)
    assert joint.confident[1] == -1 and np.isfinite(joint.thresholds[:2]).all()
    with pytest.raises(ValueError, match="do not fit"):
        label_errors.confident_joint(labels, p[:2])


def test_the_queue_of_a_run_is_most_suspicious_first(tmp_path):
    samples = table_of(tmp_path / "photos", people=60)
    p = probabilities_of(samples["y"], wrong={4: 1, 17: 2}, sure=0.8)
    p[17] = 0.01 * p[17] + 0.99 * np.eye(6)[2]
    answers = mistakes.load_answers(made(tmp_path, samples, probabilities=p))
    joint = label_errors.likely_errors(answers)
    assert joint["sample"].tolist()[0] == "p017/0.jpg"
    assert joint["likely"].tolist()[0] == "female >=60"
    assert (np.diff(joint["self_confidence"]) >= 0).all()
    table = answers.table.iloc[joint["row"]]
    assert (table["sample"].to_numpy() == joint["sample"].to_numpy()).all()


def test_a_run_without_mistakes_has_an_empty_queue(tmp_path):
    samples = table_of(tmp_path / "photos")
    answers = mistakes.load_answers(made(tmp_path, samples, probabilities=probabilities_of(samples["y"], sure=0.95)))
    assert label_errors.likely_errors(answers).empty
