"""Tables on screen, each with a download of its own.

Streamlit's own download of a table writes text that begins with "=" as it stands, which a spreadsheet then runs; it is
off for all tables (client.disableDataExport), copying cells with it. What leaves goes through core.storage.spreadsheet.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.storage.spreadsheet import spreadsheet_csv


def table(frame: pd.DataFrame, file: str, *, key: str, **show: Any) -> None:
    """A table and the button that downloads it as `file`. show: st.dataframe's own arguments."""
    st.dataframe(frame, key=key, **show)
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
