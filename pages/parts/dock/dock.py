"""The queue in the header of every page: what trains and how far it is, what waits, what failed lately, in one line;
a click opens it, with a way to stop each.

It stands in the header's empty part, so it covers nothing, and is not there where nothing trains, waits or failed. One
look at the runs serves it, the browser's notifications and the page itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import streamlit as st

from core import places
from core.jobs import halt
from core.jobs import queue as jobs
from core.runs import Run
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.text import count, duration, so_far
from pages.parts.bell import bell
from pages.parts.dock import panel, style
from pages.parts.dock.panel import SEEN
from pages.parts.run import view
from pages.parts.shared import badges
from pages.parts.tab import out_of_reach, ticking

LOOKS = 3  # of a page that watches a run, to one for all runs
FRESH = 3.0  # seconds
LATELY = 12 * 3600.0  # seconds in which what stopped by itself is still said
STOPPED = ("failed", "interrupted")  # who cancels a run knows that it ended


class Queue(NamedTuple):
    """What the lab does now. trains, waits, stopped: runs; the last are those that stopped by themselves lately and
    were not seen. status: of each run that trains. held: ids of those that wait while their study is paused.
    is_halted: whether nothing begins, since several broke."""

    trains: list[Listed]
    waits: list[Listed]
    stopped: list[Listed]
    status: dict[str, view.RunStatus]
    held: frozenset[str] = frozenset()
    is_halted: bool = False

    def __bool__(self) -> bool:
        return bool(self.trains or self.waits or self.stopped)

    @property
    def share(self) -> float:
        """Of the work of what trains, 0..1."""
        return sum(status.share for status in self.status.values()) / max(1, len(self.status))

    @property
    def seconds_left(self) -> float | None:
        """Until the last of what trains is through; None where one does not tell."""
        seconds = [status.seconds_left(panel.metrics_of(status)) for status in self.status.values()]
        ends = [each for each in seconds if each is not None]
        return max(ends) if ends and len(ends) == len(seconds) else None


def once(*, lists: bool = True) -> list[Listed]:
    """Call it on every page: all runs, newest first, as this drawing of the page found them.

    lists: whether the page needs them; one that does not is no slower for thousands of runs, and its queue is as old as
    between two ticks at most.
    """
    entries = index.listed() if lists else index.lately(FRESH)
    first = [entries]
    is_active = any(entry.state in badges.ACTIVE for entry in entries)
    st.fragment(out_of_reach.noticed(_tick), run_every=LOOKS * ticking.every(1.0) if is_active else None)(first)
    return entries


def _tick(first: list[list[Listed]]) -> None:
    """first: what the page has just read, for the first time that this is drawn."""
    entries = first.pop() if first else index.listed()
    bell.listen(entries)
    queue = queue_of(entries, st.session_state.get(SEEN, set()))
    with st.container(key="dock", horizontal=True, gap=None):
        if queue:
            st.html(style.STYLE + words(queue), width="content")
            popover = st.popover("Queue", key="dock-queue", on_change="rerun")
            if popover.open:
                with popover, st.container(key="dock-panel", gap="small"):
                    panel.draw(queue.trains, queue.waits, queue.stopped, queue.status, entries)


def queue_of(entries: Sequence[Listed], seen: set[tuple[str, float]], now: float | None = None) -> Queue:
    """entries: all runs. seen: what stopped and was seen, see panel.mark. now: seconds since 1970, this moment if None.

    What failed before and waits again is not failed any more.
    """
    moment = time.time() if now is None else now
    trains = [entry for entry in entries if entry.state == "running"]
    stopped = [
        entry
        for entry in entries
        if entry.state in STOPPED and entry.notes.archived is None and panel.mark(entry) not in seen
    ]
    waits, root = [entry for entry in entries if entry.state == "queued"], places.runs_folder()
    return Queue(
        trains,
        waits,
        [entry for entry in stopped if moment - panel.mark(entry)[1] <= LATELY],
        {entry.id: _status(entry.summary) for entry in trains},
        frozenset(jobs.held_runs(root) & {entry.id for entry in waits}) if waits else frozenset(),
        bool(waits) and halt.stopped(root) is not None,
    )


def _status(summary: dict[str, Any]) -> view.RunStatus:
    return view.status_of(Run(summary["id"]), int(summary["epochs"]), everybody=bool(summary.get("everybody")))


def words(queue: Queue) -> str:
    """HTML of the one line: "2 active, 1 failed · 52 % · 4 min left" above a thin bar; a phone leaves the time out."""
    begin = [entry for entry in queue.waits if entry.id not in queue.held]  # as soon as a slot is free
    broke = {state: sum(entry.state == state for entry in queue.stopped) for state in STOPPED}
    counts = {"active": len(queue.trains) + len(begin), "paused": len(queue.held), **broke}
    state = "running" if queue.trains else "queued" if begin else "interrupted" if queue.held else ""
    state = state or next(state for state, n in broke.items() if n)
    line = f"<span>{badges.icon(state)} {', '.join(f'{count(n)} {word}' for word, n in counts.items() if n)}</span>"
    if queue.trains:
        line += f"<span>{so_far(queue.share)}</span>"
        if (seconds := queue.seconds_left) is not None:
            line += f'<span class="dock-spare">{duration(seconds)} left</span>'
    elif begin:
        line += f'<span class="dock-spare">{"the queue is stopped" if queue.is_halted else "nothing trains yet"}</span>'
    bar = badges.bar(queue.share, name="of what trains") if queue.trains else ""
    return f'<div class="dock-words lab-num">{line}</div>{bar}'
