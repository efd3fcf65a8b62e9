"""The Augmentation page in a real Chromium: a list is built, seen step by step and sent to Launch."""

from __future__ import annotations

import re

import pytest

from tests.browser.hands import address, button, choose, filled, fits, pick, press, sees, text
from tests.browser.screen import Talk, slack, soon
from tests.photos import draw

pytestmark = pytest.mark.browser


def places(page) -> list[str]:
    """albumentations' names of the transforms in the list, in their order; before each stands what it does."""
    labels = page.locator('[data-testid="stMain"] label:has(input[role="switch"])').all_inner_texts()
    return [label.split("\n")[0].split("·")[0].split()[-1] for label in labels]


def in_sight(page, picture: str) -> bool:
    box = page.locator(picture).first.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]


def test_a_list_is_built_reordered_seen_step_by_step_and_sent_to_launch(page, lab):
    talk = Talk(page)
    page.goto(f"/augment?root={lab.demo}&recipe=study")
    sees(page, "Epoch 16", 90)
    soon(lambda: places(page)[-1:] == ["Normalize"], 60 * slack(), lambda: f"the list; it is {places(page)}")
    assert places(page)[2:6] == ["RandomBrightnessContrast", "HorizontalFlip", "InvertImg", "CoarseDropout"]
    choose(page, "Add a transform", re.compile("GaussianBlur"), typed="out of focus")
    press(button(page, "Add"))
    soon(
        lambda: places(page)[-2:] == ["GaussianBlur", "Normalize"], 60 * slack(), "the new one stands before Normalize"
    )

    press(page.get_by_role("button", name="Mend it").last)
    sees(page, "Measured again, nothing is warned of there.")
    page.get_by_role("button", name="Add", exact=True).scroll_into_view_if_needed()  # below the whole list
    soon(lambda: in_sight(page, ".augment img"), 60 * slack(), "the pictures are in sight beside the list's end")

    upward = page.locator('[class*="transforms-6-arrow_upward"] button:visible')
    press(upward)
    order = ["InvertImg", "GaussianBlur", "CoarseDropout", "Normalize"]
    soon(lambda: places(page)[-4:] == order, 60 * slack(), lambda: f"it moved up; the list is {places(page)}")

    pick(page, "radio", "Step by step")
    sees(page, "7. Cover with rectangles")
    soon(lambda: "view=steps" in address(page), 60 * slack(), "the view is in the address")
    soon(lambda: re.search("not applied this time|px at", text(page)), 60 * slack(), "what CoarseDropout drew")

    press(button(page, "Use in Launch"))
    soon(lambda: "/launch" in address(page), 60 * slack(), "Launch opens")
    filled(page)
    sees(page, "GaussianBlur, CoarseDropout")
    talk.over()  # the page is drawn by then, and moves the button no more
    press(button(page, "Transforms"))
    soon(lambda: places(page)[-4:] == order, 60 * slack(), lambda: f"Launch has the list; it has {places(page)}")


def photo_of(page) -> str | None:
    return page.evaluate("new URL(location.href).searchParams.get('photo')")


def test_the_address_opens_the_same_view_and_a_narrow_window_fits(page, lab):
    talk = Talk(page)
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"/augment?root={lab.demo}&recipe=quick&view=walk")
    sees(page, "the others that draw are off", 90)
    fits(page)
    photo = soon(lambda: photo_of(page), 60 * slack(), "the photo is in the address")
    talk.over()
    page.reload()
    sees(page, "the others that draw are off", 90)
    talk.over()
    assert photo_of(page) == photo


def test_what_is_to_be_corrected_leads_to_it_and_an_upload_stays_while_its_control_is_away(page, lab, tmp_path):
    """Streamlit forgets what a control held that a run did not draw; this file has to outlast that."""
    talk = Talk(page)
    mine = draw(tmp_path / "mine.png", size=(60, 50))
    page.goto(f"/augment?root={lab.demo}&recipe=quick")
    sees(page, "Epoch 16", 90)
    talk.over()
    first = page.locator('[class*="transforms-0-enabled"] label').first
    first.click()
    sees(page, "To correct first")
    press(button(page, "Transforms"))
    soon(
        lambda: page.evaluate("document.activeElement.closest('[class*=\"transforms-0-enabled\"]') !== null"),
        20 * slack(),
        "the first transform of the list has the keyboard",
    )
    with talk.answered():
        first.click()
    soon(lambda: "To correct first" not in text(page), 60 * slack(), "nothing is to be corrected")
    pick(page, "radio", "Upload")
    page.locator('input[type="file"]').first.set_input_files(mine)
    sees(page, "mine.png · uploaded")
    pick(page, "radio", "Stress test")
    soon(lambda: not page.locator('input[type="file"]').count(), 60 * slack(), "the control is away")
    talk.over()
    pick(page, "radio", "Draws")
    sees(page, "mine.png · uploaded")
    press(button(page, "Remove mine.png"))
    sees(page, "Choose a dataset or upload a photo.")
