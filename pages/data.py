"""Data: one dataset. Its classes, its people, what is wrong with it, its faces."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.config import TaskConfig
from core.data import Scan, label_samples
from core.errors import LabError
from core.text import count, plain
from pages.parts import dataset, faces, form, groups, states

KEY = "data-choice"
LAUNCH = Path(__file__).with_name("launch.py")
PAGE = 60  # photos


def choice_of() -> dataset.Choice:
    """The dataset in the address (?root=), else the one looked at before in this session, else the newest."""
    wanted = st.query_params.get("root")
    arriving = f"{KEY}.source" not in st.session_state
    if KEY not in st.session_state:
        st.session_state[KEY] = dataset.start_choice()
    choice = st.session_state[KEY]
    if wanted and arriving and wanted != choice["root"]:
        known = dataset.known_choice(wanted)
        choice.update(known)
    if arriving:
        dataset.show_choice(choice, KEY)
    return choice


def label(found: Scan) -> tuple[pd.DataFrame, list[str]] | None:
    """(samples with their class in the chosen task, class names), or None after saying why there are none."""
    tasks = dataset.tasks_of(found)
    if not tasks:
        st.info("No photo of this dataset has a label.", icon=":material/label_off:")
        return None
    wanted = st.query_params.get("task")
    if "data-task" not in st.session_state or st.session_state["data-task"] not in tasks:
        st.session_state["data-task"] = wanted if wanted in tasks else tasks[0]
    task = st.segmented_control(
        "Task", tasks, key="data-task", required=True, help="Which photos are used and what the class is.",
        on_change=_first_page,
    )  # fmt: skip
    st.query_params["task"] = task
    try:
        table, names, dropped = label_samples(found.samples, TaskConfig(name=task))
    except LabError as error:
        states.show_error(error)
        return None
    if dropped:
        st.caption(f"{count(dropped)} photos are not in the task {task}.")
    return table, names


def balance(table: pd.DataFrame, names: list[str]) -> None:
    counts = dataset.people_by(table, "class_name").reindex(names)
    counts["share"] = counts["photos"] / counts["photos"].sum()
    st.dataframe(
        counts.rename_axis("class").reset_index(),
        hide_index=True,
        height="content" if len(counts) <= 24 else 720,
        column_config={
            "class": st.column_config.TextColumn("Class"),
            "people": st.column_config.NumberColumn("People", format="localized", width="small"),
            "photos": st.column_config.NumberColumn("Photos", format="localized", width="small"),
            "share": st.column_config.ProgressColumn(
                "Share of photos", format="percent", min_value=0, max_value=float(counts["share"].max())
            ),
        },
        key="data-balance",
    )
    small, large = counts["photos"].idxmin(), counts["photos"].idxmax()
    ratio = counts["photos"].max() / counts["photos"].min()
    st.caption(
        f"{len(names)} classes. The largest, {plain(large)}, has {ratio:.1f} times the photos of the smallest, "
        f"{plain(small)}. The smallest class has {count(counts['people'].min())} people, which is the most folds there "
        "can be."
    )


def gallery(table: pd.DataFrame, names: list[str]) -> None:
    kinds = ["All classes", *names]
    if st.session_state.get("data-class") not in kinds:
        st.session_state["data-class"] = "All classes"
    chosen = st.selectbox("Class", kinds, key="data-class", width=320, on_change=_first_page)
    shown = table if chosen == "All classes" else table[table["class_name"] == chosen]
    last = max(0, (len(shown) - 1) // PAGE)
    asked = st.query_params.get("page", "1")
    page = min(last, max(0, int(asked) - 1 if asked.isdecimal() else 0))
    part = shown.iloc[page * PAGE : (page + 1) * PAGE]
    photos = tuple(
        (row.path, int(row.mtime_ns), row.class_name, row.sample) for row in part.itertuples(index=False)
    )  # fmt: skip
    with st.spinner("Loading faces", show_time=True):
        html = faces.gallery(photos)
    st.html(html)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Back", icon=":material/chevron_left:", disabled=page == 0, on_click=_turn, args=(page,))
        st.button("Next", icon=":material/chevron_right:", disabled=page == last, on_click=_turn, args=(page + 2,))
        first = page * PAGE
        st.caption(f"{count(first + 1)} to {count(first + len(part))} of {count(len(shown))} photos", width="content")


def _turn(page: int) -> None:
    st.query_params["page"] = str(page)


def _first_page() -> None:
    st.query_params.pop("page", None)


states.begin_page()
groups.style()
choice = choice_of()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.html('<div class="lab-title">Data</div>', width="content")
    open_launch = st.button("Launch with it", icon=":material/rocket_launch:", disabled=not choice["root"])
dataset.choose(choice, KEY)
if not choice["root"]:
    st.info("Choose a folder of labelled photos, or draw the demo dataset.", icon=":material/photo_library:")
    st.stop()
st.query_params["root"] = choice["root"]
found: Scan | None = None
fault: LabError | None = None
try:
    found = dataset.find(choice)
    dataset.result_line(found)
except LabError as error:
    fault = error
    states.show_error(error)
dataset.labels_form(choice, f"{KEY}.{choice['root']}", reader=found.reader if found else None, fault=fault)
if found is None:
    if fault.kind == "stopped":
        st.button("Scan again", icon=":material/refresh:", on_click=dataset.forget)
    st.stop()
if open_launch:
    form.take_data(choice)
    st.switch_page(LAUNCH)
if len(found.problems):
    states.heading("Problems")
    dataset.problems_table(found, KEY)
states.heading("Classes and people")
labelled = label(found)
if labelled is not None:
    balance(*labelled)
    states.heading("Faces")
    gallery(*labelled)
