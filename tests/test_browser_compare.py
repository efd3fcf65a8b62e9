"""Compare in a real Chromium: four runs are chosen, a sentence says what can be said, a flip leads to both maps."""

from __future__ import annotations

import re

import pytest
from compared import CLASSES, make_run, samples
from test_browser import TOO_WIDE, address, press, sees, text

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


def choose(page, name: str) -> None:
    """Take one more run from the box of runs."""
    box = page.get_by_role("combobox", name=re.compile("Runs"))
    box.fill(name)
    press(page.get_by_role("option", name=re.compile(name)))


def test_four_runs_a_sentence_a_flip_and_the_maps_of_both(page, four):
    page.goto("/compare")
    sees(page, "Choose two or more runs above")
    for number, depth in enumerate((18, 34, 50, 101)):
        choose(page, f"ResNet-{depth}")
        soon(lambda n=number: IDS[n] in address(page), 30 * slack(), "the address holds the run")
    page.keyboard.press("Escape")  # the open list hides the rest of the page from readers
    sees(page, "ResNet-101 is better than ResNet-18 (F1 +", 60)
    said = text(page)
    assert "corrected for 3 comparisons) and costs 4.3 times as much per image." in said
    assert "ResNet-34 is not shown to be" in said and "5 folds cannot carry small p-values" in said
    for title in ("Loss", "Macro F1", "Deltas per fold", "F1 against cost"):
        soon(lambda t=title: page.evaluate(LINES, t), 30 * slack(), f"{title} is drawn")

    press(page.get_by_role("radio", name=re.compile("only ResNet-18 right")))
    soon(lambda: "side=baseline" in address(page), 20 * slack(), "the side of the flips is in the address")
    before = address(page)
    face = page.locator(".cmp-flips a").first
    soon(lambda: face.locator("img").count() == 1, 20 * slack(), "a face is shown")
    assert any(name in face.inner_text() for name in CLASSES)
    told = face.get_attribute("href")
    assert f"run={IDS[1]}&runs={IDS[1]},{IDS[0]}&samples=" in told
    face.click()
    soon(lambda: "/look_inside" in address(page), 30 * slack(), "the face leads to its maps")
    assert told.split("samples=")[1] in address(page)
    sees(page, "Look inside", 60)

    page.goto(before)  # the address alone brings everything back
    sees(page, "ResNet-101 is better than ResNet-18 (F1 +", 60)


def test_compare_fits_800_pixels(page, four):
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"/compare?runs={','.join(IDS)}")
    sees(page, "ResNet-101 is better than", 60)
    soon(lambda: page.evaluate(LINES, "F1 against cost"), 30 * slack(), "the figures are drawn")
    assert max(page.evaluate(TOO_WIDE)) <= 0
