"""Whether fold jobs train on a Ray cluster, and what the writer beside the lab told of it last. No torch, no ray.

The writer is the one process that hands fold jobs to the cluster and writes into the run folders what comes back. What
it tells lies in machines/<name>/cluster.json, so that a page or a command needs no connection of its own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import time
from pathlib import Path
from typing import Any

from core.data.reach import bounds
from core.errors import LabError
from core.places import machine_folder
from core.storage import asking, files, locks, machine_settings
from core.storage.files import GARBAGE

CHOICE = "FACET_ENGINE"
OF_LAB = "lab"  # beside it in engine.json: the one with which the lab was started
HERE = "this-machine"
CLUSTER = re.compile(r"ray|ray://(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")
FRESH = 15.0  # seconds for which what the writer told is taken to be so


def address(root: Path) -> str | None:
    """'ray' (a cluster on this machine) or 'ray://HOST:PORT'; None where fold jobs train on this machine.

    FACET_ENGINE wins over the setting: see `variable`. Raises LabError(kind 'engine') for anything else.
    """
    return _check(variable(root), root)


def variable(root: Path) -> str:
    """FACET_ENGINE as it holds for this process; empty where the setting counts.

    That it is not set is a choice of whoever started the lab. Whoever types a command in another shell has chosen
    nothing by that: there the lab's counts, and while a cluster trains the one in force, off which nothing is taken.
    """
    if CHOICE in os.environ or bounds.asked_from() == bounds.PAGE:
        return os.environ.get(CHOICE, "")
    is_at_work = writer_lives(root) or bool(under_way(root))  # not what waits: it may have come with this command
    return _left(root).get(CHOICE if is_at_work else OF_LAB, "")


def cluster(root: Path) -> str | None:
    """`address` for who only tells of it: also None where the choice names no place, which the page's head says."""
    with contextlib.suppress(LabError):
        return address(root)
    return None


def put_in_force(root: Path) -> str | None:
    """`address`, and leave it for the processes that are started for it, which may outlive this one.

    Each keeps the FACET_ENGINE that it was born with, while the lab may be started anew with another, or without.
    """
    chosen, named = address(root), variable(root)
    _leave(root, named, named if bounds.asked_from() == bounds.PAGE else _left(root).get(OF_LAB, ""))
    return chosen


def in_force(root: Path) -> str | None:
    """`address` as it was left by who saw to workers last, and the setting as it is now: for these workers, and for the
    writer. Raises as `address` does.
    """
    named = _left(root).get(CHOICE)
    return address(root) if named is None else _check(named, root)


def _named_file(root: Path) -> Path:
    return machine_folder(root) / "engine.json"


def _left(root: Path) -> dict[str, str]:
    """FACET_ENGINE of who saw to workers last and of the lab, each empty without one; {} where nobody left any."""
    with contextlib.suppress(OSError, *GARBAGE):
        return {key: str(named) for key, named in files.read_json(_named_file(root)).items()}
    return {}


def _leave(root: Path, named: str, of_lab: str) -> None:
    before = _left(root)
    if (named, of_lab) != (before.get(CHOICE, ""), before.get(OF_LAB, "")):
        with contextlib.suppress(OSError, LabError):  # who may only read here starts nothing
            _named_file(root).parent.mkdir(parents=True, exist_ok=True)
            files.write_json(_named_file(root), {CHOICE: named, OF_LAB: of_lab}, durable=False)


def _check(named: str, root: Path) -> str | None:
    return check(named or _setting(root), CHOICE if named else "settings")


def check(choice: Any, where: str) -> str | None:
    """The address of a cluster, None for this machine. Raises LabError(kind 'engine') for what is neither."""
    if choice in (None, "", HERE):
        return None
    match = CLUSTER.fullmatch(choice) if isinstance(choice, str) else None
    if match is None or not 0 < int(match["port"] or 1) < 65536:
        raise LabError(
            f"{where}: {choice!r} names no place where fold jobs can train.",
            f"Choose {HERE}, ray (a cluster on this machine) or ray://HOST:10001.",
            kind="engine",
        )
    return str(choice)


