import numpy as np
import pandas as pd
import pytest

from core.figures import curves, style
from core.runs.metrics_file import METRIC_COLUMNS


def table(folds=3, epochs=20, short=None):
    """short: {fold: epochs} for folds that are not through yet."""
    rng = np.random.default_rng(0)
    rows = []
    for fold in range(folds):
        for epoch in range(1, (short or {}).get(fold, epochs) + 1):
            for split in ("train", "validation"):
                f1 = 0.2 + 0.5 * epoch / epochs + rng.normal(0, 0.01)
                scores = [2 - f1, 2.2 - f1, f1 + 0.05, f1, f1]
                rates = [1e-5, 6e-4 * (1 - epoch / (epochs + 1))]
                rows.append([fold, epoch, 0, split, *scores, *rates, 3.0, 28.0])
    return pd.DataFrame(rows, columns=["fold", *METRIC_COLUMNS])


def parts(figure, part, split=None):
    return [t for t in figure.data if t.meta["part"] == part and split in (None, t.meta["split"])]


def test_training_is_dashed_and_validation_solid_in_every_fold():
    figure = curves.curves(table(), "f1", run_colour="#0072B2")
    assert len(parts(figure, "fold", "train")) == len(parts(figure, "fold", "validation")) == 3
    assert all(t.line.dash != "solid" for t in parts(figure, "fold", "train"))
    assert all(t.line.dash == "solid" for t in parts(figure, "fold", "validation"))


def test_mean_and_band_are_over_the_folds_that_have_the_epoch():
    metrics = table(short={2: 5})
    band, line = parts(curves.curves(metrics, "f1", run_colour="#0072B2"), "mean", "validation")
    assert list(line.customdata[:, 1]) == [3] * 5 + [2] * 15
    late = metrics[(metrics["epoch"] == 20) & (metrics["split"] == "validation")]["f1"]
    assert line.y[-1] == pytest.approx(late.mean(), abs=1e-6)
    assert line.customdata[-1, 0] == pytest.approx(late.std(ddof=1), abs=1e-6)
    assert band.fillcolor == "rgba(0, 114, 178, 0.15)"


def test_a_mean_of_one_epoch_is_a_dot_that_can_be_seen():
    first = table(folds=2)
    first = first[first["epoch"] == 1]
    _, mean = parts(curves.curves(first, "f1", run_colour="#0072B2"), "mean", "validation")
    assert len(mean.x) == 1 and "markers" in mean.mode
    _, mean = parts(curves.curves(table(folds=2), "f1", run_colour="#0072B2"), "mean", "validation")
    assert mean.mode == "lines"


def test_a_single_fold_has_no_mean():
    assert not parts(curves.curves(table(folds=1), "loss", run_colour="#0072B2"), "mean")


def test_best_epoch_is_the_first_with_the_highest_f1_whatever_is_drawn():
    metrics = table(folds=1)
    metrics.loc[(metrics["split"] == "validation") & metrics["epoch"].isin([7, 9]), "f1"] = 0.99
    for metric in ("loss", "accuracy", "f1"):
        (mark,) = parts(curves.curves(metrics, metric, run_colour="#0072B2"), "best")
        assert list(mark.x) == [7]


def test_phase_borders_stand_between_epochs():
    figure = curves.curves(table(), "loss", run_colour="#0072B2", phases=[("adam", 12), ("sgd", 8)])
    assert [shape.x0 for shape in figure.layout.shapes] == [12.5]


def test_hover_names_fold_epoch_and_score():
    line = parts(curves.curves(table(), "f1", run_colour="#0072B2"), "fold", "validation")[2]
    assert line.hovertemplate.startswith("fold 2 - epoch %{x} - F1 %{y:.3f}")


def test_nothing_measured_yet_and_broken_numbers_still_draw():
    empty = pd.DataFrame(columns=["fold", *METRIC_COLUMNS])
    metrics = table(folds=2, epochs=3)
    metrics.loc[:, ["loss", "f1"]] = np.nan
    for frame in (empty, metrics):
        assert curves.curves(frame, "loss", run_colour="#0072B2").to_json()
        assert curves.score_range(frame)[1] <= 1.01
    assert "polyline" not in curves.sparkline({}, run_colour="#0072B2")
    assert "polyline" not in curves.sparkline({1: float("nan")}, run_colour="#0072B2")


