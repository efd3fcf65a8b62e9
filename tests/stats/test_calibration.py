"""Against scikit-learn and scipy, and where answers are extreme."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from core.stats import calibration
from tests.stats.drawn_answers import drawn, softmax


def test_scores_are_scikit_learns():
    p, y, _, _ = drawn()
    p[0] = [0, 0, 1, 0]  # wrong, and sure of it
    y[0] = 1
    assert calibration.brier_terms(p, y).mean() == pytest.approx(brier_score_loss(y, p, scale_by_half=False))
    assert calibration.nll_terms(p, y).mean() == pytest.approx(log_loss(y, p, labels=range(4)), rel=1e-9)
    two, of_two = drawn(classes=2)[:2]
    two[0], of_two[0] = [0, 1], 0
    brier = brier_score_loss(of_two, two[:, 1], scale_by_half=False)
    assert calibration.brier_terms(two, of_two).mean() == pytest.approx(brier)


def test_bins_are_scikit_learns_and_their_error_is_the_sum_by_hand():
    p, y, _, _ = drawn(people=200)
    sure, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = calibration.top_reliability(p, y, 10)
    came, promised = calibration_curve(right, sure, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(bins.came, came)
    np.testing.assert_allclose(bins.promised, promised)
    assert bins.count.sum() == len(y) and np.ptp(bins.count) <= 1
    by_hand = sum(
        abs(sure[bins.place == b].sum() - right[bins.place == b].sum()) for b in range(len(bins.count))
    ) / len(y)
    assert bins.error == pytest.approx(by_hand)


def test_equal_probabilities_share_a_bin_and_few_photos_make_few_bins():
    constant = np.full((60, 3), 1 / 3)
    bins = calibration.top_reliability(constant, np.arange(60) % 3)
    assert bins.count.tolist() == [60] and bins.error == pytest.approx(0)
    assert [calibration.bins_for(photos) for photos in (1, 24, 50, 375, 9000)] == [1, 1, 2, 15, 15]
    assert calibration.reliability(np.array([1.0]), np.array([False])).error == 1


@pytest.mark.parametrize("blur", [0.2, 1.0, 2.5])
def test_the_temperature_is_scipys_and_is_that_of_the_logits(blur):
    logits = np.log(drawn(people=150)[0])
    y = drawn(people=150)[1]
    p = softmax(logits / blur)
    fitted = calibration.fit_temperature(p, y)

    def loss(temperature):
        return log_loss(y, softmax(logits / blur / temperature), labels=range(4))

    by_scipy = minimize_scalar(loss, bounds=calibration.LIMITS, method="bounded", options={"xatol": 1e-9})
    assert fitted == pytest.approx(by_scipy.x, rel=1e-5)
    assert fitted * blur == pytest.approx(1, abs=0.15)  # the answers before the blur were calibrated
    np.testing.assert_allclose(calibration.with_temperature(p, fitted), softmax(logits / blur / fitted), atol=1e-12)


def test_answers_that_tell_nothing_or_all_leave_the_temperature_at_one_or_at_its_limit():
    constant = np.full((20, 4), 0.25)
    assert calibration.fit_temperature(constant, np.arange(20) % 4) == 1
    right = np.eye(3)[np.arange(9) % 3]
    assert calibration.fit_temperature(right * 0.98 + 0.02 / 3, np.arange(9) % 3) == calibration.LIMITS[0]
    assert calibration.at_limit(calibration.fit_temperature(right, (np.arange(9) + 1) % 3))
    assert not calibration.at_limit(1.0) and not calibration.at_limit(19)
    scaled = calibration.with_temperature(right, 2.0)
    assert np.isfinite(scaled).all() and (scaled.argmax(1) == right.argmax(1)).all()
    with pytest.raises(ValueError, match="above 0"):
        calibration.with_temperature(right, 0.0)


def test_a_folds_labels_have_no_part_in_the_temperature_under_which_it_is_scored():
    p, y, fold, _ = drawn(people=100)
    scaled, temperatures = calibration.cross_fitted(p, y, fold)
    changed = np.where(fold == 2, (y + 1) % 4, y)
    again, others = calibration.cross_fitted(p, changed, fold)
    assert others[2] == temperatures[2] and others[1] != temperatures[1]
    np.testing.assert_array_equal(again[fold == 2], scaled[fold == 2])
    own = calibration.temperature_of_folds(p, y, fold)
    assert own[2] == calibration.fit_temperature(p[fold == 2], y[fold == 2]) != temperatures[2]
    with pytest.raises(ValueError, match="two folds"):
        calibration.cross_fitted(p, y, np.zeros(len(y)))


def test_a_class_that_a_fold_lacks_is_no_obstacle():
    p, y, fold, _ = drawn(people=100)
    y = np.where((fold == 0) & (y == 3), 0, y)
    scaled, _ = calibration.cross_fitted(p, y, fold)
    np.testing.assert_allclose(scaled.sum(axis=1), 1)


def test_the_mean_of_calibrated_networks_is_under_confident_until_it_is_calibrated_itself():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 4000)
    logits = np.eye(4)[y] * 2 + rng.normal(0, 1.2, (5, 4000, 4))
    members = np.stack(
        [calibration.with_temperature(softmax(z), calibration.fit_temperature(softmax(z), y)) for z in logits]
    )
    mean = calibration.pooled(members)
    assert mean.max(axis=1).mean() < (mean.argmax(axis=1) == y).mean() - 0.03
    temperature = calibration.fit_temperature(mean, y)
    after = calibration.with_temperature(mean, temperature)
    assert temperature < 0.9
    assert calibration.top_reliability(after, y).error < calibration.top_reliability(mean, y).error / 2
    np.testing.assert_allclose(calibration.pooled(members, [0, 0, 3, 0, 0]), members[2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p, y: (np.where(p == p.max(), np.nan, p), y), "no number"),
        (lambda p, y: (p * 0.9, y), "sum to 1"),
        (lambda p, y: (p - 0.5, y), "below 0"),
        (lambda p, y: (p, y + 4), "outside 0..3"),
        (lambda p, y: (p[:-1], y), "do not fit"),
        (lambda p, y: (p[:0], y[:0]), "needs photos"),
    ],
)
def test_what_no_network_answers_is_refused(change, words):
    p, y, _, _ = drawn(people=5)
    with pytest.raises(ValueError, match=words):
        calibration.fit_temperature(*change(p, y))
