"""The door of a lab behind a web server that knows who is asking."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from starlette.requests import HTTPConnection
from starlette.responses import Response

from core.errors import LabError
from core.storage import lab_file
from pages.parts.door import words
from pages.parts.door.verdict import ComesIn
from pages.parts.door.wrong import Wrong

SECRET = "FACET_DOOR_SECRET"  # wins over secret_file
SHORTEST = 32  # characters of a secret
LONGEST = 200  # characters of a name


class Proxy:
    """identity_header: says who is asking; secret_header: says `secret`, which only the web server knows."""

    leaves = ""
    shared = True

    def __init__(self, secret: str, identity_header: str, secret_header: str, hosts: Sequence[str] = ()):
        self._secret = secret.encode()
        self.identity_header, self.secret_header = identity_header.lower(), secret_header.lower()
        self.hidden = frozenset({self.identity_header.encode(), self.secret_header.encode()})
        self.hosts = hosts
        self._wrong = Wrong("the proxy's secret")

    def judge(self, asked: HTTPConnection) -> ComesIn | Response:
        given, names = asked.headers.getlist(self.secret_header), asked.headers.getlist(self.identity_header)
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._secret):
            if given and (seconds := self._wrong.once_more(asked.client.host if asked.client else "a socket")):
                text = f"Too many wrong secrets were tried. Try again in {seconds} s."
                return words.page(asked, "Wait a little", [text], status=429, headers={"Retry-After": str(seconds)})
            links = [(f"Go to {host}", f"//{host}/") for host in self.hosts[:1]]
            text = (
                "It is reached through its web server, which knows who is asking. This request did not come from there."
            )
            return words.page(asked, "This is the lab's back door", [text], links=links)
        person = _name(names[0]) if len(names) == 1 else ""
        if not person:
            text = (
                f"The web server in front named {'several people' if len(names) > 1 else 'nobody'}; it has to name one."
            )
            return words.page(asked, "Nobody is named", [f"{text} Its header is `{self.identity_header}`."])
        return ComesIn(person, self.hidden)


def secret_of(settings: lab_file.ProxyDoor, given: str | None) -> str:
    """The shared secret. given: what FACET_DOOR_SECRET says. Raises LabError: none, too short, an unreadable file."""
    secret, source = (given or "").strip(), SECRET
    if not secret and settings.secret_file is not None:
        source = str(settings.secret_file)
        try:
            secret = settings.secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise LabError(f"door: {source} cannot be read: {why}.", _MAKE_ONE, kind="door") from error
    if not secret:
        raise LabError("door: a proxy shares a secret with the lab, and none is given.", _MAKE_ONE, kind="door")
    if len(secret) < SHORTEST or not secret.isascii() or not secret.isprintable():
        text = f"door: the secret of {source} is none: {SHORTEST} ASCII characters or more are needed."
        raise LabError(text, _MAKE_ONE, kind="door")
    return secret


_MAKE_ONE = (
    f"Write one to a file that only the lab and the proxy can read (openssl rand -hex 32), and name it in lab.toml as "
    f"secret_file below [door.proxy], or set {SECRET}."
)


def _name(value: str) -> str:
    """The name in a header, "" for what is none. Web servers send UTF-8; ASGI hands it on as Latin-1."""
    try:
        name = value.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return ""
    return name if len(name) <= LONGEST and name.isprintable() else ""
