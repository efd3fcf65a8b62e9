"""Answers as dots: what a box and a lasso hold, and that of many photos the marked ones are always drawn."""

import cv2
import numpy as np
import pandas as pd

from core.figures import answers


def test_a_lasso_and_a_box_hold_what_opencv_says_they_hold():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 5000))
    for corners in (3, 7, 40):
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = rng.uniform(0.3, 2, corners)
        polygon = np.column_stack([reach * np.cos(angles), reach * np.sin(angles)])
        contour = polygon.astype(np.float32)
        expected = np.array([cv2.pointPolygonTest(contour, point, False) > 0 for point in zip(x, y, strict=True)])
        held = answers.inside(x, y, [{"x": polygon[:, 0].tolist(), "y": polygon[:, 1].tolist()}])
        assert expected.any() and not expected.all()
        np.testing.assert_array_equal(held, expected)
    box = {"x": [1.5, -0.5], "y": [0.2, 1.0]}
    np.testing.assert_array_equal(answers.inside(x, y, [box]), (x >= -0.5) & (x <= 1.5) & (y >= 0.2) & (y <= 1))
    other = {"x": [-3.0, -1.0], "y": [-3.0, -1.0]}
    both = answers.inside(x, y, [box, other])
    np.testing.assert_array_equal(both, answers.inside(x, y, [box]) | answers.inside(x, y, [other]))
    assert not answers.inside(x, y, []).any()


def test_of_many_photos_the_marked_ones_are_drawn_and_the_same_others_each_time():
    marked = np.zeros(1000, dtype=bool)
    marked[[5, 500, 999]] = True
    rows = answers.drawn(1000, marked, most=50)
    assert len(rows) == 50 and {5, 500, 999} <= set(rows) and list(rows) == sorted(set(rows))
    np.testing.assert_array_equal(rows, answers.drawn(1000, marked, most=50))
    np.testing.assert_array_equal(answers.drawn(4, np.zeros(4, dtype=bool)), [0, 1, 2, 3])


def test_dots_tell_right_from_wrong_by_more_than_colour_and_names_are_text():
    photos = pd.DataFrame(
        {
            **{"sample": ["<b>a</b>.jpg", "b.jpg"], "true": ["cat", "cat"], "predicted": ["cat", "dog"]},
            **{"right": [True, False], "selected": [False, True], "x": [0.9, 0.7], "y": [0.1, 2.0]},
        }
    )
    correct, wrong, ring = answers.scatter(photos, "confidence", "loss").data
    assert correct.marker.symbol != wrong.marker.symbol and list(wrong.customdata) == ["b.jpg"]
    assert list(ring.x) == [0.7] and "&lt;b&gt;a" in correct.text[0]
