"""Curves of many runs: what is averaged, where it is drawn, how it is smoothed."""

import numpy as np
import pandas as pd
import pytest

from core.figures import comparison_curves
from core.figures.comparison_curves import RunHistory

RUN = "20260101-000000-a-0000"
VALIDATION = {0: [0.1, 0.4, 0.6], 1: [0.3, 0.2, 0.8]}  # fold -> F1 of each epoch


def history(folds=VALIDATION, name="a"):
    rows = []
    for fold, scores in folds.items():
        for epoch, f1 in enumerate(scores, 1):
            shared = {"epoch": epoch, "fold": fold, "phase": 0}
            rows.append({**shared, "split": "train", "f1": f1 + 0.1, "loss": 1 - f1, "seconds": 60.0 * (fold + 1)})
            rows.append({**shared, "split": "validation", "f1": f1, "loss": 2 - f1, "seconds": 30.0})
    return RunHistory(RUN, name, "#0072b2", pd.DataFrame(rows), dict.fromkeys(folds, 1500))


def drawn(figure, *, width=None, dash=None):
    return [t for t in figure.data if t.line.width == width and (dash is None or t.line.dash == dash)]


def test_the_line_is_the_mean_of_the_folds_and_its_band_their_deviation():
    figure = comparison_curves.run_curves([history()], "f1")
    band, mean = figure.data
    expected = np.mean(list(VALIDATION.values()), axis=0)
    deviation = np.std(list(VALIDATION.values()), axis=0, ddof=1)
    np.testing.assert_allclose(mean.y, expected, rtol=1e-6)
    np.testing.assert_allclose(band.y, [*(expected + deviation), *(expected - deviation)[::-1]], rtol=1e-6)
    assert list(mean.x) == [1, 2, 3] and band.fill == "toself"


def test_folds_are_drawn_on_demand_alone():
    assert len(comparison_curves.run_curves([history()], "f1").data) == 2
    figure = comparison_curves.run_curves([history()], "f1", folds=True)
    for fold, trace in zip(VALIDATION, drawn(figure, width=1), strict=True):
        np.testing.assert_allclose(trace.y, VALIDATION[fold], rtol=1e-6)
        assert trace.name == f"fold {fold}"


def test_a_fold_that_stopped_early_leaves_the_mean_to_the_others():
    figure = comparison_curves.run_curves([history({0: [0.1, 0.4, 0.6], 1: [0.3]})], "f1")
    band, mean = figure.data
    np.testing.assert_allclose(mean.y, [0.2, 0.4, 0.6], rtol=1e-6)
    assert list(band.x) == [1, 1]  # one fold has no deviation


def test_epochs_that_a_phase_left_out_cost_neither_time_nor_images():
    whole = history({0: [0.1, 0.2, 0.3, 0.4], 1: [0.1, 0.2, 0.3, 0.4]})
    table = whole.metrics[~((whole.metrics["fold"] == 1) & whole.metrics["epoch"].isin([2, 3]))]
    cut = RunHistory(RUN, "a", "#0072b2", table, whole.images)
    assert list(comparison_curves.along(cut, "images")) == [
        1500,
        (3000 + 1500) / 2,
        (4500 + 1500) / 2,
        (6000 + 3000) / 2,
    ]
    assert list(comparison_curves.along(cut, "time")) == [120, (180 + 150) / 2, (270 + 150) / 2, (360 + 300) / 2]
    assert list(comparison_curves.along(cut, "epoch")) == [1, 2, 3, 4]


def test_the_gap_is_above_zero_where_training_photos_are_known_better():
    of_f1 = comparison_curves.run_curves([history()], "f1", show="gap").data[-1]
    of_loss = comparison_curves.run_curves([history()], "loss", show="gap").data[-1]
    np.testing.assert_allclose(of_f1.y, 0.1, rtol=1e-5)
    np.testing.assert_allclose(of_loss.y, 1.0, rtol=1e-5)


def test_training_is_dashed_and_validation_solid():
    figure = comparison_curves.run_curves([history()], "f1", show="both")
    assert len(drawn(figure, width=1.8, dash="6px,4px")) == len(drawn(figure, width=2.6, dash="solid")) == 1


def test_along_time_and_images_lie_the_means_of_the_folds():
    time = comparison_curves.run_curves([history()], "f1", x="time")
    np.testing.assert_allclose(time.data[-1].x, [2, 4, 6])  # minutes: (90 + 150) / 2 seconds an epoch
    assert time.layout.xaxis.title.text == "training time (min)"
    images = comparison_curves.run_curves([history()], "f1", x="images")
    np.testing.assert_allclose(images.data[-1].x, [1.5, 3, 4.5])


@pytest.mark.parametrize("weight", [0.5, 0.9])
def test_smoothing_is_a_debiased_exponential_mean(weight):
    """Worked out by its definition: a mean of the past with weights 1, w, w^2, ..."""
    values = np.mean(list(VALIDATION.values()), axis=0)
    expected = []
    for last in range(len(values)):
        weights = weight ** np.arange(last, -1, -1)
        expected.append((weights * values[: last + 1]).sum() / weights.sum())
    mean = comparison_curves.run_curves([history()], "f1", smooth=weight).data[-1]
    np.testing.assert_allclose(mean.y, expected, rtol=1e-6)


def test_a_number_that_is_none_is_a_gap_and_a_name_is_text():
    figure = comparison_curves.run_curves([history({0: [0.1, np.nan, 0.6]}, name="<b>x</b>")], "f1")
    (mean,) = figure.data
    assert np.isnan(mean.y[1]) and mean.name == "&lt;b&gt;x&lt;/b&gt;"


def test_ticks_of_epochs_are_whole_ones_and_those_of_time_are_left_to_plotly():
    assert comparison_curves.run_curves([history()], "f1").layout.xaxis.dtick == 1
    long = history({0: [0.1] * 30})
    assert comparison_curves.run_curves([history(), long], "f1").layout.xaxis.dtick is None
    assert comparison_curves.run_curves([history()], "f1", x="time").layout.xaxis.dtick is None


def test_runs_without_an_epoch_draw_nothing():
    assert not comparison_curves.run_curves([RunHistory(RUN, "a", "#0072b2", history().metrics.head(0), {})], "f1").data
