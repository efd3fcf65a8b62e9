"""What the command line shows while something works: a bar, a run's progress line, and its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import typer

from core import places
from core.cli.tables import print_folds
from core.errors import LabError, in_sentences
from core.jobs import elsewhere, halt
from core.runs import Run
from core.runs.states import FINISHED, FoldState
from core.studies import healing


def wait_for(run: Run) -> None:
    """Print progress until every fold has ended, then the table; exit code 1 unless every fold is done."""
    if problem := healing.look_after(run.dir.parent):
        print(problem, file=sys.stderr)
    printed = ""
    checked = time.monotonic()
    while True:
        states = run.states()
        if not states:
            raise LabError(f"run '{run.id}' is gone.", "It was deleted while it trained.", kind="gone")
        if all(state.state in FINISHED for state in states):
            break
        stop = halt.stopped(run.dir.parent)
        if stop and not any(state.state == "running" for state in states):
            way_on = way_on_from_a_stop(run.dir.parent, run.id)
            raise LabError(stop.message, in_sentences(stop.remedy, f"Go on with: {way_on}"), kind="stopped")
        if time.monotonic() - checked > 5:
            healing.look_after(run.dir.parent)  # another worker may have died with this run's folds still waiting
            checked = time.monotonic()
        line = _progress_line(run, states)
        if line != printed:
            print(
                f"\r{line:<100}" if sys.stderr.isatty() else line,
                end="" if sys.stderr.isatty() else "\n",
                file=sys.stderr,
            )
            printed = line
        time.sleep(0.5 if sys.stderr.isatty() else 2)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print_folds(run)
    if any(state.state != "done" for state in states):
        raise typer.Exit(1)


def tell_of_a_stop(root: Path, run_id: str = "RUN") -> None:
    """Beside the output, which programs read: that the queue has stopped, why, and what lets it go on."""
    if stop := halt.stopped(root):
        print(in_sentences(stop.message, stop.remedy), file=sys.stderr)
        print(f"Let it go on with: {way_on_from_a_stop(root, run_id)}", file=sys.stderr)


def way_on_from_a_stop(root: Path, run_id: str = "RUN") -> str:
    """The command that lets a queue go on that has stopped: a worker, which trains on this machine, or where fold jobs
    train on a cluster a resume, which starts the writer beside the lab."""
    try:
        trains_here = elsewhere.address(root) is None
    except LabError:  # no place where fold jobs can train: a resume says so
        trains_here = False
    return f"python -m core {'worker' if trains_here else f'resume {run_id}'}{places.runs_option(root)}"


def _progress_line(run: Run, states: list[FoldState]) -> str:
    done = sum(state.state == "done" for state in states)
    parts = [f"{done} of {len(states)} folds done"]
    for state in states:
        if state.state == "running":
            progress = run.progress(state.fold)
            if "epoch" in progress:
                parts.append(f"fold {state.fold} epoch {progress['epoch']}/{progress['epochs']}")
                if state.scores:
                    parts.append(f"best F1 {state.scores['best_f1']:.3f}")
            else:
                parts.append(f"fold {state.fold} {progress.get('stage', 'starting')}")
    return " - ".join(parts)


def bar(what: str) -> Callable[[int, int], None] | None:
    """A progress callback for a terminal; silent where output is not one."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        print(f"\r{what} {done:,} of {total:,}", end="\n" if done >= total else "", file=sys.stderr, flush=True)

    return show
