"""The gate: an ASGI middleware around everything that Streamlit serves."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server import server_util

from pages.parts.door import words
from pages.parts.door.verdict import ComesIn, Keeper

PERSON = "X-Facet-Person"  # header, written by the gate alone: who is asking, percent-encoded
READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Lets in what its keeper lets in, and writes into the request who it is; the rest never reaches the app."""

    stands = False  # in this process, before what is served
    leaves = ""  # where one logs out
    shared = True  # by several people, unless its keeper says that it is one

    def __init__(self, app: ASGIApp, keeper: Keeper):
        self.app, self.keeper = app, keeper
        Gate.stands, Gate.leaves, Gate.shared = True, keeper.leaves, keeper.shared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        verdict = self.keeper.judge(asked) if _from_the_labs_pages(asked) else words.another_origin(asked)
        if isinstance(verdict, ComesIn):
            await self.app(_named(scope, verdict), receive, send)
        else:
            await _refuse(verdict, scope, receive, send)


def _named(scope: Scope, verdict: ComesIn) -> Scope:
    """The scope with the person in it, and without what nobody may claim or see."""
    hidden = verdict.hidden | {PERSON.lower().encode()}
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in hidden]
    headers.append((PERSON.lower().encode(), quote(verdict.person).encode()))
    return {**scope, **verdict.scope, "headers": headers}


def _from_the_labs_pages(asked: HTTPConnection) -> bool:
    """Whether a socket, or what changes something, was asked for by a page of the lab, or by no page at all.

    Streamlit itself takes any port of this machine for itself, and asks the internet for the machine's own address.
    """
    origin = asked.headers.get("origin")
    if origin is None or (asked.scope["type"] == "http" and asked.scope["method"] in READS):
        return True
    try:
        own = urlsplit(origin).netloc == asked.headers.get("host")
    except ValueError:
        own = False
    return own or server_util.is_allowed_origin(origin)


async def _refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":  # closed before it was accepted: the server answers 403
        await send({"type": "websocket.close", "code": 1008, "reason": "Facet Lab: no entry without an identity"})
    else:
        await answer(scope, receive, send)
