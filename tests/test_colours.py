"""Colours of runs and folds: told apart from each other and from light and dark paper."""

import itertools

import cv2
import numpy as np
import pytest

from core import colours


def test_runs_keep_their_colour_and_folds_differ_within_it():
    chosen = [colours.run_colour(i) for i in range(16)]
    assert chosen[:3] == ["#0072B2", "#E69F00", "#009E73"] and colours.run_colour(16) == chosen[0]
    parts = np.array([[[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in chosen]], np.float32)
    seen = cv2.cvtColor(parts, cv2.COLOR_RGB2Lab)[0]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20  # a study has twelve runs
    for colour in chosen:
        assert len({colours.fold_colour(colour, fold) for fold in range(5)}) == 5


@pytest.mark.parametrize("colour", colours.RUN_COLOURS)
def test_run_colours_stand_out_on_light_and_dark_paper(colour):
    def luminance(hex_colour):
        channels = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for paper in ("#fcfcfa", "#14181b"):
        low, high = sorted((luminance(colour), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) > 2
