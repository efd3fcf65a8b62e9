"""A lab on a Unix socket, as docs/remote.md starts it: a real server in a folder that nobody else gets into."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.places import HOME
from core.storage import lab_link
from tests.workers import PATIENCE, until


class Line(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@pytest.fixture
def lab(tmp_path):
    """(the lab's socket, its runs folder) of a lab whose door is "alone"."""
    environment = {**os.environ, "FACET_RUNS": str(tmp_path / "runs")}
    with tempfile.TemporaryDirectory() as door:  # of mode 0700; the path of a socket holds about a hundred characters
        path = Path(door) / "lab.sock"
        words = [sys.executable, "-m", "uvicorn", "app:app", "--uds", str(path)]
        with open(tmp_path / "lab.log", "wb") as log:
            server = subprocess.Popen(words, cwd=HOME, env=environment, stdout=log, stderr=log)
        try:
            until(lambda: server.poll() is not None or path.exists(), "the lab listens")
            assert server.poll() is None, (tmp_path / "lab.log").read_text()
            yield str(path), tmp_path / "runs"
        finally:
            server.terminate()
            server.wait(PATIENCE)


def asked(path, address, cookie=""):
    line = Line(path)
    try:
        line.request("GET", address, headers={"Cookie": cookie, "Accept": "text/html"})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        line.close()


def test_a_lab_on_a_socket_opens_with_its_link_and_to_nobody_else(lab):
    path, runs = lab
    assert asked(path, "/")[0] == 403
    (link,) = lab_link.links(runs)
    address = urlsplit(link)
    status, headers, _ = asked(path, f"/?{address.query}")
    assert status == 303
    cookie = headers["Set-Cookie"].partition(";")[0]
    status, headers, page = asked(path, "/", cookie)
    assert status == 200 and "X-Facet-Door" not in headers and "<title>Streamlit</title>" in page
    assert asked(path, "/_stcore/health", cookie)[2] == "ok"