def test_accuracy_and_f1_share_one_range_that_holds_every_point():
    metrics = table()
    low, high = curves.score_range(metrics)
    values = metrics[["accuracy", "f1"]].to_numpy()
    assert low <= values.min() and values.max() <= high


def test_the_epoch_axis_shows_all_of_a_short_run_grows_with_a_long_one_and_never_passes_the_last_epoch():
    assert curves.epoch_range(table(epochs=20), 20)[1] < 21
    assert [int(curves.epoch_range(table(epochs=3), epochs)[1]) for epochs in (15, 30, 200)] == [15, 30, 10]
    assert 50 < curves.epoch_range(table(epochs=40), 200)[1] < 52
    assert curves.epoch_range(table(epochs=40), 42)[1] < 43


@pytest.mark.parametrize(("epochs", "step"), [(1, 1), (4, 1), (9, 1), (20, None)])
def test_ticks_of_an_epoch_axis_are_whole_epochs(epochs, step):
    metrics = table(epochs=epochs)
    seen = curves.epoch_range(metrics, epochs)
    for limits in (seen, None):
        axis = curves.curves(metrics, "f1", run_colour="#0072B2", x_range=limits).layout.xaxis
        assert (axis.dtick, axis.tick0) == (step, step)


def test_an_axis_without_a_range_has_none_rather_than_null():
    """Plotly.react throws 'container is not an object' on a null range at its second call."""
    assert '"range":null' not in curves.curves(table(), "loss", run_colour="#0072B2").to_json()


def test_a_smoothed_line_is_the_debiased_mean_before_what_was_measured():
    metrics = table(folds=2, epochs=6)
    raw, smoothed = parts(curves.curves(metrics, "f1", run_colour="#0072B2", smooth=0.6), "fold", "validation")[:2]
    measured = metrics[(metrics["fold"] == 0) & (metrics["split"] == "validation")]["f1"].tolist()
    assert raw.y == pytest.approx(measured, abs=1e-6) and raw.opacity == curves.PALE
    past = weight = 0.0
    for value, drawn in zip(measured, smoothed.y, strict=True):
        past, weight = 0.6 * past + 0.4 * value, 0.6 * weight + 0.4
        assert drawn == pytest.approx(past / weight, abs=1e-6)
    assert smoothed.meta["smoothed"] and smoothed.hoverinfo == "skip" and "smoothed" not in raw.meta


def test_a_band_is_smoothed_with_its_mean_and_a_ring_stays_where_it_was_measured():
    metrics = table(folds=3, epochs=8)
    plain = curves.curves(metrics, "f1", run_colour="#0072B2")
    drawn = curves.curves(metrics, "f1", run_colour="#0072B2", smooth=0.9)
    band, _, mean = parts(drawn, "mean", "validation")
    upper, lower = np.split(np.asarray(band.y, float), 2)
    assert (upper + lower[::-1]) / 2 == pytest.approx(np.asarray(mean.y, float), abs=1e-6)
    assert [ring.y for ring in parts(drawn, "best")] == [ring.y for ring in parts(plain, "best")]


def test_the_loss_stands_on_a_logarithmic_axis_and_a_zoom_of_the_other_axis_is_let_go():
    plain, log = (curves.curves(table(), "loss", run_colour="#0072B2", log=log) for log in (False, True))
    assert log.layout.yaxis.type == "log" and plain.layout.yaxis.type is None
    assert log.layout.uirevision != plain.layout.uirevision


def test_another_run_is_one_grey_line_behind_all_others():
    other = table(folds=3, epochs=30)
    drawn = curves.curves(table(folds=2), "f1", run_colour="#0072B2", behind=("<b>old</b>", other))
    behind = drawn.data[0]
    held_out = other[other["split"] == "validation"]
    assert behind.y == pytest.approx([held_out[held_out["epoch"] == e]["f1"].mean() for e in range(1, 31)], abs=1e-6)
    assert behind.meta == {"part": "behind", "fold": None, "split": "validation", "name": "<b>old</b>"}
    assert "<b>" not in behind.hovertemplate and behind.line.color == style.INK
    assert not parts(curves.curves(table(), "f1", run_colour="#0072B2", behind=("new", other[:0])), "behind")
