"""A page that says who asks for it, served by Streamlit's real app behind a gate, in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.web.server.starlette.starlette_app import App

from pages.parts.door import plotly_script
from pages.parts.door.gate import Gate
from pages.parts.door.verdict import Keeper

PAGE = """
import streamlit as st
from pages.parts.door.person import guard, in_words, person
guard()
st.text(f"asked by {person()}, headers {sorted(st.context.headers)}")
st.text(in_words() or "nobody logs in")
"""
HOST = "127.0.0.1:8501"
SOCKET = "/_stcore/stream"
Sent = Iterable[tuple[str, str]]  # headers


@dataclass(frozen=True)
class Answer:
    """shut: the door answered and not the lab."""

    status: int
    shut: bool


class Reached:
    """Stands behind the gate and notes what came through it."""

    def __init__(self, app, paths: list[str]):
        self.app, self.paths = app, paths

    async def __call__(self, scope, receive, send):
        if scope["type"] != "lifespan":
            self.paths.append(scope["path"])
        await self.app(scope, receive, send)


class Served:
    """loop: in which the lab lives. reached: paths that came through the door since they were cleared."""

    def __init__(self, app: App, loop: BlockingPortal, reached: list[str]):
        self.app, self.loop, self.reached = app, loop, reached

    def addresses(self) -> list[tuple[str, str]]:
        """(method, path) of every route that the app has now; SOCKET is one of them, with the method WEBSOCKET."""
        return list(dict.fromkeys(_addresses(self.app._starlette_app.routes)))

    def ask(self, method: str, path: str, headers: Sent, origin: str = f"http://{HOST}") -> Answer:
        """One request, or the opening of a socket, which is closed again; as a server hands it to the app."""
        return self.loop.call(self._ask, method, path, headers, origin)

    async def _ask(self, method: str, path: str, headers: Sent, origin: str) -> Answer:
        kind = "websocket" if method == "WEBSOCKET" else "http"
        comes = [f"{kind}.disconnect", "websocket.connect" if kind == "websocket" else "http.request"]
        sent = []

        async def receive():
            return {"type": comes.pop(), "code": 1000}

        async def send(message):
            sent.append(message)

        await self.app(_scope(method, path, headers, origin), receive, send)
        first = sent[0]
        if method == "WEBSOCKET":
            status = 101 if first["type"] == "websocket.accept" else 403
            return Answer(status, "Facet Lab" in first.get("reason", ""))
        return Answer(first["status"], (b"x-facet-door", b"shut") in first["headers"])

    def page(self, headers: Sent, session: str = "") -> tuple[str, str]:
        """(texts that the page shows, the session's id). session: one to go on with."""
        drawn, session = self.drawn(headers, session)
        return " ".join(e.text.body or e.alert.body or e.exception.message for e in drawn), session

    def drawn(
        self, headers: Sent, session: str = "", *, name: str = "", query: str = "", press: str = ""
    ) -> tuple[list[Element], str]:
        """(elements of a page, the session's id). name, query: of the page's address. press: the id of a button."""
        asks = BackMsg()
        asks.rerun_script.query_string, asks.rerun_script.page_name = query, name
        if press:
            asks.rerun_script.widget_states.widgets.add(id=press, trigger_value=True)
        return self.loop.call(self._drawn, headers, session, asks)

    async def _drawn(self, headers: Sent, session: str, asks: BackMsg) -> tuple[list[Element], str]:
        over = asyncio.Event()
        comes = [{"type": "websocket.connect"}, {"type": "websocket.receive", "bytes": asks.SerializeToString()}]
        elements, name = [], ""

        async def receive():
            if comes:
                return comes.pop(0)
            await over.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(answer):
            nonlocal name
            message = ForwardMsg.FromString(answer.get("bytes") or b"")
            kind = message.WhichOneof("type")
            if kind == "new_session":
                name = message.new_session.initialize.session_id
            elif kind == "delta":
                elements.append(message.delta.new_element)
            elif kind == "script_finished" or answer["type"] == "websocket.close":
                over.set()

        pairs = [*headers, *([("sec-websocket-protocol", f"streamlit, , {session}")] if session else [])]
        await self.app(_scope("WEBSOCKET", SOCKET, pairs, f"http://{HOST}"), receive, send)
        return elements, name


def _scope(method: str, path: str, headers: Sent, origin: str) -> dict[str, Any]:
    """What a server makes of a request from this machine; method WEBSOCKET for the opening of a socket."""
    kind = "websocket" if method == "WEBSOCKET" else "http"
    pairs = [("host", HOST), *([("origin", origin)] if origin else []), *headers]
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws" if kind == "websocket" else "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8501),
        **({"subprotocols": []} if kind == "websocket" else {"method": method}),
    }


def _addresses(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        match route:
            case WebSocketRoute():
                yield "WEBSOCKET", route.path
            case Route():
                path = route.path_format.format(file_id="photo", session_id="session", path="part")
                yield from ((method, path) for method in sorted(route.methods))
            case Mount():  # everything else: the pages, Streamlit's files, what is not there
                yield from (("GET", f"{route.path}{path}") for path in ("/", "/runs", "/index.html", "/no/such/thing"))
                yield "POST", f"{route.path}/runs"
            case _:
                raise AssertionError(f"what kind of route is {route!r}?")


@contextlib.contextmanager
def served(folder: Path, keeper: Keeper | None, page: str = PAGE) -> Iterator[Served]:
    """keeper: None for an app without a door."""
    (folder / "page.py").write_text(page)
    reached: list[str] = []
    middleware = [Middleware(Gate, keeper=keeper)] if keeper else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gate, "stands", False)
        patch.setattr(Gate, "leaves", "")
        patch.setattr(Gate, "shared", True)
        patch.setattr(Runtime, "_instance", None)
        app = App(
            folder / "page.py",
            routes=plotly_script.routes(),
            middleware=[*middleware, Middleware(Reached, paths=reached)],
        )
        app._starlette_app = app._build_starlette_app()
        with start_blocking_portal() as loop, loop.wrap_async_context_manager(app._combined_lifespan(app)):
            yield Served(app, loop, reached)
