"""The part of the settings form that makes a task of attributes: which, their groups, which photos and classes."""

from __future__ import annotations

import streamlit as st

from core.config.parts import MOST_ONE_BY_ONE, TaskConfig
from core.data.readers.attributes import NUMBER, YES_NO
from core.data.scan import Scan
from core.data.tasks import CHOSEN, FEW_YES_NO, proposed_task, proposed_together, with_limits
from core.data.values import Attribute, is_number, yes_no_names
from core.text import count, plain
from pages.parts.form import classes
from pages.parts.form.draft import Errors, draft, edited, key_of, read_number, show
from pages.parts.form.fields import message, of_draft
from pages.parts.shared.attributes import IS, pairs
from pages.parts.shared.fields import field

TOGETHER = {"product": "One class: each combination", "each": "Each by itself: yes or no"}
TOGETHER_MEANS = {
    "product": "A photo is of one class: each combination that occurs is one. A photo that lacks an attribute is left "
    "out.",
    "each": "The network answers each of {number} attributes with yes or no; each has its own F1, mistakes and maps. A "
    "photo that tells only some of them is trained and scored on those.",
}


def take_task(name: str, scan: Scan | None) -> None:
    """Another task: what was said of the classes of the one before is forgotten."""
    proposed = proposed_task(name, scan.samples) if scan is not None else TaskConfig()
    start = {"attributes": proposed.attributes, "limits": proposed.limits} if name == CHOSEN else {"attributes": []}
    draft()["task"].update({"name": name, "together": "product", "leave_out": [], "merge": {}, **start})
    edited("task")


def choose(errors: Errors, scan: Scan | None) -> None:
    """Which attributes make a class, and where their numbers are cut; nothing for a task that has its own."""
    if draft()["task"]["name"] != CHOSEN or scan is None:
        return
    attributes = scan.attributes

    yes_no = yes_no_names(scan.samples)

    def take(names: list[str]) -> None:
        limits = draft()["task"]["limits"]
        for name in names:
            limits = with_limits(TaskConfig(name=CHOSEN, attributes=[name], limits=limits), scan.samples).limits
        together = proposed_together(names, scan.samples, draft()["task"]["together"])
        changes = {"attributes": names, "together": together, "limits": limits, "leave_out": [], "merge": {}}
        draft()["task"].update(changes)
        edited("task.attributes")
        edited("task.together")

    field(
        st.multiselect,
        "Attributes",
        list(attributes),
        key=key_of("task.attributes"),
        holds=list(draft()["task"]["attributes"]),
        take=take,
        format_func=lambda name: told(attributes[name]) if name in attributes else name,
        placeholder="Choose what a class is made of",
        help="One, or several: each combination that occurs in the photos is then a class, or each yes/no attribute is "
        "answered on its own.",
    )
    message("task.attributes", errors)
    chosen = draft()["task"]["attributes"]
    if len(yes_no) > FEW_YES_NO and set(chosen) != set(yes_no) and len(yes_no) <= MOST_ONE_BY_ONE:
        label = f"Tell all {len(yes_no)} yes/no attributes, each by itself"
        st.button(label, icon=":material/checklist:", key="task-all-yes-no", on_click=take, args=(yes_no,))
    _together(chosen, set(yes_no), errors)
    numbers = [name for name in draft()["task"]["attributes"] if name in attributes and is_number(name, scan.samples)]
    if not numbers:
        return
    with st.container(horizontal=True):
        for name in numbers:
            with st.container(width=300, gap="xsmall"):
                _limits(name, attributes[name])
    message("task.limits", errors)


def _together(chosen: list[str], yes_no: set[str], errors: Errors) -> None:
    """What several attributes make, asked where both is possible or what is chosen is not."""
    together = draft()["task"]["together"]
    if together == "product" and (len(chosen) < 2 or not set(chosen) <= yes_no):
        return
    of_draft(
        st.segmented_control,
        "task.together",
        list(TOGETHER),
        format_func=TOGETHER.get,
        required=True,
    )
    message("task.together", errors)
    st.caption(plain(TOGETHER_MEANS[together].format(number=count(len(chosen)))))


def _limits(name: str, attribute: Attribute) -> None:
    limits = draft()["task"]["limits"]

    def take(values: list) -> None:
        limits[name] = values
        edited("task.limits")

    field(
        st.text_input,
        f"Limits of {plain(name)}",
        key=key_of(f"task.limits.{name}"),
        holds=list(limits.get(name, [])),
        show=show,
        read=lambda text: [read_number(part.strip()) for part in text.replace(";", ",").split(",") if part.strip()],
        take=take,
        placeholder="30, 60",
        help=f"First value of each group but the lowest; the photos have {attribute.span}.",
    )


def narrow(errors: Errors, scan: Scan | None, *, merging: bool = True) -> None:
    """Which photos, by what they are labelled with, and which classes of theirs. merging: whether some can be merged
    here."""
    if scan is None:
        return
    task = draft()["task"]
    told_in = {name: each.counts for name, each in scan.attributes.items() if name != "label" and len(each.counts) > 1}
    choices = pairs(told_in)
    held = [f"{name}{IS}{value}" for name, values in task["only"].items() for value in values]

    def take_only(chosen: list[str]) -> None:
        only: dict[str, list[str]] = {}
        for pair in chosen:
            name, value = choices.get(pair) or tuple(pair.split(IS, 1))
            only.setdefault(name, []).append(value)
        task["only"] = only
        edited("task.only")

    if choices or held:
        with st.container(width=420, gap="xsmall"):
            field(
                st.multiselect,
                "Only photos with",
                list(choices),
                key=key_of("task.only"),
                holds=held,
                take=take_only,
                placeholder="All photos",
                help="Of one attribute each of the values; of several all of them.",
            )
            message("task.only", errors)
    if task["together"] == "product" or task["leave_out"] or task["merge"]:
        classes.controls(errors, scan, merging=merging)


def told(attribute: Attribute) -> str:
    """ "hair (3 values)", "smiling (yes/no)", "height_cm (150 to 205)"."""
    if attribute.kind == NUMBER:
        return f"{attribute.name} ({attribute.span})"
    words = "yes/no" if attribute.kind == YES_NO else f"{count(len(attribute.counts))} values"
    return f"{attribute.name} ({words})"
