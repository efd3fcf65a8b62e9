"""A queue that stops when job after job fails at once, and goes on when a person says so. Imports no torch.

Counted on disk, by machine and slot: a process that met an error which nobody foresaw leaves, and the next one has to
know. A slot counts for itself, so that a good GPU beside a broken one does not hide it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import LabError, in_sentences
from core.places import machine_folder
from core.storage import files, lab_file
from core.storage.files import GARBAGE

INSTANT = 60.0  # seconds of training within which a failure says more about the machine than about the job
IN_A_ROW = 3
BROKEN = ("unexpected", "device", "memory")  # kinds of failures after which a process, or its GPU, may be in pieces
# Failures that say something about the machine where one follows the other, such as that a disk is not mounted.
COUNTED = (*BROKEN, "disk-full", "data-moved", lab_file.KIND)
UNREADABLE, DAMAGED = "unreadable", "damaged"  # kinds of a stop of which nobody knows what it was
_DAMAGED = "the file that says why, stopped.json, is damaged."
_LET_GO_ON = "Let the queue go on; it stops again where the cause is still there."
TOGETHER = ("memory", "data-moved")  # where one follows the other in folds of one run, they say something about the run


@dataclass(frozen=True)
class Stop:
    """Why nothing is claimed on this machine. when: Unix time; reason: of the last failure; jobs: 'run id, fold k'.

    cause: what stopped it, in a sentence, where it was no row of failures; reason is then what to do about it.
    kind: of the error that says so, empty where it is not known.
    """

    when: float
    reason: str
    jobs: tuple[str, ...]
    cause: str = ""
    kind: str = ""

    @property
    def message(self) -> str:
        if self.cause:
            return f"The queue has stopped: {self.cause}"
        return (
            f"The queue has stopped: {len(self.jobs) or 'several'} fold jobs in a row failed as soon as they started."
        )

    @property
    def remedy(self) -> str:
        if self.cause:
            return self.reason
        return in_sentences(
            f"The last one said: {self.reason}", "Look at its log, mend the cause, then let the queue go on."
        )


def stopped(root: Path) -> Stop | None:
    """What stopped the queue of this machine; None while it goes on. It has stopped where nobody can tell, too."""
    try:
        data = files.read_json(stop_file(root))
        return Stop(
            float(data["when"]),
            str(data["reason"]),
            tuple(str(job) for job in data["jobs"]),
            str(data.get("cause", "")),
            str(data.get("kind", "")),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, *GARBAGE) as error:
        if not files.out_of_reach(error):
            return Stop(0.0, _LET_GO_ON, (), _DAMAGED, DAMAGED)
        cause = f"whether it may go on stands in {stop_file(root)}, which cannot be read ({error.strerror})."
        return Stop(0.0, files.CHECK, (), cause, UNREADABLE)


def go_on(root: Path) -> None:
    """Let the queue go on, and count from nothing."""
    for path in (stop_file(root), _count_file(root)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def stop(root: Path, cause: str, remedy: str, kind: str = "") -> None:
    """Stop the queue for what is no row of failures, such as a cluster that is gone. kind: of the error."""
    with contextlib.suppress(OSError, LabError):
        stop_file(root).parent.mkdir(parents=True, exist_ok=True)
        files.write_json(stop_file(root), asdict(Stop(time.time(), remedy, (), cause, kind)))


def ended(root: Path, slot: int | str, run_id: str, fold: int, end: Mapping[str, Any], seconds: float) -> None:
    """Count how a fold job ended. end: the fields of its state that say so. slot, seconds: as for `failed`."""
    kind = end.get("kind", "")
    if kind in COUNTED:
        job = run_id if kind in TOGETHER else f"{run_id}, fold {fold}"
        failed(root, slot, job, end["reason"], seconds, kind)
    else:
        ended_well(root, slot)


def failed(root: Path, slot: int | str, job: str, reason: str, seconds: float, kind: str = "") -> None:
    """Count a failure that nobody foresaw. In a slot the third instant one in a row, each of another job, stops all.

    slot: of this machine, or the name of a node of a cluster, or what else fold jobs fail in that counts for itself.
    seconds: from the start of training to the failure; math.inf where an epoch was done.
    kind: of the error.
    """

    def count(counts: dict[str, Any]) -> None:
        before = [entry for entry in counts.get(str(slot), []) if entry["job"] != job]
        counts[str(slot)] = row = [*before, {"job": job, "reason": reason}] if seconds < INSTANT else []
        if len(row) >= IN_A_ROW:
            jobs = tuple(entry["job"] for entry in row)
            files.write_json(stop_file(root), asdict(Stop(time.time(), reason, jobs, kind=kind)))

    _change(root, count)


def ended_well(root: Path, slot: int | str) -> None:
    """A job that ended in a way that was foreseen: failures before it were not in a row."""
    if _count_file(root).exists():
        _change(root, lambda counts: counts.pop(str(slot), None))


def _change(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the instant failures of each slot. What cannot be written is not counted."""

    def changed(content: Any) -> dict[str, Any]:
        counts = _sensible(content)
        change(counts)
        return counts

    with contextlib.suppress(OSError, LabError):
        files.change_json(_count_file(root), "failures.json", changed, timeout=5)


def _sensible(content: Any) -> dict[str, Any]:
    """The counts; none where they make no sense."""
    try:
        return {k: [{"job": str(e["job"]), "reason": str(e["reason"])} for e in v] for k, v in content.items()}
    except GARBAGE:
        return {}


def _count_file(root: Path) -> Path:
    return machine_folder(root) / "failures.json"


def stop_file(root: Path) -> Path:
    """Says that the queue has stopped; absent while it goes on."""
    return machine_folder(root) / "stopped.json"
