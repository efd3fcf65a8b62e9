"""A package over HTTP: POST /predict, GET /healthz, /card, /metrics, /openapi.json and a page that says how.

Needs starlette, uvicorn and python-multipart beside what predict.py needs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.errors import LabError
from core.export.runtime.batching import Batcher
from core.export.runtime.command import NO_YES
from core.export.runtime.counters import Counters
from core.export.runtime.described import openapi, page
from core.export.runtime.guard import LOOPBACK, Guard, Limits, Refused, body_of, busy
from core.export.runtime.package_folder import CARD, PackageFolder

TOKEN = "FACET_TOKEN"  # of the environment, since arguments can be read by everybody on a machine
SHORTEST = 16  # characters of a token
STOPPING = 10  # seconds that requests under way have once it is told to stop


class Service:
    """A package, answering requests."""

    def __init__(self, package: PackageFolder, limits: Limits) -> None:
        self.package, self.limits, self.counters = package, limits, Counters()
        self.batcher = Batcher(package.of_folds, limits.batch, limits.wait, self.counters.passes.add)
        self.decoders = ThreadPoolExecutor(thread_name_prefix="decode")

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        work = asyncio.create_task(self.batcher.work())
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            self.decoders.shutdown(wait=False, cancel_futures=True)

    async def predict(self, request: Request) -> Response:
        """One photo as the body, or several as the files of a form; what each shows, in their order."""
        begun = time.perf_counter()
        if self.counters.waiting >= self.limits.queue:
            raise busy("As many photos wait as may.")
        photos = await self._photos(request)
        if self.counters.waiting + len(photos) > self.limits.queue:
            raise busy("As many photos wait as may.")
        self.counters.waiting += len(photos)
        try:
            answers = await self._answers(photos)
        finally:
            self.counters.waiting -= len(photos)
        self.counters.seconds.add(time.perf_counter() - begun)
        good = any("probabilities" in answer for answer in answers)
        about = {"run": self.package.facts["run"], "folds": self.package.folds}
        return JSONResponse({**about, "photos": answers}, 200 if good else 422)

    async def _photos(self, request: Request) -> list[tuple[str, bytes]]:
        """(name, bytes) of each photo of a request. Raises Refused."""
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            body = await request.body()
            if not body:
                raise Refused(400, LabError("The body is empty.", "Send the bytes of a photo.", kind="empty"))
            return [("", body)]
        try:
            async with request.form(max_files=self.limits.photos, max_fields=100) as form:
                files = [part for _, part in form.multi_items() if not isinstance(part, str)]
                photos = [(part.filename or "", await part.read()) for part in files]
        except HTTPException as error:
            if "Too many files" in str(error.detail):
                most = self.limits.photos
                remedy = f"Send at most {most:,} photos in one request."
                raise Refused(
                    413, LabError(f"The request holds more than {most:,} photos.", remedy, kind="photos")
                ) from None
            raise Refused(400, LabError(f"The form cannot be read: {error.detail}", kind="form")) from None
        if not photos:
            raise Refused(400, LabError("The form holds no file.", "Send photos as files of a form.", kind="empty"))
        return photos

    async def _answers(self, photos: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        prepared = await asyncio.gather(
            *(loop.run_in_executor(self.decoders, self._prepared, data) for _, data in photos)
        )
        good = [photo for photo in prepared if isinstance(photo, np.ndarray)]
        of_folds = iter(await self.batcher.answers(good) if good else [])
        answers: list[dict[str, Any]] = []
        for (name, _), photo in zip(photos, prepared, strict=True):
            about = {"name": name} if name else {}
            if isinstance(photo, LabError):
                answers.append({**about, **body_of(photo)})
            else:
                answers.append({**about, **self._told(next(of_folds))})
            self.counters.photos["refused" if isinstance(photo, LabError) else "answered"] += 1
        return answers

    def _prepared(self, data: bytes) -> np.ndarray | LabError:
        try:
            return self.package.prepared(io.BytesIO(data))
        except LabError as error:
            return error

    def _told(self, of_folds: np.ndarray) -> dict[str, Any]:
        """of_folds: (folds, classes)."""
        shares = of_folds.mean(axis=0)
        classes = self.package.classes
        if self.package.one_by_one:
            yes = self.package.decided(shares)
            agree = (self.package.decided(of_folds) == yes).sum(axis=0)
            return {
                "answers": {name: NO_YES[int(said)] for name, said in zip(classes, yes, strict=True)},
                "folds_agree": {name: int(number) for name, number in zip(classes, agree, strict=True)},
                "probabilities": {name: round(float(share), 6) for name, share in zip(classes, shares, strict=True)},
            }
        best = int(shares.argmax())
        return {
            "class": classes[best],
            "probability": round(float(shares[best]), 6),
            "folds_agree": int((of_folds.argmax(axis=1) == best).sum()),
            "probabilities": {name: round(float(share), 6) for name, share in zip(classes, shares, strict=True)},
        }

    async def health(self, request: Request) -> Response:
        network = "int8" if self.package.int8 else "float32"
        about = {"run": self.package.facts["run"], "folds": self.package.folds, "network": network}
        return JSONResponse({"status": "ok", **about})

    async def card(self, request: Request) -> Response:
        try:
            text = (self.package.folder / CARD).read_text("utf-8")
        except OSError:
            raise Refused(404, LabError("The package has no model card.", kind="missing")) from None
        return PlainTextResponse(text, media_type="text/markdown")

    async def metrics(self, request: Request) -> Response:
        return PlainTextResponse(self.counters.text(), media_type="text/plain; version=0.0.4")

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(openapi(self.package, self.limits))

    async def page(self, request: Request) -> Response:
        return HTMLResponse(page(self.package, self.limits))


def make_app(package: PackageFolder, token: str = "", limits: Limits | None = None) -> Starlette:
    """The ASGI app. token: that each request has to carry; "" for a server that only this machine reaches."""
    limits = limits or Limits()
    service = Service(package, limits)

    async def other(request: Request, error: Exception) -> Response:
        """What the router itself refuses: an unknown path, a wrong method."""
        assert isinstance(error, HTTPException)
        fault = LabError(str(error.detail), "See /openapi.json for what can be asked.", kind="http")
        return JSONResponse(body_of(fault), error.status_code, headers=error.headers)

    async def broken(request: Request, error: Exception) -> Response:
        fault = LabError(f"The server failed ({type(error).__name__}).", "Its own output says where.", kind="server")
        return JSONResponse(body_of(fault), 500)

    routes = [
        Route("/predict", service.predict, methods=["POST"]),
        Route("/healthz", service.health),
        Route("/card", service.card),
        Route("/metrics", service.metrics),
        Route("/openapi.json", service.openapi),
        Route("/", service.page),
    ]
    paths = {route.path for route in routes}

    class Counting:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await self.app(scope, receive, send)
                return
            begun = False

            def count(status: int) -> None:
                nonlocal begun
                begun = True
                service.counters.requests[scope["path"] if scope["path"] in paths else "other", status] += 1

            async def noted(message: dict) -> None:
                if message["type"] == "http.response.start":
                    count(message["status"])
                await send(message)

            try:
                await self.app(scope, receive, noted)
            except ClientDisconnect:  # nobody is there to be answered
                return
            except Exception:  # `broken` answers it, around all of this
                if not begun:
                    count(500)
                raise

    return Starlette(
        routes=routes,
        middleware=[Middleware(Counting), Middleware(Guard, token=token, limits=limits, counters=service.counters)],
        exception_handlers={HTTPException: other, Exception: broken},
        lifespan=service.lifespan,
    )


class _Stoppable(uvicorn.Server):
    """A server that ends when it is told to, and gives back to who started it: uvicorn's own would then kill itself
    with the same signal, and what was unpacked would stay."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def check_token(host: str, token: str) -> None:
    """Raises LabError(kind 'token') for a server that others reach without a token, or with one that can be guessed."""
    if not token and host not in LOOPBACK:
        raise LabError(
            f"serve: at {host} others reach the server, and there is no token.",
            f"Set {TOKEN} (python -c 'import secrets; print(secrets.token_urlsafe(24))' makes one), or serve at "
            "127.0.0.1.",
            kind="token",
        )
    if token and len(token) < SHORTEST:
        raise LabError(f"serve: the token has {len(token)} characters.", f"Use {SHORTEST} or more.", kind="token")


