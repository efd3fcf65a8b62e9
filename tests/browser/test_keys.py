"""The keyboard alone: any run by typing, the keys and the words of a page."""

from __future__ import annotations

import re

import pytest

from tests.browser import axe
from tests.browser.hands import address, button, choose, field, fits, press, sees, text
from tests.browser.made_runs import made_run, people_in_folders
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser


def chosen(page) -> str:
    """The line of the palette that Enter would open."""
    line = page.locator('#lab-keys [aria-selected="true"] > span')
    return line.inner_text() if line.count() == 1 else ""


def test_a_question_of_the_palette_that_is_lost_is_asked_again_and_one_answered_late_takes_no_words_away(page, lab):
    """Lost as where what was typed into the page before is sent just then, and cuts off the rerun of the question. On a
    busy lab the answer came after the link was copied, and took away what was said of it."""
    made_run(lab, lab.demo, name="seaside", task="gender-age")
    talk = Talk(page)
    page.goto("/runs")
    page.get_by_role("link", name="seaside").first.wait_for()
    soon(lambda: page.evaluate("Boolean(window.labKeys?.send)"), 60 * slack(), "the palette's element is there")
    talk.over()
    page.evaluate("() => { const send = labKeys.send; labKeys.send = () => { labKeys.send = send; }; }")
    page.keyboard.press("Control+k")
    page.keyboard.type("sea")
    soon(lambda: chosen(page).startswith("seaside"), 60 * slack(), "the run stands first")
    page.keyboard.press("Escape")
    talk.over()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for may_copy in (True, False):
        if not may_copy:
            page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('may not')); }")
        the_link_is_copied_before_the_list_is_there(page, talk, may_copy)


def the_link_is_copied_before_the_list_is_there(page, talk: Talk, may_copy: bool) -> None:
    page.evaluate(
        "() => { const {send} = labKeys; labKeys.send = (...words) => { labKeys.late = () => send(...words) } }"
    )
    page.keyboard.press("Control+k")
    page.keyboard.type("copy link")
    soon(lambda: chosen(page) == "Copy the link to this page", 60 * slack(), "the link can be copied")
    assert page.evaluate("labKeys.waiting")
    page.keyboard.press("Enter")
    said = "The link is copied." if may_copy else "Ctrl C copies the link."
    sees(page, said)
    with talk.answered():
        page.evaluate("labKeys.late()")
    soon(lambda: page.evaluate("!labKeys.waiting"), 60 * slack(), "the list is there")
    assert said in text(page)
    assert page.get_by_role("combobox", name="Find or do").input_value() == ("copy link" if may_copy else page.url)
    page.keyboard.type("x")
    soon(lambda: said not in text(page), 60 * slack(), "it goes with the next key")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [1440, 420])
def test_a_page_is_walked_over_part_by_part_by_keys_alone(page, lab, width):
    page.set_viewport_size({"width": width, "height": 800})
    talk, card, ring = Talk(page), page.locator("#lab-tour"), page.locator("#lab-ring")

    def stands(part: str, at: int) -> None:
        soon(lambda: card.count() == 1 and part in card.inner_text(), 60 * slack(), lambda: f"{part}: {text(page)}")
        # Its controls may come after the page's words, and parts with them.
        soon(lambda: f"{at} of 4" in card.inner_text(), 60 * slack(), card.inner_text)
        fits(page)
        name = page.get_by_test_id("stMain").get_by_text(part, exact=True).first

        def boxes() -> list[dict[str, float]]:
            return [each.bounding_box() for each in (name, ring, card)]

        def is_shown(named, ringed, told) -> bool:
            return inside(named, ringed) and not meet(named, told) and inside(told, window)

        window = {"x": 0, "y": 0, "width": width, "height": 800}
        soon(lambda: is_shown(*boxes()), 60 * slack(), lambda: f"{part} stands in the ring: {boxes()}")

    page.goto("/data")
    sees(page, "No problems.")
    button(page, "Find or do").wait_for()  # the keys are heard from here on
    talk.over()
    page.keyboard.press("?")
    button(page, "Show me around").focus()
    page.keyboard.press("Enter")
    stands("What was understood", 1)
    assert axe.grave(page) == []
    page.keyboard.press("Enter")
    stands("Photos", 2)
    page.keyboard.press("ArrowRight")
    stands("Duplicates", 3)
    page.keyboard.press("ArrowLeft")
    stands("Photos", 2)
    page.keyboard.press("Escape")
    assert not card.count() and not ring.count()
    page.keyboard.press("Control+k")
    page.keyboard.type("around")
    soon(lambda: chosen(page) == "Show me around", 60 * slack(), "the palette has it too")
    page.keyboard.press("Enter")
    for part in ("What was understood", "Photos", "Duplicates", "Folds"):
        soon(lambda part=part: part in card.inner_text(), 60 * slack(), part)
        page.keyboard.press("Enter")
    soon(lambda: not card.count() and not ring.count(), 60 * slack(), "it ends behind the last part")

    come = page.add_style_tag(content="[role=radio] { display: none; }")  # as on a page that is still being drawn
    page.keyboard.press("?")
    button(page, "Show me around").click()
    soon(lambda: "1 of 2" in card.inner_text(), 60 * slack(), card.inner_text)
    page.keyboard.press("Enter")
    soon(lambda: "Done" in card.inner_text(), 60 * slack(), "the last part that is there")
    come.evaluate("style => style.remove()")
    stands("Photos", 2)
    page.keyboard.press("Enter")
    stands("Duplicates", 3)
    page.keyboard.press("Escape")


