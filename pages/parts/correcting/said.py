"""Data: what was just corrected, said over the page with its way back, until it is taken back, closed or followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.errors import LabError
from core.text import listed, plain
from pages.parts.data.view import View
from pages.parts.people import people

SAID, ERROR = "data-said", "data_correction_error"  # in the session
_CSS = """<style>
.st-key-data-said { position: fixed; left: 1rem; right: 1rem; bottom: 1.2rem; margin: 0 auto; z-index: 95;
  width: fit-content; padding: .35rem .9rem; border-radius: 8px;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
  background: light-dark(#ffffff, #191f23);
  box-shadow: 0 4px 18px rgb(0 0 0 / .22); }
@media (max-width: 1100px) { .st-key-data-said { right: calc(320px + 3rem); } }  /* beside the panel */
@media (max-width: 760px) { .st-key-data-said { right: 1rem; bottom: auto; top: 4rem; } }
</style>"""


@dataclass(frozen=True)
class Said:
    """Corrections of the dataset at root that one click made, in words."""

    root: str
    ids: tuple[str, ...]
    words: str


def write(root: str, made: Sequence[Correction], words: str) -> bool:
    """Write corrections and say so, whoever wrote the same before; returns whether they are in force now.

    What the first half of Enter and a click has said stands as it is.
    """
    try:
        in_force = corrections.add_all(root, list(made))
    except LabError as error:
        st.session_state[ERROR] = error
        return False
    fresh = tuple(new.id for new, counted in zip(made, in_force, strict=True) if new.id == counted.id)
    ids = tuple(counted.id for counted in in_force)
    before: Said | None = st.session_state.get(SAID)
    if fresh or before is None or not set(before.ids) <= set(ids):
        st.session_state[SAID] = Said(root, fresh or ids, words)
    return True


def show(view: View) -> None:
    """Nothing where nothing was corrected since the last undo, or where all of it was taken back elsewhere.

    Undo takes back one's own, of another tab too; what somebody else had said before stays, also if an admin undoes.
    """
    now: Said | None = st.session_state.get(SAID)
    if now is None or now.root != view.raw.root:
        return
    made = [effect.correction for effect in view.effects if effect.correction.id in now.ids]
    if not made:
        return
    mine = tuple(each.id for each in made if not people.shared() or each.by == people.me())
    others = sorted({each.by or "somebody" for each in made if each.id not in mine})
    stays = plain(f"What {listed(others)} had said before stays; it is listed under Corrections.")
    st.html(_CSS)
    with st.container(horizontal=True, vertical_alignment="center", key="data-said", gap="small"):
        st.markdown(f":material/check: {plain(now.words)}", width="content")
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            shortcut="Z",
            key="data-said-undo",
            disabled=not mine,
            help=stays if others else None,
            on_click=_undo,
            args=(now.root, mine),
        )
        st.button("", icon=":material/close:", type="tertiary", key="data-said-close", help="Close", on_click=_close)


def _undo(root: str, ids: tuple[str, ...]) -> None:
    try:
        corrections.undo_all(root, ids)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    _close()


def _close() -> None:
    st.session_state.pop(SAID, None)
