"""What waits in the queue, in words: the same on Home and in the queue of the header."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core import places
from core.jobs import elsewhere, halt
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Ahead, Times
from core.runs.owners import owner
from core.text import estimate, number_of
from pages.parts.people import people

UNKNOWN = "when it starts is not known yet"
SOON = 5.0  # seconds


def folds_that_wait(
    places_in_queue: Sequence[tuple[str, int]], by_id: Mapping[str, dict[str, Any]]
) -> dict[str, list[int]]:
    """Run -> its folds that wait, in the order of the queue; what is held back comes last.

    places_in_queue: (run id, fold) of what may begin. by_id: summaries.
    """
    folds_of: dict[str, list[int]] = {run_id: [] for run_id, _ in places_in_queue if run_id in by_id}
    for run_id, summary in by_id.items():
        if folds := [int(fold["fold"]) for fold in summary["folds"] if fold["state"] == "queued"]:
            folds_of[run_id] = folds
    return {run_id: folds for run_id, folds in folds_of.items() if folds}


def in_words(
    runs: Sequence[dict[str, Any]],
    folds_of: Mapping[str, Sequence[int]],
    held: Collection[str],
    spans: Mapping[str, Times | None],
) -> str:
    """ "3 folds · starts in about 2 min, then 5 min" of one run that waits, or of those of one study.

    runs: summaries. folds_of: from folds_that_wait. held: ids of runs of which no fold may begin. spans: when the folds
    of each run that wait begin and end.
    """
    jobs = sum(len(folds_of[run["id"]]) for run in runs)
    words = number_of(jobs, "fold") + (f" of {number_of(len(runs), 'run')}" if len(runs) > 1 else "")
    if len(runs) == 1 and jobs < len(runs[0]["folds"]):
        words = f"fold{'s' if jobs > 1 else ''} {', '.join(map(str, folds_of[runs[0]['id']]))}"
    if all(run["id"] in held for run in runs):
        words += " · paused with its study"
    else:
        words += f" · {when([spans.get(run['id']) for run in runs]) or unknown()}"
    by = people.by(owner.told(runs[0]))
    return f"{words} · {by}" if by else words


def unknown() -> str:
    """That nobody knows when something starts that waits; where fold jobs train on a cluster also why."""
    root = places.runs_folder()
    if elsewhere.cluster(root) is None or halt.stopped(root) is not None:  # of a stop the page's head tells
        return UNKNOWN
    if ahead.places(root) is None:
        return f"{UNKNOWN}: the cluster has not said lately how many folds it trains at a time"
    return f"{UNKNOWN}: how long a fold takes on the cluster shows once one of its run has ended there"


def when(spans: Sequence[Times | None]) -> str:
    """ "starts in about 2 min, then 5 min" of runs that wait one behind another; empty where nobody knows. spans: of
    each run."""
    times = [span for span in spans if span is not None]
    if not times or len(times) < len(spans):
        return ""
    begins, lasts = min(span.begins for span in times), max(span.ends for span in times)
    starts = f"starts in about {estimate(begins)}" if begins >= SOON else "starts next"
    return f"{starts}, then {estimate(lasts - begins)}"


def starts(before: Ahead) -> str:
    """When the first fold job of what is launched now begins, in words."""
    if before.halted:
        return "when the queue goes on"
    if before.jobs < max(1, len(before.slots)):
        return "at once"
    if not before.slots:
        jobs = number_of(before.jobs, "fold job")
        return f"after {jobs}; the cluster has not said lately how many it trains at a time"
    behind = f"{number_of(before.jobs, 'fold job')} before it"
    if before.unknown and not before.slots[0]:
        return f"after {behind.removesuffix(' before it')}"
    return f"in {'over' if before.unknown else 'about'} {estimate(before.slots[0])}, {behind}"
