"""From the click on Launch to the frozen run: what is frozen is what stood on the screen.

Streamlit gives a button's callback the arguments of the last drawing that reached the button. Whoever types and clicks
at once clicks while the page is still being drawn anew: the fields show the new value, the button belongs to the page
before it. So the callback only notes the click, with a ticket of what the button was drawn for; the page then plans
what the form says now and launches that. Where it differs from the ticket in anything that nobody changed on the form
since, nothing is launched and the page says what it is.
"""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core import places
from core.config import RunConfig
from core.config.settings import leaves
from core.data.scan import Scan
from core.errors import LabError
from core.jobs import control
from core.plan.plan import Plan, with_whole_path
from core.runs import Run
from core.studies import records
from core.studies.grid import StudyConfig, expand
from core.studies.records import Study
from pages.parts.form import draft
from pages.parts.launch import ids, measuring, study_draft
from pages.parts.launch.draft import begins_here
from pages.parts.shared import frame

AGAIN = "See what stands here now, then press Launch again."
DATASET = ("data", "task", "folds", "model.init", "study")  # what photos, classes and folds depend on
ASIDE = ["sample", "bytes", "hash", "split"]
FROZEN = ["sample", "bytes", "hash", "person", "class_name", "fold"]


@dataclass(frozen=True)
class Ticket:
    """What a button was drawn for. token: of the form. edits: how often it had been changed.

    form: what its fields showed, flat. data: digest of photos, labels and folds. joining: id of the study, or "".
    """

    token: str
    edits: int
    form: dict[str, Any]
    data: str
    joining: str


@dataclass
class Click:
    """A click that was noted. form: what the fields showed at the click, once the page has seen them.

    A rerun stops the one before at its next look at the session, but not what that one is freezing. So what became of
    the click is kept here, under a lock that a launch holds: whoever asks meanwhile waits for its end.
    opens: (page, id) to open once it was launched. left: its page was left before it was.
    """

    ticket: Ticket
    form: dict[str, Any] | None = None
    opens: tuple[str, str] | None = None
    left: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def leave(self) -> bool:
        """Its page was left; returns whether it was launched all the same. What was not begun never will be."""
        before = st.session_state.get(frame.LAUNCHED, {}).get(self.ticket.token)  # by the first half of a double click
        with self.lock:
            self.opens = self.opens or before
            self.left = self.opens is None
        if self.opens is not None:
            _note(self)
        return self.opens is not None


def ticket(plans: Sequence[Plan], joining: Study | None) -> Ticket:
    return Ticket(ids.form_token(), draft.edit_number(), _form(), _digest(plans), joining.id if joining else "")


def press(ticket: Ticket) -> None:
    """The callback of the button. While the click before is being followed, this is its second half."""
    click: Click | None = st.session_state.get(frame.CLICK)
    followed = click is not None and click.ticket.token == ticket.token and (click.opens or click.lock.locked())
    if not followed:
        measuring.give_way()
        st.session_state[frame.CLICK] = Click(ticket)


def pending() -> Click | None:
    """The click that waits, if any; call it before the page changes anything on the form."""
    click: Click | None = st.session_state.get(frame.CLICK)
    if click is not None and click.form is None:
        click.form = _form()
    return click


def done() -> tuple[str, str] | None:
    """(page, id) to open when what the click asked for was launched, be it by a rerun that this one cut off."""
    click: Click | None = st.session_state.get(frame.CLICK)
    if click is None:
        return None
    with click.lock:
        opens = click.opens
    opens = opens or st.session_state.get(frame.LAUNCHED, {}).get(click.ticket.token)
    if opens is not None:
        click.opens = opens
        _note(click)
        del st.session_state[frame.CLICK]
    return opens


def _note(click: Click) -> None:
    """The session remembers what was launched, and from which form."""
    if click.form is not None and click.form == _form():
        begins_here(with_study=study_draft.is_on() and not click.ticket.joining)
    st.session_state.setdefault(frame.LAUNCHED, {})[click.ticket.token] = click.opens
    ids.use_up(click.ticket.token)


def settle_run(
    click: Click, config: RunConfig | None, plan: Plan | None, joining: Study | None, scan: Scan | None
) -> LabError | None:
    """Launch one run as the form says, or return why not. config: as the form has it; None where it has errors."""
    plans = None if config is None or plan is None else [plan]
    if (reason := _reason(click, [config], plans, joining)) is not None:
        return _refuse(reason)
    run_id = ids.run_id(click.ticket.token, plan.config)

    def launch() -> None:
        if joining is None:
            control.launch(plan, run_id)
        else:
            records.add(joining, plan, scan, run_id=run_id)

    opens = ("live", run_id) if joining is None else ("studies", joining.id)
    return _launch(click, launch, opens, lambda: Run(run_id).exists())


