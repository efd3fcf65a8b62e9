"""A table of attributes in a real Chromium: from its folder, by clicks, to what a run tells of each attribute."""

from __future__ import annotations

import re

import pytest

from core.runs import Run
from tests.browser.hands import address, button, choose, open_launch, press, sees, take_folder, text, write
from tests.browser.screen import slack, soon
from tests.tables_of_people import hair

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_attributes_of_a_table_are_chosen_cut_launched_and_each_is_told(page, lab, tmp_path):
    open_launch(page)
    take_folder(page, hair(tmp_path / "people"))
    sees(page, "hair: dark 16, fair 16, red 16")
    sees(page, "height_cm: 150 to 195")
    press(button(page, "Task and folds"))
    write(page, "Folds", "2")  # with more of them a class would have fewer people than folds
    sees(page, "2 fold jobs are queued")
    choose(page, "Attributes", "height_cm (150 to 195)")
    page.keyboard.press("Escape")
    limits = page.get_by_role("textbox", name=re.compile("Limits of height"))
    soon(
        lambda: limits.count() == 1 and limits.input_value(),
        60 * slack(),
        lambda: f"limits are proposed: {text(page)[:3000]}",
    )
    limits.fill("170")
    limits.press("Enter")
    sees(page, "hair x height_cm · 6 classes")
    press(button(page, "Phases"))
    write(page, "Epochs", "2")
    sees(page, "adamw 2 epochs")
    press(button(page, "Launch"))
    soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
    run = Run(lab.run_ids()[0], lab.runs)
    task = run.config().task
    assert task.attributes == ["hair", "height_cm"] and task.limits == {"height_cm": [170.0]}
    soon(lambda: {state.state for state in run.states()} == {"done"}, 240 * slack(), "both folds are done")
    table = page.locator("table", has_text=re.compile("attribute.*hair.*height_cm", re.DOTALL)).first
    soon(lambda: table.count() == 1, 60 * slack(), lambda: f"a row each of hair and height_cm: {text(page)[-1500:]}")
    press(page.get_by_role("tab", name="Groups"))
    sees(page, "smiling")
    sees(page, "against the photos that tell another value")
