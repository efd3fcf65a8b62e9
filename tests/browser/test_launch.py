"""Launch in one screen: on a laptop the button is in sight from the start, and it stays there."""

from __future__ import annotations

import pytest

from core.runs import Run
from tests.browser.hands import address, button, field, fits, open_launch, press, sees, text
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser

IN_SIGHT = """name => { const r = [...document.querySelectorAll("button")].find(b => b.innerText.trim().endsWith(name)
  && b.getAttribute("kind") === "primary").getBoundingClientRect();
  const at = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return r.top >= 0 && r.bottom <= innerHeight && Boolean(at) && at.closest("button") !== null; }"""
UP = """() => document.querySelector('[data-testid="stMain"]').scrollTo(0, 0)"""
DOWN = """() => { const main = document.querySelector('[data-testid="stMain"]');
  main.scrollTo(0, main.scrollHeight); return main.scrollTop; }"""


def test_the_button_is_in_sight_from_the_start_and_on_the_way_down(page, lab):
    talk = Talk(page)
    page.set_viewport_size({"width": 1440, "height": 760})
    open_launch(page)
    sees(page, "fold jobs are queued")
    talk.over()
    assert page.evaluate(IN_SIGHT, "Launch")
    assert page.evaluate(DOWN) > 300, "the form is longer than the screen"
    soon(lambda: page.evaluate(IN_SIGHT, "Launch"), 60 * slack(), "it is in sight at the end too")
    for width in (800, 420):
        page.set_viewport_size({"width": width, "height": 800})
        for place in (UP, DOWN):
            page.evaluate(place)
            soon(lambda: page.evaluate(IN_SIGHT, "Launch"), 60 * slack(), f"it is in sight at {width} px")
        fits(page, f"{width} px")
    page.set_viewport_size({"width": 1440, "height": 760})
    press(page.get_by_text("The best result", exact=True))
    press(button(page, "Take it"))
    sees(page, "Epochs: ")
    field(page, "Name of the run").fill("in one screen")
    with lab.held():
        button(page, "Launch").click()
        soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
        (run_id,) = lab.run_ids()
    config = Run(run_id, lab.runs).config()
    assert (config.name, config.epochs) == ("in one screen", 50), text(page)[:500]
