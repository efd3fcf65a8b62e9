"""How much ten open pages slow a training: `python -m bench.sessions`.

A lab is started, a run is launched in it and trains in a worker of the lab's own. Ten sessions look at its Live page as
a browser does, and rest in every second round; what each round trained is read from the run's own metrics.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from core import machine
from core.config import recipes, run_config
from core.data.scan import scan
from core.jobs import control
from core.plan.plan import make_plan
from core.runs import Run
from tests.browser.made_runs import people_in_folders
from tests.browser.screen import Lab
from tests.sessions import Session

PEOPLE = 160  # of each of two classes, one photo each
LONGEST = 300  # seconds that anything here may be waited for


@dataclass(frozen=True)
class Watched:
    """rates: images/s (without, with) sessions, a pair a round. ticks: seconds from a question to its answer, while it
    trains. opened: seconds until each session had its page. memory: bytes of the lab after each round. processor:
    share of a core that the lab took while pages were looked at, and looks: how many those were a second.
    """

    rates: list[tuple[float, float]]
    ticks: list[float]
    opened: list[float]
    memory: list[int]
    processor: float
    looks: float
    errors: list[str]

    @property
    def slower(self) -> float:
        """The median round's loss of speed."""
        return statistics.median(1 - shared / alone for alone, shared in self.rates)


def until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LONGEST
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {LONGEST} s: {what}")
        time.sleep(0.2)


@contextlib.contextmanager
def training(lab: Lab, folder: Path) -> Iterator[Run]:
    """A run that trains in a worker as the lab starts it, for as long as the block lasts."""
    settings = recipes.load_recipe("quick").model_dump(mode="json")
    settings |= {"data": {"root": str(people_in_folders(folder, ["a", "b"], PEOPLE))}, "task": {"name": "label"}}
    settings |= {"folds": {"count": 2}}
    settings["phases"][0] |= {"epochs": 10_000, "schedule": "constant"}
    settings["training"] |= {"device": "cpu"}
    config = run_config.from_dict(settings)
    os.environ |= {name: lab.env[name] for name in ("FACET_RUNS", "FACET_SLOTS", "TORCH_HOME", "CUDA_VISIBLE_DEVICES")}
    run = control.launch(make_plan(config, scan(config.data)), folder=lab.runs)
    try:
        yield run
    finally:
        control.cancel(run)


def speed_over(run: Run, epochs: int) -> float:
    """Images per second of training over the next whole epochs, by the run's own clock, validation included."""
    under_way = run.written_state(0).epoch + 1
    until(lambda: run.written_state(0).epoch >= under_way + epochs, f"{epochs} epochs")
    table = run.metrics(0)
    seconds = table.loc[table["epoch"].between(under_way + 1, under_way + epochs), "seconds"].sum()
    return epochs * PEOPLE / float(seconds)


def watch(count: int, rounds: int, epochs: int, folder: Path, seconds: float = LONGEST) -> Watched:
    """`count` sessions at a run that trains; of each round, half is without them.

    seconds: after which no further round begins.
    """
    deadline = time.monotonic() + seconds
    lab = Lab(folder, folder / "no-demo")
    lab.start()
    sessions: list[Session] = []
    try:
        with training(lab, folder / "faces") as run:
            until(lambda: run.written_state(0).epoch >= 2, "the run trains")
            sessions = [Session(lab.port, "live", f"run={run.id}") for _ in range(count)]
            for session in sessions:
                session.start()
            until(lambda: all(s.runs >= 3 or s.errors for s in sessions), "every session has its page and ticks")
            opened = [session.seconds[0] for session in sessions if session.seconds]
            server, memory = psutil.Process(lab.process.pid), []
            rates: list[tuple[float, float]] = []
            spent = lasted = 0.0
            answered = [len(session.seconds) for session in sessions]
            looks = 0
            while len(rates) < rounds and (not rates or time.monotonic() < deadline):
                for session in sessions:
                    session.rests.set()
                alone = speed_over(run, epochs)
                before, ran, began = server.cpu_times(), sum(s.runs for s in sessions), time.monotonic()
                for session in sessions:
                    session.rests.clear()
                rates.append((alone, speed_over(run, epochs)))
                after = server.cpu_times()
                spent += after.user + after.system - before.user - before.system
                lasted += time.monotonic() - began
                looks += sum(s.runs for s in sessions) - ran
                memory.append(server.memory_info().rss)
            ticks = [each for s, n in zip(sessions, answered, strict=True) for each in s.seconds[n:]]
            errors = [error for session in sessions for error in session.errors]
            return Watched(rates, ticks, opened, memory, spent / lasted, looks / lasted, errors)
    finally:
        for session in sessions:
            session.ended.set()
        for session in sessions:
            session.join(20)
        lab.end()


def told(watched: Watched) -> Iterator[str]:
    """The figures, a line each."""
    alone, shared = (statistics.median(side) for side in zip(*watched.rates, strict=True))
    yield f"training alone {alone:.1f} img/s, watched {shared:.1f} (medians of {len(watched.rates)} rounds)"
    each = ", ".join(f"{1 - shared / alone:.1%}" for alone, shared in watched.rates)
    yield f"slower by {watched.slower:.1%} (median; rounds: {each})"
    yield f"the lab took {watched.processor:.1%} of a core for {watched.looks:.1f} looks a second"
    middle, most = np.quantile(watched.ticks, [0.5, 0.95])
    yield f"a look is answered within {most * 1000:.0f} ms (p95; median {middle * 1000:.0f} ms)"
    yield f"a page opens within {max(watched.opened):.1f} s, all {len(watched.opened)} at once"
    first, last = watched.memory[0] / 2**20, watched.memory[-1] / 2**20
    yield f"the lab's memory {first:.0f} MB after the first round, {last:.0f} MB after the last ({last - first:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8, help="of each half of a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        watched = watch(options.sessions, options.rounds, options.epochs, Path(folder))
    if watched.errors:
        raise SystemExit(f"a session was told of an error: {watched.errors[0]}")
    print(f"{options.sessions} sessions on Live, load {os.getloadavg()[0]:.1f} on {machine.cores()} cores")
    print("\n".join(told(watched)))


if __name__ == "__main__":
    main()
