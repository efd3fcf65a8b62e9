"""What is drawn of a run's certainty is what was counted."""

import numpy as np

from core.figures import certainty as figures
from core.stats import calibration, selective

SURE = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
RIGHT = np.array([False, False, True, True, False, True, True, True])


def test_reliability_draws_promises_truth_and_photos_of_each_bin():
    bins = calibration.reliability(SURE, RIGHT, 4)
    figure = figures.reliability(bins, None)
    line, bars = figure.data[1], figure.data[2]
    np.testing.assert_allclose(line.x, bins.promised)
    np.testing.assert_allclose(line.y, bins.came)
    assert list(bars.y) == [2, 2, 2, 2] and bars.yaxis == "y2"
    assert len(figures.reliability(bins, bins).data) == 5
    assert figure.layout.yaxis.range[0] == 0.0


def test_the_promise_stands_on_the_curve_of_coverage():
    curve = selective.risk_coverage(SURE, RIGHT)
    figure = figures.risk_coverage(curve, 0.9, selective.Promise(0.8, 0.9, 3 / 8, 1.0, 8))
    assert list(figure.data[0].x) == list(curve.coverage) and list(figure.data[0].y) == list(1 - curve.risk)
    assert (figure.data[1].x[0], figure.data[1].y[0]) == (3 / 8, 1.0)
    assert figure.layout.shapes[0].y0 == 0.9
    assert len(figures.risk_coverage(curve, 0.9, None).data) == 1


def test_long_curves_are_thinned_but_keep_their_ends_and_large_steps_and_names_are_text():
    x = np.linspace(0, 1, 20_000)
    y = np.where(x < 0.5, 0.2, 0.9)
    figure = figures.class_curves([("<b>evil</b>", x, y)], "recall", "precision", diagonal=True)
    line = figure.data[1]
    assert len(line.x) <= figures.POINTS + 1 and (line.x[0], line.x[-1]) == (0, 1)
    step = np.flatnonzero(np.diff(line.y) > 0.5)[0]
    assert line.x[step + 1] - line.x[step] < 1e-3
    assert line.name == "&lt;b&gt;evil&lt;/b&gt;"
