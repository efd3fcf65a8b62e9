"""Desks that stand in a Ray cluster, of this lab and of others, and how a forgotten one is removed.

A desk outlives its lab on purpose; one whose lab never comes back keeps what it holds for ever, and may train on.
Imports ray when asked to, and no sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engines import door
from core.engines.ray_cluster import DESK, NAMESPACE, desk_name, visiting
from core.errors import LabError
from core.jobs import elsewhere
from core.storage import asking
from core.text import duration, listed, number_of

ANSWER = 15.0  # seconds that a desk has to answer
FACTS = ("lab", "asked", "training", "waiting", "uncollected")  # of what a desk says of itself
IN_USE = 60.0  # seconds since its writer asked, below which a desk is in use; it asks several times a second


@dataclass(frozen=True)
class Desk:
    """A desk of a cluster.

    lab: account, machine and folder. mine: it is of this lab. asked: seconds since its writer did, None where it does
    not say. training, waiting: fold jobs. uncollected: folds of which results wait for the writer. answers: it says all
    this; a dead one does not, nor one of another version of the lab.
    """

    name: str
    lab: str
    mine: bool = False
    asked: float | None = None
    training: int = 0
    waiting: int = 0
    uncollected: int = 0
    answers: bool = True

    @property
    def in_use(self) -> bool:
        return self.asked is not None and self.asked < IN_USE

    @property
    def holds(self) -> str:
        """What it has, in words; empty where that is nothing."""
        if not self.answers:
            return "it does not say what it holds"
        parts = [
            (self.training, f"{number_of(self.training, 'fold job')} in training"),
            (self.waiting, f"{self.waiting:,} waiting"),
            (self.uncollected, f"results of {number_of(self.uncollected, 'fold')} not collected"),
        ]
        return ", ".join(words for number, words in parts if number)

    def __str__(self) -> str:
        whose = f"of this lab ({self.lab})" if self.mine else f"of {self.lab}"
        asked = f"; its lab asked it {duration(self.asked)} ago" if self.asked is not None else ""
        return f"{self.name} {whose}: {self.holds or 'it holds nothing'}{asked}"


def desks(root: Path, address: str) -> list[Desk]:
    """All desks of a cluster, by name. Raises LabError as `ray_cluster.connect` does."""
    with visiting(address) as ray:
        return [] if ray is None else _seen(ray, root)


def forget(root: Path, address: str, name: str, *, even_if_it_holds: bool = False) -> Desk:
    """Remove a desk of which no lab asks any more; what trains for it ends. Returns what it was.

    Raises LabError: as `ray_cluster.connect` does; 'not-yours'; 'engine' where there is none of this name, where its
    lab is at work, and where it holds something that would be lost, unless that was agreed to.
    """
    asking.check_lab("a desk in the cluster")
    with visiting(address) as ray:
        seen = {desk.name: desk for desk in (_seen(ray, root) if ray is not None else ())}
        desk = seen.get(name)
        if desk is None:
            raise LabError(
                f"engine: there is no {name} at {address}.",
                f"There is {listed(list(seen))}." if seen else "No desk stands there.",
                kind="engine",
            )
        lives = desk.mine and elsewhere.writer_lives(root)
        if desk.mine and desk.in_use and desk.asked is not None and not lives:
            raise LabError(
                f"engine: {desk}. Nothing of it is at work here; a copy of its folder, which has its name, may be.",
                f"Try again in {duration(IN_USE - desk.asked)}: a lab that has not asked by then is not there.",
                kind="engine",
            )
        if desk.in_use or lives:
            raise LabError(
                f"engine: {desk}. Its lab is at work.",
                "Cancel its runs there, or let them end: the lab removes its desk itself.",
                kind="engine",
            )
        if desk.holds and not even_if_it_holds:
            raise LabError(
                f"engine: {desk}. All that would be lost but what its lab has on its disk.",
                "Start its lab again, which collects it; or add --yes to forget it all the same.",
                kind="engine",
            )
        ray.kill(ray.get_actor(name, namespace=NAMESPACE))
    if desk.mine:
        elsewhere.nothing_under_way(root)
    return desk


def _seen(ray: Any, root: Path) -> list[Desk]:
    mine = desk_name(root)
    names = [
        entry["name"] for entry in ray.util.list_named_actors(all_namespaces=True) if entry["namespace"] == NAMESPACE
    ]
    return [_desk(ray, name, mine == name) for name in sorted(names) if name.startswith(DESK)]


def _desk(ray: Any, name: str, mine: bool) -> Desk:
    try:
        actor = ray.get_actor(name, namespace=NAMESPACE)
        status = door.answer_of(ray.get(actor.call.remote("status", *door.packed(())), timeout=ANSWER))
        return Desk(name, mine=mine, **{key: status[key] for key in FACTS})
    except KeyError:
        return Desk(name, "a lab of another version", mine, answers=False)
    except Exception as error:  # dead, or too busy to say: whoever asks reads that it does not answer, and why
        return Desk(name, f"a lab that cannot be told ({type(error).__name__})", mine, answers=False)
