"""The first minutes of somebody new, in a real Chromium: from Home to the maps of what the networks got most wrong."""

from __future__ import annotations

import re

import pytest

from core.jobs import queue
from core.runs import FoldState, Run, metrics_file
from tests.answered import judged
from tests.browser.hands import address, press, sees
from tests.browser.made_runs import rows_of
from tests.browser.screen import slack, soon

pytestmark = pytest.mark.browser

# A browser that shows notifications, and remembers which.
SHOWS = """
window.shown = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { return this.permission = "granted"; }
  constructor(title, more) { window.shown.push([title, more.body]); }
};
"""


def finish(run: Run) -> None:
    """As its workers would have left it; only that nobody trained: its networks are random."""
    queue.remove(run, run.folds())
    judged(run)
    for fold in run.folds():
        metrics_file.append_metrics(run.metrics_file(fold), rows_of([1, 2]))
        best, scores = metrics_file.fold_scores(run.metrics(fold))
        run.write_state(FoldState(fold, "done", epoch=2, best_epoch=best, scores=scores))


def test_a_newcomer_is_two_clicks_from_the_maps_of_the_worst_mistakes_and_is_told_when_it_is_done(page, lab):
    page.add_init_script(SHOWS)
    with lab.held():
        page.goto("/")
        sees(page, "See it work")
        press(page.get_by_role("button", name=re.compile(r"Train on the demo \(about \d+ min\)")))
        soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
        sees(page, "Its turn in the queue")
        sees(page, "5 folds, 5 networks")
        assert page.locator(".js-plotly-plot").count() == 0, "no empty axes"
        (run_id,) = lab.run_ids()
        press(page.get_by_role("button", name="Tell me"))
        sees(page, "You will be told")
        finish(Run(run_id, lab.runs))
    sees(page, "The three worst mistakes")
    sees(page, "over 5 folds")
    soon(lambda: page.evaluate("window.shown"), 60 * slack(), "a notification")
    ((title, body),) = page.evaluate("window.shown")
    assert title == "quick: done" and body.startswith("macro F1 0.") and body.endswith("over 5 folds")
    soon(lambda: page.title().startswith("done · quick"), 60 * slack(), lambda: f"the tab says so: {page.title()}")
    assert page.locator("link[rel*=icon]").first.get_attribute("href").startswith("data:image/svg+xml")
    worst = page.locator(".st-key-live-tour .look-gallery button")
    soon(lambda: worst.count() == 3, 60 * slack(), "three faces")
    asked_for = worst.first.get_attribute("data-sample")
    worst.first.click()
    soon(lambda: page.locator(".look-maps[data-painted='5'] canvas").count() == 5, 90 * slack(), "its five layers")
    assert asked_for in page.evaluate("decodeURIComponent(decodeURIComponent(location.search))")
