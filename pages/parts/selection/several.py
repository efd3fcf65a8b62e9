"""That several photos can be chosen in a gallery, and the switch that lets a plain click do so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.parts.selection import selected
from pages.parts.shared.fields import begin

_ON = "selection-several"  # in the session
HELP = (
    "A click then selects a photo or lets it go again; so does Ctrl and a click, and Shift and a click takes all on "
    "the way."
)


@dataclass(frozen=True)
class Several:
    """take(samples, is_range): of a click with Ctrl, or of all since the last click with Shift. always: whether a plain
    click does so too."""

    take: Callable[[list[str], bool], None]
    always: bool = False


def switch(help: str = HELP) -> bool:
    """Whether a plain click selects."""
    return begin(st.toggle, "Select several", key=_ON, begins=False, help=help)


def is_on() -> bool:
    return bool(st.session_state.get(_ON))


def of(root: str) -> Several:
    """For a gallery of photos of the dataset at root: a range is added, one photo is selected or let go."""

    def take(samples: list[str], is_range: bool) -> None:
        now = selected.of(root).samples
        if is_range:
            selected.put(root, [*now, *samples])
        else:
            selected.turn(root, samples)

    return Several(take, is_on())
