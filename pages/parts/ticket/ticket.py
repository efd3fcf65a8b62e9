"""The ticket of a launch: what would be trained, when, on how much disk, what is to be corrected, and the button.

It stays in sight: a column beside the form, and on narrow screens a bar beneath it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core import places
from core.config.recipes import title
from core.data.persons import units
from core.data.scan import Scan
from core.data.yes_no import pairs
from core.jobs import elsewhere, speed
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Ahead
from core.jobs.room import forecast
from core.jobs.room.forecast import Forecast
from core.jobs.speed import Outcome
from core.plan.plan import Plan
from core.runs import Run
from core.studies import records
from core.studies.grid import StudyConfig
from core.studies.records import Study
from core.text import NOTHING, count, estimate, number_of, plain, size
from pages.parts.dock import waits
from pages.parts.form import draft, fields
from pages.parts.form.draft import Errors
from pages.parts.form.summary import differences
from pages.parts.launch import click, ids, measuring, room, sections, study_form, study_plan
from pages.parts.ticket import problems, style

SHORTLY = {  # why a time is not known
    Outcome.BUSY: "not known, the machine is busy",
    Outcome.TRAINING: "not known while others train",
    Outcome.MEASURING: "not known, another is measured",
}


@dataclass(frozen=True)
class Contents:
    """What a ticket is about. plans: what would be launched, one a run; None while it cannot be. photos: of the task;
    None without a dataset. as_study, study: of a grid, as the form has it."""

    plans: list[Plan] | None
    errors: Errors
    scan: Scan | None
    photos: int | None
    joining: Study | None
    as_study: bool
    study: StudyConfig | None

    @property
    def ready(self) -> bool:
        return bool(self.plans) and not self.errors


def columns() -> tuple[AbstractContextManager, AbstractContextManager]:
    """(where the form stands, where the ticket stands)."""
    st.html(style.CSS)
    with st.container(key="launch-page"):
        return st.container(key="launch-form"), st.container(key=style.KEY)


def draw(about: Contents, summaries: Sequence[dict[str, Any]]) -> None:
    """All of it, in the ticket's place. summaries: of all runs, which may be before it in the queue."""
    with st.container(key="ticket-words"):
        if about.as_study:
            study_form.words(about.errors)
        else:
            fields.words("name", about.errors, label="Name of the run")
            fields.words("description", about.errors, label="Description", placeholder="What it is for, one sentence")
    before = ahead.ahead(summaries=summaries)
    space = forecast.forecast(about.plans) if about.plans else None
    with st.container(key="ticket-act"):  # above what comes and goes: a button that moves under a press loses the click
        st.html(f'<div class="ticket-bar">{escape(_in_short(about, before, space))}</div>')
        _button(about)
        problems.draw(about.errors, space, about.scan)
    with st.container(key="ticket-facts", gap="xsmall"):
        st.html(_rows(_facts(about, space), Disk=room.in_words(space) if space is not None else ""))
        _time(about, before)


# What would be trained


def _facts(about: Contents, space: Forecast | None) -> list[tuple[str, str, str]]:
    """(what, its value as text, class of the value)."""
    form, plan = draft.draft(), about.plans[0] if about.plans else None
    root = form["data"]["root"]
    rows = [("Data", Path(root).name or root if root else "not chosen yet", "")]
    if plan is not None:
        are_known = plan.persons.are_known
        rows.append(("Photos", count(plan.photos), ""))
        people = number_of(plan.people, "person", "people") if are_known else "unknown"
        rows.append(
            ("Persons", people if are_known else "unknown, perhaps in two folds", "" if are_known else "ticket-warn")
        )
        rows.append(("Classes", pairs.in_words(plan.class_names, plan.config.task.one_by_one), ""))
        if rare := sections.thin(about.plans or [plan]):
            name, members, _ = rare[0]
            rows.append(("Rarest", f"{name}, {units(members, plan.persons.state)}", "ticket-warn"))
    elif about.photos is not None:
        rows.append(("Photos", count(about.photos), ""))
    if about.as_study and about.plans:
        rows.append(("Runs", f"{count(len(about.plans))}, on the same folds", ""))
    rows.append(("Folds", draft.show(form["folds"]["count"]), ""))
    rows.append(("Recipe", _recipe(), ""))
    if plan is not None and not about.as_study:
        height, width = plan.config.input_size
        pixels = f"{width} px" if width == height else f"{width} × {height} px"
        epochs = number_of(plan.config.epochs, "epoch")
        rows.append(("Network", f"ResNet-{plan.config.model.depth} · {pixels} · {epochs}", ""))
    if space is not None:
        rows.append(("Disk", f"{size(space.needed)} of {size(space.free)} free", "" if space.fits else "ticket-bad"))
    return rows


