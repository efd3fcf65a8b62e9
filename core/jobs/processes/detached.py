"""A process that outlives whoever started it. Imports no torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from core import machine, places


def start(
    verb: str, *words: str, root: Path, more: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen:
    """`python -m core VERB ...` in a session of its own, without a terminal, its output in the lab's worker.log.

    more: of its environment. options: of Popen, such as the descriptors that it inherits.
    """
    with log(root) as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "core", verb, *words],
            cwd=places.HOME,
            env={**places.environment(), **(more or {})},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            **{"stdin": subprocess.DEVNULL, **options},
        )


def log(root: Path) -> BinaryIO:
    """The lab's worker.log, to append to. Where another account has it, one of this account's beside it: whoever shares
    a runs folder starts their own workers."""
    lab = places.lab_folder(root)
    lab.mkdir(parents=True, exist_ok=True)
    try:
        return open(lab / "worker.log", "ab")
    except PermissionError:
        return open(lab / f"worker.{machine.account()}.log", "ab")


def whose(by_itself: bool) -> str:
    """What a worker takes, as a word of its command: what this machine begins by itself, or what any has queued."""
    return "--by-itself" if by_itself else "--successor"


def start_worker(root: Path, slot: int, descriptor: int, *, by_itself: bool = True) -> None:
    """A worker that is born with a slot. descriptor: holds the slot's lock; the caller closes it."""
    words = ("--runs", str(root), whose(by_itself), "--slot", str(slot), "--slot-lock", str(descriptor))
    start("worker", *words, root=root, pass_fds=(descriptor,))
