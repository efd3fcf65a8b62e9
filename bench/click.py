"""From the click to the first step of a training: `python -m bench.click`, in a real Chromium.

Each round starts a fresh lab on the demo, opens Launch, reads it for as long as people may, and launches the recipe
"quick"; once it trains it is cancelled, and launched a second time. Prints, with and without a process that waits with
torch loaded (FACET_READY), medians over the rounds, in seconds from the click, at a lab's first launch and its second:

launched      until the run's folder is there
begun         until the first fold is begun by a worker
network       until its photos are decoded and its network is built
step          until its first step is done
curve         until its first epoch is drawn on Live (first launch)
cpu           seconds of processor that the lab and what it started have spent from the click to the first step

Rounds alternate, so that a busy moment of the machine hits all. --beside: the folder of another version of the lab,
which takes turns with this one. Needs the Chromium of the browser tests.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.demo.dataset import draw_demo
from core.jobs import control
from core.jobs.processes import ready
from core.places import HOME
from core.runs import Run
from core.storage import files
from tests.browser.hands import button, open_launch, press, text
from tests.browser.screen import FLAGS, Lab, chromium, soon

COLUMNS = ("launched", "begun", "network", "step", "cpu", "curve")
LAUNCHES = ("first", "second")
PATIENCE = 600  # seconds; a busy machine gives figures, if slow ones
Times = dict[tuple[str, str], float]  # (launch, column) -> seconds


@dataclass(frozen=True)
class Way:
    """A lab that is measured. home: its source. waits: whether a process waits with torch loaded."""

    name: str
    home: Path
    waits: bool


def stages() -> dict[str, Callable[[Run], bool]]:
    """What tells that fold 0 has come so far, in their order."""
    return {
        "begun": lambda run: run.written_state(0).started is not None,
        "network": lambda run: _row(run).get("stage") == "building the network" or _has_stepped(run),
        "step": _has_stepped,
    }


def _has_stepped(run: Run) -> bool:
    return bool(run.written_state(0).epoch) or _row(run).get("kind") == "progress"


def _row(run: Run) -> dict[str, Any]:
    return files.table_of(files.read_json(run.progress_file(0))) if run.progress_file(0).exists() else {}


def spent(lab: Lab) -> dict[int, float]:
    """Seconds of processor of each process of the lab, by its number."""
    seconds = {}
    for process in [psutil.Process(lab.process.pid), *lab.others()]:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system
    return seconds


def launch(page: Any, lab: Lab, reading: float) -> tuple[Run, float, dict[str, float]]:
    """(the run, when Launch was clicked, seconds until each stage). reading: seconds between page and click."""
    known = set(lab.run_ids())
    open_launch(page)
    soon(lambda: button(page, "Launch").is_enabled(), PATIENCE, "Launch can be clicked")
    page.wait_for_timeout(1000 * reading)
    before = spent(lab)
    clicked = time.perf_counter()
    press(button(page, "Launch"))
    made = soon(lambda: set(lab.run_ids()) - known, 60, "a run", every=0.02)
    times = {"launched": time.perf_counter() - clicked}
    run = Run(made.pop(), lab.runs)
    for stage, has_come in stages().items():
        soon(lambda has_come=has_come: has_come(run), PATIENCE, stage, every=0.02)
        times[stage] = time.perf_counter() - clicked
    times["cpu"] = sum(seconds - before.get(pid, 0.0) for pid, seconds in spent(lab).items())
    return run, clicked, times


def round_of(browser: Any, demo: Path, reading: float, way: Way, slots: str) -> Times:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder), demo, home=way.home)
        lab.env[ready.OFF] = "1" if way.waits else "0"
        lab.env["FACET_SLOTS"] = slots
        lab.start()
        context = browser.new_context(base_url=lab.url, viewport={"width": 1440, "height": 900})
        times: Times = {}
        try:
            lab.let_in(context)
            page = context.new_page()
            for which in LAUNCHES:
                run, clicked, seconds = launch(page, lab, reading)
                if which == "first":
                    soon(
                        lambda: re.search(r"epoch [1-9]\d* / \d+", text(page)), PATIENCE, "a first epoch on Live", 0.02
                    )
                    seconds["curve"] = time.perf_counter() - clicked
                times |= {(which, column): value for column, value in seconds.items()}
                control.cancel(run)
        finally:
            context.close()
            lab.end()
    return times


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reading", type=float, default=10.0, help="seconds on Launch before the click")
    parser.add_argument("--people", type=int, default=100, help="of the demo")
    parser.add_argument(
        "--slots", default="1", help="fold jobs that train at a time; empty: as the lab would by itself"
    )
    parser.add_argument("--beside", type=Path, help="folder of another version of the lab, to compare with")
    options = parser.parse_args()
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    ways = [Way("torch loaded before", HOME, True)]
    if options.beside:
        ways.insert(0, Way("of the other version", options.beside.resolve(), True))
    else:
        ways.insert(0, Way("as a worker starts", HOME, False))
    rounds: dict[Way, list[Times]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        demo = Path(folder) / "demo"
        draw_demo(demo, people=options.people)
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(options.rounds):
            for way in ways:
                rounds[way].append(round_of(browser, demo, options.reading, way, options.slots))
                print(".", end="", flush=True)
        browser.close()
    print(f"\n{'':30}" + "".join(f"{column:>9}" for column in COLUMNS))
    for which in LAUNCHES:
        for way in ways:
            row = [[each[which, column] for each in rounds[way] if (which, column) in each] for column in COLUMNS]
            medians = (f"{statistics.median(values):8.1f} " if values else f"{'':9}" for values in row)
            print(f"{which:8}{way.name:22}" + "".join(medians))


if __name__ == "__main__":
    main()
