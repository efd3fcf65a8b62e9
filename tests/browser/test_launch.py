"""Launch in one screen: on a laptop the button is in sight from the start, and it stays there."""

from __future__ import annotations

import pytest

from core.runs import Run
from tests.browser.hands import (
    address,
    button,
    field,
    fits,
    launch_is_disabled,
    launch_is_enabled,
    open_launch,
    pick,
    press,
    sees,
    take_folder,
    text,
    write,
)
from tests.browser.made_runs import people_in_folders
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


def tab_reaches_launch(page) -> bool:
    focused = "() => document.activeElement?.tagName === 'BUTTON' ? document.activeElement.innerText : ''"
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(focused).strip().endswith("Launch"):
            return True
    return False


def test_the_button_is_in_sight_from_the_start_and_on_the_way_down_and_tab_reaches_it(page, lab):
    talk = Talk(page)
    page.set_viewport_size({"width": 1440, "height": 760})
    open_launch(page)
    sees(page, "fold jobs are queued")
    talk.over()
    assert page.evaluate(IN_SIGHT, "Launch")
    assert tab_reaches_launch(page), "120 presses of Tab did not reach Launch"
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


@pytest.mark.fault(12, 17, 34)
def test_each_thing_that_is_wrong_is_said_where_it_is_put_right_and_the_form_keeps_what_was_typed(page, lab, tmp_path):
    """One person, from a number to a folder to photos to weights; Launch opens again each time."""
    open_launch(page)
    write(page, "Name of the run", "my own name")
    a_learning_rate_of_minus_one_is_said_beneath_its_field(page)

    take_folder(page, tmp_path / "missing")
    sees(page, "there is no such folder")
    launch_is_disabled(page)
    (tmp_path / "empty").mkdir()
    write(page, "Folder of the dataset", str(tmp_path / "empty"))
    sees(page, "no images")
    launch_is_disabled(page)
    write(page, "Folder of the dataset", str(people_in_folders(tmp_path / "good", ["cats", "dogs"])))
    launch_is_enabled(page)

    faces = people_in_folders(tmp_path / "faces", ["cats", "dogs"])
    victim = faces / "cats" / "<i>3.jpg"
    victim.write_bytes(victim.read_bytes()[:400])
    write(page, "Folder of the dataset", str(faces))
    sees(page, "1 bad entry")
    launch_is_disabled(page)
    if not page.get_by_text("<i>3.jpg").count():
        press(button(page, "Problems"))
    page.get_by_text("<i>3.jpg").first.wait_for(state="attached")
    pick(page, "checkbox", "Leave out 1 bad entry")
    launch_is_enabled(page)
    sees(page, "1 bad entry is left out")

    rare = people_in_folders(tmp_path / "rare", ["cats", "dogs"])
    people_in_folders(rare, ["rare"], people=3)
    write(page, "Folder of the dataset", str(rare))
    sees(page, "lass 'rare' has 3 photos but 5 folds were asked for")
    launch_is_disabled(page)
    write(page, "Folds", "21")
    sees(page, "Must be at most 20")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        soon(lambda: page.evaluate(BORDER, "Folds"), 20 * slack(), f"its border is red, {theme}")
        assert not page.evaluate(BORDER, "Seed of the split") and not page.evaluate(BORDER, "Name of the run")
    write(page, "Folds", "3")
    soon(lambda: not page.evaluate(BORDER, "Folds"), 20 * slack(), "it is red no longer")
    launch_is_enabled(page)

    press(button(page, "Model and weights"))
    pick(page, "radio", "ImageNet")
    sees(page, "resnet18-f37072fd.pth")
    sees(page, "not on this machine")
    launch_is_disabled(page)
    pick(page, "radio", "From scratch")
    launch_is_enabled(page)
    name = field(page, "Name of the run")
    soon(lambda: name.input_value() == "my own name", 60 * slack(), "its name is what was typed")
    assert lab.run_ids() == []


def a_learning_rate_of_minus_one_is_said_beneath_its_field(page) -> None:
    press(button(page, "Phases"))
    write(page, "Learning rate, head", "-1")
    launch_is_disabled(page)
    rate, said = field(page, "Learning rate, head"), page.get_by_text("Must be above 0, found -1").first
    said.wait_for()

    def beneath() -> bool:
        """While the page is drawn, what stands above may still come."""
        place, message = rate.bounding_box(), said.bounding_box()
        return place and message and 0 <= message["y"] - place["y"] < 90 and abs(message["x"] - place["x"]) < 60

    soon(beneath, 60 * slack(), "the sentence stands beneath the field")
    write(page, "Learning rate, head", "1e-4")
    launch_is_enabled(page)
    soon(lambda: page.get_by_text("found -1").count() == 0, 60 * slack(), "it is not said any more")
