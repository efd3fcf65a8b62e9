"""Who may ask a server, and how much: token, host, size of a body, bytes that are held, time to send them.

Pure ASGI, so that a body that is refused is not read.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import LabError
from core.export.runtime.counters import Counters

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN = ("/healthz",)  # without a token
MB = 1_000_000
LINGER = 0.5


@dataclass(frozen=True)
class Limits:
    """body: bytes of one request. photos: of one request. queue: photos that wait at a time. held: bytes of all bodies
    at a time. seconds: that a body may keep still. batch, wait: photos of a pass, and seconds until it begins."""

    body: int = 64 * MB
    photos: int = 256
    queue: int = 1024
    held: int = 512 * MB
    seconds: float = 30.0
    batch: int = 32
    wait: float = 0.005


class Refused(Exception):
    """An answer other than 200: status, and what is said as JSON."""

    def __init__(self, status: int, error: LabError, headers: dict[str, str] | None = None):
        super().__init__(error.message)
        self.status, self.error, self.headers = status, error, headers or {}


def body_of(error: LabError) -> dict[str, dict[str, str]]:
    return {"error": {"kind": error.kind, "message": error.message, "remedy": error.remedy}}


def busy(message: str) -> Refused:
    return Refused(503, LabError(message, "Send it again in a second.", kind="busy"), {"Retry-After": "1"})


class Guard:
    """Around an ASGI app. token: "" where none is needed, which is for this machine alone."""

    def __init__(self, app: Any, token: str, limits: Limits, counters: Counters):
        self.app, self.token, self.limits, self.counters = app, token.encode(), limits, counters

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        held, begun = 0, False

        async def count(size: int) -> None:
            nonlocal held
            held += size
            self.counters.held += size
            if held > self.limits.body:
                raise _too_large(self.limits.body)
            if self.counters.held > self.limits.held:
                raise busy("The server holds as many photos as it may.")

        async def counted() -> dict:
            try:
                async with asyncio.timeout(self.limits.seconds):
                    message = await receive()
            except TimeoutError:
                remedy = f"Send the whole body without pauses of {self.limits.seconds:g} s."
                raise Refused(408, LabError("The body did not come.", remedy, kind="slow")) from None
            await count(len(message.get("body", b"")))
            return message

        async def noted(message: dict) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            self._admit(scope["path"], headers)
            await self.app(scope, counted, noted)
        except Refused as refused:
            if begun:
                raise
            await _say(send, refused, self._has_body(headers))
        finally:
            self.counters.held -= held

    @staticmethod
    def _has_body(headers: dict[bytes, bytes]) -> bool:
        return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"

    def _admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        """Raises Refused."""
        if not self.token and not _is_local(headers.get(b"host", b"").decode("latin-1")):
            # A page of another site can reach this machine by a name of its own; a token it does not have.
            error = LabError("This server answers for this machine only.", "Ask it at 127.0.0.1.", kind="host")
            raise Refused(421, error)
        if self.token and path not in OPEN:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self.token):
                error = LabError(
                    "The token is missing or wrong.", "Send the header 'Authorization: Bearer <token>'.", kind="token"
                )
                raise Refused(401, error, {"WWW-Authenticate": "Bearer"})
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.limits.body:
            raise _too_large(self.limits.body)


def _too_large(most: int) -> Refused:
    error = LabError(
        f"The body is larger than {most / MB:,.0f} MB.", "Send fewer or smaller photos at a time.", kind="too-large"
    )
    return Refused(413, error)


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.strip("[]").lower() in LOOPBACK


async def _say(send: Any, refused: Refused, has_body: bool) -> None:
    """The refusal, and the end of the connection: what is left of a body is never read.

    A connection that is closed with something unread is reset, and what was just sent may be lost with it: so it stays
    open for LINGER seconds, in which the answer arrives.
    """
    text = json.dumps(body_of(refused.error)).encode()
    extra: Iterable[tuple[bytes, bytes]] = ((k.encode(), v.encode()) for k, v in refused.headers.items())
    length = (b"content-length", str(len(text)).encode())
    headers = [(b"content-type", b"application/json"), length, (b"connection", b"close"), *extra]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": has_body})
    if has_body:
        await asyncio.sleep(LINGER)
        await send({"type": "http.response.body", "body": b""})
