"""The plotly script as a file of the lab, which a browser asks for once and keeps: 4.8 MB, a third of that compressed.

Its name holds what it is made of, so that a browser may keep it for ever and has another one after an upgrade.
"""

from __future__ import annotations

import gzip
import hashlib
import pkgutil
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import config

FOR_EVER = "private, max-age=31536000, immutable"  # private: the door asks who comes, a cache between would not


def address() -> str:
    """Where this lab serves it, for the script element of a page."""
    base = (config.get_option("server.baseUrlPath") or "").strip("/")
    return f"{'/' + base if base else ''}/facet/plotly-{_digest()}.js"


def routes() -> list[Route]:
    return [Route(address(), _serve, methods=["GET"])]


def _serve(request: Request) -> Response:  # no coroutine: compressing it takes a while, once
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    packed = "gzip" in request.headers.get("accept-encoding", "")
    body = _packed() if packed else _script()
    return Response(
        body, headers=headers | ({"Content-Encoding": "gzip"} if packed else {}), media_type="text/javascript"
    )


@cache
def _script() -> bytes:
    """As plotly.offline.get_plotlyjs gives it, without what that imports."""
    script = pkgutil.get_data("plotly", "package_data/plotly.min.js")
    assert script is not None, "a part of the package"
    return script


@cache
def _digest() -> str:
    return hashlib.sha256(_script()).hexdigest()[:16]


@cache
def _packed() -> bytes:
    return gzip.compress(_script(), 6, mtime=0)
