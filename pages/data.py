"""Data: one dataset. Its classes, its faces, what is wrong with it, what would leak, what was corrected."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.config.parts import MOST_OF_PRODUCT, FoldsConfig
from core.config.run_config import TaskConfig
from core.data.readers.reading import Fact
from core.data.scan import Scan
from core.data.tasks import (
    CHOSEN,
    label_samples,
    not_used,
    possible_tasks,
    proposed_task,
    proposed_together,
    with_limits,
)
from core.errors import LabError
from core.plan.fitting import meant_task
from core.plan.ways_out import ways_out
from core.text import count, plain
from pages.parts.correcting import panel, said
from pages.parts.data import classes, corrections, duplicates, faces, folds, overview, problems
from pages.parts.data.view import (
    View,
    address,
    address_choice,
    address_list,
    address_number,
    begin_selection,
    entries,
    go,
)
from pages.parts.dataset import labels, picker
from pages.parts.dataset.card import card
from pages.parts.form import attributes, draft
from pages.parts.keys import palette
from pages.parts.launch.draft import bringing
from pages.parts.selection import bar, of_dataset
from pages.parts.shared import badges, frame, groups
from pages.parts.shared.fields import field

KEY = "data-choice"
LAUNCH = Path(__file__).with_name("launch.py")
VIEWS = {
    "overview": "Overview",
    "faces": "Photos",
    "problems": "Problems",
    "duplicates": "Duplicates",
    "folds": "Folds",
    "corrections": "Corrections",
}
LOOKED_AT = "data-looked-at"  # in the session: (root, settings of the task, number of folds) for Launch
OF_TASK = ("overview", "faces", "folds")  # views that need classes


def choice_of() -> picker.Choice:
    """The dataset in the address (?root=), else the one looked at before in this session, else the newest."""
    root = st.query_params.get("root")
    arriving = palette.led_here() or f"{KEY}.source" not in st.session_state
    if KEY not in st.session_state:
        st.session_state[KEY] = picker.start_choice()
    choice = st.session_state[KEY]
    if root and arriving and root != choice["root"]:
        choice.update(picker.known_choice(root))
    if arriving:
        picker.show_choice(choice, KEY)
    return choice


def correct(scan: Scan) -> View:
    """The scan and what corrections make of it; without them, after saying why, where their file is broken."""
    try:
        corrected, effects = picker.corrected(scan)
    except LabError as error:
        badges.show_error(error)
        return View(scan, scan, [])
    return View(scan, corrected, effects)


def show_problems(fact: Fact) -> str:
    """Turn to the problems, those of what was left out alone; returns where on the page they are."""
    go(view="problems", kind="left-over" if fact.kind == "left-out" else None, page=None, photo=None)
    return "data-view"


def pick_view(view: View) -> str:
    numbers = {"problems": len(view.corrected.problems), "corrections": len(view.effects)}
    now = address_choice("view", VIEWS, "overview")
    return field(
        st.segmented_control,
        "View",
        list(VIEWS),
        key="data-view",
        holds=now,
        required=True,
        label_visibility="collapsed",
        take=lambda view: go(view=view, page=None),
        format_func=lambda name: VIEWS[name] + (f" ({numbers[name]:,})" if numbers.get(name) else ""),
    )


def pick_task(scan: Scan) -> TaskConfig | None:
    """The task in the address, else what the dataset is for, or the first that fits; None after saying that no photo
    has a label."""
    tasks = possible_tasks(scan.samples)
    if not tasks:
        st.info("No photo of this dataset has a label.", icon=":material/label_off:")
        return None
    meant = None if "task" in st.query_params else meant_task(scan.samples)
    now = address_choice("task", tasks, meant.name if meant else tasks[0])
    name = field(
        st.segmented_control,
        "Task",
        tasks,
        key="data-task",
        holds=now,
        required=True,
        take=lambda task: go(task=task, page=None, **classes.as_they_are()),
        help="Which photos are used and what the class is.",
    )
    return classes.with_changes(pick_attributes(scan) if name == CHOSEN else TaskConfig(name=name))


def pick_attributes(scan: Scan) -> TaskConfig:
    """A task of the attributes in the address, numbers cut where it is proposed; else of a first one."""
    proposed = proposed_task(CHOSEN, scan.samples)
    named = address_list("attributes", scan.attributes)
    names = field(
        st.multiselect,
        "Attributes",
        list(scan.attributes),
        key="data-attributes",
        holds=named or proposed.attributes,
        take=lambda names: go(attributes=entries(names), page=None, **classes.as_they_are()),
        format_func=lambda name: attributes.told(scan.attributes[name]),
        help="One, or several: each combination that occurs in the photos is then a class; more than a few yes/no "
        "attributes are each answered on their own.",
    )
    names = names or proposed.attributes
    together = proposed_together(names, scan.samples)
    if together == "product" and len(names) > MOST_OF_PRODUCT:
        most = count(MOST_OF_PRODUCT)
        st.caption(f"A product has at most {most} attributes: the first {most} are combined.")
        names = names[:MOST_OF_PRODUCT]
    return with_limits(TaskConfig(name=CHOSEN, attributes=names, together=together), scan.samples)


def label(scan: Scan, task: TaskConfig | None) -> tuple[pd.DataFrame, list[str]] | None:
    """(samples with their class in the task, class names), or None after saying why there are none."""
    if task is None:
        return None
    try:
        table, names, dropped = label_samples(scan.samples, task)
    except LabError as error:
        badges.show_error(error)
        classes.offer(ways_out(scan, task, FoldsConfig()), task)
        return None
    if dropped:
        st.caption(plain(f"{not_used(dropped, task)}."))
    return table, names


def remember(root: str, task: TaskConfig) -> None:
    """What Launch takes over: the classes, where some were left out or merged, and the folds that were asked for."""
    settings = task.model_dump(mode="json") if task.leave_out or task.merge else {}
    st.session_state[LOOKED_AT] = root, settings, address_number("folds", 5, 2, 20) if address("folds") else None


def draw(view: View, name: str) -> None:
    task = pick_task(view.corrected) if name in OF_TASK else None
    if task is not None:
        classes.tell(task)
        remember(view.raw.root, task)
    labelled = label(view.corrected, task) if name in OF_TASK else None
    if name == "faces":
        faces.draw(view, task, *(labelled or (None, [])))
    elif name == "overview" and labelled:
        overview.draw(view, task, *labelled)
    elif name == "folds" and labelled:
        folds.draw(view, task, *labelled)
    elif name not in OF_TASK:
        {"problems": problems, "duplicates": duplicates, "corrections": corrections}[name].draw(view)


frame.begin_page(lists=False)
groups.style()
choice = choice_of()
head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
head.html('<div class="lab-title">Data</div>', width="content")
selection_place = bar.place()
picker.choose(choice, KEY)
if not choice["root"]:
    st.info("Choose a folder of labelled photos, or draw the demo dataset.", icon=":material/photo_library:")
    st.stop()
st.query_params["root"] = choice["root"]
scan: Scan | None = None
fault: LabError | None = None
try:
    scan = picker.find(choice)
    card(scan, KEY, show_problems=show_problems)
except LabError as error:
    fault = error
    badges.show_error(error)
labels.labels_form(choice, f"{KEY}.{choice['root']}", scan=scan, fault=fault)
with head:  # once it is known whether there is a dataset
    open_launch = st.button(
        "Launch with it",
        icon=":material/rocket_launch:",
        key="data-launch",
        disabled=scan is None,
        help=None if scan is not None else "Choose a dataset first.",
    )
if scan is None:
    if fault.kind == "stopped":
        st.button("Scan again", icon=":material/refresh:", on_click=picker.forget)
    st.stop()
if open_launch:
    root, task_settings, count_of_folds = st.session_state.get(LOOKED_AT, ("", {}, None))
    with bringing():
        draft.take_data(choice)
        if root == scan.root:
            draft.take_classes(task_settings, count_of_folds)
    st.switch_page(LAUNCH)
view = correct(scan)
with st.container():  # before the photos: many take a moment, and what was saved is said at once
    said.show(view)
begin_selection(scan.root)
name = pick_view(view)
if name == "faces":
    bar.show(of_dataset.page(view), selection_place)
    draw(view, name)
elif address("photo"):
    main, side = panel.beside()
    with main:
        draw(view, name)
    with side:
        panel.draw(view, [], [])
else:
    draw(view, name)
