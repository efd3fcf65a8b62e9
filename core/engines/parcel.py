"""What travels between the lab and a cluster: fold jobs there, parcels back. Plain data; imports no torch, no ray.

An attempt number goes with everything: of a fold that was begun anew elsewhere, what an older attempt sends is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, int]  # run id, fold


@dataclass(frozen=True)
class FoldJob:
    """One fold job as a node gets it.

    attempt: the least number that this attempt may have. files: place below the node's own runs folder -> blob, all
    that `train_fold` reads. weights: file in torch's folder of weights -> blob. pixels: (file name, blob) of the
    decoded photos, kept once a node. versions: of the libraries that make a training what it is, and of Python.
    cores, gpus: what the job has to itself. every: least seconds between two resume points that are sent;
    0 sends each before the next epoch. created: when the run was, which tells it from another of its id; 0 in jobs of
    older labs.
    """

    run: str
    fold: int
    attempt: int
    files: dict[str, str]
    pixels: tuple[str, str] | None = None
    weights: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    cores: int = 1
    gpus: float = 0.0
    every: float = 5.0
    created: float = 0.0

    @property
    def key(self) -> Key:
        return self.run, self.fold

    @property
    def blobs(self) -> set[str]:
        return {*self.files.values(), *self.weights.values(), *([self.pixels[1]] if self.pixels else [])}


@dataclass(frozen=True)
class Node:
    """A machine of the cluster. memory: bytes. why: it is out of use, in a sentence; empty while it is used."""

    id: str
    name: str
    cores: float
    gpus: float = 0.0
    memory: int = 0
    why: str = ""


@dataclass
class Parcel:
    """What is new about a fold since the last parcel of it that was taken.

    node: where the attempt trains (id, name, device, memory), told when it begins. state: the fields of the fold's
    state that training sets; at its end also lasted, in seconds from the start of training, math.inf where an epoch was
    done. facts: what run.json gains. files: file of the fold's folder -> content, always the newest and together one
    resume point. log: lines. end: '' while it trains, 'over' with the last parcel, 'lost' where the lab has to send
    the job again. gone: files of the fold's folder that are no more, and needed no longer.
    """

    run: str
    fold: int
    attempt: int
    node: dict[str, Any] | None = None
    progress: dict[str, Any] | None = None
    state: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    end: str = ""
    gone: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.run, self.fold

    def add(self, newer: Parcel) -> None:
        """Let what is newer come over what this parcel holds."""
        self.attempt, self.end = newer.attempt, newer.end
        self.node, self.progress = newer.node or self.node, newer.progress or self.progress
        self.state |= newer.state
        self.facts |= newer.facts
        self.gone = tuple({*self.gone, *newer.gone} - newer.files.keys())
        self.files = {name: content for name, content in (self.files | newer.files).items() if name not in self.gone}
        self.log += newer.log
