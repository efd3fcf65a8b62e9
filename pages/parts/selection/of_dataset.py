"""What the line of the selected photos says and does on Data: of all photos of the dataset, as corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.data.values import attribute_names, column_of
from core.places import HOME
from core.text import count
from pages.parts.data import orders
from pages.parts.hand import hand
from pages.parts.selection import bar, selected

if TYPE_CHECKING:
    from pages.parts.data.view import View

LOOK = HOME / "pages" / "look_inside.py"


def page(view: View) -> bar.Page:
    root, corrected = view.raw.root, view.corrected.samples

    def words(samples: list[str]) -> str:
        used = int(corrected["sample"].isin(samples).sum())
        return f"{count(len(samples) - used)} left out" if used < len(samples) else ""

    def actions(samples: list[str]) -> None:
        run_id = _run_on(root)
        if run_id is not None and st.button("Look inside", icon=":material/visibility:", key="selection-to-look"):
            name = selected.of(root).name
            st.switch_page(LOOK, query_params={"run": run_id, bar.ONLY: "1", selected.NAME: name})

    return bar.Page(
        root,
        view.raw.samples["sample"].tolist(),
        "this dataset",
        words,
        lambda samples: facts(corrected, view.raw.samples, samples),
        actions,
    )


def facts(corrected: pd.DataFrame, raw: pd.DataFrame, samples: list[str]) -> pd.DataFrame:
    """What is known about photos under their corrections, in the dataset's order; left_out: of new runs."""
    used = set(corrected["sample"])
    table = pd.concat([corrected, raw[~raw["sample"].isin(used)]])
    table = table[table["sample"].isin(samples)].sort_values("sample", kind="stable")
    described = table[["sample", "person", "width", "height"]].assign(left_out=~table["sample"].isin(used))
    for name in attribute_names(table):
        described[name] = table[str(column_of(name, table))]
    return described.reset_index(drop=True)


def _run_on(root: str) -> str | None:
    """The run in hand where it is on this dataset, else the newest that is; None where there is none."""
    on_it = orders.runs_on(root)
    in_hand = hand.run()
    return in_hand if in_hand in [summary["id"] for summary in on_it] else hand.first(on_it)
