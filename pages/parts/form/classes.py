"""The classes of the form's task: which are left out, which are one, with the photos of each beside its name."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.config import classes
from core.config.parts import TaskConfig
from core.data.scan import Scan
from core.data.tasks import classes_of
from core.errors import LabError
from core.plan.ways_out import WaysOut
from core.text import count, listed, plain
from pages.parts.dataset import picker
from pages.parts.form.draft import Errors, assign, draft, edited, key_of, label_of_field
from pages.parts.form.fields import message
from pages.parts.shared import ways_out
from pages.parts.shared.fields import begin, field

MOST_CHOSEN = 50  # classes that a control shows as chosen
COUNTED = "form-classes"  # in the session: (what it is of, photos of each class)


def controls(errors: Errors, scan: Scan, *, merging: bool) -> None:
    """Leave out, merge, set apart again; nothing while the task itself is wrong. merging: not while it is offered as
    a way out, beside these."""
    task = _task()
    photos = _photos(_corrected(scan), task.model_copy(update={"leave_out": []})) if task else {}
    left_out = list(draft()["task"]["leave_out"])
    if len(photos) > 2 or left_out or draft()["task"]["merge"]:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            with st.container(width=420, gap="xsmall"):
                _left_out(left_out, photos)
                message("task.leave_out", errors)
            if task and merging:
                gone = set(left_out)
                _merge({name: n for name, n in photos.items() if name not in gone})
    for number, (name, members) in enumerate(draft()["task"]["merge"].items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/merge: {plain(name)} is {plain(listed(members))} merged.", width="content")
            label = "Set apart"
            st.button(label, key=key_of(f"task.merge.{number}"), type="tertiary", on_click=set_apart, args=(name,))
    message("task.merge", errors)


def photos_of_task(scan: Scan) -> int:
    """Photos that the draft's task uses; all of them while it is wrong."""
    task = _task()
    return sum(_photos(_corrected(scan), task).values()) if task else len(scan.samples)


def _left_out(left_out: list[str], photos: dict[str, int]) -> None:
    if len(left_out) > MOST_CHOSEN:  # a control of so many would not be one
        st.markdown(f":material/hide_source: {count(len(left_out))} classes are left out: {plain(listed(left_out))}.")
        st.button("Take all in again", key=key_of("task.take-in"), type="tertiary", on_click=_take_left_out, args=([],))
        return
    field(
        st.multiselect,
        label_of_field("task.leave_out"),
        list(photos),
        key=key_of("task.leave_out"),
        holds=left_out,
        take=_take_left_out,
        format_func=lambda name: f"{name} ({photos[name]:,})" if name in photos else name,
        placeholder="None",
        help=TaskConfig.model_fields["leave_out"].description,
    )


def _merge(photos: dict[str, int]) -> None:
    """Choose classes that become one, give it a name, merge."""
    done = len(draft()["task"]["merge"])
    chosen_key = key_of(f"task.to-merge-{done}")
    chosen = begin(
        st.multiselect,
        "Merge classes",
        list(photos),
        key=chosen_key,
        begins=[],
        format_func=lambda name: f"{name} ({photos.get(name, 0):,})",
        placeholder="Choose two or more",
        width=420,
        help=TaskConfig.model_fields["merge"].description,
    )
    if len(chosen) < 2:
        return
    others = [name for name in photos if name not in chosen]
    called_key = key_of(f"task.called-{done}-{hash(tuple(chosen))}")
    name = begin(
        st.text_input,
        "Called",
        key=called_key,
        begins=classes.proposed_name(chosen, others),
        width=260,
    ).strip()
    st.button(
        "Merge",
        key=key_of("task.merge-now"),
        icon=":material/merge:",
        disabled=not name or name in others,
        on_click=ways_out.merge_as_shown,
        args=(merge, list(photos), chosen, chosen_key, called_key),
        help="There is another class of that name." if name in others else None,
    )


def offer(ways: WaysOut | None, key: str) -> None:
    """The ways out of a split that cannot be, written into the draft by a click each."""
    ways_out.offer(
        ways, key_of(key), leave_out=leave_out, merge=merge, use_folds=_use_folds, make_folds=_let_the_lab_make_folds
    )


def leave_out(names: Sequence[str]) -> None:
    if task := _task():
        _take(classes.without(task, names))


def merge(names: Sequence[str], name: str) -> None:
    if task := _task():
        _take(classes.merged(task, names, name))


def set_apart(name: str) -> None:
    if task := _task():
        _take(classes.apart(task, name))


def _take_left_out(names: list[str]) -> None:
    """What was chosen to be left out; of a merged class that means its members."""
    if (task := _task()) is None:
        return
    _take(classes.without(task.model_copy(update={"leave_out": [n for n in names if n not in task.merge]}), names))


def _take(task: TaskConfig) -> None:
    draft()["task"].update({"leave_out": list(task.leave_out), "merge": {k: list(v) for k, v in task.merge.items()}})
    edited("task.leave_out")
    edited("task.merge")


def _use_folds(number: int) -> None:
    assign("folds.count", number)
    edited("folds.count")


def _let_the_lab_make_folds() -> None:
    assign("folds.given", False)
    edited("folds.given")


def _task() -> TaskConfig | None:
    """The draft's task; None while it is wrong."""
    try:
        return TaskConfig.model_validate(draft()["task"])
    except ValueError:
        return None


def _corrected(scan: Scan) -> Scan:
    try:
        return picker.corrected(scan)[0]
    except LabError:  # a broken file of corrections is told where the plan is made
        return scan


def _photos(scan: Scan, task: TaskConfig) -> dict[str, int]:
    """Photos of each class in class order, counted once; {} where the dataset has no such classes."""
    remembered = st.session_state.get(COUNTED)
    if remembered is None or remembered[0] != (scan, task):
        try:
            class_of, names = classes_of(scan.samples, task)
        except LabError:
            return {}
        counts = class_of.value_counts()
        remembered = (scan, task), {name: int(counts.get(name, 0)) for name in names}
        st.session_state[COUNTED] = remembered
    return remembered[1]
