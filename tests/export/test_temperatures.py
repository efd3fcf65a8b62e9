import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from core.export.temperatures import temperatures
from tests.answered import CLASSES, made, probabilities_of, table_of


def nll(temperature, shares, labels):
    scaled = np.log(shares) / temperature
    return -(scaled[np.arange(len(labels)), labels] - np.log(np.exp(scaled).sum(1))).mean()


@pytest.fixture
def run(tmp_path):
    """Two folds of 60 photos each, far too sure: a third of what they answer with 0.95 is wrong."""
    samples = table_of(tmp_path, people=120)
    labels = samples["y"].to_numpy()
    wrong = {row: (labels[row] + 1 + row % 2) % 6 for row in range(0, 120, 3)}
    return made(tmp_path / "runs", samples, probabilities=probabilities_of(labels, wrong=wrong, sure=0.95))


def test_each_fold_is_calibrated_on_what_it_answered_about_its_own(run):
    fitted = temperatures(run, [0, 1])
    for fold, value in fitted.of_fold.items():
        table = run.predictions(fold)
        shares = table[[f"p_{name}" for name in CLASSES]].to_numpy()
        labels = table["label"].map(CLASSES.index).to_numpy()
        best = minimize_scalar(nll, bounds=(0.1, 19), args=(shares, labels), method="bounded", options={"xatol": 1e-8})
        assert value == pytest.approx(best.x, rel=1e-4) and value > 1
        assert f"{value:.2f} (fold {fold})" in fitted.words
    assert "The mean of several calibrated networks is less sure" in fitted.words


def test_without_enough_answers_or_unasked_the_temperature_is_1_and_that_is_said(run, tmp_path):
    few = made(
        tmp_path / "few", table_of(tmp_path, people=24), probabilities=probabilities_of([k % 6 for k in range(24)])
    )
    silent = made(tmp_path / "silent", table_of(tmp_path, people=24))
    for of_run, asked, words in (
        (run, False, "Nobody asked"),
        (few, True, "needs 50"),
        (silent, True, "no out-of-fold"),
    ):
        plain = temperatures(of_run, [0, 1], asked)
        assert plain.of_fold == {0: 1.0, 1: 1.0}
        assert plain.words.startswith("Not calibrated") and words in plain.words


def test_answers_that_are_all_right_have_no_best_temperature(tmp_path):
    samples = table_of(tmp_path, people=120)
    sure = made(tmp_path / "runs", samples, probabilities=probabilities_of(samples["y"].to_numpy()))
    assert temperatures(sure, [0, 1]).of_fold == {0: 1.0, 1: 1.0}
    assert "no temperature was best" in temperatures(sure, [0, 1]).words