def check_installed() -> None:
    """Raises LabError(kind 'engine') saying what to install where fold jobs are to train on a cluster."""
    if importlib.util.find_spec("ray") is None:
        raise LabError(
            "engine: Ray is not installed here.",
            "pip install -r requirements-ray.txt, start the lab again, then choose it.",
            kind="engine",
        )


def choose(root: Path, choice: str) -> None:
    """Keep the setting of this machine, in place of what was named before where nothing is named now.

    Raises LabError: 'not-yours', 'engine'.
    """
    check(choice, "engine")
    machine_settings.change(root, engine=choice)
    if CHOICE not in os.environ:
        _leave(root, "", "")


def _setting(root: Path) -> Any:
    return machine_settings.read(root).get("engine")


def writer_lock(root: Path) -> Path:
    """Held by the writer while it lives."""
    return machine_folder(root) / "writer.lock"


def writer_lives(root: Path) -> bool:
    return locks.is_held(writer_lock(root))


def report_file(root: Path) -> Path:
    return machine_folder(root) / "cluster.json"


def report(root: Path) -> dict[str, Any]:
    """What the writer told last; empty where none ever did.

    address, when (Unix time), nodes (each: id, name, cores, gpus, device, memory, jobs, why), places, waiting,
    under_way (each: run, fold, attempt, node), doing (what takes long at the moment), trouble (a sentence).
    """
    try:
        return files.table_of(files.read_json(report_file(root)))
    except (OSError, ValueError, RecursionError):
        return {}


def told_lately(root: Path, of: str) -> dict[str, Any]:
    """The report of a living writer on the cluster of this address, while it is fresh; else empty."""
    content = report(root)
    with contextlib.suppress(*GARBAGE):
        if content["address"] == of and time.time() - float(content["when"]) < FRESH and writer_lives(root):
            return content
    return {}


def wishes_file(root: Path) -> Path:
    return machine_folder(root) / "nodes.json"


def use_node(root: Path, name: str, use: bool) -> None:
    """Ask the writer to take a node out of use, or into use again. What trains there goes on to its end.

    Raises LabError: 'not-yours', and as files.change_json does.
    """
    asking.check_lab("which nodes are used")
    word = "in" if use else "out"
    files.change_json(wishes_file(root), "what nodes are used", lambda content: files.table_of(content) | {name: word})


def forget_wish(root: Path, name: str) -> bool:
    """Strike off that a node is to be put back, once it was; False where that cannot be written."""

    def without(content: object) -> dict[str, Any]:
        return {node: word for node, word in files.table_of(content).items() if (node, word) != (name, "in")}

    with contextlib.suppress(LabError, OSError):
        files.change_json(wishes_file(root), "what nodes are used", without)
        return True
    return False


def wishes(root: Path) -> dict[str, str]:
    """Name of a node -> 'out' or 'in', as people asked."""
    try:
        return {str(name): str(word) for name, word in files.table_of(files.read_json(wishes_file(root))).items()}
    except (OSError, ValueError, RecursionError):
        return {}


def under_way(root: Path) -> list[tuple[str, int]]:
    """(run id, fold) of what trains on a cluster, or did when the writer was last alive."""
    with contextlib.suppress(*GARBAGE):
        return [(str(job["run"]), int(job["fold"])) for job in report(root).get("under_way", [])]
    return []


def collects_from(root: Path) -> str | None:
    """Address of the cluster where something trains of which no end is known here, whatever is chosen by now."""
    of = report(root).get("address")
    return of if under_way(root) and isinstance(of, str) and CLUSTER.fullmatch(of) else None


def waits_for(root: Path) -> str:
    """Why the cluster that is chosen begins nothing yet: what trains on the one before is collected first; else empty.

    In a sentence. On this machine fold jobs begin all the same.
    """
    before, now = collects_from(root), cluster(root)
    if before is None or now is None or before == now:
        return ""
    return f"What trains on the cluster at {before} is collected first; nothing begins at {now} until that has ended."


def nothing_under_way(root: Path) -> None:
    """Nobody collects any more what trains on a cluster. Raises LabError, OSError."""
    if content := report(root):
        files.write_json(report_file(root), content | {"under_way": []}, durable=False)


def trouble(root: Path) -> str:
    """What keeps fold jobs from training on the cluster, in a sentence, while a writer tries; else empty."""
    return str(report(root).get("trouble") or "") if writer_lives(root) else ""
