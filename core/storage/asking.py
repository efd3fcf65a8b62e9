"""Who asks, and what they may change: what belongs to somebody is changed by them, or by an admin. Imports no torch.

A command and a worker act as the account that they run under, and change everything: whoever has the files has them. A
lab that several people share through a door says, whenever it is asked, for whom it works just then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core import machine
from core.errors import LabError

NOBODYS = "it is older than this lab's memory of who did what"


@dataclass(frozen=True)
class Asker:
    """Somebody who asks for something.

    name: what `by` says of what they do: an account, or who the door let in. admin: may change everybody's things.
    shared: other people come in through the same door; else everything is one's own, and no page speaks of people.
    """

    name: str
    admin: bool = True
    shared: bool = False

    def may_change(self, owner: str) -> bool:
        """owner: whose it is; empty for what is nobody's, which admins alone change."""
        return self.admin or (owner != "" and owner == self.name)


def account() -> Asker:
    """The account that this process runs under."""
    return Asker(machine.account())


_answer: Callable[[], Asker] = account


def answered_by(answer: Callable[[], Asker]) -> None:
    """Let `answer` say who asks from now on, in all threads of this process.

    It is called in the thread that asks. Where it cannot tell, it has to answer with somebody who may change nothing.
    """
    global _answer
    _answer = answer


def asker() -> Asker:
    """Who asks just now."""
    return _answer()


def check(owner: str, what: str) -> None:
    """Raises LabError(kind 'not-yours') where whoever asks may not change this. what: it, as a person calls it."""
    if not asker().may_change(owner):
        raise LabError(f"{what} {belongs(owner)}.", ask(owner), kind="not-yours")


def check_lab(what: str) -> None:
    """Raises LabError(kind 'not-yours') where whoever asks may not change a setting that holds for everybody."""
    if not asker().admin:
        raise LabError(f"{what} is a setting of the whole lab.", "Ask an admin of the lab.", kind="not-yours")


def belongs(owner: str) -> str:
    return f"belongs to {owner}" if owner else f"is nobody's: {NOBODYS}"


def ask(owner: str) -> str:
    return "Ask them, or an admin of the lab." if owner else "An admin of the lab may change it."
