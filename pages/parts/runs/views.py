"""Saved views of the list of runs: opened by their names, saved, renamed, shared, deleted. A view is what the address
says beside what is chosen: search, filters, groups, columns, order and way of seeing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from core.errors import LabError
from core.runs.lists import saved
from core.runs.lists.saved import FILTERS, View
from core.text import plain
from pages.parts.people import people
from pages.parts.runs.columns import VIEW, in_address
from pages.parts.shared import badges
from pages.parts.shared.fields import begin, field, standing

NO_GROUPS = "No groups"
_BOUND: dict[str, Any] = {"q": "", **{name: [] for name in FILTERS}, "mine": False, "group": NO_GROUPS}
_DEFAULTS = {"sort": "created", "order": "down", "see": "list"}
_ALL = ""
SEE = "runs-see"  # key of the control that is there whenever the list is
_NAME, _SHARED = "runs-view-name", "runs-view-shared"
_CLOSED = "runs-view-closed"  # in the session: how often the box was closed by what was pressed in it
_LEFT, _GONE, _PROBLEM = "runs-view-left", "runs-view-deleted", "runs-view-problem"  # in the session


def arrive() -> None:
    """Before any control: the view that the address names alone, or the page as it was left through the menu."""
    if standing(SEE) is not None or any(part in st.query_params for part in (*saved.PARTS, "runs", "page", "shelf")):
        return
    view_id, address = st.session_state.get(_LEFT, (_ALL, {}))
    if (view := _of(st.query_params.get(VIEW, _ALL))) is not None:
        view_id, address = view.id, view.address
    for part in _BOUND.keys() & address.keys():  # a control that begins with a value does not write it there
        st.query_params[part] = address[part]
    if address or view_id:
        _show(address, view_id)


def of_older_address(titles: Collection[str]) -> None:
    """What to group by where the address has the dotted name of a setting, as it had before settings had theirs here.

    titles: the dotted names that can be chosen. Before its control, and only as the page is opened.
    """
    if "group" not in st.session_state and (group := st.query_params.get("group")) in titles:
        st.session_state["group"] = group


def row() -> None:
    """The names of the views, to open one; nothing where there is none."""
    views = saved.saved()
    if views:
        names = {view.id: view.name + (f", by {view.by}" if view.by != people.me() else "") for view in views}
        now = st.query_params.get(VIEW, _ALL)
        field(
            st.pills,
            "Views",
            [_ALL, *names],
            key="runs-views",
            holds=now if now in names else _ALL,
            take=_open,
            format_func=lambda view_id: plain(names.get(view_id, "All runs")),
            label_visibility="collapsed",
            width="content",
        )
    _deleted()
    if (problem := st.session_state.pop(_PROBLEM, None)) is not None:
        badges.show_error(problem)


def box(columns: Sequence[str]) -> None:
    """What can be done with the view on the page. columns: keys of those that are shown, which a view keeps."""
    view = _of(st.query_params.get(VIEW, _ALL))
    now = _now(columns)
    without = {part: value for part, value in now.items() if view is not None or part != "columns"}
    st.session_state[_LEFT] = (view.id if view else _ALL, without)
    differs = view is not None and now != {"columns": in_address(columns), **view.address}
    label = "Save view" if view is None else "View, changed" if differs else "View"
    popover = st.popover(
        label,
        icon=":material/bookmark_add:" if view is None else ":material/bookmark:",
        key=f"runs-view-box-{st.session_state.get(_CLOSED, 0)}",
        on_change="rerun",
        width="content",
        help="Search, filters, groups, columns, order and way of seeing, kept under a name.",
    )
    if not popover.open:
        return
    with popover:
        if view is not None:
            _of_one(view, columns, differs)
        with st.form("runs-view-new", border=False, clear_on_submit=True):
            st.text_input("Save as a new view", key=_NAME, max_chars=saved.LONGEST, placeholder="Name")
            if people.shared():
                st.toggle("Everybody sees it", key=_SHARED)
            st.form_submit_button(
                "Save", type="primary", icon=":material/bookmark_add:", on_click=_save, args=(list(columns),)
            )


def _of_one(view: View, columns: Sequence[str], differs: bool) -> None:
    st.markdown(f"**{plain(view.name)}**")
    with st.container(horizontal=True):
        people.button(
            "Save over it",
            view.by,
            icon=":material/save:",
            key="runs-view-over",
            disabled=not differs,
            help="The view becomes what the page is now." if differs else "The page is as the view was saved.",
            on_click=_try,
            args=(_over, view, list(columns)),
        )
        st.button(
            "As it was saved",
            icon=":material/undo:",
            key="runs-view-again",
            disabled=not differs,
            on_click=_open,
            args=(view.id,),
        )
    why = people.locked([view.by])
    if why:
        st.caption(f"{why} Saved under another name, it is yours.")
        return
    name = f"runs-view-rename-{view.id}-{view.name}"
    with st.form("runs-view-rename", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        begin(st.text_input, "Name of the view", key=name, begins=view.name, max_chars=saved.LONGEST)
        st.form_submit_button("Rename", on_click=_rename, args=(view, name))
    with st.container(horizontal=True, vertical_alignment="center"):
        if people.shared():
            field(
                st.toggle,
                "Everybody sees it",
                key=f"runs-view-shared-{view.id}",
                holds=view.shared,
                take=lambda shared: _try(lambda: saved.change(view.id, shared=shared)),
            )
        st.button(
            "Delete the view",
            icon=":material/delete:",
            key="runs-view-delete",
            help="The runs stay.",
            on_click=_try,
            args=(_delete, view.id),
        )


def _deleted() -> None:
    view = st.session_state.get(_GONE)
    if view is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"The view {plain(view.name)} is deleted; its runs are all there.", width="content")
        st.button("Undo", icon=":material/undo:", key="runs-view-undo", on_click=_try, args=(_put_back, view))
        st.button(
            "Dismiss", type="tertiary", key="runs-view-dismiss", on_click=st.session_state.pop, args=(_GONE, None)
        )


def _of(view_id: str) -> View | None:
    return next((view for view in saved.saved() if view.id == view_id), None) if view_id else None


def _now(columns: Sequence[str]) -> dict[str, str | list[str]]:
    """What the page shows, as a view keeps it: nothing of what is as it always begins."""
    now: dict[str, str | list[str]] = {}
    for part in saved.PARTS:
        if part in FILTERS:
            value = list(st.session_state.get(part) or [])
        elif part == "mine":
            value = "true" if st.session_state.get(part) else ""
        elif part in _BOUND:
            value = st.session_state.get(part) or ""
        else:
            value = in_address(columns) if part == "columns" else st.query_params.get(part, "")
        if value and value not in (_DEFAULTS.get(part), _BOUND.get(part)):
            now[part] = value
    return now


def _show(address: Mapping[str, str | list[str]], view_id: str) -> None:
    """Brings the page to what an address says."""
    for part, empty in _BOUND.items():
        value = address.get(part, empty)
        st.session_state[part] = value == "true" if part == "mine" else value
    for part in saved.PARTS:
        value = address.get(part)
        if part not in _BOUND:
            if isinstance(value, str):
                st.query_params[part] = value
            else:
                st.query_params.pop(part, None)
    st.query_params.pop("page", None)
    if view_id:
        st.query_params[VIEW] = view_id
    else:
        st.query_params.pop(VIEW, None)


def _open(view_id: str | None) -> None:
    view = _of(view_id or _ALL)
    _close()
    _show(view.address if view else {}, view.id if view else _ALL)


def _close() -> None:
    """Another box takes its place, which begins closed."""
    st.session_state[_CLOSED] = st.session_state.get(_CLOSED, 0) + 1


def _try(act: Callable, *args: Any) -> None:
    try:
        act(*args)
    except LabError as error:
        st.session_state[_PROBLEM] = error


def _save(columns: list[str]) -> None:
    name, shared = st.session_state[_NAME], bool(st.session_state.get(_SHARED))

    def act() -> None:
        view = saved.save(name, _now(columns), shared=shared)
        st.query_params[VIEW], st.query_params["columns"] = view.id, in_address(columns)

    _close()
    _try(act)


def _over(view: View, columns: list[str]) -> None:
    saved.change(view.id, address=_now(columns), seen=view)
    _close()


def _rename(view: View, name: str) -> None:
    _try(lambda: saved.change(view.id, name=st.session_state[name], seen=view))


def _delete(view_id: str) -> None:
    st.session_state[_GONE] = saved.delete(view_id)
    _close()
    st.query_params.pop(VIEW, None)


def _put_back(view: View) -> None:
    saved.put_back(view)
    st.session_state.pop(_GONE, None)
    st.query_params[VIEW] = view.id
