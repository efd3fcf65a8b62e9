"""The one line that says how many photos are selected, in sight wherever they act, with what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.storage.spreadsheet import spreadsheet_csv
from core.text import count, number_of, plain
from pages.parts.selection import selected
from pages.parts.shared import badges
from pages.parts.shared.fields import field

ONLY = "selected"  # in the address: "1" where the page shows the selected photos alone
_CSS = """<style>
[data-testid="stLayoutWrapper"]:has(> .st-key-selection-place) { position: sticky; top: 3.9rem; z-index: 80; }
.st-key-selection-bar { padding: .3rem .4rem .3rem .9rem; border-radius: 8px; gap: .3rem .8rem;
  border: 1px solid var(--st-primary-color); background: light-dark(#ffffff, #191f23);
  box-shadow: 0 3px 12px rgb(0 0 0 / .12); }
@media (max-width: 640px) { .st-key-selection-bar { padding: .2rem .5rem; }
  .st-key-selection-bar .lab-meta { display: none; } }
</style>"""


@dataclass(frozen=True)
class Page:
    """What a page knows of the photos of the dataset at root.

    samples: its photos, in their order. name: of what they are, "this run". words(samples): about those of them that
    are selected, "7 wrong, 5 right"; "" for nothing. table(samples): what is known about them, a row each, for the
    download. actions(samples): draws what else this page does with them.
    """

    root: str
    samples: Sequence[str]
    name: str
    words: Callable[[list[str]], str]
    table: Callable[[list[str]], pd.DataFrame]
    actions: Callable[[list[str]], None]


def only(root: str) -> frozenset[str] | None:
    """The selected photos, where the page shows them alone; None where it shows all."""
    now = selected.of(root).samples
    return frozenset(now) if now and st.query_params.get(ONLY) == "1" else None


def place() -> DeltaGenerator:
    """Where the line stands, and stays while the page scrolls: near the top of the page, in no other container."""
    return st.container(key="selection-place")


def show(page: Page, place: DeltaGenerator) -> None:
    """Nothing where nothing is selected nor was."""
    now, before = selected.of(page.root).samples, selected.before(page.root)
    if not now and before is None:
        return
    with place:
        st.html(_CSS)
        if error := st.session_state.get(selected.FAULT):
            badges.show_error(error)
        with st.container(horizontal=True, vertical_alignment="center", key="selection-bar"):
            chosen = set(now)
            here = [sample for sample in page.samples if sample in chosen]
            st.markdown(_how_many(len(now), len(here), page.name), width="content")
            if words := page.words(here) if here else "":
                st.html(f'<span class="lab-meta">{words}</span>', width="content")
            st.space("stretch")
            if now:
                field(
                    st.toggle,
                    "Only these",
                    key="selection-only",
                    holds=st.query_params.get(ONLY) == "1",
                    take=_take_only,
                    help="Show these photos alone. Select further ones with it off.",
                )
                with st.popover("Actions", icon=":material/more_horiz:", key="selection-actions"):
                    _actions(page, here)
            if before is not None and before.samples:  # to none leads Clear
                st.button(
                    f"Back to {number_of(len(before.samples), 'photo')}",
                    icon=":material/undo:",
                    type="tertiary",
                    key="selection-back",
                    help="Selects what was selected before.",
                    on_click=_put,
                    args=(page.root, before.samples),
                )
            if now:
                st.button(
                    "Clear",
                    icon=":material/close:",
                    type="tertiary",
                    key="selection-clear",
                    on_click=_put,
                    args=(page.root, ()),
                )


def _how_many(all_of_them: int, here: int, name: str) -> str:
    if not all_of_them:
        return ":material/deselect: No photo is selected"
    words = f"**{number_of(all_of_them, 'photo')} selected**"
    if here < all_of_them:
        words += f", {count(here) if here else 'none'} of {'them' if all_of_them > 1 else 'it'} in {plain(name)}"
    return f":material/check_box: {words}"


def _actions(page: Page, here: list[str]) -> None:
    field(
        st.segmented_control,
        "What is selected next",
        list(selected.HOW),
        key="selection-how",
        holds=selected.how(),
        take=selected.set_how,
        format_func={"replace": "Replaces it", "add": "Is added", "take": "Is taken away"}.get,
        required=True,
        help="Of Select correct, Select misclassified, all that is shown, and a box around dots. A click on a photo or "
        "a cell selects it too, or lets it go.",
    )
    chosen = set(here)
    others = [sample for sample in page.samples if sample not in chosen]
    st.button(
        f"Invert: select the other {count(len(others))}",
        icon=":material/flip:",
        key="selection-invert",
        disabled=not others,
        on_click=_put,
        args=(page.root, others),
    )
    page.actions(here)
    st.download_button(
        "Download as CSV",
        lambda: spreadsheet_csv(page.table(here)),
        "selected-photos.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="selection-csv",
        disabled=not here,
    )


def _put(root: str, samples: Sequence[str]) -> None:
    selected.put(root, samples)
    if not samples:
        _take_only(False)


def _take_only(alone: bool) -> None:
    """The gallery goes back to its first page."""
    st.query_params.pop("page", None)
    if alone:
        st.query_params[ONLY] = "1"
    else:
        st.query_params.pop(ONLY, None)
