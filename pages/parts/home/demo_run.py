"""A first training on the demo by one click: the demo is drawn where it is missing, looked at, and launched.

The click is only noted in the session, since drawing and looking take a while and each rerun of the page cuts off the
one before: every run of the page goes on from what is there by then. What was noted names the run, so that it is
launched once.
"""

from __future__ import annotations

import math

import streamlit as st

from core import places
from core.config import recipes
from core.config.parts import DataConfig
from core.errors import LabError
from core.jobs import control
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Ahead
from core.jobs.processes import ready
from core.network.room import of_fold
from core.places import HOME
from core.plan.plan import make_plan
from core.text import estimate, size
from pages.parts.dataset import demo, picker
from pages.parts.dock import waits
from pages.parts.launch import ids
from pages.parts.shared import badges

RECIPE = "quick"
LIVE = HOME / "pages" / "live.py"
ASKED = "home-demo-asked"  # in the session: the token of the click, while it is being followed
PROBLEM = "home-demo-problem"  # in the session: what it ran into


def label() -> str:
    """ "Train on the demo (about 4 min)", where this machine's speed is known."""
    seconds = seconds_of_it()
    return "Train on the demo" + ("" if seconds is None else f" (about {estimate(seconds)})")


def seconds_of_it() -> float | None:
    """How long all folds train, at the speed that was measured here; None where none was, and on a cluster."""
    config = recipes.load_recipe(RECIPE)
    rate, at_once = ahead.rates()(config), ahead.places(places.runs_folder())
    if not rate or not at_once:
        return None
    folds, photos = config.folds.count, demo.PEOPLE  # of whom the recipe takes a photo each
    images = photos * (folds - 1) / folds + photos / folds / 3  # validation costs no backward pass
    return (images * config.epochs / rate + 5.0) * math.ceil(folds / at_once)


def stays() -> int:
    """Bytes of weights that are on the disk once all folds are trained."""
    config = recipes.load_recipe(RECIPE)
    return of_fold(config).kept * config.folds.count


def _begins_and_stays(before: Ahead | None) -> str:
    begins = "" if before is None else f"It starts {waits.starts(before)}. "
    return f"{begins}{size(stays())} of weights stay on the disk."


def how_long(before: Ahead | None) -> str:
    """What the button does not say of time and disk. before: of the queue; None where nothing trains or waits."""
    return f"{_of_time()} {_begins_and_stays(before)}"


def _of_time() -> str:
    first = "" if demo.demo_is_there() else " The faces are drawn first: another minute, and 100 MB."
    if seconds_of_it() is not None:
        return f"The time is of all five folds, at this machine's speed.{first}"
    return f"Some minutes on a processor of two cores, less on a GPU.{first}"


def button(before: Ahead | None, *, primary: bool) -> None:
    """before: as for how_long."""
    st.button(
        label(),
        key="home-demo",
        icon=":material/play_arrow:",
        type="primary" if primary else "secondary",
        on_click=_ask,
        disabled=_is_under_way(),
        help=f"Five folds of the recipe {RECIPE} on the faces of 300 people who do not exist. "
        f"{_begins_and_stays(before)}",
    )


def _is_under_way() -> bool:
    """Not any more where the drawing failed or was cancelled."""
    return ASKED in st.session_state and (demo.STATE in st.session_state or demo.demo_is_there())


def _ask() -> None:
    if ASKED in st.session_state:
        return
    st.session_state[ASKED] = ids.new_token()
    ready.keep(places.runs_folder())
    if not demo.demo_is_there() and demo.STATE not in st.session_state:
        demo.start()


def go_on() -> None:
    """What the click asked for, as far as it has come; it ends with Live. Nothing where nobody asked."""
    if problem := st.session_state.pop(PROBLEM, None):
        badges.show_error(problem)
    token = st.session_state.get(ASKED)
    if token is None:
        return
    if demo.STATE in st.session_state:
        demo.show(lambda: None)
        return
    try:
        if not demo.demo_is_there():  # its drawing failed, or was cancelled
            if failure := demo.failure():
                st.error(failure, icon=":material/error:")
            st.session_state.pop(ASKED)
            return
        run_id = _launch(token)
    except LabError as error:
        st.session_state.pop(ASKED)
        if error.kind == "stopped":  # asked for, and remembered by the picker until somebody scans again
            picker.forget()
        else:
            st.session_state[PROBLEM] = error
        st.rerun()
    st.session_state.pop(ASKED)
    st.switch_page(LIVE, query_params={"run": run_id})


def _launch(token: str) -> str:
    """Id of the run. Raises LabError."""
    data = DataConfig(root=str(demo.demo_folder()))
    scan = picker.find(data.model_dump(mode="json"))
    plan = make_plan(recipes.load_recipe(RECIPE).model_copy(update={"data": data}), scan)
    run_id = ids.run_id(token, plan.config)
    try:
        control.launch(plan, run_id)
    except LabError as error:
        if error.kind != "exists":  # by the rerun that this one cut off
            raise
    except OSError as error:
        folder = places.runs_folder()
        raise LabError(
            f"{folder}: cannot be written ({error.strerror}).", "Check the folder, then try again.", "read-only"
        ) from error
    return run_id
