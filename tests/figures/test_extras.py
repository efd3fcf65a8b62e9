"""F1 against seconds: a dot a way with its interval, and names that are no markup."""

import math

from core.figures import extras as figures
from core.figures.extras import Point


def test_a_way_stands_at_its_time_and_score_with_its_interval():
    points = [
        Point("one fold", "one fold", "<b>a</b>", "#1A55E9", 3.0, 0.7, 0.6, 0.75),
        Point("all 5 folds", "all 5 folds", "<b>a</b>", "#1A55E9", 11.0, 0.72, math.nan, math.nan),
        Point("2 runs, mean", "3", "runs together", figures.TOGETHER, 21.0, 0.74, 0.7, 0.8),
    ]
    own, together = figures.f1_against_seconds(points).data
    assert list(own.x) == [3.0, 11.0] and list(own.y) == [0.7, 0.72] and own.name == "&lt;b&gt;a&lt;/b&gt;"
    assert [round(of, 6) for of in own.error_y.array] == [0.05, 0] and own.error_y.arrayminus[1] == 0
    assert together.hovertext[0] == "2 runs, mean - 21.00 s, F1 0.740 [0.700, 0.800]"
    assert list(together.text) == ["3"]
    ticks = figures.f1_against_seconds(points).layout.xaxis.tickvals
    assert list(ticks) == [1, 2, 5, 10, 20, 50]
    assert "[" not in own.hovertext[1] and own.showlegend
    assert not figures.f1_against_seconds(points[:2]).data[0].showlegend
