"""nginx in front of the lab with docs/nginx.conf: what arrives behind it, and the whole lab in a browser through it."""

from __future__ import annotations

import asyncio
import io
import secrets
import socket
import threading
import tomllib
import urllib.error
import urllib.request
from dataclasses import replace

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.places import HOME, datasets_folder
from core.runs import metrics_file
from pages.parts.door.keepers.proxy import Proxy
from pages.parts.door.verdict import ComesIn
from tests.browser.hands import address, open_by_menu, pick, press, sees, text
from tests.browser.judged_runs import judged_run
from tests.browser.made_runs import rows_of
from tests.browser.screen import HARMLESS, Lab, Watch, drawn_demo, slack, soon
from tests.nginx import NAME, PASSWORD, PERSON, Front, nginx
from tests.serving import port_of, served
from tests.zips import pets, zipped

SECRET = secrets.token_hex(32)
LOGIN = httpx.BasicAuth(PERSON, PASSWORD)


# What arrives behind it


class Behind:
    """Something behind nginx that tells what reached it."""

    def __init__(self) -> None:
        self.asked: list[Request | WebSocket] = []
        self.go_on, self.arrived = threading.Event(), threading.Event()
        self.app = Starlette(
            routes=[
                Route("/lab/told", self.told, methods=["GET", "PUT"]),
                Route("/lab/slowly", self.slowly),
                Route("/lab/taken", self.taken, methods=["PUT"]),
                WebSocketRoute("/lab/_stcore/stream", self.stream),
            ]
        )

    async def told(self, request: Request) -> JSONResponse:
        self.asked.append(request)
        return JSONResponse({"bytes": len(await request.body())})

    async def slowly(self, request: Request) -> StreamingResponse:
        async def words():
            yield b"first"
            assert await asyncio.to_thread(self.go_on.wait, 30), "the first words did not arrive before the last ones"
            yield b"second"

        return StreamingResponse(words())

    async def taken(self, request: Request) -> JSONResponse:
        async for _ in request.stream():
            self.arrived.set()
        return JSONResponse({})

    async def stream(self, line: WebSocket) -> None:
        self.asked.append(line)
        await line.accept()
        await line.send_text("open")
        await line.close()


@pytest.fixture(scope="module")
def behind():
    return Behind()


@pytest.fixture(scope="module")
def front(behind, tmp_path_factory):
    line = socket.create_server(("127.0.0.1", 0))
    with served(line, behind.app), nginx(tmp_path_factory.mktemp("nginx"), lab=port_of(line), secret=SECRET) as one:
        yield one


@pytest.fixture
def client(front, behind):
    behind.asked.clear()
    with httpx.Client(
        base_url=f"https://127.0.0.1:{front.port}", headers={"Host": NAME}, verify=front.trust(), timeout=60
    ) as one:
        yield one


def comes_in(asked) -> str:
    """Whom the lab's own door lets in with what arrived."""
    verdict = Proxy(SECRET, "X-Forwarded-User", "X-Facet-Secret").judge(asked)
    assert isinstance(verdict, ComesIn), verdict.body.decode()
    return verdict.person


def test_without_a_password_nothing_reaches_the_lab(client, front, behind):
    for path in ("/lab/", "/lab/told", "/lab/_stcore/health"):
        assert client.get(path).status_code == 401
    assert client.get("/lab/told", auth=httpx.BasicAuth(PERSON, "guessed")).status_code == 401
    with pytest.raises(InvalidStatus, match="401"):
        connect(f"wss://localhost:{front.port}/lab/_stcore/stream", ssl=front.trust())
    assert behind.asked == []


