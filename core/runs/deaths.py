"""Why a worker died, as far as it can be told afterwards: for want of memory, or stopped from outside. No torch.

While it trains it notes how much memory it holds and how often the kernel has killed for memory until now; a process
that dies between two notes while that count rises was probably the one. Whoever looks first writes the verdict down,
since the count goes on rising for others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import psutil
from filelock import Timeout

from core import machine
from core.errors import LabError
from core.runs.states import FoldState
from core.text import number_of

if TYPE_CHECKING:
    from core.runs.run import Run

STOPPED = "The worker was stopped from outside."
UNCOLLECTED = "The process that collects what the cluster trains was stopped; the cluster goes on meanwhile."
COLLECT = "The lab starts it again by itself, and what came in the meantime is here then."
VERDICTS = ("memory", "stopped")  # kinds of a state that says running though its worker is dead


def identity() -> dict[str, Any]:
    """Which process this is; another one of the same number has another start."""
    process = psutil.Process()
    return {"pid": process.pid, **born(process)}


def born(process: psutil.Process) -> dict[str, float]:
    """When a process began: by the clock, and in seconds after its machine did. Where somebody sets the clock one of
    the two stays as it was noted, on Linux the second."""
    began = process.create_time()
    return {"create_time": began, "born": round(began - psutil.boot_time(), 2)}  # a tick of Linux is 0.01 s


def is_of(worker: Mapping[str, Any], process: psutil.Process) -> bool:
    """Whether a process is the worker of a note. Older ones have no `born`."""
    return any(abs(began - worker[key]) <= 1 for key, began in born(process).items() if key in worker)


def note() -> dict[str, Any]:
    """What a worker writes down while it lives: who it is, the kernel's count of kills, bytes that it may use and
    holds, its loader processes too, without the files that it maps."""
    kills = machine.kills()
    limits = {"limit": machine.memory(), "limited": machine.is_limited()}
    return {
        **identity(),
        "held": machine.held_by(machine.family()),
        **limits,
        "kills": asdict(kills) if kills else None,
    }


def judged(run: Run, state: FoldState) -> FoldState:
    """A fold that says running though nobody trains it, as interrupted, with what its worker probably died of.

    state: as it is written. memory_kills counts this death too, if it was one for memory.
    """
    if state.kind in VERDICTS:
        return replace(state, state="interrupted")
    last = _last_note(run, state)
    if (_kills_since(last) or 0) <= 0:
        if "desk" in (state.worker or {}):
            return replace(state, state="interrupted", reason=UNCOLLECTED, remedy=COLLECT, kind="stopped")
        return replace(state, state="interrupted", reason=STOPPED, kind="stopped")
    state = replace(state, state="interrupted", kind="memory", memory_kills=state.memory_kills + 1)
    return replace(state, reason=_reason(last), remedy=_remedy(run, state))


def write_down(run: Run, fold: int) -> bool:
    """Keep the verdict on a dead worker's fold while the kernel's count still tells it, unless somebody trains it.

    Without a count to compare, as in runs of version 0.1 or after a restart of the machine, the verdict can only be
    "stopped", now and later: nothing is written. Returns whether nothing is left to be kept.
    """
    if not _can_change(run, run.written_state(fold)):
        return True
    try:
        with run.fold_lock(fold).acquire(timeout=0):
            state = run.written_state(fold)
            if _can_change(run, state):
                run.write_state(replace(judged(run, state), state="running"))
    except Timeout:
        return False  # somebody has taken it up
    except (OSError, LabError):
        return False  # a folder that may only be read, or a full disk: the next one who looks judges for himself
    return True


def _can_change(run: Run, state: FoldState) -> bool:
    """Whether who looks later may judge otherwise, since the count goes on rising for others."""
    return _is_open(state) and _kills_since(_last_note(run, state)) is not None


def _is_open(state: FoldState) -> bool:
    return state.state == "running" and state.kind not in VERDICTS


def _last_note(run: Run, state: FoldState) -> dict[str, Any]:
    """The newest note of the worker that the state names; without another its first, from before it held anything."""
    first = state.worker or {}
    newest = run.progress(state.fold).get("worker")
    if (
        isinstance(newest, dict)
        and newest.get("pid") == first.get("pid")
        and any(newest.get(key) == first[key] for key in ("born", "create_time") if key in first)
    ):
        return {**first, **newest}
    return {key: value for key, value in first.items() if key != "held"}


def _kills_since(last: dict[str, Any]) -> int | None:
    """By how much the kernel's count of kills rose since a note; None where that cannot be told, nor ever will be."""
    before = last.get("kills")
    if not isinstance(before, dict) or not isinstance(before.get("count"), int):
        return None
    now = machine.count_now(str(before.get("counter")))
    return None if now is None else now - before["count"]


def _reason(last: dict[str, Any]) -> str:
    limit = float(last.get("limit") or 0) / 1e9
    whose = "that its container or control group allows" if last.get("limited") else "that this machine has"
    if "held" in last:
        held = float(last["held"]) / 1e9
        return f"The worker was killed, probably out of memory: it held {held:.1f} GB of the {limit:.1f} GB {whose}."
    return f"The worker was killed, probably out of memory, of the {limit:.1f} GB {whose}."


def _remedy(run: Run, state: FoldState) -> str:
    """After the second time not only that it can be resumed, but what has to change.

    Where the settings do not say how many fold jobs train at a time, or a note of an older lab does not tell whether
    they do, it is FACET_SLOTS that lowers them: it wins over all.
    """
    ways = []
    worker = state.worker or {}
    slots = worker.get("slots")
    if isinstance(slots, int) and slots > 1:
        if worker.get("slots_are_set"):
            ways.append(f"lower the fold jobs at a time from {slots} to {slots - 1}")
        else:
            fewer = number_of(slots - 1, "fold job")
            ways.append(f"start the lab anew with FACET_SLOTS={slots - 1}, for {fewer} at a time instead of {slots}")
    with contextlib.suppress(LabError):
        size = run.config().training.batch_size
        smaller = f"batch size {size // 2} instead of {size}" if size >= 4 else "smaller images or a shallower network"
        ways.append(f"launch it anew with {smaller}")
    change = ", or ".join(ways) or "free memory"
    if state.memory_kills > 1:
        return f"This was the {_ordinal(state.memory_kills)} time: before you resume, {change}."
    return f"Resume goes on after epoch {state.epoch}. Should it happen again, {change}."


def _ordinal(count: int) -> str:
    return {2: "second", 3: "third"}.get(count, f"{count}th")
