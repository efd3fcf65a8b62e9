"""How much ten open pages slow a training: `python -m bench.sessions`.

A lab is started with a run that seems to train, ten sessions look at its Live page, and the same steps of a real
network are timed with and without them, alternating.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.slots import measure
from core import machine
from core.config import recipes
from core.demo.dataset import draw_demo
from tests.browser.made_runs import made_run, people_in_folders
from tests.browser.screen import Lab
from tests.sessions import Session


@contextlib.contextmanager
def watched(lab: Lab, run_id: str, count: int) -> Iterator[list[Session]]:
    sessions = [Session(lab.port, "live", f"run={run_id}") for _ in range(count)]
    for session in sessions:
        session.start()
    yield sessions
    for session in sessions:
        session.ended.set()
    for session in sessions:
        session.join(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings = recipes.load_recipe("quick").model_dump(mode="json")
    rates: dict[int, list[float]] = {0: [], options.sessions: []}
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), draw_demo(Path(folder) / "demo", people=4, seed=0))
        lab.start()
        try:
            run = made_run(lab, people_in_folders(Path(folder) / "faces", ["a", "b"]), state="running")
            with run.fold_lock(0).acquire(), run.fold_lock(1).acquire():
                for _ in range(options.rounds):
                    for count, speeds in rates.items():
                        with watched(lab, run.id, count) as sessions:
                            speeds.append(measure(settings, 1, machine.cores(), options.steps))
                        if errors := [error for session in sessions for error in session.errors]:
                            raise SystemExit(f"a session was told of an error: {errors[0]}")
        finally:
            lab.end()
    alone, shared = (statistics.median(speeds) for speeds in rates.values())
    print(f"median of {options.rounds} rounds: {alone:.1f} img/s alone, {shared:.1f} with {options.sessions} sessions")
    print(f"slower by {1 - shared / alone:.1%}")


if __name__ == "__main__":
    main()
