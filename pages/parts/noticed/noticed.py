"""What the lab noticed in a run, a row each: the evidence, and a button that does what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core.answers import noticed
from core.answers.noticed import Noticed
from core.config import RunConfig
from core.data.pictures import alike
from core.errors import LabError
from core.places import HOME
from core.runs import Run

PAGES = HOME / "pages"
LOOK, LAUNCH, DATA = (PAGES / f"{name}.py" for name in ("look_inside", "launch", "data"))
SETTINGS = (
    "launch_settings"  # in the session: (run id, path -> value), what Launch changes of the run that it begins from
)
NEXT = "live-noticed-next"  # in the session: where a click leads, which the page's next run obeys
PATIENCE = 3  # epochs without a better F1


def go_on() -> None:
    """Leave the page for where a handle led that was clicked."""
    if (asked := st.session_state.pop(NEXT, None)) is not None:
        page, query = asked
        st.switch_page(page, query_params=query)


def draw(run: Run, config: RunConfig, rows: Sequence[Noticed]) -> None:
    for each in (*rows, *_twins(run, config)):
        words, handle = st.columns([5, 2], vertical_alignment="center", gap="small")
        words.html(f'<div class="lab-noticed"><b>{escape(each.title)}:</b> {escape(each.words)}.</div>')
        with handle:
            _handle(run, config, each)


def _twins(run: Run, config: RunConfig) -> list[Noticed]:
    """Where the search for duplicates on the page Data found some."""
    pairs = alike.kept(config.data.root)
    if pairs is None or not len(pairs):
        return []
    try:
        leak = noticed.twins(run.samples(), pairs)
    except (LabError, OSError):
        return []  # the page says what is wrong with the run
    return [leak] if leak is not None else []


def _handle(run: Run, config: RunConfig, each: Noticed) -> None:
    again = {"from": run.id}
    if each.kind == noticed.TWINS:
        _button(each, "See the pairs", "content_copy", DATA, {"root": config.data.root, "view": "duplicates"})
    elif each.kind == noticed.ODD_FOLD:
        _button(each, "See its mistakes", "visibility", LOOK, {"run": run.id, "fold": str(each.fold)})
    elif each.kind == noticed.NEVER:
        if config.training.sampling != "balanced" and config.training.loss != "weighted":
            tip = "Launch it again, drawing each class equally often."
            _button(each, "Balance the classes", "balance", LAUNCH, again, {"training.sampling": "balanced"}, tip)
        else:
            _button(each, "See its photos", "visibility", LOOK, {"run": run.id, "true": each.classes[0]})
    elif config.training.early_stopping is None:
        tip = f"Launch it again; a phase ends after {PATIENCE} epochs without a better validation F1."
        _button(each, "Stop early", "timer_off", LAUNCH, again, {"training.early_stopping": PATIENCE}, tip)


def _button(
    each: Noticed,
    label: str,
    icon: str,
    page: Path,
    query: dict[str, str],
    settings: dict[str, Any] | None = None,
    tip: str | None = None,
) -> None:
    """settings: what Launch changes of the run that it begins from."""
    st.button(
        label,
        icon=f":material/{icon}:",
        type="tertiary",
        key=f"live-noticed-{each.kind.replace(' ', '-')}",
        help=tip,
        on_click=note,
        args=(page, query, settings),
    )


def note(page: Path, query: dict[str, str], settings: dict[str, Any] | None = None) -> None:
    """The callback of a click that leads to another page."""
    st.session_state[NEXT] = page, query
    if settings is not None:
        st.session_state[SETTINGS] = query["from"], settings
