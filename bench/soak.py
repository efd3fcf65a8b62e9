"""Ten minutes in which nothing may be lost: `python -m bench.soak`. Prints each figure beside its goal.

kills      one small run with mix-up and balanced sampling, a hundred times: its worker and all that it started get
           SIGKILL at a random moment, it is resumed, and in the end weights, resume point, predictions and metrics
           are held against those of a run that was never stopped, value by value (bench/kills.py)
sessions   ten at once on Live while a run trains: errors, how soon a look is answered, what it costs the training in
           rounds that alternate, and the lab's memory (bench/sessions.py)

Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from core import machine

KILLS, SESSIONS = 360, 180  # seconds that each part may take at most
SLOWER, ANSWERED, GROWTH = 0.05, 1.0, 16  # of the training's speed; seconds, what a page looks at most once in; MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--fresh", type=int, default=4, help="of them in workers that the lab's own command starts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    began, missed = time.monotonic(), 0
    print(f"{machine.cores()} cores, load {os.getloadavg()[0]:.1f} before", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.kills:
            missed += kills(options, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        if options.sessions:
            missed += sessions(options, Path(folder))
    print(f"{time.monotonic() - began:.0f} s in all, goals missed: {missed}")
    raise SystemExit(1 if missed else 0)


def line(what: str, figure: str, goal: str, holds: bool) -> int:
    """Print a figure; returns 1 if its goal is missed."""
    print(f"{what:<42} {figure:>22}   goal {goal:<16} {'holds' if holds else 'MISSED'}", flush=True)
    return 0 if holds else 1


def kills(options: argparse.Namespace, folder: Path) -> int:
    from bench.kills import kill

    began = time.monotonic()
    done = kill(options.kills, options.fresh, options.seed, folder, KILLS)
    for moment, count in sorted(done.moments.items()):
        print(f"   {count:>3} kills: {moment}")
    for difference in done.differ:
        print(f"   differs: {difference}")
    goal = f"{options.kills} of {options.kills}"
    missed = line(
        "killed and resumed, identical", f"{done.identical} of {done.count}", goal, done.identical == options.kills
    )
    print(f"   {time.monotonic() - began:.0f} s, seed {options.seed}")
    return missed


def sessions(options: argparse.Namespace, folder: Path) -> int:
    import numpy as np

    from bench.sessions import told, watch

    watched = watch(options.sessions, options.rounds, 8, folder, SESSIONS)
    print("   " + "\n   ".join(told(watched)))
    for error in watched.errors[:3]:
        print(f"   a session was told: {error}")
    late = float(np.quantile(watched.ticks, 0.95))
    grown = (watched.memory[-1] - watched.memory[0]) / 2**20
    return (
        line(f"{options.sessions} sessions at once, errors", str(len(watched.errors)), "0", not watched.errors)
        + line("a look is answered within, p95", f"{late * 1000:.0f} ms", f"< {ANSWERED:.0f} s", late < ANSWERED)
        + line("training slowed by", f"{watched.slower:.1%}", f"< {SLOWER:.0%}", watched.slower < SLOWER)
        + line("the lab's memory grew by", f"{grown:+.1f} MB", f"< {GROWTH} MB", grown < GROWTH)
    )


if __name__ == "__main__":
    main()
