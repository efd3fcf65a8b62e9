"""The name of a run that joins a study: proposed from what differs, until somebody types one."""

from __future__ import annotations

import streamlit as st

from core.config import RunConfig, settings
from core.runs import Run, notes
from core.studies.naming import name_from
from core.studies.records import Study
from pages.parts.form import draft
from pages.parts.launch.draft import comes_by_itself

_PROPOSED = "launch_name_proposed"  # in the session: what stands in the field without anybody having typed it


def follow(joining: Study) -> None:
    """Put a name into the form, unless it has one of its own. Call it before the form is checked."""
    base = st.session_state["launch_base"]
    now = draft.draft()["name"]
    if now not in (base["name"], st.session_state.get(_PROPOSED)):
        return
    config, errors = draft.check(draft.draft())
    if config is None or errors:
        return
    before = RunConfig.model_validate(base)
    name = name_from(before.name, settings.flat(before), settings.flat(config), _taken(joining))
    st.session_state[_PROPOSED] = name
    if name != now:
        draft.assign("name", name)
        draft.edited("name")  # by what was changed on the form
        comes_by_itself("name")


def _taken(joining: Study) -> set[str]:
    """The names that runs of the study have, or had when they were launched."""
    given = (notes.read_notes(Run(run_id)).name for run_id in joining.run_ids)
    return {*(member.name for member in joining.runs), *given}