def test_who_it_is_says_nginx_whatever_the_browser_sends(client, behind):
    lies = [("X-Forwarded-User", "root"), ("X-Forwarded-User", "eve"), ("x_forwarded_user", "eve")]
    lies += [("X-Facet-Secret", "guessed"), ("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-Proto", "http")]
    assert client.get("/lab/told", auth=LOGIN, headers=lies).status_code == 200
    (asked,) = behind.asked
    assert comes_in(asked) == PERSON
    assert "eve" not in str(asked.headers) and "guessed" not in str(asked.headers)
    assert "authorization" not in asked.headers, "a password is not the lab's business"
    assert asked.headers["host"] == NAME and asked.headers["x-forwarded-proto"] == "https"
    assert asked.url.path == "/lab/told", "the lab is asked under its own path"
    assert client.get("/lab", auth=LOGIN).headers["location"] == "/lab/"


def test_the_web_socket_comes_through_with_the_person_and_where_it_was_opened(front, behind):
    behind.asked.clear()
    login = LOGIN._auth_header
    headers = {"Authorization": login, "X-Forwarded-User": "eve", "X-Facet-Secret": "guessed"}
    origin = f"https://localhost:{front.port}"
    with connect(
        f"wss://localhost:{front.port}/lab/_stcore/stream", ssl=front.trust(), origin=origin, additional_headers=headers
    ) as line:
        assert line.recv(timeout=60) == "open"
    (asked,) = behind.asked
    assert comes_in(asked) == PERSON
    assert asked.headers["origin"] == origin == f"https://{asked.headers['host']}", (
        "else the door calls it a stranger's"
    )


def test_what_the_lab_says_is_passed_on_at_once(client, behind):
    with client.stream("GET", "/lab/slowly", auth=LOGIN) as answer:
        words = answer.iter_raw()
        assert next(words) == b"first"
        behind.go_on.set()
        assert b"".join(words) == b"second"


def test_an_upload_is_passed_on_as_it_comes_and_may_be_as_large_as_the_lab_allows(client, front, behind):
    def parts():
        yield b"first"
        assert behind.arrived.wait(60), "nginx keeps an upload until it is whole"
        yield b"second"

    assert client.put("/lab/taken", auth=LOGIN, content=parts()).status_code == 200
    assert client.put("/lab/told", auth=LOGIN, content=bytes(2_000_000)).json() == {"bytes": 2_000_000}
    most = tomllib.loads((HOME / ".streamlit/config.toml").read_text("utf-8"))["server"]["maxUploadSize"] * 2**20
    for size, status in ((most + 2**20, 100), (most * 2, 413)):
        head = ["PUT /lab/told HTTP/1.1", f"Host: {NAME}", f"Authorization: {LOGIN._auth_header}"]
        head += [f"Content-Length: {size}", "Expect: 100-continue"]
        with (
            socket.create_connection(("127.0.0.1", front.port), timeout=60) as line,
            front.trust().wrap_socket(line, server_hostname="localhost") as safe,
        ):
            safe.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            assert int(safe.recv(200).split()[1]) == status, size


# The whole lab through it


class ProxiedLab(Lab):
    """The lab with the door "proxy" below /lab, which strangers do not enter."""

    def _prints_its_link(self) -> str:
        return "a lab behind a proxy has none"

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/lab/", timeout=5):
                pytest.fail("a stranger was let in")
        except urllib.error.HTTPError as error:
            return error.headers["X-Facet-Door"] == "shut"
        except OSError:
            return False


@pytest.fixture
def proxied(tmp_path, tmp_path_factory):
    lab = ProxiedLab(tmp_path, drawn_demo(tmp_path_factory.getbasetemp()))
    lab.env |= {"FACET_DOOR": "proxy", "FACET_DOOR_SECRET": SECRET, "STREAMLIT_SERVER_BASE_URL_PATH": "lab"}
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", lab=lab.port, secret=SECRET) as one:
        try:
            lab.start()
            yield lab, one
        finally:
            lab.end()


