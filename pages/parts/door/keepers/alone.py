"""The door of a lab that is for one account of one machine: a link with a start token, exchanged for a cookie."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from pages.parts.door import words
from pages.parts.door.verdict import ComesIn
from pages.parts.door.wrong import Wrong

TOKEN = "token"  # of the address
BITS = 32  # bytes of the token, and of what the cookie holds


def is_loopback(address: str) -> bool:
    """Whether an address that a server listens on can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(address.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"


class Alone:
    """Both the token and the cookie are made anew with each start: what was copied yesterday opens nothing today.

    person: the account that runs the lab. place: tells this lab from others that are reached under the same name.
    base: server.baseUrlPath. published: in a container whose port is reached from outside it, so that not only loopback
    is answered.
    """

    leaves = ""
    shared = False

    def __init__(self, person: str, place: str, *, base: str = "", published: bool = False):
        self.person, self.published = person, published
        self.base = "/" + base.strip("/") if base.strip("/") else ""
        self.token, self._pass = secrets.token_urlsafe(BITS), secrets.token_urlsafe(BITS)
        # Cookies know no ports: two labs that a browser reaches under one name must not overwrite each other's.
        self.cookie = f"facet-door-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        self._wrong = Wrong("the start token")

    def link(self, origin: str) -> str:
        """The address with which one comes in. origin: such as http://127.0.0.1:8501."""
        return f"{origin}{self.base}/?{TOKEN}={self.token}"

    def judge(self, asked: HTTPConnection) -> ComesIn | Response:
        server = asked.scope.get("server")
        if not self.published and server and not _is_this_machine(server):
            text = "It answers on this machine alone. `docs/remote.md` tells how others reach a lab."
            return words.page(asked, "This lab is not open to the network", [text])
        in_already = _same(asked.cookies.get(self.cookie, ""), self._pass)
        token = asked.query_params.get(TOKEN)
        if token is not None and self._opens_a_page(asked):
            right = _same(token, self.token)
            if right or in_already:  # who is in and opens an old link is told nothing but the page
                return self._without_token(asked)
            return self._wrong_token(asked)
        return ComesIn(self.person) if in_already else self._stranger(asked)

    def _opens_a_page(self, asked: HTTPConnection) -> bool:
        """Whether this is the lab's address or a page's, not a file or a socket: tokens are taken there only."""
        path = asked.scope["path"]
        inside = path.removeprefix(self.base) if path == self.base or path.startswith(f"{self.base}/") else "/no/page"
        return asked.scope["type"] == "http" and asked.scope["method"] == "GET" and inside.count("/") <= 1

    def _without_token(self, asked: HTTPConnection) -> Response:
        """To the same address without the token, relative to itself: a proxy may have put a path in front."""
        last = quote(asked.scope["path"].rpartition("/")[2])
        query = "&".join(
            part for part in asked.scope["query_string"].decode("latin-1").split("&") if part.partition("=")[0] != TOKEN
        )
        headers = {name: value for name, value in words.HEADERS.items() if name != words.SHUT}
        answer = RedirectResponse(f"./{last}{f'?{query}' if query else ''}", 303, headers)
        # Without a path a cookie holds below the address that the browser sees.
        path = self.base or None
        secure = asked.scope["scheme"] == "https"
        answer.set_cookie(self.cookie, self._pass, path=path, secure=secure, httponly=True, samesite="strict")
        return answer

    def _wrong_token(self, asked: HTTPConnection) -> Response:
        if seconds := self._wrong.once_more(asked.client.host if asked.client else "a socket"):
            text = f"Too many links that do not open this lab were tried. Try again in {seconds} s."
            return words.page(asked, "Wait a little", [text], status=429, headers={"Retry-After": str(seconds)})
        return words.page(asked, "This link is of an earlier start", _HOW)

    def _stranger(self, asked: HTTPConnection) -> Response:
        """Who follows a link from elsewhere is sent without the cookie (SameSite=Strict) and asks again from here."""
        elsewhere = asked.headers.get("sec-fetch-site") in ("cross-site", "same-site")
        again = elsewhere and asked.headers.get("sec-fetch-mode") == "navigate"
        title = "This lab opens with its link"
        if self.cookie in asked.cookies:
            title = "This lab was started anew"
        return words.page(asked, title, _HOW, again=again)


_HOW = [
    "Each start of the lab prints a link that lets a browser in: an address that ends with `/?token=...`",
    "The account that started the lab can print it again, in the lab's folder: `python -m core link`, with "
    "`--runs FOLDER` where its runs lie elsewhere",
]


def _is_this_machine(server: tuple[str, int | None]) -> bool:
    """server: the address that was called, of ASGI; a socket's path where it has no port."""
    return server[1] is None or is_loopback(server[0])


def _same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), own.encode())
