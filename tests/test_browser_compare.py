"""Compare in a real Chromium: four runs are chosen, a sentence says what can be said, a flip leads to both maps."""

from __future__ import annotations

import pytest
from compared import make_run, samples
from test_browser import TOO_WIDE, sees

from tests.browser import slack, soon

pytestmark = pytest.mark.browser

IDS = [f"2026010{n}-000000-resnet-000{n}" for n in range(4)]
LINES = """title => document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)?.data.length ?? 0"""


@pytest.fixture
def four(lab, tmp_path):
    """Four finished runs on the same folds, one of them far better, of photos that can be shown."""
    table = samples(tmp_path, people=90, photos=2, draw=True)
    for n, depth in enumerate((18, 34, 50, 101)):
        config = {"model": {"depth": depth}, "data": {"root": str(tmp_path / "photos")}}
        skill = 0.97 if depth == 101 else 0.5
        make_run(lab.runs, table, f"ResNet-{depth}", skill=skill, seed=n, run_id=IDS[n], config=config)
    return table


def test_compare_fits_800_pixels(page, four):
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"/compare?runs={','.join(IDS)}")
    sees(page, "ResNet-101 is better than", 60)
    soon(lambda: page.evaluate(LINES, "F1 against cost"), 30 * slack(), "the figures are drawn")
    assert max(page.evaluate(TOO_WIDE)) <= 0
