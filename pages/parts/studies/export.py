"""A study as a file that launches its runs again, and which of them are not in it."""

from __future__ import annotations

import streamlit as st

from core import places
from core.config import recipes
from core.studies import as_file, grid
from core.studies.record_file import Study
from core.text import number_of, plain


@st.cache_data(max_entries=64, show_spinner=False)
def _made_again(study_id: str, version: tuple, _study: Study) -> tuple[str, str, int]:
    """(the file, how it is launched, how many runs of the study it does not make); ("", "", 0) where none makes them
    again.

    version: changes with the runs of the study, and with the recipes that there are.
    """
    file = as_file.of(_study)
    if file is None:
        return "", "", 0
    text = grid.to_yaml(grid.without_places(file.study))
    return text, as_file.in_words(file.study), len(_study.runs) - len(file.run_ids)


def button(study: Study) -> None:
    """Nothing for a study that no grid made."""
    if not study.settings:
        return
    version = (str(places.runs_folder()), study.created, *study.run_ids, *recipes.version())
    text, words, joined = _made_again(study.id, version, study)
    if not text:
        words = (
            "No file launches its runs again: a recipe that they began with is somebody's own, or was changed since. "
            "Each run's page has its own settings, under Config."
        )
    st.download_button(
        "Export the study (YAML)",
        text,
        f"{study.id}.yaml",
        "application/yaml",
        icon=":material/download:",
        on_click="ignore",
        disabled=not text,
        width="stretch",
        help=plain(words),
    )
    if joined:
        st.caption(f"{number_of(joined, 'run')} that joined later {'is' if joined == 1 else 'are'} not in the file.")
