"""Tables on screen, each with a download of its own.

Streamlit's own download of a table writes text that begins with "=" as it stands, which a spreadsheet then runs; it is
off for all tables (client.disableDataExport), copying cells with it. What leaves goes through core.storage.spreadsheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.storage.spreadsheet import spreadsheet_csv

_TICKED = "tables-ticked"  # in the session: key -> (how many tables it has had, content and rows of the present one)


def table(frame: pd.DataFrame, file: str, *, key: str, **show: Any) -> None:
    """A table and the button that downloads it as `file`. show: st.dataframe's own arguments."""
    st.dataframe(frame, key=key, **show)
    _download(frame, file, key)


def ticked(
    frame: pd.DataFrame, file: str, rows: Sequence[int], take: Callable[[list[int]], None], *, key: str, **show: Any
) -> None:
    """A table in which `rows`, positions in ascending order, are ticked. take(rows): after somebody ticked others.

    Streamlit looks at what is ticked only when it draws a table for the first time, so another one takes its place
    where that was changed by anything but the table itself.
    """
    memory = st.session_state.setdefault(_TICKED, {})
    content = (pd.util.hash_pandas_object(frame.iloc[:, 0], index=False).to_numpy().tobytes(), tuple(rows))
    number, before = memory.get(key, (0, content))
    number += content != before
    memory[key] = number, content
    name = f"{key}~{number}"

    def changed() -> None:
        now = sorted(st.session_state[name].selection["rows"])
        memory[key] = number, (content[0], tuple(now))
        take(now)

    st.dataframe(
        frame,
        key=name,
        on_select=changed,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(rows)}},
        **show,
    )
    _download(frame, file, key)


def _download(frame: pd.DataFrame, file: str, key: str) -> None:
    st.download_button(
        "Download as CSV",
        lambda: spreadsheet_csv(flat(frame)),
        file,
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
        key=f"{key}.download",
    )


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its row names as a first column, where it has any."""
    return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index(names=frame.index.name or "")
