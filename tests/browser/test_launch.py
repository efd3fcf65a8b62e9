"""Launch in one screen: on a laptop the button is in sight from the start, and it stays there."""

from __future__ import annotations

import pytest

from core.runs import Run
from tests.browser.hands import address, button, field, fits, open_launch, press, sees, text, write
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser

IN_SIGHT = """name => { const r = [...document.querySelectorAll("button")].find(b => b.innerText.trim().endsWith(name)
  && b.getAttribute("kind") === "primary").getBoundingClientRect();
  const at = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return r.top >= 0 && r.bottom <= innerHeight && Boolean(at) && at.closest("button") !== null; }"""
UP = """() => document.querySelector('[data-testid="stMain"]').scrollTo(0, 0)"""
BORDER = """label => {
  const root = document.querySelector(`input[aria-label="${label}"]`).closest('[data-testid="stTextInputRootElement"]');
  const bad = document.createElement("i");
  bad.style.color = "var(--lab-bad)";
  root.append(bad);
  const colours = [getComputedStyle(root).borderTopColor, getComputedStyle(bad).color];
  bad.remove();
  return colours[0] === colours[1];
}"""  # whether it has the colour of what is wrong
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
    with talk.answered():
        press(button(page, "Take it"))
    sees(page, "Epochs: ")
    field(page, "Name of the run").fill("in one screen")
    with lab.held():
        button(page, "Launch").click()
        soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
        (run_id,) = lab.run_ids()
    config = Run(run_id, lab.runs).config()
    assert (config.name, config.epochs) == ("in one screen", 50), text(page)[:500]


def test_a_field_that_is_wrong_has_a_red_border_in_both_themes_and_no_other_one(page, lab):
    open_launch(page)
    press(button(page, "Task and folds"))
    write(page, "Folds", "21")
    sees(page, "Must be at most 20")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        soon(lambda: page.evaluate(BORDER, "Folds"), 20 * slack(), f"its border is red, {theme}")
        assert not page.evaluate(BORDER, "Seed of the split") and not page.evaluate(BORDER, "Name of the run")
    write(page, "Folds", "3")
    soon(lambda: not page.evaluate(BORDER, "Folds"), 20 * slack(), "it is red no longer")
