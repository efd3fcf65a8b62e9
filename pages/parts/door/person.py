"""Who is asking, for the pages."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

import streamlit as st
from streamlit.runtime import Runtime

from core import machine, places
from core.errors import LabError
from core.storage import asking, lab_file
from core.storage.asking import Asker
from core.text import plain
from pages.parts.door.gate import PERSON, Gate


def person() -> str | None:
    """Who asks for this page: the account's name (alone), what the proxy says (proxy), an address in small letters
    (oidc); None where nobody stands before the door, which `guard` refuses.

    As the gate wrote it into the opening of the socket that this session hangs on now: no message of a page, no widget
    and no header of a browser changes it, and a session that another person's socket takes over is told of that person.
    Without a server (a test of a page, a script) it is the account that runs this process.
    """
    if not _is_served():
        return machine.account()
    return unquote(st.context.headers.get(PERSON, "")) or None if Gate.stands else None


def in_words() -> str:
    """Who asks, and the way out for who has logged in, as Markdown."""
    name = person()
    if not name or not Gate.leaves:
        return ""
    return f"You are logged in as {plain(name)}. [Log out]({Gate.leaves})"


def asker() -> Asker:
    """Who asks, and whether they may change everything: the account where one is alone, else whom [people] names.

    A thread of a shared lab that serves nobody in particular, and a page without the door, may change nothing.
    """
    if not _is_served() or (Gate.stands and not Gate.shared):
        return asking.account()
    name = person() or ""
    return Asker(name, admin=name != "" and _is_admin(name), shared=True)


def _is_admin(name: str) -> bool:
    """Addresses are told in small letters. A file that cannot be read names nobody."""
    path = places.lab_file()
    try:
        status = path.stat()
        admins = _admins(status.st_mtime_ns, status.st_size, status.st_ino)
    except (OSError, LabError):
        return False
    return name in {admin.lower() if "@" in admin else admin for admin in admins}


@lru_cache(maxsize=4)
def _admins(*stamp: int) -> tuple[str, ...]:
    """stamp: of the file that is read."""
    return lab_file.read().people.admins


asking.answered_by(asker)


def guard() -> None:
    """Stop a page that is served without the door, such as by `streamlit run pages/home.py`."""
    if person() is None:
        st.error("This page is served without the lab's door. Start the lab with `streamlit run app.py`.")
        st.stop()


def _is_served() -> bool:
    """Whether a browser asks; Streamlit's test runner has a runtime that only looks like one."""
    return Runtime.exists() and type(Runtime.instance()) is Runtime