def _recipe() -> str:
    kind, name = st.session_state["launch_source"]
    words = title(name) if kind == "recipe" else "of a run" if kind == "from" else name
    changed = len(differences(st.session_state["launch_base"], draft.draft()))
    return f"{words}, {number_of(changed, 'change')}" if changed else words


def _rows(rows: Sequence[tuple[str, str, str]], **more: str) -> str:
    """HTML. more: what is said of a row under the pointer, where that is not its value alone."""
    cells = (
        f'<dt>{escape(what)}</dt><dd class="{kind}" title="{escape(more.get(what, words))}">{escape(words)}</dd>'
        for what, words, kind in rows
    )
    return f'<dl class="ticket-facts">{"".join(cells)}</dl>'


# When


def _time(about: Contents, before: Ahead) -> None:
    with st.container(key="ticket-time"):
        if about.plans:
            plans = about.plans
            if elsewhere.cluster(places.runs_folder()) is not None:
                _clock_of_a_cluster(before)
                return
            measuring.follow([plan.config for plan in plans], lambda under_way: _clock(plans, before, under_way))
        else:
            st.html(_rows([("Starts", NOTHING, ""), ("Takes", NOTHING, ""), ("Done", NOTHING, "")]))


def _clock(plans: list[Plan], before: Ahead, measuring_now: bool) -> None:
    """Start, time and end in a line each, and the button that measures: as high at all times."""
    rate_of = speed.known_once()
    rates = [rate_of(plan.config) for plan in plans]
    unmeasured = [plan.config for plan, rate in zip(plans, rates, strict=True) if rate is None]
    used = [rate or speed.reckoned(plan.config) for plan, rate in zip(plans, rates, strict=True)]
    begins, why = waits.starts(before), measuring.why_not(unmeasured[0]) if unmeasured else None
    if measuring_now:
        takes, ends = "measuring", NOTHING
    elif not all(used):
        takes, ends = SHORTLY.get(why, "not known"), NOTHING
    else:
        jobs = [seconds for plan, rate in zip(plans, used, strict=True) for seconds in _fold_jobs(plan, rate or 1.0)]
        when = ahead.times(before, jobs)
        takes = f"{'roughly' if unmeasured else 'about'} {estimate(when.lasts)}"
        ends = NOTHING if before.halted or before.unknown else f"about {_moment(when.ends)}"
    st.html(_rows([("Starts", begins, ""), ("Takes", takes, ""), ("Done", ends, "")]))
    again = not unmeasured and len(plans) == 1
    help = "Trains a few steps of each network, some seconds long; not while something else trains."
    if any(speed.is_compiled(plan.config) for plan in plans):
        help += " What speed fast compiles first takes minutes."
    if why is not None:
        help = f"The last time it was {why.value[1]}. {help}"
    elif unmeasured and not measuring_now and all(used):
        help = f"Reckoned from other networks that were measured here. {help}"
    configs = [plan.config for plan in plans] if again else unmeasured
    measuring.button("Measure again" if again else "Measure", configs, disabled=measuring_now or not configs, help=help)


