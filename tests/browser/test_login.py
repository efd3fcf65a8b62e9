"""What a container starts, with a door where people log in at a real provider: OpenID Connect with signed tokens.

The lab is what the Dockerfile copies, started and asked for its health as the Dockerfile says.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from joserfc.jwk import RSAKey
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests import container
from tests.browser.screen import slack, soon
from tests.identity_provider import Provider, provider
from tests.serving import port_of

pytestmark = pytest.mark.lab

IN, OUT, UNVERIFIED = "ann@example.org", "eve@elsewhere.example", "bob@example.org"


@dataclass(frozen=True)
class Contained:
    """A lab as a container starts it; its door asks provider."""

    url: str
    folder: Path
    env: dict[str, str]
    image: container.Image
    provider: Provider

    def start(self, **changes: str) -> subprocess.Popen:
        with open(self.folder / "log", "wb") as log:
            env = self.env | changes
            return subprocess.Popen(self.image.start, cwd=self.folder / "lab", env=env, stdout=log, stderr=log)

    def healthy(self) -> bool:
        """As its HEALTHCHECK says."""
        done = subprocess.run(
            self.image.health, cwd=self.folder / "lab", env=self.env, capture_output=True, timeout=120
        )
        return done.returncode == 0

    def visitor(self) -> httpx.Client:
        """A browser that nobody knows yet: it keeps cookies and follows where it is sent."""
        return httpx.Client(
            base_url=self.url, headers={"Accept": "text/html"}, follow_redirects=True, timeout=60 * slack()
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Contained]:
    """Copied and ready to start."""
    folder = tmp_path_factory.mktemp("container")
    image = container.read()
    container.copy(image, folder)
    (folder / "runs").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = port_of(probe)
    url = f"http://127.0.0.1:{port}"
    kept = {key: value.replace("/runs", str(folder / "runs")) for key, value in image.env.items() if key != "PATH"}
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, **kept, "PATH": programs, "STREAMLIT_SERVER_PORT": str(port)}
    (folder / "runs" / "lab.toml").write_text(f'[door]\nmode = "oidc"\n[door.oidc]\nallow = ["{IN}", "@example.org"]\n')
    with provider(f"{url}/oauth2callback", unverified=(UNVERIFIED,)) as one:
        one.write_secrets(folder / "runs" / "secrets.toml")
        yield Contained(url, folder, env, image, one)


@pytest.fixture(scope="module")
def lab(built) -> Iterator[Contained]:
    assert not built.healthy(), "before it is there"
    process = built.start()
    try:
        soon(  # each look starts a Python
            lambda: process.poll() is not None or built.healthy(), 120 * slack(), "the lab is healthy", every=0.5
        )
        assert process.poll() is None, (built.folder / "log").read_text()
        yield built
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def logged_in(lab: Contained, address: str) -> Iterator[tuple[httpx.Client, httpx.Response]]:
    """Somebody who opened the lab, pressed Log in and wrote an address at the provider; where that led."""
    with lab.visitor() as browser:
        form = browser.get(_link(browser.get("/"), "Log in"))
        assert str(form.url).startswith(f"{lab.provider.url}/authorize?")
        assert form.url.params["code_challenge_method"] == "S256"
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.text))
        answers = {name: unescape(value) for name, value in hidden.items()} | {"address": address}
        yield browser, browser.post(form.url, data=answers)


def _link(page: httpx.Response, label: str) -> str:
    return unescape(re.search(rf'href="([^"]+)">{label}<', page.text)[1])


def socket_opens(lab: Contained, browser: httpx.Client) -> bool:
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    address = f"{lab.url.replace('http', 'ws', 1)}/_stcore/stream"
    try:
        with connect(address, origin=lab.url, additional_headers={"Cookie": cookies}, open_timeout=60 * slack()):
            return True
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        return False


def test_beyond_loopback_without_a_door_it_does_not_start(built):
    process = built.start(FACET_DOOR="alone")
    assert process.wait(120 * slack()) not in (0, None)
    words = (built.folder / "log").read_text()
    assert "The lab does not start. It would listen on 0.0.0.0" in words and "Traceback" not in words


def test_a_stranger_is_asked_to_log_in_and_reaches_nothing(lab):
    with lab.visitor() as browser:
        for path in ("/", "/live", "/_stcore/health", "/static/favicon.png"):
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["X-Facet-Door"]) == (403, "shut")
        assert not socket_opens(lab, browser)


def test_who_is_allowed_comes_in_and_out_again(lab):
    with logged_in(lab, IN) as (browser, page):
        assert page.status_code == 200 and page.url == f"{lab.url}/" and "X-Facet-Door" not in page.headers
        assert browser.get("/_stcore/health").text == "ok" and socket_opens(lab, browser)
        assert browser.get("/auth/logout").status_code == 403, "back at the door"
        assert lab.provider.logged_out == [IN], "logged out at the provider too"
        assert not socket_opens(lab, browser)


@pytest.mark.parametrize(
    ("address", "words"),
    [(OUT, "This address is not among those that the lab lets in"), (UNVERIFIED, "has verified this address")],
)
def test_who_is_not_allowed_is_told_so_and_may_log_in_as_another(lab, address, words):
    with logged_in(lab, address) as (browser, page):
        assert page.status_code == 403 and f"You are logged in as {address}" in page.text and words in page.text
        assert not socket_opens(lab, browser)
        assert "Log in" in browser.get(_link(page, "Log out")).text


@pytest.mark.parametrize(
    "lie", [{"aud": "another-client"}, {"iss": "http://127.0.0.1:9"}, {"exp": 1}, {"nonce": "of another login"}, None]
)
def test_a_token_that_is_not_the_providers_own_for_this_login_opens_nothing(lab, monkeypatch, lie):
    if lie is None:
        monkeypatch.setattr(lab.provider, "signs", RSAKey.generate_key(2048, {"kid": "one"}))
    monkeypatch.setattr(lab.provider, "lies", lie or {})
    with logged_in(lab, IN) as (browser, page):
        assert page.status_code == 403 and "wants to know who you are" in page.text
        assert not socket_opens(lab, browser)


def test_a_code_or_a_cookie_that_somebody_made_up_opens_nothing(lab):
    with lab.visitor() as browser:
        form = browser.get(_link(browser.get("/"), "Log in"))
        back = {"code": "guessed", "state": dict(form.url.params)["state"]}
        assert browser.get("/oauth2callback", params=back).status_code == 403
        browser.cookies.set("_streamlit_user", quote(json.dumps({"email": IN, "is_logged_in": True})))
        assert browser.get("/").status_code == 403 and not socket_opens(lab, browser)
