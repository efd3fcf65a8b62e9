"""Learning rates as they are drawn: every step's own rate, phases and warm-ups where they are."""

import math

import numpy as np
import pytest

from core.config import from_dict
from core.figures import rates

STEPS = 8


def config_of(*phases):
    return from_dict({"name": "r", "data": {"root": "/photos"}, "phases": list(phases)})


def lines_of(config, steps=STEPS, **more):
    return {
        title: (figure.data[0], figure.layout)
        for title, figure in rates.learning_rates(config, steps, run_colour="#0072B2", **more)
    }


def test_a_cosine_with_warm_up_is_drawn_step_by_step_on_a_linear_axis():
    phase = {"epochs": 10, "lr_backbone": 0.001, "lr_head": 0.01, "schedule": "cosine", "warmup_epochs": 2}
    drawn = lines_of(config_of(phase))
    assert list(drawn) == ["Learning rate of the head", "Learning rate of the backbone"]
    line, layout = drawn["Learning rate of the head"]
    rise = [(step + 1) / 17 for step in range(16)]
    fall = [(1 + math.cos(math.pi * step / 64)) / 2 for step in range(64)]
    assert np.asarray(line.y) == pytest.approx(0.01 * np.array(rise + fall), abs=1e-8)
    assert np.asarray(line.x) == pytest.approx(np.arange(1, 81) / STEPS), "an epoch ends at its number"
    assert layout.yaxis.type is None and layout.yaxis.range[0] <= 0
    warm_up = layout.shapes[0]
    assert (warm_up.type, warm_up.x0, warm_up.x1) == ("rect", 0, 2)
    assert [note.text for note in layout.annotations] == ["warm-up"]


def test_phases_are_named_where_they_begin_and_equal_rates_are_one_figure():
    adam = {"optimizer": "adam", "epochs": 3, "lr_backbone": 0.1, "lr_head": 0.1}
    sgd = {"optimizer": "sgd", "epochs": 2, "lr_backbone": 0.02, "lr_head": 0.02, "schedule": "one-cycle"}
    drawn = lines_of(config_of(adam, sgd), reached=4.0)
    assert list(drawn) == ["Learning rate"]
    assert drawn["Learning rate"][1].xaxis.dtick == 1, "an epoch has its tick, a half one has none"
    line, layout = drawn["Learning rate"]
    notes = {note.text: note.x for note in layout.annotations}
    assert notes == {"adam, constant": 0, "sgd, one-cycle": 3, "warm-up": pytest.approx(3.6), "now": 4.0}
    y = np.asarray(line.y)
    assert y[:24] == pytest.approx(0.1) and y[24:].max() <= 0.02 + 1e-9
    assert [list(cell) for cell in np.asarray(line.customdata)[[0, 23, 24]]] == [[1, 1], [3, 8], [4, 1]]


def test_a_long_run_is_thinned_out_and_keeps_both_sides_of_every_border():
    phases = [{"epochs": 400, "lr_backbone": 0.1, "lr_head": 0.1}, {"epochs": 600, "lr_backbone": 0, "lr_head": 0.2}]
    line, _ = lines_of(config_of(*phases), steps=300)["Learning rate of the backbone"]
    x, y = np.asarray(line.x, float), np.asarray(line.y)
    assert len(x) <= rates.POINTS + 4 and x[-1] == pytest.approx(1000)
    border = np.flatnonzero(np.diff(y))
    assert len(border) == 1 and x[border[0]] == pytest.approx(400) and x[border[0] + 1] == pytest.approx(400 + 1 / 300)
