"""From the click to the first step of a training: `python -m bench.click`, in a real Chromium.

Each round starts a fresh lab on the demo, opens Launch, reads it for as long as people may, and launches the recipe
"quick"; once it trains it is cancelled, and launched a second time. Prints, with and without a process that waits with
torch loaded (FACET_READY), medians over the rounds, in seconds from the click:

fresh, warm   until the first step of the first fold is done, at a lab's first launch and at its second one
curve         until the first epoch is drawn on Live, at the first launch

Rounds alternate, so that a busy moment of the machine hits both. Needs the Chromium of the browser tests.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from core.demo.dataset import draw_demo
from core.jobs import control
from core.jobs.processes import ready
from core.runs import Run
from core.storage import files
from tests.browser.hands import button, open_launch, press, text
from tests.browser.screen import FLAGS, Lab, chromium, soon

COLUMNS = ("fresh", "curve", "warm")


def has_stepped(run: Run) -> bool:
    """Whether fold 0 has done a step."""
    if run.written_state(0).epoch:
        return True
    row = files.table_of(files.read_json(run.progress_file(0))) if run.progress_file(0).exists() else {}
    return row.get("kind") == "progress"


def launched(page: Any, lab: Lab, reading: float) -> tuple[Run, float]:
    """(the run, when Launch was clicked). reading: seconds between the page that stands and the click."""
    before = set(lab.run_ids())
    open_launch(page)
    soon(lambda: button(page, "Launch").is_enabled(), 120, "Launch can be clicked")
    page.wait_for_timeout(1000 * reading)
    clicked = time.perf_counter()
    press(button(page, "Launch"))
    made = soon(lambda: set(lab.run_ids()) - before, 60, "a run", every=0.02)
    return Run(made.pop(), lab.runs), clicked


def round_of(browser: Any, demo: Path, reading: float, waits: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder), demo)
        lab.env[ready.OFF] = "1" if waits else "0"
        lab.start()
        context = browser.new_context(base_url=lab.url, viewport={"width": 1440, "height": 900})
        try:
            lab.let_in(context)
            page, spent = context.new_page(), {}
            run, clicked = launched(page, lab, reading)
            soon(lambda: has_stepped(run), 120, "a first step", every=0.02)
            spent["fresh"] = time.perf_counter() - clicked
            soon(lambda: re.search(r"epoch [1-9]\d* / \d+", text(page)), 120, "a first epoch on Live", every=0.02)
            spent["curve"] = time.perf_counter() - clicked
            control.cancel(run)
            soon(lambda: not lab.workers(), 60, "the worker leaves")
            run, clicked = launched(page, lab, reading)
            soon(lambda: has_stepped(run), 120, "a first step", every=0.02)
            spent["warm"] = time.perf_counter() - clicked
            control.cancel(run)
        finally:
            context.close()
            lab.end()
    return spent


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reading", type=float, default=10.0, help="seconds on Launch before the click")
    parser.add_argument("--people", type=int, default=100, help="of the demo")
    options = parser.parse_args()
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    rounds: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        demo = Path(folder) / "demo"
        draw_demo(demo, people=options.people)
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(options.rounds):
            for waits, spent in rounds.items():
                spent.append(round_of(browser, demo, options.reading, waits))
        browser.close()
    print(f"{'':22}" + "".join(f"{column:>9}" for column in COLUMNS))
    for waits, spent in rounds.items():
        medians = (statistics.median(each[column] for each in spent) for column in COLUMNS)
        print(f"{'torch loaded before' if waits else 'as a worker starts':22}" + "".join(f"{m:8.1f} " for m in medians))


if __name__ == "__main__":
    main()
