"""An ASGI app on a free port of this machine, in a thread of the test."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn


@contextlib.contextmanager
def served(line: socket.socket, app: Any) -> Iterator[None]:
    """The app answers on a socket that listens already (`socket.create_server`) as long as this block lasts."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([line],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)
        line.close()


def port_of(line: socket.socket) -> int:
    return line.getsockname()[1]
