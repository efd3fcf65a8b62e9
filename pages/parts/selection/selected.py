"""The photos that are selected: one selection a dataset, the same on every page that shows its photos.

The session keeps it, since the menu leads to bare addresses; its name stands in the address of each page that acts on
it, and what is under that name on disk, so that a reload and a copied link have it too. Another selection is no step
of the browser's Back (pages/parts/hand/history.py), so what this session selected itself is never taken from an
address, which may be from before the last click.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from core.data.chosen import selections
from core.data.chosen.selections import Selection, selection
from core.errors import LabError
from core.text import plain

NAME = "selection"  # in the address
HOW = {"replace": "Replace", "add": "Add", "take": "Take away"}
# In the session: root -> its selection; root -> the one before; names that were in force; how a button selects; what
# was wrong with keeping one.
_NOW, _BEFORE, _OWN, _HOW, FAULT = (f"selection-{part}" for part in ("now", "before", "own", "how", "fault"))


def begin(root: str) -> None:
    """Takes up the selection that the address names, or writes this dataset's into it. First thing of a page that acts
    on the photos of the dataset at root."""
    name = st.query_params.get(NAME)
    if name and name not in _own():
        try:
            linked = selections.load(name)
        except LabError as error:  # the address keeps it, so that the next drawing looks again
            st.toast(plain(error), icon=":material/folder_off:")
            return
        _own().add(name)
        if linked is None:
            st.toast("The selection of this link is not kept any more.", icon=":material/deselect:")
        else:
            _remember(linked)
    _write(of(root))


def of(root: str) -> Selection:
    """The photos of the dataset at root that are selected."""
    empty = selection(root)
    return _all().get(empty.root, empty)


def put(root: str, samples: Iterable[str]) -> None:
    """Select exactly these."""
    now = selection(root, samples)
    if now == of(root):
        return
    _remember(now)
    _own().add(now.name)
    st.session_state.pop(FAULT, None)
    if now.samples:
        try:
            selections.keep(now)
        except LabError as error:
            st.session_state[FAULT] = error
    _write(now)


def take(root: str, samples: Sequence[str]) -> None:
    """Select these as `how` says: in the place of what was selected, beside it, or take them away."""
    now = of(root).samples
    if how() == "take" and now:
        gone = set(samples)
        put(root, [sample for sample in now if sample not in gone])
    else:
        put(root, samples if how() == "replace" else [*now, *samples])


def turn(root: str, samples: Sequence[str]) -> None:
    """Select these too, or let them go where all of them are selected."""
    now = of(root).samples
    if samples and set(samples) <= set(now):
        gone = set(samples)
        put(root, [sample for sample in now if sample not in gone])
    else:
        put(root, [*now, *samples])


def how() -> str:
    return st.session_state.get(_HOW, "replace")


def set_how(value: str) -> None:
    st.session_state[_HOW] = value


def before(root: str) -> Selection | None:
    """The selection before this one; None where there was no other."""
    earlier = st.session_state.get(_BEFORE, {}).get(selection(root).root)
    return None if earlier == of(root) else earlier


def _remember(now: Selection) -> None:
    st.session_state.setdefault(_BEFORE, {})[now.root] = of(now.root)
    _all()[now.root] = now


def _write(now: Selection) -> None:
    if not now.samples:
        st.query_params.pop(NAME, None)
    elif st.query_params.get(NAME) != now.name:
        st.query_params[NAME] = now.name


def _all() -> dict[str, Selection]:
    return st.session_state.setdefault(_NOW, {})


def _own() -> set[str]:
    return st.session_state.setdefault(_OWN, set())
