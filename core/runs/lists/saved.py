"""Views of the list of runs that people saved under a name: for themselves, or for everybody. Imports no torch.

runs/.lab/views/saved.json, one file for the lab: whoever asks sees their own and those that are shared.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.places import lab_folder, runs_folder
from core.storage import asking, files
from core.storage.files import GARBAGE
from core.text import one_line

LONGEST = 60  # characters of a name
MOST = 100  # views of one person
Address = Mapping[str, str | list[str]]
# What a view says of the page, as its address does: what is asked for, filters, groups, columns, order, way of seeing.
FILTERS = ("state", "dataset", "task", "depth", "tag")
PARTS = ("q", *FILTERS, "mine", "group", "columns", "sort", "order", "see", "score", "across", "rows", "against")


@dataclass(frozen=True)
class View:
    """by: whose it is. shared: whether others see it too. address: some of PARTS, each as the page's address has it."""

    id: str
    name: str
    by: str
    shared: bool
    address: dict[str, str | list[str]]


def saved(folder: Path | None = None) -> list[View]:
    """The views that whoever asks may open: their own as they were saved, then those of others, by name."""
    me = asking.asker().name
    views = _read(folder)
    return [view for view in views if view.by == me] + sorted(
        (view for view in views if view.shared and view.by != me), key=lambda view: (view.name.lower(), view.id)
    )


def save(name: str, address: Address, *, shared: bool = False, folder: Path | None = None) -> View:
    """A new view of whoever asks.

    Raises LabError: 'view' for no name, one that is too long or that they have already, and for too many views;
    'locked', 'read-only', 'disk-full'.
    """
    me = asking.asker().name
    view = View(secrets.token_hex(4), "", me, shared, _cleaned(address))

    def add(views: dict[str, View]) -> None:
        if sum(each.by == me for each in views.values()) >= MOST:
            raise LabError(f"There are {MOST} views of yours.", "Delete one first.", kind="view")
        views[view.id] = replace(view, name=_checked(name, view, views))

    return _changed(add, folder)[view.id]


def change(
    view_id: str,
    *,
    name: str | None = None,
    address: Address | None = None,
    shared: bool | None = None,
    seen: View | None = None,
    folder: Path | None = None,
) -> View:
    """Call it something else, save over it, or share it or keep it for oneself.

    seen: the view as it was when this was asked for; a name or an address that somebody gave it since is not replaced.
    Raises LabError: 'gone', 'not-yours', 'changed' for what was changed since, and as `save`.
    """

    def of(views: dict[str, View]) -> None:
        view = _mine(views, view_id)
        changed = replace(
            view,
            name=view.name if name is None else _checked(name, view, views),
            address=view.address if address is None else _cleaned(address),
            shared=view.shared if shared is None else shared,
        )
        if seen is not None and (
            view.name not in (seen.name, changed.name) or view.address not in (seen.address, changed.address)
        ):
            raise LabError(
                f"The view '{view.name}' was changed meanwhile, on another page; nothing was saved.",
                "See it as it was saved, then save over it once more, or save yours as a new view.",
                kind="changed",
            )
        views[view_id] = changed

    return _changed(of, folder)[view_id]


def delete(view_id: str, folder: Path | None = None) -> View:
    """What was deleted, for put_back. Raises LabError: 'gone', 'not-yours', 'locked', 'read-only'."""
    deleted: list[View] = []

    def of(views: dict[str, View]) -> None:
        deleted.append(_mine(views, view_id))
        views.pop(view_id)

    _changed(of, folder)
    return deleted[0]


def put_back(view: View, folder: Path | None = None) -> None:
    """A view as it was before it was deleted. Raises LabError: 'not-yours', 'locked', 'read-only'."""
    asking.check(view.by, f"the view '{view.name}'")
    _changed(lambda views: views.update({view.id: view}), folder)


def _mine(views: dict[str, View], view_id: str) -> View:
    if (view := views.get(view_id)) is None:
        raise LabError("The view is gone.", "Somebody deleted it; save it anew.", kind="gone")
    asking.check(view.by, f"the view '{view.name}'")
    return view


def _checked(name: str, of: View, views: Mapping[str, View]) -> str:
    clean = one_line(name)
    if not 0 < len(clean) <= LONGEST:
        what = f"the name has {len(clean):,} characters" if clean else "a view needs a name"
        raise LabError(f"{what}.", f"Give it one of at most {LONGEST} characters.", kind="view")
    same = (each for each in views.values() if each.by == of.by and each.id != of.id)
    if any(each.name.lower() == clean.lower() for each in same):
        raise LabError(
            f"There is a view '{clean}' already.", "Open and overwrite it, or choose another name.", kind="view"
        )
    return clean


def _changed(alter: Callable[[dict[str, View]], None], folder: Path | None) -> dict[str, View]:
    """All views of the lab, after the change."""
    path, after = _file(folder), {}

    def of(content: Any) -> dict[str, Any]:
        views = _views(content)
        alter(views)
        after.update(views)
        return {"views": [asdict(view) for view in views.values()]}

    with files.written_to(path.parent, "Make the folder writable."):
        files.change_json(path, "the saved views", of)
    return after


def _read(folder: Path | None) -> list[View]:
    try:
        return list(_views(files.read_json(_file(folder))).values())
    except (OSError, *GARBAGE):
        return []


def _views(content: Any) -> dict[str, View]:
    """Those of a file's content that are views, by id."""
    views = {}
    listed = files.table_of(content).get("views")
    for each in listed if isinstance(listed, list) else ():
        table = files.table_of(each)
        view_id, name, by = (table.get(key) for key in ("id", "name", "by"))
        if isinstance(view_id, str) and isinstance(name, str) and isinstance(by, str) and view_id and name:
            address = _cleaned(files.table_of(table.get("address")))
            views[view_id] = View(view_id, name, by, table.get("shared") is True, address)
    return views


def _cleaned(address: Address) -> dict[str, str | list[str]]:
    """Parts of a view's address that say something, each a text, or a list of texts where it is a filter."""
    clean: dict[str, str | list[str]] = {}
    for part in PARTS:
        value = address.get(part)
        if part in FILTERS:
            value = [str(each) for each in value] if isinstance(value, list) else None
        elif not isinstance(value, str):
            value = None
        if value:
            clean[part] = value
    return clean


def _file(folder: Path | None) -> Path:
    return lab_folder(folder or runs_folder()) / "views" / "saved.json"