def serve(package: PackageFolder, host: str, port: int, token: str, limits: Limits | None = None) -> None:
    """Answer until told to stop (SIGINT, SIGTERM); requests under way are answered first. port 0: any that is free.

    Raises LabError: kind 'token' as check_token, 'port' where nothing can listen there.
    """
    check_token(host, token)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # whoever reads the address below can ask at once, and is answered when the app stands
    except OSError as error:
        listening.close()
        raise LabError(
            f"serve: nothing can listen at {host}, port {port}: {error.strerror or error}.",
            "Choose another port with --port.",
            kind="port",
        ) from error
    with listening:
        place = f"[{host}]" if ":" in host else host
        number = len(package.folds)
        print(
            f"{package.facts['run']}, {number} {'fold' if number == 1 else 'folds'}"
            f"{' in int8' if package.int8 else ''}, at "
            f"http://{place}:{listening.getsockname()[1]} (Ctrl+C stops it)",
            flush=True,
        )
        config = uvicorn.Config(
            make_app(package, token, limits),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=STOPPING,
            server_header=False,
            http="h11",
            ws="none",
        )
        _Stoppable(config).run(sockets=[listening])


def main(folder: Path, arguments: Sequence[str] | None = None) -> int:
    """`python serve.py` of a package; the exit code."""
    parser = argparse.ArgumentParser(prog="serve.py", description="Answer photos over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free (default: 8000)")
    parser.add_argument(
        "--int8", action="store_true", help="answer by the networks in int8, where the package has them"
    )
    parser.add_argument("--token", default=os.environ.get(TOKEN, ""), help=f"(default: {TOKEN} of the environment)")
    chosen = parser.parse_args(arguments)
    try:
        check_token(chosen.host, chosen.token)
        serve(PackageFolder(folder, int8=chosen.int8), chosen.host, chosen.port, chosen.token)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
