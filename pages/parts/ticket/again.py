"""Run again: the settings of a run were taken; as it was, or change first, with what would differ this time."""

from __future__ import annotations

import streamlit as st

from core.config import settings
from core.config.recipes import title
from core.errors import LabError
from core.plan.again import since
from core.plan.plan import Plan
from core.runs import Run
from core.text import number_of, plain
from pages.parts.form import draft
from pages.parts.form.draft import Errors
from pages.parts.launch import click
from pages.parts.launch.source import AGAIN

MOST = 6  # lines of each list


def ask(plan: Plan | None, errors: Errors) -> None:
    """The dialog, while its question stands. plan: of the settings as they were; None where they cannot run now."""
    run_id = st.session_state.get(AGAIN)
    if run_id is None:
        return
    if st.session_state["launch_source"] != ("from", run_id):  # another recipe was taken meanwhile
        _answered()
        return
    name = st.session_state["launch_base"]["name"]
    dialog = st.dialog(f"Run {plain(name)} again", on_dismiss=_answered, icon=":material/replay:")
    dialog(_question)(run_id, plan, errors)


def _question(run_id: str, plan: Plan | None, errors: Errors) -> None:
    run = Run(run_id)
    try:
        before = run.samples()
        recipe, differs = settings.recipe_of(run.config())
    except LabError as error:
        st.markdown(plain(str(error)))
        return
    from_recipe = f", with {number_of(differs, 'setting')} changed" if differs else ""
    st.markdown(f"Its settings are those of **{plain(title(recipe))}**{from_recipe}.")
    if plan is not None:
        _list("What differs this time", since(before, plan.samples), "Photos, labels and folds are as they were.")
    if errors:
        _list("It cannot run as it was", [f"{draft.label_of(path)}: {text}" for path, text in errors.items()], "")
    with st.container(horizontal=True):
        ready = plan is not None and not errors
        stub = click.ticket([plan], None) if ready and plan is not None else None
        if st.button(
            "As it was",
            key="again-as-it-was",
            type="primary",
            icon=":material/rocket_launch:",
            disabled=stub is None,
            on_click=_launch,
            args=(stub,),
        ):
            st.rerun()
        if st.button("Change first", key="again-change", icon=":material/tune:", on_click=_answered):
            st.rerun()


def _list(title: str, lines: list[str], none: str) -> None:
    if not lines:
        st.markdown(f":green[:material/check:] {none}")
        return
    more = [f"{len(lines) - MOST} more."] if len(lines) > MOST else []
    st.markdown("\n".join([f"**{title}**", "", *(f"- {plain(line)}" for line in [*lines[:MOST], *more])]))


def _launch(stub: click.Ticket) -> None:
    _answered()
    click.press(stub)


def _answered() -> None:
    st.session_state.pop(AGAIN, None)
