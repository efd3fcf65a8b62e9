"""What the writer asks of a cluster and a desk does with it, and what can go wrong there. Imports no torch, no ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.engines.parcel import FoldJob, Key, Node
from core.errors import LabError

BY_HAND = "taken out of use by hand"


class Gone(Exception):
    """The cluster does not answer. str: why, in a sentence."""


class DeskGone(Exception):
    """The cluster lives, its desk does not: a new one begins with nothing."""


class DeskEmpty(DeskGone):
    """The desk is of another version of the lab and has nothing left: it may be ended, for one of this version."""


class DeskFault(LabError):
    """The desk answers with an error, or in a way that this lab does not know. No word about any fold job."""

    def __init__(self, message: str, remedy: str):
        super().__init__(message, remedy, kind="engine")


class Succeeded(Exception):
    """Another writer has taken over."""


class Cluster(Protocol):
    """What the writer asks of a cluster: a desk, wherever it stands. Each may raise what stands above.

    code: a digest of this lab's code, with which a desk trains that this lab has begun.
    """

    code: str

    def hello(self, writer: str) -> dict[str, Any]: ...
    def missing(self, writer: str, blobs: Sequence[str]) -> list[str]: ...
    def keep(self, writer: str, blob: str, part: int, parts: int, content: bytes) -> bool: ...
    def arrange(self, writer: str, jobs: Sequence[FoldJob], keep: Sequence[str]) -> list[Key]: ...
    def take(self, writer: str, confirmed: int) -> dict[str, Any]: ...
    def cancel(self, writer: str, key: Key) -> bool: ...
    def use(self, writer: str, node: str, why: str) -> bool: ...
    def status(self) -> dict[str, Any]: ...
    def close(self, *, end: bool) -> None: ...


class Hands(Protocol):
    """What a desk does with the cluster."""

    def keep(self, content: Any) -> Any:
        """A handle on content (bytes, or what can be written as they are) that lives as long as the handle."""

    def content(self, handle: Any) -> Any: ...

    def start(self, job: FoldJob, blobs: dict[str, list[Any]], avoid: Sequence[str]) -> Any:
        """Begin an attempt on any node but those to avoid; returns the task."""

    def stop(self, task: Any) -> None:
        """End a task by force, if it can be reached."""

    def ended(self, tasks: Sequence[Any]) -> list[tuple[Any, str]]:
        """The tasks that are no more, each with what ended it; empty where it ended by itself."""

    def wait(self, tasks: Sequence[Any], seconds: float) -> None:
        """Until one of these ends, and at most so long; where there are none, so long."""

    def nodes(self) -> list[Node]: ...


@dataclass(frozen=True)
class Demand:
    """What one fold job has to itself on a node, and how often at most its resume point is sent, in seconds."""

    cores: int
    gpus: float = 0.0
    every: float = 5.0


def no_place(status: Mapping[str, Any], job: FoldJob | None) -> str:
    """Why no node can take a fold job, in a sentence; empty where one can. status: a desk's. job: the next one."""
    if status.get("places", 1):
        return ""
    nodes = status.get("nodes", [])
    reasons = [(node["name"], node["why"]) for node in nodes if node["why"]]
    unused = [f"{name} was {BY_HAND}" if why == BY_HAND else why for name, why in reasons]
    return f"{'; '.join(['No node of the cluster can take a fold job', *unused, *_too_small(nodes, job)])}."


def _too_small(nodes: Sequence[Mapping[str, Any]], job: FoldJob | None) -> list[str]:
    """Why a node that is used has no place for a fold job, where it has too few cores for it."""
    cores = max((node["cores"] for node in nodes if not node["why"]), default=None)
    if cores is None or job is None or cores >= job.cores:
        return []
    slot = "as many as a slot of this machine has (threads, on Settings)"
    return [f"one needs {job.cores} cores, {slot}, and the largest node has {cores:g}"]
