import numpy as np
import pytest

from core.runs.lists import index
from core.runs.lists.curves import f1_curve, thinned
from tests.pages.trials import make_run, metric_rows, spared


def only(folder):
    (entry,) = index.listed(folder)
    return entry


def f1_of(run, fold):
    table = run.metrics(fold)
    return table[table["split"] == "validation"]["f1"].to_numpy()


def test_the_line_is_the_mean_over_finished_folds(runs_folder):
    run = make_run(runs_folder, states=("done", "done", "failed"), epochs=6)
    expected = (f1_of(run, 0) + f1_of(run, 1)) / 2
    curve = f1_curve(only(runs_folder))
    assert list(curve) == [1, 2, 3, 4, 5, 6] and [*curve.values()] == pytest.approx(expected.tolist())
    with open(run.metrics_file(0), "ab") as stream:
        stream.write(b"7,0,validation,0.1")  # torn off
    assert len(f1_curve(only(runs_folder))) == 6


def test_before_a_fold_is_finished_it_is_drawn_as_far_as_all_that_began(runs_folder):
    run = make_run(runs_folder, states=("cancelled", "failed", "queued"), epochs=6)
    expected = (f1_of(run, 0) + f1_of(run, 1)) / 2
    curve = f1_curve(only(runs_folder))
    assert list(curve) == [1, 2, 3] and [*curve.values()] == pytest.approx(expected.tolist())
    run.metrics_file(1).write_text("epoch,what\n1,2\n")
    assert f1_curve(only(runs_folder)) == {}


def test_epochs_are_averaged_that_all_folds_have_where_a_phase_stopped_early(runs_folder):
    run = spared(spared(make_run(runs_folder, epochs=30), 0, range(7, 16)), 1, range(12, 16))
    curve = f1_curve(only(runs_folder))
    assert list(curve) == [*range(1, 7), *range(16, 31)]
    of_folds = [run.metrics(fold).query("split == 'validation'").set_index("epoch")["f1"] for fold in (0, 1)]
    assert curve[16] == pytest.approx((of_folds[0][16] + of_folds[1][16]) / 2)
    assert thinned(curve)[6] == (pytest.approx(15 / 29), curve[16]), "the line has room for what was spared"


def test_a_long_line_keeps_its_ends_and_loses_what_lies_between():
    values = [row["f1"] for row in metric_rows(100)[1::2]]
    curve = dict(enumerate(values, 1))
    points = thinned(curve, 11)
    assert points[0] == (0.0, values[0]) and points[-1] == (1.0, values[-1]) and len(points) == 11
    places = np.array([place for place, _ in points])
    assert np.allclose(np.interp(places, np.linspace(0, 1, 100), values), [value for _, value in points])
    assert thinned({1: 0.2, 2: 0.4, 3: 0.3}, 11) == [(0.0, 0.2), (0.5, 0.4), (1.0, 0.3)]
    assert thinned({1: 0.2}) == [(0.0, 0.2)] and thinned({}) == []
