"""Coming into a lab as people do, without a browser: its link is opened once, the cookie that it gives is kept."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

from core.storage import lab_link

JAR: dict[int, str] = {}  # port of a lab on this machine -> the Cookie header with which it lets in


def link_of(port: int, runs: Path) -> str | None:
    """The link of the lab that listens on a port now, as `python -m core link` prints it; None until there is one."""
    return next((link for link in lab_link.links(runs) if urlsplit(link).port == port), None)


def enter(link: str) -> None:
    """Open a link and keep the cookie, in place of that of an earlier lab on this port."""
    address = urlsplit(link)
    line = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        line.request("GET", f"{address.path}?{address.query}")
        answer = line.getresponse()
        assert answer.status == 303, answer.read()
        JAR[address.port] = answer.headers["Set-Cookie"].partition(";")[0]
    finally:
        line.close()
