"""What came back from a node, written into the run folder in the order in which the trainer writes it. No torch."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.engines.parcel import Parcel
from core.errors import LabError
from core.runs import Run
from core.runs.origins import pending
from core.runs.use import used
from core.storage import files

KEPT = ("epoch", "best_epoch", "scores")  # of a fold's state, while it trains
ENDED = (*KEPT, "state", "reason", "remedy", "kind", "seconds")
OUT_OF_REACH = "attempts-out-of-reach"  # kind of the error that says so, which is no word about the fold


def write(run: Run, parcel: Parcel) -> None:
    """Bring a fold's folder up to date; for the holder of its lock. Writing the same parcel twice changes nothing.

    The order is the trainer's, so that a kill between any two lines leaves what a resume sets right: best and final
    files wait under other names, metrics, the resume point, the waiting files put in place, then state and progress.
    A resume point that came no more, since the fold is done, goes where a newer one would be written: from then on
    metrics, best and final files tell the end (training.course). Raises LabError(kind 'disk-full') with everything
    before it intact, and OSError, before anything is written, where the state of before is out of reach.
    """
    fold, contents, over = parcel.fold, dict(parcel.files), parcel.end == "over"
    before = run.state_in_reach(fold) if parcel.state or over else None
    outcomes = [
        p for which in ("best", "final") for p in (run.weights_file(fold, which), run.predictions_file(fold, which))
    ]
    waiting = [path for path in outcomes if path.name in contents]
    for path in (run.starts_file(fold), *waiting):
        if path.name in contents:
            target = pending(path) if path in waiting else path
            _replace(target, contents[path.name])
    for path in (run.metrics_file(fold), run.last_file(fold)):
        if path.name in contents:
            _replace(path, contents[path.name])
    if run.last_file(fold).name in parcel.gone:
        run.last_file(fold).unlink(missing_ok=True)
    for path in waiting:
        os.replace(pending(path), path)
    if parcel.facts:
        facts = dict(parcel.facts)
        if facts.get("peak_memory"):
            facts["peak_memory"] = max(facts["peak_memory"], run.info().get("peak_memory") or 0)
        mine = used.of_folds({used.KEY: facts.pop(used.KEY, None)}).get(fold)  # of others the node knows what was
        used.keep(run, fold, mine or {}, goes_on=False)
        if facts:
            run.update_info(**facts)
    if parcel.log:
        _log(run, parcel.log)
    if before is not None:
        fields: dict[str, Any] = {key: parcel.state[key] for key in (ENDED if over else KEPT) if key in parcel.state}
        fields |= {"ended": time.time()} if over else {}
        run.write_state(replace(before, **fields))
    if over:
        run.progress_file(fold).unlink(missing_ok=True)
    elif parcel.progress:
        files.write_json(run.progress_file(fold), parcel.progress, durable=False)


def _replace(path: Path, content: bytes) -> None:
    files.write_whole(path, lambda stream: stream.write(content))


def note_attempt(run: Run, fold: int, attempt: int, node: dict[str, Any]) -> bool:
    """Keep which attempt trains where, so that no later one has its number. Returns whether that is new.

    Raises LabError as `written_attempts` does.
    """
    before = written_attempts(run, fold)
    if any(entry["attempt"] == attempt and entry.get("name") == node.get("name") for entry in before):
        return False
    entry = {"attempt": attempt, "began": time.time(), **{key: node.get(key) for key in ("name", "device", "memory")}}
    others = [entry for entry in before if entry["attempt"] != attempt]
    files.write_json(run.attempts_file(fold), [*others, entry][-50:])
    return True


def attempts(run: Run, fold: int) -> list[dict[str, Any]]:
    """Every attempt of a fold on a cluster, first one first: attempt, began (Unix time), name of its node, device,
    memory (bytes). Empty for a fold that never trained on one, and where that is out of reach.
    """
    try:
        return written_attempts(run, fold)
    except LabError:
        return []


def written_attempts(run: Run, fold: int) -> list[dict[str, Any]]:
    """The same; LabError(kind OUT_OF_REACH) where they are out of reach: the next would have the number of an older
    one, whose parcels would be taken for its own."""
    try:
        return attempts_in_reach(run, fold)
    except OSError as error:
        what = f"{run.id}: folds/{fold}/{run.attempts_file(fold).name} cannot be read ({error.strerror})."
        raise LabError(what, files.CHECK, kind=OUT_OF_REACH) from error


def attempts_in_reach(run: Run, fold: int) -> list[dict[str, Any]]:
    """The same; OSError where they are out of reach."""
    try:
        entries = files.read_json(run.attempts_file(fold))
        return [entry for entry in entries if isinstance(entry["attempt"], int)]
    except (OSError, *files.GARBAGE) as error:
        if files.out_of_reach(error):
            raise
        return []


def _log(run: Run, text: str) -> None:
    try:
        with open(run.log_file, "a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        if not files.disk_full(error):
            raise
