"""Folders by clicks, from home or what lab.toml names on: for whoever would not type a path. It opens no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from core.data.images import SUFFIXES
from core.data.reach import bounds, opening
from core.data.reach.opening import is_folder, listing
from core.errors import LabError
from core.places import datasets_folder
from core.text import count, one_line, plain
from pages.parts.shared import badges

AT = "browsing-at"  # in the session: key of the controls -> the folder that is listed, None while it is closed
MOST_FOLDERS, MOST_ENTRIES = 200, 20_000  # that are shown of a folder, that are looked at
LONGEST_NAME, LONGEST_PATH = 60, 90


@dataclass(frozen=True)
class Listing:
    """folders: names, as shown. photos: files that are called as pictures are. more: folders that are not shown.
    whole: whether all entries were looked at."""

    folders: list[str]
    photos: int
    more: int
    whole: bool


def list_folder(folder: Path) -> Listing:
    """What one sees of a folder; hidden folders are left out. Raises OSError, LabError where the lab does not look."""
    names, photos, whole = [], 0, True
    with listing(folder) as entries:
        for number, entry in enumerate(entries):
            if number == MOST_ENTRIES:
                whole = False
                break
            if entry.name.startswith("."):
                continue
            try:
                leads_in = is_folder(folder / entry.name) if entry.is_symlink() else entry.is_dir()
            except OSError:
                continue
            if leads_in:
                names.append(entry.name)
            elif PurePath(entry.name).suffix.lower() in SUFFIXES:
                photos += 1
    names.sort(key=lambda name: (name.casefold(), name))
    return Listing(names[:MOST_FOLDERS], photos, max(0, len(names) - MOST_FOLDERS), whole)


def starts() -> dict[str, Path]:
    """Label -> where to begin: home, or the folders that lab.toml names."""
    held_to = bounds.allowed()
    return {"Home": Path.home()} if held_to is None else {folder: Path(folder) for folder in held_to.folders}


def example() -> str:
    """A path as one may type it."""
    held_to = bounds.allowed()
    return f"{held_to.folders[0]}/photos" if held_to is not None and held_to.folders else "/home/you/photos"


def close(key: str) -> None:
    """For whoever named a folder in another way than by clicks."""
    st.session_state.setdefault(AT, {})[key] = None


def browse(root: str, key: str, take: Callable[[str], None], *, label: str = "Browse") -> None:
    """A folder's folders, each a click away, and the click that takes it. root: what is chosen now; take(folder).

    label: of the button that opens it.
    """
    if said := bounds.told():
        st.caption(plain(said))
    at: dict[str, str | None] = st.session_state.setdefault(AT, {})
    first = next(filter(is_folder, [*starts().values(), datasets_folder()]), None)
    if first is None:  # nothing is here yet that one could click to
        return
    place = at.setdefault(key, None if root else str(first))
    if place is None:
        start = next((str(place) for place in Path(os.path.expanduser(root)).parents if is_folder(place)), str(first))
        st.button(label, key=f"{key}.browse", icon=":material/folder_open:", on_click=_go, args=(key, start))
        return
    here = Path(place)

    def choose() -> None:
        _go(key, None)
        take(str(here))

    with st.container(border=True, key=f"browse-{key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            up = str(here.parent)
            st.button(
                "Up",
                key=f"{key}.up",
                icon=":material/arrow_upward:",
                disabled=here == here.parent or not bounds.may_look(up),
                on_click=_go,
                args=(key, up),
            )
            st.markdown(f"**{plain(here)}**", width="stretch")
            st.button("Use this folder", key=f"{key}.use", type="primary", on_click=choose)
        _folders(here, key)
        with st.container(horizontal=True, vertical_alignment="center"):
            for name, place_to_start in starts().items():
                _way(plain(one_line(name, LONGEST_NAME)), place_to_start, here, key)
            _way("Unpacked zips", datasets_folder(), here, key)
            if root:
                st.button("Close", key=f"{key}.close", type="tertiary", on_click=_go, args=(key, None))


def alike(typed: str, key: str, take: Callable[[str], None]) -> None:
    """Folders that may have been meant by a path that leads nowhere, a click each; nothing for one that leads
    somewhere. take(folder)."""
    path = Path(os.path.expanduser(typed))
    if not typed or is_folder(path) or not path.is_absolute():
        return
    offered = opening.alike(path)
    if not offered:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Did you mean" if len(offered) == 1 else "Did you mean one of these", width="content")
        for number, folder in enumerate(offered):
            st.button(
                plain(one_line(str(folder), LONGEST_PATH)),
                key=f"{key}.alike-{number}",
                icon=":material/folder:",
                on_click=take,
                args=(str(folder),),
            )


def _way(label: str, place: Path, here: Path, key: str) -> None:
    if is_folder(place) and place != here:
        st.button(label, key=f"{key}.to-{label}", type="tertiary", on_click=_go, args=(key, str(place)))


def _folders(here: Path, key: str) -> None:
    try:
        contents = list_folder(here)
    except LabError as error:
        badges.show_error(error)
        return
    except OSError as error:
        st.html(badges.fault(f"{here} cannot be listed ({error.strerror}).", "Go up, or choose another folder."))
        return
    photos = "1 picture" if contents.photos == 1 else f"{count(contents.photos)} pictures"
    below = " Those in the folders below it count too." if contents.folders and not contents.photos else ""
    st.caption(f"{'' if contents.whole else 'More than '}{photos} in this folder itself.{below}")
    with st.container(height=260 if len(contents.folders) > 6 else "content", gap="xxsmall", key=f"browse-list-{key}"):
        for number, name in enumerate(contents.folders):
            st.button(
                plain(one_line(name, LONGEST_NAME)),
                key=f"{key}.into-{number}",
                icon=":material/folder:",
                type="tertiary",
                on_click=_go,
                args=(key, str(here / name)),
            )
    if contents.more:
        st.caption(f"{count(contents.more)} more folders are not shown: type the path of one.")


def _go(key: str, folder: str | None) -> None:
    st.session_state[AT][key] = folder
