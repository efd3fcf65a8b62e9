"""All that the page Settings changes, each in one function: what went wrong, or what was done, is said on top of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from core import places
from core.data.pictures import kept
from core.data.pictures.kept import PixelRoom
from core.errors import LabError
from core.jobs import control, elsewhere, queue, slots
from core.jobs.alerts import addresses
from core.jobs.room import keep
from core.text import number_of, plain, size
from pages.parts.shared import badges

ERROR, DONE = "settings-error", "settings-done"  # in the session
ADDED = "settings-alerts-added"  # in the session: how many addresses were named, so that the next field is an empty one
GIGA = 1_000_000_000


def told() -> None:
    """What the last change came to."""
    if (error := st.session_state.pop(ERROR, None)) is not None:
        badges.show_error(error)
    if words := st.session_state.pop(DONE, ""):
        st.toast(plain(words), icon=":material/check:")


def _do(act: Callable[[], str]) -> None:
    """act(): makes the change and says in words what was done."""
    try:
        st.session_state[DONE] = act()
    except LabError as error:
        st.session_state[ERROR] = error
    except OSError as error:
        remedy = "Give this user the right to write there."
        st.session_state[ERROR] = LabError(f"{error.filename or 'a file'} cannot be written: {error.strerror}.", remedy)


def drop(ids: Sequence[str], choice: str) -> None:
    def act() -> str:
        freed = keep.drop(ids, choice)
        return f"{size(freed)} of {number_of(len(ids), 'run')} became free."

    _do(act)


def set_rule(name: str) -> None:
    def act() -> str:
        keep.set_rule(places.runs_folder(), name)
        return f"Of runs that end from now on: {keep.RULES[name].title.lower()}."

    _do(act)


def forget_pixels() -> None:
    def act() -> str:
        from core.training import pixel_cache

        return f"{size(pixel_cache.forget(kept.room_of(places.runs_folder()).folder))} became free."

    _do(act)


def set_pixels(folder_key: str, limit_key: str, drawn: tuple[str, str]) -> None:
    """The values stand in the session under these keys. The limit is in GB; empty for none of one's own.

    drawn: what stood in both fields at first; what was not changed there stays as it is by now.
    """
    folder, limit = (str(st.session_state[key]).strip() for key in (folder_key, limit_key))

    def act() -> str:
        root = places.runs_folder()
        now = kept.room_of(root)
        kept.choose(
            root,
            folder=shown_pixels(now, root)[0] if folder == drawn[0] else folder,
            limit=now.limit if limit == drawn[1] else _gigabytes(limit),
        )
        return "Trainings that begin from now on follow it."

    _do(act)


def shown_pixels(now: PixelRoom, root: Path) -> tuple[str, str]:
    """(folder, limit in GB) as the fields show them: empty for the usual ones."""
    folder = "" if now.folder == kept.usual_folder(root) else str(now.folder)
    return folder, "" if now.limit is None else f"{now.limit / GIGA:g}"


def _gigabytes(text: str) -> int | None:
    if not text:
        return None
    try:
        limit = float(text.replace(",", "."))
    except ValueError:
        limit = -1.0
    if not 0 <= limit < 1e6:
        raise LabError(f"{text!r} is no number of GB.", "Type one from 0 on, or leave the field empty.", kind="config")
    return int(limit * GIGA)


def choose_engine(kind_key: str, address_key: str) -> None:
    kind = st.session_state[kind_key]
    address = str(st.session_state.get(address_key) or "").strip()

    def act() -> str:
        choice = elsewhere.HERE if kind == elsewhere.HERE else address or "ray"
        elsewhere.check(choice, "settings")
        if choice != elsewhere.HERE:
            elsewhere.check_installed()
        elsewhere.choose(places.runs_folder(), choice)
        control.ensure_workers()
        return "Fold jobs that begin from now on train there."

    _do(act)


def use_node(name: str, use: bool) -> None:
    def act() -> str:
        elsewhere.use_node(places.runs_folder(), name, use)
        return f"{name} begins {'fold jobs again' if use else 'nothing more; what trains there goes on to its end'}."

    _do(act)


def add_address(url_key: str, kind_key: str, events_key: str) -> None:
    """What was typed is forgotten once it is kept: it is a secret."""
    url, kind, events = (st.session_state.get(key) for key in (url_key, kind_key, events_key))

    def act() -> str:
        masked = addresses.add(places.runs_folder(), str(url or "").strip(), kind or "", events or ())
        st.session_state[ADDED] = st.session_state.get(ADDED, 0) + 1
        return f"{masked} is told of what begins to train from now on. Send it a test."

    _do(act)


def remove_address(address_id: str) -> None:
    def act() -> str:
        addresses.remove(places.runs_folder(), address_id)
        return "It is told nothing any more."

    _do(act)


def set_lab_address(key: str) -> None:
    def act() -> str:
        addresses.set_lab_address(places.runs_folder(), str(st.session_state[key]).strip())
        return "Messages from now on lead there."

    _do(act)


def set_slots(count_key: str, threads_key: str, drawn: tuple[str, str]) -> None:
    """drawn: as in set_pixels."""
    count, threads = (st.session_state[key].strip() for key in (count_key, threads_key))

    def act() -> str:
        now = slots.read(places.runs_folder())
        setting = slots.check(
            now.count if count == drawn[0] else _whole(count),
            now.threads if threads == drawn[1] else _whole(threads) if threads else None,
        )
        slots.write(places.runs_folder(), setting)
        control.ensure_workers()
        kept = f"{number_of(setting.count, 'fold job')} at a time"
        at_once = queue.slot_count(places.runs_folder())
        return f"{kept}." if at_once == setting.count else f"Kept: {kept}. At the moment it is {at_once:,}."

    _do(act)


def _whole(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
