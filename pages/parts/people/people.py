"""Who did it, in a lab that several people share. Where one person is alone, no page says a word of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from core.storage import asking
from core.text import plain


def explain() -> None:
    """That all is shared, who changes what, and who looks; nothing where one is alone."""
    who = asking.asker()
    if who.shared:
        st.caption(
            "All of it is shared: everybody sees it. Who launched something may change it, and so may an admin. "
            f"You are {plain(who.name)}{', an admin' if who.admin else ''}."
        )


def shared() -> bool:
    """Whether pages speak of people."""
    return asking.asker().shared


def me() -> str:
    return asking.asker().name


def by(owner: str) -> str:
    """ "by anna"; empty where nobody else is there, and where it is not known."""
    return f"by {owner}" if owner and shared() else ""


def launched(owner: str) -> str:
    """ "launched by anna", or "launched" alone."""
    return f"launched {by(owner)}".rstrip()


def locked(owners: Iterable[str]) -> str:
    """Why whoever looks may not change things of these owners, as Markdown; empty where they may."""
    who = asking.asker()
    theirs = next((owner for owner in owners if not who.may_change(owner)), None)
    if theirs is None:
        return ""
    whose = asking.belongs(theirs)
    return plain(f"{whose[:1].upper()}{whose[1:]}. {asking.ask(theirs)}")


def button(label: str, *owners: str, disabled: bool = False, help: str | None = None, **options: Any) -> bool:
    """A button that changes things of these owners: greyed, with the reason, for who may not.

    The verb behind it asks again: a click that comes all the same is refused.
    """
    why = locked(owners)
    return st.button(label, disabled=disabled or bool(why), help=why or help, **options)


def lab_locked() -> str:
    """Why whoever looks may not change a setting of the whole lab; empty where they may."""
    return "" if asking.asker().admin else "Holds for the whole lab. Ask an admin of the lab."


def lab_button(label: str, *, disabled: bool = False, help: str | None = None, **options: Any) -> bool:
    """A button that changes what holds for the whole lab: greyed for who is no admin of a lab that several share."""
    why = lab_locked()
    return st.button(label, disabled=disabled or bool(why), help=why or help, **options)
