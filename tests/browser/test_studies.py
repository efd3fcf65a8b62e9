"""A whole study in a real Chromium: a grid on the Launch page, the matrix filling, pause, resume, the end."""

from __future__ import annotations

import pytest

from core.jobs import queue
from core.runs import Run
from core.runs.lists.summaries import summaries
from core.studies import record_file
from tests.browser.hands import address, button, field, open_study, press, sees, text, vary, write
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_a_study_is_launched_paused_resumed_and_ends(page, lab):
    talk = Talk(page)
    open_study(page)
    press(button(page, "Task and folds"))
    write(page, "Folds", "2")
    write(page, "Image size in pixels", "32")
    write(page, "Epochs in all", "1")
    vary(page, "Seed", "Mix images")
    press(page.get_by_role("button", name="mixup", exact=True))
    seeds = page.get_by_role("combobox", name="Seed")
    soon(lambda: seeds.count() == 1, 60 * slack(), "values of the seed")
    talk.over()  # a page that is drawn anew takes back what was not yet entered
    seeds.fill("1")
    seeds.press("Enter")
    sees(page, "4 runs, 8 fold jobs are queued")
    page.keyboard.press("Escape")  # the open list hides the rest of the page from whoever cannot see it
    button(page, "Launch the study").dblclick()
    soon(lambda: "/studies?study=" in address(page), 60 * slack(), "the study opens")
    (record,) = record_file.all_studies(lab.runs)
    assert record.id in address(page)
    made = [Run(run_id, lab.runs) for run_id in record.run_ids]
    chosen = {(run.config().training.seed, run.config().mix.method) for run in made}
    assert chosen == {(0, "none"), (0, "mixup"), (1, "none"), (1, "mixup")} and len(made) == 4
    assert all(run.config().input_size == (32, 32) and run.config().epochs == 1 for run in made)

    def states() -> list[str]:
        return [state.state for run in made for state in run.states()]

    soon(lambda: "running" in states(), 60 * slack(), "the first fold begins", every=0.02)
    with lab.stopped():  # or else all eight could be through before the page is
        press(button(page, "Pause"))
        sees(page, "no further fold begins")
        assert not list(queue.entries(lab.runs))
    soon(lambda: not lab.workers(), 60 * slack(), "what trains ends, nothing else begins")
    assert "queued" in states() and "running" not in states()

    press(button(page, "Resume"))
    soon(lambda: all(s["state"] == "done" for s in summaries(lab.runs)), 120 * slack(), "all runs end")
    sees(page, "8 of 8 fold jobs done")
    soon(lambda: text(page).count("(2)") >= 12, 60 * slack(), "means and deviations of four runs over two folds")
    soon(lambda: button(page, "Pause").count() + button(page, "Cancel").count() == 0, 60 * slack(), "nothing to stop")
    press(button(page, "More"))
    press(button(page, "Add a run"))
    name = field(page, "Name of the run")
    soon(lambda: name.count() == 1 and name.input_value().endswith(" 2"), 60 * slack(), "a name that is free")
    press(button(page, "Back to the study"))
    sees(page, "8 of 8 fold jobs done")
    assert f"study={record.id}" in address(page)
    page.go_back()
    soon(lambda: name.count() == 1, 60 * slack(), "Launch again, by one press of Back")
    assert "/launch?" in address(page) and "form=" in address(page)
    page.go_back()
    sees(page, "8 of 8 fold jobs done")
    assert address(page).endswith(f"/studies?study={record.id}")
    press(button(page, "All studies"))
    press(page.get_by_role("link", name=record.name, exact=True))
    sees(page, "8 of 8 fold jobs done")
    soon(
        lambda: f"study={record.id}" in address(page), 60 * slack(), "the study that was opened from the list is named"
    )
    press(button(page, "Compare"))
    soon(lambda: "/compare?runs=" in address(page), 60 * slack(), "Compare opens")
    sees(page, "Settings that differ")
    page.go_back()
    sees(page, "8 of 8 fold jobs done")
    assert address(page).endswith(f"/studies?study={record.id}")
    press(page.get_by_role("link", name=record.runs[0].name.removeprefix(f"{record.name} "), exact=True))
    soon(lambda: f"live?run={record.run_ids[0]}" in address(page), 60 * slack(), "the run opens in Live")
