"""Weights of runs, from what they answered out of fold about the photos that they share."""

import numpy as np
import pytest

from core.errors import LabError
from core.predict import weights
from core.runs import FoldState
from core.stats.decisions import vote_gain
from tests.answered import made, probabilities_of, table_of


def test_a_run_that_answers_better_counts_more_and_the_gain_is_told_nested(tmp_path):
    samples = table_of(tmp_path / "photos", people=60, folds=3)
    labels = samples["y"].to_numpy()
    wrong = {row: (labels[row] + 1) % 6 for row in range(0, 60, 2)}
    of_runs = [probabilities_of(labels, 1, sure=0.6), probabilities_of(labels, 2, wrong, sure=0.6)]
    runs = [made(tmp_path / "runs", samples, probabilities=each) for each in of_runs]
    fitted = weights.fitted(runs)
    assert fitted.photos == 60 and fitted.weights.sum() == pytest.approx(1) and fitted.weights[0] > 0.8
    order = np.argsort(samples["fold"].to_numpy(), kind="stable")
    expected = vote_gain(np.stack(of_runs)[:, order], labels[order], samples["fold"].to_numpy()[order], np.arange(60))
    np.testing.assert_allclose(fitted.weights, expected.tuned)
    assert fitted.gain.gain.mean == expected.gain.mean
    assert "60 out-of-fold answers" in fitted.sentences[0] and "fitted without them" in fitted.sentences[1]


def test_a_fold_that_was_stopped_has_no_say_in_the_weights_though_it_has_answered(tmp_path):
    samples = table_of(tmp_path / "photos", people=60, folds=3)
    runs = [
        made(tmp_path / "runs", samples, probabilities=probabilities_of(samples["y"], seed, sure=0.6))
        for seed in (1, 2)
    ]
    runs[0].write_state(FoldState(2, "cancelled", epoch=1))
    assert weights.fitted(runs).photos == (samples["fold"] != 2).sum()


def test_one_run_and_runs_that_share_no_photos_are_refused(tmp_path):
    samples = table_of(tmp_path / "photos", people=24)
    shares = probabilities_of(samples["y"])
    one = made(tmp_path / "runs", samples, probabilities=shares, run_id="one")
    other = made(tmp_path / "runs", samples, probabilities=shares, run_id="other", root="/photos/other")
    for runs, match in (([one], "one only"), ([one, other], "share 0 photos")):
        with pytest.raises(LabError, match=match) as refused:
            weights.fitted(runs)
        assert refused.value.kind == "vote"
