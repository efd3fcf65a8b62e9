"""The door as the lab's settings want it, before Streamlit serves anything; or words for why the lab does not start."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from starlette.middleware import Middleware
from streamlit import auth_util, config
from streamlit.errors import StreamlitAuthError

from core import machine, places
from core.errors import LabError
from core.storage import lab_file, lab_link
from pages.parts.door.gate import Gate
from pages.parts.door.keepers import alone, oidc, proxy
from pages.parts.door.verdict import Keeper

KIND = "door"  # of every LabError about it
OWN = ("127.0.0.1", "localhost")  # what a link names, besides [door] hosts


def opened() -> dict[str, Any]:
    """What st.App needs so that the door stands before it. Where it cannot, this process ends and says why."""
    try:
        return _opened(lab_file.read().door)
    except LabError as error:
        sys.exit(f"The lab does not start. {error.message}" + (f"\n{error.remedy}" if error.remedy else ""))


def _opened(settings: lab_file.Door) -> dict[str, Any]:
    base = config.get_option("server.baseUrlPath") or ""
    address = config.get_option("server.address") or "0.0.0.0"  # Streamlit's own default: everybody
    _hosts(settings)
    if settings.mode == "proxy":
        secret = proxy.secret_of(settings.proxy, os.environ.get(proxy.SECRET))
        headers = (settings.proxy.identity_header, settings.proxy.secret_header)
        return _kept_by(proxy.Proxy(secret, *headers, settings.hosts))
    if settings.mode == "oidc":
        if not settings.oidc.allow:
            text = "door: nobody is allowed to log in."
            raise LabError(text, 'Name addresses or domains: allow = ["@example.org"] below [door.oidc].', kind=KIND)
        allow, unverified, hours = settings.oidc.allow, settings.oidc.unverified, settings.oidc.hours
        return _kept_by(oidc.Oidc(_provider(), allow, unverified=unverified, hours=hours, base=base))
    if not settings.published and not alone.is_loopback(address):
        raise LabError(
            f"It would listen on {address}, where the network reaches it, and its door is for this machine alone.",
            'Leave server.address at 127.0.0.1, or choose in lab.toml who comes in: mode = "proxy" or "oidc" '
            "below [door]; in a container whose port is published to one machine, published = true. "
            "docs/remote.md tells more.",
            kind=KIND,
        )
    port = config.get_option("server.port")
    place = f"{machine.name()} {places.runs_folder()} {port}"
    keeper = alone.Alone(machine.account(), place, base=base, published=settings.published)
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    link = keeper.link(f"{scheme}://{_in_an_address(address)}:{port}")
    return _kept_by(keeper) | {"lifespan": lambda app: _link_told(link)}


def _kept_by(keeper: Keeper) -> dict[str, Any]:
    return {"middleware": [Middleware(Gate, keeper=keeper)]}


def _hosts(settings: lab_file.Door) -> None:
    """Streamlit's socket answers under these names only."""
    if settings.hosts and (allowed := config.get_option("server.allowedHosts")):
        more = [host for host in settings.hosts if host not in allowed]
        config.set_option("server.allowedHosts", [*allowed, *more])


def _in_an_address(address: str) -> str:
    if not alone.is_loopback(address):
        return OWN[0]  # of the machine to which the container's port is published
    return f"[{address}]" if ":" in address else address


def _provider() -> oidc.Provider:
    """What .streamlit/secrets.toml says. Raises LabError: nothing, or not enough of it."""
    remedy = "Section [auth] of .streamlit/secrets.toml says how one logs in; docs/remote.md tells what stands there."
    if not auth_util.is_authlib_installed():
        text = "door: logging in needs a package that is not installed, authlib."
        raise LabError(text, "pip install -r requirements.txt", kind=KIND)
    section = auth_util.get_secrets_auth_section().to_dict()
    names = [name for name, value in section.items() if isinstance(value, dict) and "client_id" in value]
    names = [*([oidc.DEFAULT] if "client_id" in section or not names else []), *names]
    try:
        for name in names:
            auth_util.validate_auth_credentials(name)
    except StreamlitAuthError as error:
        raise LabError(f"door: {' '.join(str(error).split())}", remedy, kind=KIND) from error
    if len(section["cookie_secret"]) < proxy.SHORTEST:
        text = f"door: cookie_secret is shorter than {proxy.SHORTEST} characters: whoever guesses it is everybody."
        raise LabError(text, "Make one: openssl rand -hex 32", kind=KIND)
    origin = auth_util.get_origin_from_redirect_uri()
    if origin is None or auth_util.get_validated_redirect_uri() is None:
        raise LabError("door: redirect_uri is no address that ends with /oauth2callback.", remedy, kind=KIND)
    return oidc.Provider(section["cookie_secret"], origin, tuple(names))


@contextlib.asynccontextmanager
async def _link_told(link: str) -> AsyncIterator[dict[str, Any]]:
    """Print the link, and keep it for `python -m core link` as long as the lab is open."""
    with contextlib.ExitStack() as stack:
        note = f"Print it again with: python -m core link{places.runs_option(places.runs_folder())}"
        try:
            stack.enter_context(lab_link.kept(link))
        except (OSError, LabError) as error:  # a lab whose runs may only be read opens all the same
            note = f"It cannot be printed again: {error}"
        print(f"\n  Facet Lab is open here:  {link}\n  {note}\n", flush=True)
        yield {}
