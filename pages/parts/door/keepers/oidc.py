"""The door of a lab whose people log in at a provider (OpenID Connect), with Streamlit's own login.

Streamlit's three addresses of the login are all that strangers reach. What it signs into the cookie is read here,
before a page, a file or the socket is reached: no page of the lab has to run for somebody to log in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import HTTPConnection
from starlette.responses import Response
from streamlit import auth_util
from streamlit.web.server.starlette import starlette_app_utils
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from pages.parts.door import words
from pages.parts.door.verdict import ComesIn

LOGIN, LOGOUT, BACK = "auth/login", "auth/logout", "oauth2callback"
WITH = "with"  # of the login's address: which provider
DEFAULT = "default"


@dataclass(frozen=True)
class Provider:
    """How Streamlit logs in: secrets.toml as the door needs it. origin: of redirect_uri, such as https://lab.example.org.
    names: of the providers, "default" for the one without a name."""

    cookie_secret: str
    origin: str
    names: Sequence[str] = (DEFAULT,)


class Oidc:
    """allow: addresses, and @domain for all of a domain. hours: after which one logs in anew."""

    shared = True

    def __init__(
        self, provider: Provider, allow: Sequence[str], *, unverified: bool = False, hours: float = 24, base: str = ""
    ):
        self.provider, self.unverified, self.days = provider, unverified, hours / 24
        self.allow = frozenset(entry.strip().lower() for entry in allow)
        self.base = "/" + base.strip("/") if base.strip("/") else ""
        self.leaves = f"{self.base}/{LOGOUT}"

    def judge(self, asked: HTTPConnection) -> ComesIn | Response:
        path = asked.scope["path"].removeprefix(self.base) if asked.scope["path"].startswith(f"{self.base}/") else ""
        if asked.scope["type"] == "http" and asked.scope["method"] == "GET":
            if path == f"/{LOGIN}":
                return self._to_provider(asked)
            if path in (f"/{LOGOUT}", f"/{BACK}"):
                return ComesIn("")
        login = self._login(asked)
        if login is None:
            return self._stranger(asked)
        address = login.get("email")
        if not isinstance(address, str) or not address.isprintable() or address.count("@") != 1:
            return self._refused(asked, "without an address", "The provider did not say which address this login has.")
        address = address.strip().lower()
        if login.get("email_verified") is not True and not self.unverified:
            return self._refused(asked, address, "The provider does not say that it has verified this address.")
        if not self.allow & {address, f"@{address.partition('@')[2]}"}:
            return self._refused(asked, address, "This address is not among those that the lab lets in.")
        return ComesIn(address)

    def _login(self, asked: HTTPConnection) -> dict[str, Any] | None:
        """What the provider said of who holds this cookie; None without one that this lab signed, not long ago."""

        def signed(name: str) -> bytes | None:
            value = asked.cookies.get(name, "")
            return starlette_app_utils.decode_signed_value(self.provider.cookie_secret, name, value, self.days)

        try:
            login = json.loads(auth_util.get_cookie_with_chunks(signed, USER_COOKIE_NAME) or b"null")
        except (ValueError, RecursionError):
            return None
        if not isinstance(login, dict) or login.get("is_logged_in") is not True:
            return None
        return login if login.get("origin") == self.provider.origin else None

    def _to_provider(self, asked: HTTPConnection) -> ComesIn | Response:
        """The login with a provider's name as Streamlit signs it, for two minutes: made when it is clicked."""
        name = asked.query_params.get(WITH, self.provider.names[0])
        if name not in self.provider.names:
            return self._stranger(asked)
        query = urlencode({"provider": auth_util.encode_provider_token(name)})
        return ComesIn("", scope={"query_string": query.encode()})

    def _stranger(self, asked: HTTPConnection) -> Response:
        names = self.provider.names
        links = [
            (f"Log in with {name}" if len(names) > 1 else "Log in", f"{self.base}/{LOGIN}?{WITH}={quote(name)}")
            for name in names
        ]
        text = "It is open to the people whom its owner named. Log in, and you are back here."
        return words.page(asked, "This lab wants to know who you are", [text], links=links)

    def _refused(self, asked: HTTPConnection, address: str, why: str) -> Response:
        text = "Ask who runs this lab to add it, or log in with another one."
        links = [("Log out", self.leaves)]
        return words.page(asked, f"You are logged in as {address}", [why, text], links=links)
