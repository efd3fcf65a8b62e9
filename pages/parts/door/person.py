"""Who is asking, for the pages."""

from __future__ import annotations

from urllib.parse import unquote

import streamlit as st
from streamlit.runtime import Runtime

from core import machine
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


def guard() -> None:
    """Stop a page that is served without the door, such as by `streamlit run pages/home.py`."""
    if person() is None:
        st.error("This page is served without the lab's door. Start the lab with `streamlit run app.py`.")
        st.stop()


def _is_served() -> bool:
    """Whether a browser asks; Streamlit's test runner has a runtime that only looks like one."""
    return Runtime.exists() and type(Runtime.instance()) is Runtime