def settle_study(click: Click, study: StudyConfig | None, plans: list[Plan] | None) -> LabError | None:
    """Launch a study as the form says, or return why not. study: as the form has it; None where it has errors."""
    if study is None:
        plans = None
    configs = expand(study, draft.draft()["data"]) if plans else []
    if (reason := _reason(click, configs, plans, None)) is not None:
        return _refuse(reason)
    study_id = ids.study_id(click.ticket.token, study, plans[0].config.data.root)
    return _launch(
        click,
        lambda: records.launch(study, plans, study_id=study_id),
        ("studies", study_id),
        lambda: records.exists(study_id),
    )


def _launch(
    click: Click, launch: Callable[[], Any], opens: tuple[str, str], exists: Callable[[], bool]
) -> LabError | None:
    """Launch, once for all reruns of a click, and return why not if it fails."""
    with click.lock:  # no look at the session in here: it may end this rerun
        error = None if click.opens or click.left else _tried(launch, exists)
        if error is None and not click.left:
            click.opens = opens
    if error is not None:
        del st.session_state[frame.CLICK]
    return error


def _tried(launch: Callable[[], Any], exists: Callable[[], bool]) -> LabError | None:
    try:
        launch()
    except LabError as error:
        return None if error.kind == "exists" and exists() else error
    except OSError as error:
        return LabError(
            f"{places.runs_folder()}: cannot be written ({error.strerror}).", "Check the folder, then launch again."
        )
    return None


def _refuse(reason: str) -> LabError:
    """A click that is not followed is forgotten."""
    del st.session_state[frame.CLICK]
    return LabError(f"Nothing was launched: {reason}.", AGAIN, kind="changed")


def _reason(
    click: Click, configs: Sequence[RunConfig | None], plans: Sequence[Plan] | None, joining: Study | None
) -> str | None:
    """What differs, in words, between what was to be launched and what would be frozen; None where nothing does."""
    ticket, now = click.ticket, _form()
    if later := _differences(click.form, now):
        return f"{_named(later)} changed after the click"
    if not plans:
        return "what the form says now cannot run, for the reason below"
    changed = _differences(ticket.form, now)
    edits = ("data", *draft.edited_since(ticket.edits))  # a dataset is changed by its own controls alone
    if unasked := [path for path in changed if not any(_within(path, edit) for edit in edits)]:
        return f"{_named(unasked)} changed since the page showed it, and not by you"
    if ticket.joining != (joining.id if joining else ""):
        return "the study that the run joins is another one now"
    if ticket.data != _digest(plans) and not any(_within(path, part) for path in changed for part in DATASET):
        return "photos, labels or folds are not those that the page showed"
    if len(configs) != len(plans) or not all(map(is_of, plans, configs)):
        return "the plan is not of these settings"
    return None


def is_of(plan: Plan, config: RunConfig) -> bool:
    """Whether it is of these settings; where things lie, and attributes that none names, a plan finds out."""
    apart: dict[str, Any] = {"data": True} | ({} if config.task.attributes else {"task": {"attributes"}})
    return plan.config.model_dump(exclude=apart) == with_whole_path(config).model_dump(exclude=apart)


def _form() -> dict[str, Any]:
    """All that the fields show, flat."""
    study = study_draft.contents() if study_draft.is_on() else {"on": False}
    return copy.deepcopy(dict(leaves({**draft.draft(), "study": study})))


def _digest(plans: Sequence[Plan]) -> str:
    """Of photos, labels and folds, and of what is set aside; runs of a study share their tables."""
    digest = hashlib.sha256()
    tables = {id(plan.samples): plan.samples[FROZEN] for plan in plans}
    tables |= {id(plan.set_aside): plan.set_aside[ASIDE] for plan in plans if len(plan.set_aside)}
    for table in tables.values():
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [path for path in dict.fromkeys([*before, *now]) if before.get(path) != now.get(path)]


def _within(path: str, group: str) -> bool:
    return group in ("", path) or path.startswith(f"{group}.")


def _named(paths: Sequence[str]) -> str:
    names = list(dict.fromkeys(draft.label_of(path) for path in paths))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