def _clock_of_a_cluster(before: Ahead) -> None:
    """As `_clock` of what trains on other machines, of which nothing is measured here."""
    st.html(_rows([("Starts", waits.starts(before), ""), ("Takes", "not known yet", ""), ("Done", NOTHING, "")]))
    st.caption("How long a fold takes on the cluster shows once one has ended there: only this machine is measured.")


def _fold_jobs(plan: Plan, rate: float) -> list[float]:
    return [speed.seconds_of_a_fold(plan, rate)] * len(plan.fold_steps)


def _moment(seconds: float) -> str:
    """ "14:32", "Tue 02:10" for another day: by the clock of who looks, since a server may stand elsewhere."""
    behind = st.context.timezone_offset  # minutes behind UTC, as the browser says; None where none does
    now = datetime.now(None if behind is None else timezone(timedelta(minutes=-behind)))
    then = now + timedelta(seconds=seconds)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%a %H:%M}"


# The button


def _in_short(about: Contents, before: Ahead, space: Forecast | None) -> str:
    """The ticket in one line, for a bar."""
    root = draft.draft()["data"]["root"]
    parts = [Path(root).name or "No dataset" if root else "No dataset"]
    if about.plans:
        jobs = sum(plan.config.folds.count for plan in about.plans)
        rate_of = ahead.rates()
        rates = [rate_of(plan.config) for plan in about.plans]
        parts += [number_of(jobs, "fold")]
        if all(rates):
            seconds = [s for plan, rate in zip(about.plans, rates, strict=True) for s in _fold_jobs(plan, rate or 1.0)]
            parts += [f"about {estimate(ahead.times(before, seconds).lasts)}"]
        parts += [size(space.needed)] if space is not None else []
    return " · ".join(parts)


def _button(about: Contents) -> None:
    """The button, and beneath it what it does or why it cannot be pressed yet."""
    label, key = ("Launch the study", "launch-study-button") if about.as_study else ("Launch", "launch-button")
    note = _note(about)  # first: a form that was launched before this session opened it is a new form
    stub = click.ticket(about.plans, about.joining) if about.ready and about.plans else None
    st.button(
        label,
        type="primary",
        icon=":material/rocket_launch:",
        disabled=stub is None,
        on_click=click.press,
        args=(stub,),
        key=key,
        width="stretch",
    )
    with st.container(key="ticket-note"):
        st.caption(note)
        if about.study is not None and not about.errors and _asks(about):
            study_plan.agree(about.study, key="ticket-agree")


def _note(about: Contents) -> str:
    if about.ready and about.plans:
        jobs = sum(plan.config.folds.count for plan in about.plans)
        if about.as_study:
            assert about.study is not None
            study_id = ids.next_study_id(about.study, about.plans[0].config.data.root)
            if records.exists(study_id):
                return _launched(study_id)
            runs = "1 run" if len(about.plans) == 1 else f"{count(len(about.plans))} runs"
            return f"On a click {runs}, {count(jobs)} fold jobs are queued as {plain(study_id)}; then Studies opens."
        run_id = ids.next_run_id(about.plans[0].config)
        if Run(run_id).exists():
            return _launched(run_id)
        opens = "Live" if about.joining is None else "the study"
        return f"On a click {count(jobs)} fold jobs are queued as {plain(run_id)}; then {opens} opens."
    if about.errors:
        return "Nothing can be launched before it is corrected."
    if about.scan is None:
        return "Choose a dataset first."
    if about.as_study and about.study is not None and not about.study.grid:
        return "Choose what differs between the runs."
    if _asks(about):
        return "So large a grid is planned once you say that it is meant."
    return "The question under What will run is to be answered first."


def _launched(name: str) -> str:
    return f"Launched already as {plain(name)}: a click opens it. Other settings are launched as another one."


def _asks(about: Contents) -> bool:
    """Whether the launch waits for somebody to say that so many runs are meant."""
    return about.as_study and about.scan is not None and about.study is not None and study_plan.asks(about.study)
