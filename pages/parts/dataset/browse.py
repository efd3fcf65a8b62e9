"""Folders by clicks, from home on: for whoever would not type a path. It looks, and opens no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from core.data.images import SUFFIXES
from core.places import datasets_folder
from core.text import count, one_line, plain
from pages.parts.shared import badges

AT = "browsing-at"  # in the session: key of the controls -> the folder that is listed, None while it is closed
MOST_FOLDERS, MOST_ENTRIES = 200, 20_000  # that are shown of a folder, that are looked at
LONGEST_NAME = 60


@dataclass(frozen=True)
class Listing:
    """folders: names, as shown. photos: files that are called as pictures are. more: folders that are not shown.
    whole: whether all entries were looked at."""

    folders: list[str]
    photos: int
    more: int
    whole: bool


def list_folder(folder: Path) -> Listing:
    """What one sees of a folder; hidden folders are left out. Raises OSError."""
    folders, photos, whole = [], 0, True
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number == MOST_ENTRIES:
                whole = False
                break
            if entry.name.startswith("."):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:
                continue
            if is_folder:
                folders.append(entry.name)
            elif PurePath(entry.name).suffix.lower() in SUFFIXES:
                photos += 1
    folders.sort(key=lambda name: (name.casefold(), name))
    return Listing(folders[:MOST_FOLDERS], photos, max(0, len(folders) - MOST_FOLDERS), whole)


def close(key: str) -> None:
    """For whoever named a folder in another way than by clicks."""
    st.session_state.setdefault(AT, {})[key] = None


def browse(root: str, key: str, take: Callable[[str], None], *, label: str = "Browse") -> None:
    """A folder's folders, each a click away, and the click that takes it. root: what is chosen now; take(folder).

    label: of the button that opens it.
    """
    at: dict[str, str | None] = st.session_state.setdefault(AT, {})
    place = at.setdefault(key, None if root else str(Path.home()))
    if place is None:
        start = next((str(place) for place in Path(root).expanduser().parents if place.is_dir()), str(Path.home()))
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
                disabled=here == here.parent,
                on_click=_go,
                args=(key, up),
            )
            st.markdown(f"**{plain(here)}**", width="stretch")
            st.button("Use this folder", key=f"{key}.use", type="primary", on_click=choose)
        _folders(here, key)
        with st.container(horizontal=True, vertical_alignment="center"):
            _way("Home", Path.home(), here, key)
            _way("Unpacked zips", datasets_folder(), here, key)
            if root:
                st.button("Close", key=f"{key}.close", type="tertiary", on_click=_go, args=(key, None))


def _way(label: str, place: Path, here: Path, key: str) -> None:
    if place.is_dir() and place != here:
        st.button(label, key=f"{key}.to-{label}", type="tertiary", on_click=_go, args=(key, str(place)))


def _folders(here: Path, key: str) -> None:
    try:
        listing = list_folder(here)
    except OSError as error:
        st.html(badges.fault(f"{here} cannot be listed ({error.strerror}).", "Go up, or choose another folder."))
        return
    photos = "1 picture" if listing.photos == 1 else f"{count(listing.photos)} pictures"
    st.caption(f"{'' if listing.whole else 'More than '}{photos} in this folder itself.")
    with st.container(height=260 if len(listing.folders) > 6 else "content", gap="xxsmall", key=f"browse-list-{key}"):
        for number, name in enumerate(listing.folders):
            st.button(
                plain(one_line(name, LONGEST_NAME)),
                key=f"{key}.into-{number}",
                icon=":material/folder:",
                type="tertiary",
                on_click=_go,
                args=(key, str(here / name)),
            )
    if listing.more:
        st.caption(f"{count(listing.more)} more folders are not shown: type the path of one.")


def _go(key: str, folder: str | None) -> None:
    st.session_state[AT][key] = folder
