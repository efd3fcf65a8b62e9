"""A small OpenID Connect provider on this machine: it lets people log in by address, with tokens that are signed.

Discovery, JSON Web Keys, the authorization code flow with PKCE, log out. As a real one it refuses a client, an address
to return to, a code or a verifier that it does not know, and a code that was used. Everybody may log in: who may come
in is the lab's question.
Source: OpenID Connect Core 1.0 and RP-Initiated Logout 1.0, RFC 6749, RFC 7636.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.serving import port_of, served

ASKED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge")


class Provider:
    """One client, and people who are known by their address. unverified: addresses that nobody has verified."""

    def __init__(self, url: str, redirect_uri: str, unverified: tuple[str, ...] = ()):
        self.url, self.redirect_uri, self.unverified = url, redirect_uri, unverified
        self.client_id, self.client_secret = "facet-lab", secrets.token_hex(16)
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.signs, self.lies = self.key, {}  # with which key, and claims that are not so: what an impostor would send
        self.codes: dict[str, dict[str, str]] = {}
        self.logged_out: list[str] = []  # addresses, as their id tokens say
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize, methods=["GET", "POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/end", self.end),
            ]
        )

    def write_secrets(self, path: Path) -> Path:
        """What .streamlit/secrets.toml says of it."""
        settings = {
            "redirect_uri": self.redirect_uri,
            "cookie_secret": secrets.token_hex(32),
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "server_metadata_url": f"{self.url}/.well-known/openid-configuration",
        }
        path.write_text("[auth]\n" + "".join(f'{name} = "{value}"\n' for name, value in settings.items()))
        return path

    def discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "end_session_endpoint": f"{self.url}/end",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    def keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """GET: a form that asks for an address. POST: back to the client with a code."""
        answers = request.query_params if request.method == "GET" else await request.form()
        asked = {name: str(answers.get(name, "")) for name in ASKED}
        if asked["client_id"] != self.client_id or asked["redirect_uri"] != self.redirect_uri:
            return HTMLResponse("This client is not known here.", 400)
        if asked["response_type"] != "code" or "openid" not in asked["scope"].split() or not asked["code_challenge"]:
            return HTMLResponse("Only codes are given here, for openid and with PKCE.", 400)
        if not (address := str(answers.get("address", ""))):
            hidden = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in asked.items())
            page = f'<form method="post">{hidden}<label>Address <input name="address"></label><button>Log in</button>'
            return HTMLResponse(f"<!doctype html><title>Provider</title>{page}</form>")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked | {"address": address}
        return RedirectResponse(
            f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}", status_code=303
        )

    async def token(self, request: Request) -> Response:
        """A code, once, for a signed token."""
        form = await request.form()
        known = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if not secrets.compare_digest(request.headers.get("authorization", ""), f"Basic {known}"):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(str(form.get("code")), None)
        verifier = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if not asked or asked["code_challenge"] != challenge or form.get("redirect_uri") != self.redirect_uri:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {
                "access_token": secrets.token_urlsafe(16),
                "token_type": "Bearer",
                "expires_in": 3600,
                "id_token": self.signed(asked["address"], asked["nonce"]),
            }
        )

    def signed(self, address: str, nonce: str) -> str:
        """The token that says who it is: an RS256 JSON Web Token."""
        now = int(time.time())
        who = {"sub": hashlib.sha256(address.encode()).hexdigest()[:16], "email": address}
        who |= {"email_verified": address not in self.unverified, "name": address.partition("@")[0].title()}
        when = {"iss": self.url, "aud": self.client_id, "iat": now, "exp": now + 3600, "nonce": nonce}
        return jwt.encode({"alg": "RS256", "kid": "one"}, {**who, **when, **self.lies}, self.signs)

    def end(self, request: Request) -> Response:
        """Log out, and back to where the client asks for, if that is its own."""
        words: Mapping[str, str] = request.query_params
        if hint := words.get("id_token_hint"):
            self.logged_out.append(jwt.decode(hint, self.key).claims["email"])
        if words.get("post_logout_redirect_uri") != self.redirect_uri:
            return HTMLResponse("This client is not known here.", 400)
        return RedirectResponse(self.redirect_uri, status_code=303)


@contextlib.contextmanager
def provider(redirect_uri: str, **options: object) -> Iterator[Provider]:
    """A provider that answers on a free port of this machine for as long as the block lasts."""
    line = socket.create_server(("127.0.0.1", 0))
    one = Provider(f"http://127.0.0.1:{port_of(line)}", redirect_uri, **options)
    with served(line, one.app):
        yield one