@pytest.fixture
def through(proxied: tuple[Lab, Front], browser):
    """A page of a browser that has the password; in the end it may have complained of nothing."""
    _, front = proxied
    login = {"username": PERSON, "password": PASSWORD}
    context = browser.new_context(
        base_url=f"https://localhost:{front.port}", ignore_https_errors=True, http_credentials=login
    )
    context.set_default_timeout(60_000 * slack())
    watch, answers = Watch(context), []
    context.on("response", lambda answer: answers.append((answer.status, answer.url)))
    yield context.new_page()
    assert watch.unexpected() == []
    assert [url for status, url in answers if status >= 400 and not url.endswith(HARMLESS)] == []
    elsewhere = {
        url for _, url in answers if not url.startswith((f"https://localhost:{front.port}/lab/", "data:", "blob:"))
    }
    assert elsewhere <= {f"https://localhost:{front.port}{place}" for place in HARMLESS}, (
        "pages load nothing from elsewhere"
    )
    context.close()


@pytest.mark.long
@pytest.mark.browser
def test_every_page_an_upload_a_live_curve_and_the_maps_come_through(through, proxied):
    page, (lab, _) = through, proxied
    lab.settle()
    run = judged_run(lab)
    for fold in run.folds():
        metrics_file.append_metrics(run.metrics_file(fold), rows_of(range(1, 6)))
    for place, words in (("", "depth 18"), (f"data?root={lab.demo}", "Ages of people")):
        page.goto(f"/lab/{place}")
        sees(page, words)
    for name, path, words in (
        ("Augmentation", "augment", "Step by step"),
        ("Runs", "runs", "Name, tags, note"),
        ("Studies", "studies", "Studies"),
        ("Compare", "compare", "Compare"),
        ("Predict", "predict", "Folder or table"),
        ("Settings", "settings", "Is this machine well?"),
    ):
        open_by_menu(page, name)
        soon(lambda path=path: f"/lab/{path}" in address(page), 60 * slack(), f"{name} opens")
        sees(page, words)
        assert "Traceback" not in text(page)
    page.goto(f"/lab/look_inside?run={run.id}")
    soon(lambda: page.locator(".look-cell").count(), 60 * slack(), "the confusion matrix, a component")
    press(page.locator(".look-gallery button").first)
    soon(lambda: page.locator(".look-maps[data-painted='5'] canvas").count() == 5, 90 * slack(), "the maps of a photo")
    with run.fold_lock(0):
        run.write_state(replace(run.written_state(0), state="running", ended=None))
        page.goto(f"/lab/live?run={run.id}")
        points = """() => [...document.querySelectorAll(".js-plotly-plot")].flatMap(plot => plot.data || [])
            .filter(t => t.meta && t.meta.part === "fold" && t.meta.fold === 0 && t.meta.split === "validation")
            .map(t => t.x.bdata ? atob(t.x.bdata).length / Number(t.x.dtype.slice(1)) : t.x.length)"""
        soon(lambda: 5 in page.evaluate(points), 60 * slack(), "a curve of five epochs")
        metrics_file.append_metrics(run.metrics_file(0), rows_of([6]))
        soon(lambda: 6 in page.evaluate(points), 60 * slack(), "the curve grows by itself")
        run.write_state(replace(run.written_state(0), state="done"))
    open_by_menu(page, "Launch")
    pick(page, "radio", "A zip")
    field = page.locator("input[type=file]")
    soon(lambda: field.count() == 1, 60 * slack(), "the place to drop it")
    field.set_input_files({"name": "pets.zip", "mimeType": "application/zip", "buffer": large_zip()})
    sees(page, "2 classes: cat 6, dog 6.")
    assert (datasets_folder(lab.runs) / "pets" / "cat").is_dir()


def large_zip() -> bytes:
    """Of more than the megabyte that nginx lets through where nobody says more."""
    noise, file = np.random.default_rng(0).integers(0, 256, (800, 800, 3), dtype=np.uint8), io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    content = zipped({**pets(each=6), "cat/0.png": file.getvalue()}).getvalue()
    assert len(content) > 2**20
    return content
