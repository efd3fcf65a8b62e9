"""What somebody entered of a study: whether there is one, its words, its grid; and the study that this describes.

What all runs share is the form's own draft, as it differs from the recipe that it began with.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.config import recipes
from core.config.run_config import DataConfig, field_errors
from core.errors import LabError
from core.storage import plain_yaml
from core.studies import grid, proposal
from core.studies.grid import StudyConfig
from pages.parts.form.draft import Errors, plainly

STATE = "launch_study"
ASKED = "launch_asked"  # in the session: what somebody wants of one run, and the time for it
ADDRESS = "as"  # ?as=study
_CAME = "launch_came_for_study"  # in the session: whether the address asked for one last
OWN_RECIPE = "study"  # for settings that did not begin with a recipe


def state() -> dict[str, Any]:
    """on, name, description, grid (setting -> values), size and epochs as typed, version of the controls."""
    if STATE not in st.session_state:
        st.session_state[STATE] = {**_blank(), "on": st.query_params.get(ADDRESS) == "study", "version": 0}
    return st.session_state[STATE]


def follow_address(form: str | None, arriving: bool) -> None:
    """A study where somebody comes for one, whatever the form was before. form: that the address names; with one, the
    address is the form's own, and with none it may lag behind a click on a page that has just begun."""
    asks = st.query_params.get(ADDRESS) == "study" and form is None
    if asks and (arriving or not st.session_state.get(_CAME)):
        state()["on"] = True
    st.session_state[_CAME] = asks


def one_run() -> None:
    """Somebody comes for one run, or for a study by the address; what differs between its runs is kept."""
    state()["on"] = st.query_params.get(ADDRESS) == "study"


def _blank() -> dict[str, Any]:
    return {"on": False, "name": "comparison", "description": "", "grid": {}, "size": None, "epochs": None}


def contents() -> dict[str, Any]:
    """What somebody entered."""
    return {key: value for key, value in state().items() if key != "version"}


def take_contents(entered: dict[str, Any]) -> None:
    state().update(entered, version=state()["version"] + 1)


def reset() -> None:
    take_contents(_blank())


def asked() -> dict[str, Any]:
    """goal: quick or best, of one run; minutes: that there are, None for as long as it takes."""
    return st.session_state.setdefault(ASKED, {"goal": "quick", "minutes": proposal.MINUTES[0]})


def take_asked(answers: Any) -> None:
    """Answers from a file; anything else is left alone."""
    if not isinstance(answers, dict):
        return
    goal, minutes = answers.get("goal"), answers.get("minutes")
    if goal in ("quick", "best") and minutes in proposal.MINUTES:
        st.session_state[ASKED] = {"goal": goal, "minutes": minutes}


def is_blank() -> bool:
    return not differs(contents(), None)


def differs(entered: dict[str, Any], other: dict[str, Any] | None) -> bool:
    """Whether what was entered is not the same, be it on or off. other: None for nothing."""
    return entered | {"on": False} != (_blank() if other is None else other) | {"on": False}


def is_contents(data: Any) -> bool:
    """Whether data from a file can be shown; values may be wrong, as somebody may have typed them."""
    if not isinstance(data, dict) or data.keys() != _blank().keys() or not isinstance(data["grid"], dict):
        return False
    scalar = (str, int, float, type(None))
    return (
        isinstance(data["on"], bool)
        and all(isinstance(data[key], str) for key in ("name", "description"))
        and all(isinstance(data[key], scalar) for key in ("size", "epochs"))
        and all(
            isinstance(values, list) and all(isinstance(v, scalar) for v in values) for values in data["grid"].values()
        )
    )


def is_on() -> bool:
    return state()["on"]


def is_study(text: str) -> bool:
    """Whether a YAML text is a study and not one run's settings."""
    try:
        data = plain_yaml.load(text, "study")
    except LabError:
        return False
    return isinstance(data, dict) and "grid" in data


def take(study: StudyConfig) -> None:
    """Show a study that came from a file."""
    take_contents(
        {
            "on": True,
            "name": study.name,
            "description": study.description,
            "grid": {key: list(values) for key, values in study.grid.items()},
            "size": study.shrink.size,
            "epochs": study.shrink.epochs,
        }
    )


def build(form: dict[str, Any]) -> tuple[StudyConfig | None, Errors]:
    """(the study that form and grid describe, {}) or (None, field -> message)."""
    kind, name = st.session_state["launch_source"]
    recipe = name if kind == "recipe" else OWN_RECIPE
    now = state()
    untouched = DataConfig().model_dump(mode="json")
    data = {f"data.{key}": value for key, value in form["data"].items() if key != "root" and value != untouched[key]}
    described = {
        "name": now["name"],
        "description": now["description"],
        "recipe": recipe,
        "set": grid.changes(recipes.load_recipe(recipe), form) | data,
        "shrink": {"size": now["size"], "epochs": now["epochs"]},
        "grid": now["grid"],
    }
    try:
        return StudyConfig.model_validate(described), {}
    except ValidationError as error:
        return None, {f"study.{path}": plainly(text) for path, text in field_errors(error).items()}
