"""What the writer asks of a cluster, and what can go wrong with it. Imports no torch, no ray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.engines.parcel import FoldJob, Key


class Gone(Exception):
    """The cluster does not answer. str: why, in a sentence."""


class DeskGone(Exception):
    """The cluster lives, its desk does not: a new one begins with nothing."""


class Succeeded(Exception):
    """Another writer has taken over."""


class Cluster(Protocol):
    """What the writer asks of a cluster: a desk, wherever it stands. Each may raise Gone, DeskGone, Succeeded."""

    def hello(self, writer: str) -> dict[str, Any]: ...
    def missing(self, writer: str, blobs: Sequence[str]) -> list[str]: ...
    def keep(self, writer: str, blob: str, part: int, parts: int, content: bytes) -> bool: ...
    def arrange(self, writer: str, jobs: Sequence[FoldJob], keep: Sequence[str]) -> list[Key]: ...
    def take(self, writer: str, confirmed: int) -> dict[str, Any]: ...
    def cancel(self, writer: str, key: Key) -> bool: ...
    def use(self, writer: str, node: str, why: str) -> bool: ...
    def status(self) -> dict[str, Any]: ...
    def close(self, *, end: bool) -> None: ...


@dataclass(frozen=True)
class Demand:
    """What one fold job has to itself on a node, and how often at most its resume point is sent, in seconds."""

    cores: int
    gpus: float = 0.0
    every: float = 5.0
