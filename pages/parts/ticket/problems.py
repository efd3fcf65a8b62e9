"""What stands against a launch, on its ticket."""

from __future__ import annotations

import contextlib

import streamlit as st

from core.config.run_config import TaskConfig
from core.data.scan import Scan
from core.data.tasks import label_samples, possible_tasks, proposed_task
from core.errors import LabError
from core.jobs.room.forecast import Forecast
from core.network.weights import imagenet_file
from core.text import count, plain
from pages.parts.dataset import lead
from pages.parts.form import attributes, downloads, draft, transforms
from pages.parts.form.draft import Errors
from pages.parts.launch import room
from pages.parts.shared import groups
from pages.parts.ticket import style

FORMS = {"task": "task", "folds": "task", "model": "model", "phases": "phases"}  # setting -> the group that has it
FORMS |= {"training": "training", "mix": "training", "transforms": "transforms"}
MOST_PROBLEMS, MOST_TASKS = 6, 4


def draw(errors: Errors, space: Forecast | None, scan: Scan | None = None) -> None:
    """Each with the way to its field, and what can be done about it at once. scan: of the dataset, once it is known."""
    with st.container(key="ticket-problems"):  # always there
        st.html("<style>[class*='st-key-lead-launch-ticket'] { display: none; }</style>")
        lead.follow(style.KEY)
        downloads.follow()
        if space is not None:
            room.warning(space)
        if not errors:
            return
        number = len(errors)
        st.markdown(f":red[:material/error: **{'1 thing' if number == 1 else f'{count(number)} things'} to correct**]")
        for path, text in list(errors.items())[:MOST_PROBLEMS]:
            st.button(
                plain(draft.label_of(path)),
                key=f"problem-{path}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=_go_to,
                args=(path, text),
                help="Go to it.",
            )
            st.markdown(f":small[{plain(text)}]")
            if path == "model.init":
                _weights()
            elif path == "task.name" and scan is not None:
                _other_tasks(scan)
        if number > MOST_PROBLEMS:
            st.caption(f"{count(number - MOST_PROBLEMS)} more, each beside its field.")


def _weights() -> None:
    """What can be done about first weights that are not here."""
    model = draft.draft()["model"]
    if model["init"] != "imagenet" or imagenet_file(model["depth"]).is_file():
        return
    with st.container(horizontal=True, gap="small"):
        downloads.button(model["depth"], "problem-download")
        st.button("Train from scratch", key="problem-scratch", type="tertiary", on_click=_from_scratch)


def _other_tasks(scan: Scan) -> None:
    """The tasks that make classes of these photos, a click each."""
    now, fitting = draft.draft()["task"]["name"], []
    for name in possible_tasks(scan.samples):
        with contextlib.suppress(LabError):
            if name != now:
                label_samples(scan.samples, proposed_task(name, scan.samples))
                fitting.append(name)
    with st.container(horizontal=True, gap="small"):
        for name in fitting[:MOST_TASKS]:
            st.button(
                f"Use {plain(TaskConfig(name=name).title)}",
                key=f"problem-task-{name}",
                icon=":material/category:",
                type="tertiary",
                on_click=attributes.take_task,
                args=(name, scan),
            )


def _from_scratch() -> None:
    draft.assign("model.init", "scratch")
    draft.edited("model.init")


def _go_to(path: str, message: str) -> None:
    """Open the group that has a setting, and lead there. message: what is said of it."""
    first = path.split(".")[0]
    places_of = [path.replace(".", "-")]
    if first == "transforms":
        places_of = transforms.places_of(path, draft.draft()["transforms"], message)
    if first in FORMS:
        groups.open_group(FORMS[first])
        places_of += [f"group-{FORMS[first]}"]
    elif first == "data":
        places_of = [path.removeprefix("data.").replace("leave_out_problems", "leave-out"), "launch-data.*"]
    elif first == "study":
        places_of = [r"study\d+-" + path.removeprefix("study.").removeprefix("shrink.").replace("grid", "fields")]
    lead.lead_to(style.KEY, places_of)
