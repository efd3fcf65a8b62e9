import numpy as np
import pytest

from core.runs.lists import index
from core.runs.lists.curves import f1_curve, thinned
from tests.pages.trials import make_run, metric_rows


def only(folder):
    (entry,) = index.listed(folder)
    return entry


def f1_of(run, fold):
    table = run.metrics(fold)
    return table[table["split"] == "validation"]["f1"].to_numpy()


def test_the_line_is_the_mean_over_finished_folds(runs_folder):
    run = make_run(runs_folder, states=("done", "done", "failed"), epochs=6)
    expected = (f1_of(run, 0) + f1_of(run, 1)) / 2
    assert f1_curve(only(runs_folder)) == pytest.approx(expected.tolist())
    with open(run.metrics_file(0), "ab") as stream:
        stream.write(b"7,0,validation,0.1")  # torn off
    assert len(f1_curve(only(runs_folder))) == 6


def test_before_a_fold_is_finished_it_is_drawn_as_far_as_all_that_began(runs_folder):
    run = make_run(runs_folder, states=("cancelled", "failed", "queued"), epochs=6)
    expected = (f1_of(run, 0) + f1_of(run, 1)) / 2
    assert len(expected) == 3 and f1_curve(only(runs_folder)) == pytest.approx(expected.tolist())
    run.metrics_file(1).write_text("epoch,what\n1,2\n")
    assert f1_curve(only(runs_folder)) == []


def test_a_long_line_keeps_its_ends_and_loses_what_lies_between():
    curve = [row["f1"] for row in metric_rows(100)[1::2]]
    points = thinned(curve, 11)
    assert points[0] == (0.0, curve[0]) and points[-1] == (1.0, curve[-1]) and len(points) == 11
    places = np.array([place for place, _ in points])
    assert np.allclose(np.interp(places, np.linspace(0, 1, 100), curve), [value for _, value in points])
    assert thinned(curve[:3], 11) == [(0.0, curve[0]), (0.5, curve[1]), (1.0, curve[2])]
    assert thinned(curve[:1]) == [(0.0, curve[0])] and thinned([]) == []
