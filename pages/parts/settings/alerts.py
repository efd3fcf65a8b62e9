"""Who is told when a run or a study ends while nobody looks: addresses, of which no more than the host is shown."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.jobs.alerts import addresses
from core.jobs.alerts.addresses import APPRISE, EVENTS, KINDS, Shown
from core.text import ago, plain
from pages.parts.people import people
from pages.parts.settings import change
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

TEST = "settings-alerts-test"  # in the session: the address of which a test was asked for
_STYLE = """<style>
.lab-told { font-size: .93rem; overflow-wrap: anywhere; }
.lab-told b { font-weight: 600; }
.lab-told .lab-good { color: var(--lab-good); } .lab-told .lab-bad { color: var(--lab-bad); }
[class*="st-key-settings-alerts-row-"] { border-top: 1px solid var(--st-border-color); padding-top: .5rem; }
</style>"""


def section(root: Path) -> None:
    st.caption(
        "A message to a webhook when a run or a study has ended, also while the lab is closed: to Slack, Discord, ntfy "
        "or a program of yours. It names the run, what happened and the score; nothing of a photo. More about it is in "
        "docs/alerts.md."
    )
    if why := people.lab_locked():
        st.caption(f"{why} Addresses are shown to admins alone: who knows one can write there.")
        return
    try:
        listed, lab = addresses.listed(root), addresses.lab_address(root)
    except LabError as error:
        badges.show_error(error)
        return
    if listed:
        st.html(_STYLE)
    else:
        st.caption("Nobody is told yet.")
    for entry in listed:
        _row(root, entry)
    _new()
    _own(root, lab)


def _row(root: Path, entry: Shown) -> None:
    with st.container(
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        key=f"settings-alerts-row-{entry.id}",
    ):
        asked = st.session_state.get(TEST) == entry.id  # what comes of it stands below, and not what came before
        st.html(_row_html(replace(entry, when=None) if asked else entry), width="stretch")
        with st.container(horizontal=True, width="content"):
            people.lab_button(
                "Send a test",
                icon=":material/send:",
                key=f"settings-alerts-test-{entry.id}",
                on_click=_ask,
                args=(entry.id,),
            )
            people.lab_button(
                "Remove",
                icon=":material/delete:",
                key=f"settings-alerts-remove-{entry.id}",
                on_click=change.remove_address,
                args=(entry.id,),
                disabled=entry.fixed,
                help="It is named in lab.toml: take it out there." if entry.fixed else None,
            )
    if asked:
        del st.session_state[TEST]
        _test(root, entry)


def _row_html(entry: Shown) -> str:
    kind = APPRISE if entry.kind == APPRISE else KINDS[entry.kind]
    whole = len(entry.events) == len(EVENTS)
    events = "all of it" if whole else ", ".join(EVENTS[name] for name in entry.events)
    where = ", from lab.toml" if entry.fixed else ""
    last = ""
    if entry.when is not None:
        tone, sign = ("good", "✓") if entry.ok else ("bad", "✗")
        said = f"The last message, {ago(entry.when)}: {entry.words}"
        last = f'<div><span class="lab-{tone}" aria-hidden="true">{sign}</span> {escape(said)}</div>'
    return (
        f'<div class="lab-told"><b>{escape(entry.masked)}</b> '
        f'<span class="lab-meta">{escape(f"{kind}{where} · {events}")}</span>{last}</div>'
    )


def _ask(address_id: str) -> None:
    st.session_state[TEST] = address_id


def _test(root: Path, entry: Shown) -> None:
    from core.jobs.alerts import sending

    try:
        with st.spinner("Sending a test", show_time=True):
            outcome = sending.test(root, entry.id)
    except LabError as error:
        badges.show_error(error)
        return
    say = st.success if outcome.ok else st.error
    say(plain(f"A test to {entry.masked}: {outcome.words}"), icon=":material/send:")


def _new() -> None:
    number = st.session_state.get(change.ADDED, 0)
    keys = tuple(f"settings-alerts-{name}-{number}" for name in ("url", "kind", "events"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begin(
            st.text_input,
            "Address of a webhook",
            key=keys[0],
            begins="",
            type="password",
            autocomplete="off",
            width=420,
            placeholder="https://…",
            help="As Slack, Discord or ntfy show it, or of your own program, also on your own network. It is kept "
            "where only the lab's account reads it. With the extra apprise installed its addresses go as well.",
        )
        begin(
            st.selectbox,
            "Kind of message",
            list(KINDS),
            key=keys[1],
            begins="",
            format_func=KINDS.__getitem__,
            width=200,
        )
    begin(
        st.pills,
        "Tell it when",
        list(EVENTS),
        key=keys[2],
        begins=list(EVENTS),
        selection_mode="multi",
        format_func=EVENTS.__getitem__,
    )
    people.lab_button("Add", icon=":material/add:", key="settings-alerts-add", on_click=change.add_address, args=keys)


def _own(root: Path, lab: str) -> None:
    """The address of the pages, for the links of messages."""
    try:
        now = addresses.pages_at(root)
    except LabError:
        now = ""
    key = f"settings-alerts-lab-{lab}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begin(
            st.text_input,
            "Links of messages lead to",
            key=key,
            begins=lab,
            width=420,
            placeholder=now or "https://lab.example.org",
            help="Where you reach this lab from the device on which you read messages. Empty: where it is open now, if "
            "that is known; on another device that leads nowhere. The link lets nobody in.",
        )
        people.lab_button("Save", key="settings-alerts-lab-save", on_click=change.set_lab_address, args=(key,))
