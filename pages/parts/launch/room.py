"""Whether what is about to be launched fits on the disk, beside all that waits."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.jobs.room.forecast import Forecast
from core.places import HOME
from core.text import plain, size

SETTINGS: Path = HOME / "pages" / "settings.py"


def in_words(ahead: Forecast) -> str:
    """What it takes of the disk, part by part."""
    beside = f" What waits or trains already writes {size(ahead.promised)} more." if ahead.promised else ""
    return f"{size(ahead.stays)} of weights stay, {size(ahead.passing)} more are taken while it trains.{beside}"


def warning(ahead: Forecast) -> None:
    """What will not fit, with the way to the page where room is made; nothing where all fits."""
    with st.container():  # always there, so that what follows keeps its place on the page
        if words := ahead.warning:
            st.warning(plain(words), icon=":material/hard_drive:")
            if st.button("Make room", icon=":material/mop:", key="launch-room", type="tertiary"):
                st.switch_page(SETTINGS)
