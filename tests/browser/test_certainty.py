"""How sure is it, in a real Chromium: opened on a run's page, drawn, and asked for another accuracy."""

from __future__ import annotations

import pytest

from tests.answered import made, probabilities_of, table_of
from tests.browser.hands import fits, press, sees
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser
DRAWN = """() => [...document.querySelectorAll('.lab-panel')].filter(panel => panel.offsetParent &&
  panel.querySelector('.js-plotly-plot .scatterlayer .trace')).map(panel => panel.dataset.name)"""


def test_it_is_drawn_once_it_is_opened_and_answers_another_accuracy(page, lab, tmp_path):
    table = table_of(tmp_path, people=120, folds=3, photos=2).assign(person_known=True)
    wrong = {row: (row * 5 + 1) % 6 for row in range(0, 240, 8)}
    run = made(lab.runs, table, probabilities=probabilities_of(table["y"].to_numpy(), 0, wrong, 0.6))
    talk = Talk(page)
    page.goto(f"/live?run={run.id}")
    sees(page, "How sure is it?")
    assert "Class by class" not in page.locator("body").inner_text()
    press(page.get_by_text("How sure is it?"))
    sees(page, "Shifting the classes")
    figures = {"ROC", "Precision and recall", "Promised and kept", "The surest answers first"}
    soon(lambda: figures <= set(page.evaluate(DRAWN)), 60 * slack(), lambda: f"figures: {page.evaluate(DRAWN)}")
    sees(page, "Right in at least (%)")
    sees(page, "No threshold can be promised for 95.0% right")
    slider = page.get_by_role("slider", name="Right in at least")
    with talk.answered():
        slider.press("Home")
    sees(page, "Answer from a confidence of")
    fits(page)
