"""What a keeper decides of a request: somebody comes in, or an answer is given at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.responses import Response


@dataclass(frozen=True)
class ComesIn:
    """person: who is asking, "" for nobody, who is let to a login. hidden: headers, in lower case, that Streamlit must
    not see. scope: what of the ASGI scope is changed."""

    person: str
    hidden: frozenset[bytes] = frozenset()
    scope: Mapping[str, object] = field(default_factory=dict)


class Keeper(Protocol):
    """Looks at a request or the opening of a web socket. Never raises for what was sent.

    leaves: the address at which one logs out, "" where one does not log in. shared: whether several people come in, of
    whom not everybody may change everything.
    """

    leaves: str
    shared: bool

    def judge(self, asked: HTTPConnection) -> ComesIn | Response: ...
