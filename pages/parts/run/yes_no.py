"""Each yes/no attribute's own scores beneath a run's table, where attributes are told one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import streamlit as st

from core.answers import yes_no_scores
from core.answers.yes_no_scores import AttributeTable
from core.errors import LabError
from core.runs import Run
from core.runs.yes_no import view as one_by_one
from core.storage.files import GARBAGE
from core.text import plain, spread
from pages.parts.run.attributes import KINDS
from pages.parts.shared import tables, theme
from pages.parts.shared.fields import begin

HEIGHT = 460  # px, of a table of many attributes
FEW = 12  # attributes whose table is shown whole


def section(run: Run, done: Sequence[int]) -> None:
    """A table, sorted and searched by the browser; why there is none where predictions are gone."""
    scores = of_run(run, done)
    if isinstance(scores, str):
        st.caption(plain(scores))
        return
    theme.heading(f"Each of {len(scores['best'].means)} attributes")
    f1_yes = {kind: spread(table.f1_yes) for kind, table in scores.items()}
    st.caption(
        f"Mean F1 of yes over the attributes: {f1_yes['best']} at the best epoch, {f1_yes['final']} at the last one "
        "(scikit-learn's macro F1 of the attributes as labels). ± is the deviation over folds. A click on a column's "
        "name sorts by it; the magnifying glass above the table searches it."
    )
    table = shown(scores["best"], scores["final"])
    table["mistakes"] = [f"look_inside?run={run.id}&attribute={quote(str(name), safe='')}" for name in table.index]
    tables.table(
        table.reset_index(),
        "attributes.csv",
        key=f"live-attributes-{run.id}",
        hide_index=True,
        height="content" if len(table) <= FEW else HEIGHT,
        column_config={
            **{name: st.column_config.NumberColumn(name, format="%.3f") for name in table if name not in ("mistakes",)},
            "attribute": st.column_config.TextColumn("attribute", pinned=True),
            "photos": st.column_config.NumberColumn("photos", format="localized", help="That tell the attribute."),
            "yes": st.column_config.ProgressColumn(
                "yes", format="percent", min_value=0, max_value=1, help="Share of yes among the photos that tell it."
            ),
            "mistakes": st.column_config.LinkColumn("mistakes and maps", display_text="open"),
        },
    )


def through(run: Run, key: str) -> Run:
    """The run, or, where it tells attributes one by one, the run seen through one that is chosen here.

    key: of the control. Raises LabError for a run that cannot be read.
    """
    attribute_names = one_by_one.attributes(run)
    if not attribute_names:
        return run
    chosen = begin(
        st.selectbox, "Attribute", attribute_names, key=f"{key}-{run.id}", begins=attribute_names[0], width=260
    )
    return one_by_one.OneAttribute(run, chosen)


def shown(best: AttributeTable, final: AttributeTable) -> pd.DataFrame:
    """Index attribute, lowest F1 first: F1, its deviation, F1 of yes, precision, recall and accuracy at the best epoch,
    F1 at the last one, share of yes, photos."""
    means = best.means
    table = pd.DataFrame(
        {
            "F1": means["f1"],
            "±": means["f1_deviation"],
            "F1 of yes": means["f1_yes"],
            "precision": means["precision"],
            "recall": means["recall"],
            "accuracy": means["accuracy"],
            "F1, last epoch": final.means["f1"],
            "yes": means["prevalence"],
            "photos": means["photos"].astype(int),
        }
    )
    return table.sort_values("F1", kind="stable").rename_axis("attribute")


def of_run(run: Run, done: Sequence[int], kinds: Sequence[str] = KINDS) -> dict[str, AttributeTable] | str:
    """Scores of the finished folds by kind, of 'best' and 'final'; the reason, as a sentence, when predictions are
    gone."""
    try:
        scores = {
            kind: _scores(str(run.dir), kind, tuple(_written(run, fold, kind) for fold in sorted(done)))
            for kind in kinds
        }
    except LabError as error:
        return str(error)
    except (OSError, *GARBAGE):
        return f"{run.id}: predictions of a finished fold are gone or damaged, so attributes have no scores."
    return {kind: table for kind, table in scores.items() if table is not None}


def _written(run: Run, fold: int, kind: str) -> int:
    return run.predictions_file(fold, kind).stat().st_mtime_ns


@st.cache_resource(max_entries=64, show_spinner="Reading the answers of the finished folds")
def _scores(run_dir: str, kind: str, versions: tuple[int, ...]) -> AttributeTable | None:
    """Nobody changes it. versions: of the files that it is read from."""
    return yes_no_scores.score_run(Run(Path(run_dir).name, Path(run_dir).parent), kind)
