"""The buttons for the chosen runs: compare, write up, export, go on or stop, make room, archive, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.jobs import control, trash
from core.jobs.room import keep, use
from core.places import HOME
from core.runs import Run, notes
from core.runs.lists import query
from core.runs.lists.index import Listed
from core.text import count, number_of, size
from pages.parts.people import people
from pages.parts.room import offers
from pages.parts.runs import pressed, written
from pages.parts.shared import badges, exports, moved

COMPARE, PREDICT, INSIDE, LAUNCH = (
    HOME / "pages" / f"{name}.py" for name in ("compare", "predict", "look_inside", "launch")
)
MOST_PREDICTING = 5  # runs that answer together
NO_SCORE = "A run that trained on everybody has no score of its own and is left out."
FILTERS = ("q", "state", "dataset", "task", "depth", "tag", "mine")
EMPTY = {"q": "", "mine": False}
_NARROW = """<style>@media (max-width: 640px) {
  .st-key-runs-bar > :is([data-testid="stElementContainer"], [data-testid="stLayoutWrapper"]):has(button:disabled)
    { display: none; }
}</style>"""


def clear_filters() -> None:
    for key in FILTERS:
        st.session_state[key] = EMPTY.get(key, [])


def bar(shelf: str, picked: Sequence[Listed], entries: Sequence[Listed], listed: Sequence[Listed]) -> None:
    """The buttons above the table; each is there at all times and greyed where it does not apply.

    picked: the chosen runs. entries: all of the shelf. listed: those that fit the search.
    """
    ids, owners = [entry.id for entry in picked], [entry.by for entry in picked]
    readable = [entry for entry in picked if not entry.unreadable]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-bar"):
        st.html(_NARROW)
        st.html(f'<div class="lab-meta lab-num">{_how_many(ids, listed)}</div>', width="content")
        if shelf == "Trash":
            _button("Restore", "restore_from_trash", ids, _restore, owners, primary=True)
            _for_good(ids, owners)
            return
        if shelf == "Runs":
            scored = [entry for entry in readable if not entry.summary.get("everybody")]
            without = f" {NO_SCORE}" if len(scored) < len(readable) else ""
            _compare([entry.id for entry in scored], without)
            _report(scored, without)
            _predict(readable)
            _open(readable, "Look inside", "visibility", INSIDE, "run", "Its mistakes and their maps.")
            _open(readable, "Run again", "replay", LAUNCH, "from", "Open Launch with its settings.")
            _go_on_or_stop(readable, ids)
        exports.export(readable)
        written.section(readable, query.choices(entries, "tag"), ids)
        _room([entry.id for entry in readable], ids, listed)
        if shelf == "Runs":
            hint = "Lists leave an archived run out; its links still open."
            _button("Archive", "archive", ids, _archive, owners, help=hint)
        else:
            _button("Unarchive", "unarchive", ids, _unarchive, owners, primary=True)
        hint = "Moves them into the trash, from where they can be restored."
        _button("Delete", "delete", ids, _delete, owners, help=hint)


def _how_many(ids: Sequence[str], listed: Sequence[Listed]) -> str:
    """Of the chosen runs, also how many of them search and filters leave out of the list: buttons act on these too."""
    if not ids:
        return "No run chosen"
    hidden = len(set(ids) - {entry.id for entry in listed})
    words = f"{count(len(ids))} chosen"
    if hidden == len(ids):
        words += ", none of them in this list" if hidden > 1 else ", not in this list"
    elif hidden:
        words += f", {count(hidden)} of them not in this list"
    return words


def _button(
    label: str,
    icon: str,
    ids: list[str],
    act: Callable,
    owners: Sequence[str],
    *,
    primary: bool = False,
    help: str | None = None,
    chosen: list[str] | None = None,
) -> None:
    """ids: those that it is done to. chosen: all that are, where those are not."""
    people.button(
        label,
        *owners,
        icon=f":material/{icon}:",
        disabled=not ids,
        on_click=pressed.press,
        args=(act, ids, chosen),
        help=help,
        type="primary" if primary else "secondary",
        key=f"runs-{label.lower()}",
    )


def _compare(ids: list[str], without: str) -> None:
    """without: a sentence about the chosen runs that are none of them."""
    if not COMPARE.is_file():
        return
    clicked = st.button(
        "Compare",
        icon=":material/compare_arrows:",
        type="primary",
        disabled=len(ids) < 2,
        key="runs-compare",
        help=f"Two runs or more; the one ticked first is the baseline.{without}",
    )
    if clicked:
        st.switch_page(COMPARE, query_params={"runs": ",".join(ids), "baseline": ids[0]})


def _predict(picked: Sequence[Listed]) -> None:
    """New photos answered by the finished ones of the chosen runs, the one ticked first before the others."""
    ids = [entry.id for entry in picked if entry.state == "done"]
    clicked = st.button(
        "Predict",
        icon=":material/online_prediction:",
        disabled=not ids or len(ids) > MOST_PREDICTING,
        key="runs-predict",
        help=f"New photos answered by finished runs: one, or up to {MOST_PREDICTING} of the same classes together.",
    )
    if clicked:
        others = {"with": ",".join(ids[1:])} if len(ids) > 1 else {}
        st.switch_page(PREDICT, query_params={"run": ids[0], **others})


def _open(picked: Sequence[Listed], label: str, icon: str, page: Path, name: str, tip: str) -> None:
    """A button that leads from the one chosen run to a page. name: of the run in its address."""
    only = [entry.id for entry in picked if not entry.summary.get("everybody")] if len(picked) == 1 else []
    clicked = st.button(
        label,
        icon=f":material/{icon}:",
        disabled=not only,
        key=f"runs-{label.lower()}",
        help=tip if len(picked) < 2 else f"{tip} Choose one run.",
    )
    if clicked:
        st.switch_page(page, query_params={name: only[0]})


def _go_on_or_stop(picked: Sequence[Listed], chosen: list[str]) -> None:
    """Resume and Cancel, for those of the chosen runs that they mean something to. picked: those that can be read."""
    stopped = [entry for entry in picked if any(fold["state"] in badges.STOPPED for fold in entry.summary["folds"])]
    active = [entry for entry in picked if entry.state in badges.ACTIVE]
    ids = [entry.id for entry in picked]
    owners = [entry.by for entry in stopped]
    tip = "Go on with every fold that is not done, from its last checkpoint."
    _button("Resume", "play_arrow", ids if stopped else [], _resume, owners, help=tip, chosen=chosen)
    owners = [entry.by for entry in active]
    tip = "Stop what trains and what waits; checkpoints are kept, and Resume goes on from them."
    _button("Cancel", "stop_circle", ids if active else [], _cancel, owners, help=tip, chosen=chosen)


def _resume(ids: list[str]) -> None:
    """Of those among the chosen runs that are neither done nor under way."""
    pressed.do_each(ids, badges.STOPPED, _go_on, ": every fold that was not done is queued, from its last checkpoint")


def _go_on(run: Run) -> None:
    with moved.noted(run):
        control.resume(run)


def _cancel(ids: list[str]) -> None:
    with st.spinner("Stopping"):
        pressed.do_each(ids, badges.ACTIVE, control.cancel, ": stopped, and Resume goes on from the checkpoints")


def _report(picked: Sequence[Listed], without: str) -> None:
    version = tuple(exports.version_of(entry) for entry in picked)
    title = exports.title_of(picked) if picked else ""
    exports.report(tuple(entry.id for entry in picked), version, title=title, help=without.strip() or None)


def _archive(ids: list[str]) -> None:
    pressed.do(notes.archive, ids, "archived", notes.unarchive)


def _unarchive(ids: list[str]) -> None:
    pressed.do(notes.unarchive, ids, "back in the list", notes.archive)


def _delete(ids: list[str]) -> None:
    pressed.do(trash.delete, ids, "moved into the trash", trash.restore)


def _restore(ids: list[str]) -> None:
    pressed.do(trash.restore, ids, "restored", trash.delete)


def _delete_for_good(ids: list[str]) -> None:
    pressed.do(trash.delete_for_good, ids, "deleted for good", None)


def _for_good(ids: list[str], owners: Sequence[str]) -> None:
    why = people.locked(owners) or None
    with st.popover(
        "Delete for good", icon=":material/delete_forever:", disabled=not ids or bool(why), help=why or None
    ):
        st.markdown(f"Delete {number_of(len(ids), 'run')} from the disk? There is no way back.")
        st.button(
            "Delete for good", type="primary", key="runs-for-good", on_click=pressed.press, args=(_delete_for_good, ids)
        )


def _room(ids: list[str], chosen: list[str], entries: Sequence[Listed]) -> None:
    """What may be dropped of the chosen runs, or of all that are listed where none is chosen, with what is lost by it
    and what becomes free: looked at when somebody asks, since every fold of each run is. ids: of the chosen ones that
    can be read."""
    any_listed = not chosen and any(not entry.unreadable for entry in entries)
    popover = st.popover(
        "Make room",
        icon=":material/mop:",
        disabled=not (ids or any_listed),
        key="runs-room",
        width="content",
        on_change="rerun",
        help="Drop weights that nobody needs, of the chosen runs, or of all that are listed where none is chosen.",
    )
    if (ids or any_listed) and popover.open:
        listed = [entry.id for entry in entries if not entry.unreadable]
        with popover:
            which = (
                f"the {number_of(len(ids), 'run')} chosen{' that can be read' if len(ids) < len(chosen) else ''}"
                if ids
                else f"all {number_of(len(listed), 'run')} listed, since none is chosen"
            )
            st.caption(f"Of {which}. Scores, curves, predictions and settings stay, whatever is dropped.")
            offers.offers(
                ids or listed,
                "runs-room",
                lambda losing, choice: pressed.press(partial(_drop, choice), list(losing), chosen),
            )


def _drop(choice: str, ids: list[str]) -> None:
    """Of those among the chosen runs that the choice can take anything of now; the first of those that refuse by then
    is named."""
    st.session_state.pop(pressed.DONE, None)
    try:
        offer = use.offer(ids, keep.choice_of(choice))
        freed = keep.drop(offer.ids, choice)
    except LabError as error:
        st.session_state[pressed.ERROR] = error
        return
    if offer.ids:
        words = f" now take{'s' if len(offer.ids) == 1 else ''} {size(freed)} less"
        st.session_state[pressed.DONE] = (words, list(offer.ids), None)
    if offer.refused or not offer.ids:
        why = next(iter(offer.refused.values()), "Nothing was left to drop by then.")
        st.session_state[pressed.ERROR] = LabError(why)
