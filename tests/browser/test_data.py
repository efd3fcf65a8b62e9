"""Datasets in a real Chromium: a dropped zip is trained on; a label is corrected, and the run that follows says so."""

from __future__ import annotations

import base64

import pytest

from core.data.labels import corrections
from core.places import datasets_folder
from core.runs import Run
from tests.browser import axe
from tests.browser.hands import (
    address,
    at_rest,
    button,
    choose,
    field,
    filled,
    fits,
    pick,
    press,
    sees,
    small_run,
    text,
    write,
)
from tests.browser.screen import Talk, slack, soon
from tests.photos import draw
from tests.zips import everything_below, pets, zipped

pytestmark = pytest.mark.browser

DROP = """([place, content]) => {
  const files = new DataTransfer(), bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
  files.items.add(new File([bytes], "My pets.zip", {type: "application/zip"}));
  place.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def held(lab):
    """What is launched waits: no test here needs a network that has learnt something."""
    with lab.held():
        yield


def test_a_zip_that_a_newcomer_drops_trains_its_first_epoch_without_a_word_typed(page, lab):
    page.goto("/launch")
    pick(page, "radio", "A zip")
    place = page.get_by_test_id("stFileUploaderDropzone")
    soon(lambda: place.count() == 1, 60 * slack(), "the place to drop it")
    content = zipped({**pets(each=6), "__MACOSX/cat/._0.png": b"x"}).getvalue()
    place.evaluate(f"(place, content) => ({DROP})([place, content])", base64.b64encode(content).decode())
    sees(page, "2 classes: cat 6, dog 6.")
    sees(page, "12 files, unpacked into")
    sees(page, "Left out: 1 file of a system, or hidden (__MACOSX).")
    root = datasets_folder(lab.runs) / "My pets"
    assert len(everything_below(root)) == 13, "twelve photos and the zip's record"
    press(button(page, "Launch"))
    soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
    run = Run(lab.run_ids()[0], lab.runs)
    assert run.config().data.root == str(root)
    soon(lambda: len(run.metrics(0)), 120 * slack(), "the first epoch")


def test_a_label_is_corrected_and_the_run_that_follows_has_the_correction(page, lab, held):
    talk = Talk(page)
    page.goto(f"/data?root={lab.demo}&view=faces&order=person")
    tiles = page.locator(".data-gallery button")
    soon(lambda: tiles.count() == 60, 60 * slack(), "a page of faces")
    talk.over()
    tile = page.locator('.data-gallery button[data-sample$="/normal.jpg"]').first
    sample = tile.get_attribute("data-sample")
    tile.focus()
    page.keyboard.press("Enter")
    sees(page, "Save correction")
    choose(page, "Correct", "Age")
    age = page.get_by_role("spinbutton", name="Age (years)").or_(field(page, "Age (years)"))
    soon(lambda: age.count() == 1, 60 * slack(), "the age's field")
    age.fill("77")
    press(page.get_by_text("photos of this person"))
    field(page, "Reason").fill("grey <b>hair</b>")
    save = button(page, "Save correction").element_handle()
    field(page, "Reason").press("Enter")
    save.evaluate("button => button.click()")  # as somebody who does both
    sees(page, "Correct something else")
    made = soon(lambda: corrections.load(lab.demo, lab.runs), 60 * slack(), "the correction is written")[0]
    assert (made.sample, made.attribute, made.after, made.reason) == (sample, "age", "77", "grey <b>hair</b>")
    sees(page, "corrected")
    assert page.get_by_text(f"age: {made.before} → 77.").count() == 1 and "already" not in text(page)
    soon(lambda: "photo=" in address(page), 60 * slack(), "the photo is in the address")

    pick(page, "radio", "Corrections")
    sees(page, "grey <b>hair</b>")
    press(button(page, "Launch with it"))
    soon(lambda: "/launch" in address(page), 60 * slack(), "Launch opens")
    sees(page, "1 label correction is applied")
    filled(page)
    small_run(page, folds=2, epochs=2)
    press(button(page, "Launch"))
    soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
    run = Run(lab.run_ids()[0], lab.runs)
    assert corrections.read(run.corrections_file) == [made]
    assert run.info()["corrections"] == [made.id]
    assert run.samples().set_index("sample")["age"][sample] == 77
    press(button(page, "Config"))
    sees(page, "Label corrections in this run: 1")
    page.keyboard.press("Escape")

    page.goto(f"/data?root={lab.demo}&view=corrections")
    press(button(page, "Undo"))
    sees(page, "No corrections yet")
    assert corrections.load(lab.demo, lab.runs) == []
    assert corrections.read(run.corrections_file) == [made]
    assert "Traceback" not in text(page)


def test_on_a_phone_a_chosen_photo_is_a_bar_that_opens_and_the_gallery_stays_in_sight(page, lab):
    talk, panel = Talk(page), page.locator(".st-key-data-photo")
    page.set_viewport_size({"width": 420, "height": 800})
    page.goto(f"/data?root={lab.demo}&view=faces&order=person")
    tiles = page.locator(".data-gallery button")
    soon(lambda: tiles.count() == 60, 60 * slack(), "a page of photos")
    talk.over()
    with talk.answered():
        tiles.first.click()
    assert at_rest(panel)["height"] < 80
    assert not button(page, "Save correction").is_visible()
    above = page.get_by_text("Select several").bounding_box()
    assert at_rest(tiles.first)["y"] - above["y"] < 120  # nothing is kept free for the panel
    with talk.answered():
        press(panel.get_by_role("button", name="Open", exact=True))
    assert at_rest(panel)["height"] > 300 and button(page, "Save correction").is_visible()
    fits(page)
    assert axe.grave(page) == []
    with talk.answered():
        press(button(page, "Less"))
    assert at_rest(panel)["height"] < 80
    with talk.answered():
        press(panel.get_by_role("button", name="Close"))
    with talk.answered():
        tiles.nth(1).click(modifiers=["Control"])
    assert at_rest(panel)["height"] < 80 and "1 photo" in panel.inner_text()
    with talk.answered():
        press(button(page, "Correct"))
    assert at_rest(panel)["height"] > 200
    page.set_viewport_size({"width": 1000, "height": 800})
    assert not button(page, "Less").is_visible()
    page.get_by_text("Data", exact=True).last.scroll_into_view_if_needed()
    button(page, "Actions").click(trial=True)  # what is done with the selection is not under the panel
    button(page, "Launch with it").click(trial=True)


def test_what_was_understood_leads_to_the_control_that_changes_it_and_fits_a_phone(page, tmp_path):
    for name in ("cat/p1_0.png", "cat/p2_0.png", "dog/p1_1.png", "dog/" + "long" * 30 + ".png", "loose.png"):
        draw(tmp_path / "pets" / name)
    page.set_viewport_size({"width": 420, "height": 900})
    page.goto(f"/data?root={tmp_path / 'pets'}")
    sees(page, "2 classes: cat 2, dog 2.")
    fits(page)
    persons = page.locator('[class*="st-key-fact-"]', has_text="Persons are unknown")
    press(persons.get_by_role("button", name="Change"))
    control = page.locator('[class*="st-key-data-choice"][class*="-persons"]')
    has_focus = "box => box.contains(document.activeElement) && document.activeElement.tagName"
    soon(lambda: control.count() == 1 and control.evaluate(has_focus) == "INPUT", 60 * slack(), "the control has focus")
    write(page, "Person pattern", "^(p[0-9]+|long)")
    sees(page, "Persons: 3 people, 1 to 2 photos each.")
    left_out = page.locator('[class*="st-key-fact-"]', has_text="Left out: 1 picture")
    press(left_out.get_by_role("button", name="Show"))
    soon(lambda: "view=problems" in address(page), 60 * slack(), "the problems are open")
    sees(page, "loose.png")
