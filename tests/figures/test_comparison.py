"""Figures that set runs beside each other."""

import numpy as np
import pandas as pd

from core.figures.comparison import LEAST_F1, MOST_F1, class_heat
from core.runs.colours import luminance, rgb


def test_the_numbers_of_a_heat_of_classes_can_be_read_on_every_shade():
    shares = np.linspace(0, 1, 41)
    figure = class_heat(pd.DataFrame([shares], index=["run"]), {"run": "run"})
    numbers = figure.to_plotly_json()["layout"]["annotations"]
    assert len(numbers) == len(shares) and {each["font"]["color"] for each in numbers} == {"#000000", "#ffffff"}
    for share, number in zip(shares, numbers, strict=True):
        shade = [a + share * (b - a) for a, b in zip(rgb(LEAST_F1), rgb(MOST_F1), strict=True)]
        light, dark = sorted((luminance(shade), luminance(rgb(number["font"]["color"]))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