def inside(box, of) -> bool:
    return (
        box["x"] >= of["x"]
        and box["y"] >= of["y"]
        and box["x"] + box["width"] <= of["x"] + of["width"]
        and box["y"] + box["height"] <= of["y"] + of["height"]
    )


def meet(one, other) -> bool:
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    return across and one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]


def test_a_run_is_found_opened_and_understood_without_a_mouse(page, lab, tmp_path):
    root = people_in_folders(tmp_path / "photos", ["cat", "dog"])
    run, other = (made_run(lab, root, name=name) for name in ("seaside", "mountain"))
    talk, keys = Talk(page), page.locator("#lab-keys")
    page.goto(f"/runs?run={other.id}")
    talk.over()
    search = field(page, "Search")
    press(search)
    page.keyboard.type("?")
    page.keyboard.press("Control+k")
    assert search.input_value() == "?" and not keys.is_visible()
    search.press("Escape")
    search.evaluate("field => field.blur()")

    page.keyboard.press("Control+k")
    page.keyboard.type("sea")
    soon(lambda: chosen(page).startswith("seaside"), 60 * slack(), "the run stands first")
    assert axe.grave(page) == []
    page.keyboard.press("Escape")
    assert not keys.is_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("live sea")
    soon(lambda: chosen(page).startswith("Live: seaside"), 60 * slack(), "a page and a run of it")
    page.keyboard.press("Enter")
    soon(lambda: f"live?run={run.id}" in address(page), 60 * slack(), "the run is open")
    sees(page, "2 of 2 folds done")
    talk.over()
    assert "live?run=" in address(page) and "smooth" not in address(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("some")
    soon(lambda: chosen(page) == "some", 60 * slack(), "a button of the page")
    with talk.answered():
        page.keyboard.press("Enter")
    soon(lambda: "smooth=0.6" in address(page), 60 * slack(), "the curves are smoothed")
    choose(page, "Another run behind the curves", re.compile("^mountain"), "mountain")
    soon(lambda: f"behind={other.id}" in address(page), 60 * slack(), "another run stands behind them")
    soon(lambda: button(page, "mountain").count() == 1, 60 * slack(), "it has a switch of its own")
    assert "smooth=0.6" in address(page)
    page.locator(".lab-curves").click(position={"x": 2, "y": 2})

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("Control+k")
    page.keyboard.type("copy link")
    soon(lambda: chosen(page) == "Copy the link to this page", 60 * slack(), "the link can be copied")
    page.keyboard.press("Enter")
    sees(page, "The link is copied.")
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url and f"behind={other.id}" in page.url
    page.keyboard.press("Escape")

    page.keyboard.press("?")
    sees(page, "all of the curves again")
    sees(page, "the thick line is the mean")
    assert axe.grave(page) == []
    press(keys.get_by_role("button", name="Words"))
    sees(page, "rare classes count as much")
    page.keyboard.press("Escape")
    assert "rare classes count as much" not in text(page)
    word = page.locator('.lab-word[data-word="macro F1"]')
    soon(lambda: word.count() == 1, 60 * slack(), "the word is dotted where it first stands")
    word.focus()
    sees(page, "rare classes count as much")
    word.press("Escape")
    soon(lambda: "rare classes" not in text(page), 60 * slack(), "the sentence goes")
