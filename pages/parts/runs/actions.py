"""What can be done with the chosen runs: compare, write up, export, tag, archive, delete, and undo."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.jobs import control, trash
from core.jobs.room import keep, use
from core.places import HOME
from core.runs import Run, notes
from core.runs.lists import query
from core.runs.lists.index import Listed
from core.runs.names import given
from core.text import count, plain, size
from pages.parts.people import people
from pages.parts.room import offers
from pages.parts.shared import badges, exports, frame
from pages.parts.shared.fields import begin

COMPARE, PREDICT, INSIDE, LAUNCH = (
    HOME / "pages" / f"{name}.py" for name in ("compare", "predict", "look_inside", "launch")
)
DONE, ERROR, CHOSEN = "runs-done", "runs-error", "runs-chosen"
MOST_PREDICTING = 5  # runs that answer together
FILTERS = ("q", "state", "dataset", "task", "depth", "tag", "mine")
EMPTY = {"q": "", "mine": False}


def choose(ids: Sequence[str]) -> None:
    """The chosen runs stand in the address, in the order in which they were ticked."""
    st.session_state[CHOSEN] = list(ids)
    if ids:
        st.query_params["runs"] = ",".join(ids)
    else:
        st.query_params.pop("runs", None)


def chosen(entries: Sequence[Listed]) -> list[Listed]:
    """The runs in the address that this list has; others leave the address."""
    by_id = {entry.id: entry for entry in entries}
    run_ids = [part for part in st.query_params.get("runs", "").split(",") if part]
    listed = [by_id[run_id] for run_id in dict.fromkeys(run_ids) if run_id in by_id]
    if len(listed) != len(run_ids):
        choose([entry.id for entry in listed])
    st.session_state[CHOSEN] = [entry.id for entry in listed]  # also where the browser's Back brought another address
    return listed


def clear_filters() -> None:
    for key in FILTERS:
        st.session_state[key] = EMPTY.get(key, [])


def bar(shelf: str, picked: Sequence[Listed], entries: Sequence[Listed], listed: Sequence[Listed]) -> None:
    """The buttons above the table; each is there at all times and greyed where it does not apply.

    picked: the chosen runs. entries: all of the shelf. listed: those that fit the search.
    """
    ids, owners = [entry.id for entry in picked], [entry.by for entry in picked]
    readable = [entry for entry in picked if not entry.unreadable]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f'<div class="lab-meta lab-num">{count(len(ids)) if ids else "No run"} chosen</div>', width="content")
        if shelf == "Trash":
            _button("Restore", "restore_from_trash", ids, _restore, owners, primary=True)
            _for_good(ids, owners)
            return
        if shelf == "Runs":
            _compare([entry.id for entry in readable])
            _report(readable)
            _predict(readable)
            _open(readable, "Look inside", "visibility", INSIDE, "run", "Its mistakes and their maps.")
            _open(readable, "Run again", "replay", LAUNCH, "from", "Open Launch with its settings.")
            _go_on_or_stop(readable)
        exports.export(readable)
        _notes(readable, query.choices(entries, "tag"))
        _room([entry.id for entry in readable], [entry.id for entry in listed if not entry.unreadable])
        if shelf == "Runs":
            hint = "Lists leave an archived run out; its links still open."
            _button("Archive", "archive", ids, _archive, owners, help=hint)
        else:
            _button("Unarchive", "unarchive", ids, _unarchive, owners, primary=True)
        hint = "Moves them into the trash, from where they can be restored."
        _button("Delete", "delete", ids, _delete, owners, help=hint)


def last_action() -> None:
    """What was done last, with Undo; or why it could not be done."""
    if problem := st.session_state.pop(ERROR, None):
        badges.show_error(problem)
    done = st.session_state.get(DONE)
    if done is None:
        return
    words, ids, undo = done
    with st.container(horizontal=True, vertical_alignment="center", key="runs-done-line"):
        st.html(f'<div class="lab-meta" role="status">{_runs(len(ids))}{escape(words)}.</div>', width="content")
        if undo is not None:
            st.button("Undo", icon=":material/undo:", key="runs-undo", on_click=_undo, args=(done,))
        st.button("Dismiss", type="tertiary", key="runs-dismiss", on_click=st.session_state.pop, args=(DONE, None))


def press(act: Callable[[list[str]], None], ids: list[str], of: list[str] | None = None) -> None:
    """The callback of what is done to the chosen runs. ids: those for which the button was drawn. of: those that were
    chosen then, where it is done to others."""
    st.session_state[frame.PRESSED] = (act, ids, ids if of is None else of)


def settle() -> None:
    """Do what was pressed, unless other runs are ticked by now than those for which the button was drawn."""
    if (pressed := st.session_state.pop(frame.PRESSED, None)) is None:
        return
    act, ids, of = pressed
    ticked = st.session_state.get(CHOSEN, of)
    if list(ticked) == list(of):
        act(ids)
        return
    choose(ticked)
    st.session_state[ERROR] = LabError(
        "Nothing was done: the choice of runs changed just before the click.",
        "Look at what is ticked, then press again.",
    )


def _undo(done: tuple) -> None:
    """Undo this, and nothing that was done since."""
    if st.session_state.get(DONE) is done:
        _, ids, undo = done
        _do(undo, ids, None, None)


def _runs(number: int) -> str:
    return f"{count(number)} run{'s' if number != 1 else ''}"


def _button(
    label: str,
    icon: str,
    ids: list[str],
    act: Callable,
    owners: Sequence[str],
    *,
    primary: bool = False,
    help: str | None = None,
) -> None:
    people.button(
        label,
        *owners,
        icon=f":material/{icon}:",
        disabled=not ids,
        on_click=press,
        args=(act, ids),
        help=help,
        type="primary" if primary else "secondary",
        key=f"runs-{label.lower()}",
    )


def _compare(ids: list[str]) -> None:
    if not COMPARE.is_file():
        return
    pressed = st.button(
        "Compare",
        icon=":material/compare_arrows:",
        type="primary",
        disabled=len(ids) < 2,
        key="runs-compare",
        help="Two runs or more; the one ticked first is the baseline.",
    )
    if pressed:
        st.switch_page(COMPARE, query_params={"runs": ",".join(ids), "baseline": ids[0]})


def _predict(picked: Sequence[Listed]) -> None:
    """New photos answered by the finished ones of the chosen runs, the one ticked first before the others."""
    ids = [entry.id for entry in picked if entry.state == "done"]
    pressed = st.button(
        "Predict",
        icon=":material/online_prediction:",
        disabled=not ids or len(ids) > MOST_PREDICTING,
        key="runs-predict",
        help=f"New photos answered by finished runs: one, or up to {MOST_PREDICTING} of the same classes together.",
    )
    if pressed:
        others = {"with": ",".join(ids[1:])} if len(ids) > 1 else {}
        st.switch_page(PREDICT, query_params={"run": ids[0], **others})


def _open(picked: Sequence[Listed], label: str, icon: str, page: Path, name: str, tip: str) -> None:
    """A button that leads from the one chosen run to a page. name: of the run in its address."""
    only = [entry.id for entry in picked if not entry.summary.get("everybody")] if len(picked) == 1 else []
    pressed = st.button(
        label,
        icon=f":material/{icon}:",
        disabled=not only,
        key=f"runs-{label.lower()}",
        help=tip if len(picked) < 2 else f"{tip} Choose one run.",
    )
    if pressed:
        st.switch_page(page, query_params={name: only[0]})


def _go_on_or_stop(picked: Sequence[Listed]) -> None:
    """Resume and Cancel, for those of the chosen runs that they mean something to."""
    stopped = [entry for entry in picked if any(fold["state"] in badges.STOPPED for fold in entry.summary["folds"])]
    active = [entry for entry in picked if entry.state in badges.ACTIVE]
    ids = [entry.id for entry in picked]
    owners = [entry.by for entry in stopped]
    tip = "Go on with every fold that is not done, from its last checkpoint."
    _button("Resume", "play_arrow", ids if stopped else [], _resume, owners, help=tip)
    owners = [entry.by for entry in active]
    tip = "Stop what trains and what waits; checkpoints are kept, and Resume goes on from them."
    _button("Cancel", "stop_circle", ids if active else [], _cancel, owners, help=tip)


def _resume(ids: list[str]) -> None:
    """Of those among the chosen runs that are neither done nor under way."""
    _each(ids, badges.STOPPED, control.resume, ": every fold that was not done is queued, from its last checkpoint")


def _cancel(ids: list[str]) -> None:
    with st.spinner("Stopping"):
        _each(ids, badges.ACTIVE, control.cancel, ": stopped, and Resume goes on from the checkpoints")


def _each(ids: list[str], states: Sequence[str], verb: Callable[[Run], object], words: str) -> None:
    """Do it to those of the runs with a fold in one of these states, and name the first that refuses; the others are
    done all the same."""
    st.session_state.pop(DONE, None)
    done, refused = [], []
    for run in map(Run, ids):
        try:
            if any(state.state in states for state in run.require().states()):
                verb(run)
                done.append(run.id)
        except LabError as error:
            refused.append(error)
    if refused:
        st.session_state[ERROR] = refused[0]
    if done:
        st.session_state[DONE] = (words, done, None)


def _report(picked: Sequence[Listed]) -> None:
    version = tuple(exports.version_of(entry) for entry in picked)
    title = exports.title_of(picked) if picked else ""
    exports.report(tuple(entry.id for entry in picked), version, title=title)


def _do(act: Callable, ids: list[str], words: str | None, undo: Callable | None) -> None:
    """Do it, and remember what was done and how to undo it; a refusal is shown instead."""
    st.session_state.pop(DONE, None)
    try:
        act(ids)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    if words is not None:
        st.session_state[DONE] = (f" {words}", ids, undo)
        choose(())


def _archive(ids: list[str]) -> None:
    _do(notes.archive, ids, "archived", notes.unarchive)


def _unarchive(ids: list[str]) -> None:
    _do(notes.unarchive, ids, "back in the list", notes.archive)


def _delete(ids: list[str]) -> None:
    _do(trash.delete, ids, "moved into the trash", trash.restore)


def _restore(ids: list[str]) -> None:
    _do(trash.restore, ids, "restored", trash.delete)


def _delete_for_good(ids: list[str]) -> None:
    _do(trash.delete_for_good, ids, "deleted for good", None)


def _for_good(ids: list[str], owners: Sequence[str]) -> None:
    why = people.locked(owners) or None
    with st.popover(
        "Delete for good", icon=":material/delete_forever:", disabled=not ids or bool(why), help=why or None
    ):
        st.markdown(f"Delete {_runs(len(ids))} from the disk? There is no way back.")
        st.button("Delete for good", type="primary", key="runs-for-good", on_click=press, args=(_delete_for_good, ids))


def _room(ids: list[str], listed: list[str]) -> None:
    """What may be dropped of the chosen runs, or of all that are listed where none is chosen, with what is lost by it
    and what becomes free: looked at when somebody asks, since every fold of each run is."""
    of = ids or listed
    popover = st.popover(
        "Make room",
        icon=":material/mop:",
        disabled=not of,
        key="runs-room",
        width="content",
        on_change="rerun",
        help="Drop weights that nobody needs, of the chosen runs, or of all that are listed where none is chosen.",
    )
    if of and popover.open:
        with popover:
            which = f"the {_runs(len(ids))} chosen" if ids else f"all {_runs(len(listed))} listed, since none is chosen"
            st.caption(f"Of {which}. Scores, curves, predictions and settings stay, whatever is dropped.")
            offers.offers(of, "runs-room", lambda losing, choice: press(partial(_drop, choice), list(losing), ids))


def _drop(choice: str, ids: list[str]) -> None:
    """Of those among the chosen runs that the choice can take anything of now."""
    st.session_state.pop(DONE, None)
    try:
        freed = keep.drop(use.offer(ids, keep.choice_of(choice)).ids, choice)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    words = f" now take{'s' if len(ids) == 1 else ''} {size(freed)} less"
    st.session_state[DONE] = (words, ids, None)


def _notes(picked: Sequence[Listed], all_tags: list[str]) -> None:
    why = people.locked(entry.by for entry in picked) or None
    disabled = not picked or (bool(why) and len(picked) > 1)
    popover = st.popover(
        "Name, tags, note", icon=":material/sell:", disabled=disabled, key="runs-notes", help=why or None
    )
    if disabled:
        return
    with popover:
        if why:
            _theirs(picked[0], why)
        elif len(picked) == 1:
            _notes_of_one(picked[0], all_tags)
        else:
            _tags_of_many(picked, all_tags)


def _theirs(entry: Listed, why: str) -> None:
    """Tags and note of somebody else's run, to be read."""
    st.caption(plain(", ".join(entry.notes.tags)) or "No tags")
    st.text(entry.notes.text or "No note")
    if entry.notes.by and entry.notes.by != entry.by:
        st.caption(plain(f"Written by {entry.notes.by}."))
    st.caption(why)


def _notes_of_one(entry: Listed, all_tags: list[str]) -> None:
    written = repr((sorted(entry.notes.tags), entry.notes.text)) if entry.notes.tags or entry.notes.text else ""
    version = hashlib.sha256(written.encode()).hexdigest()[:8] if written else ""
    tags, text = f"tags-{entry.id}{version}", f"note-{entry.id}{version}"
    name = f"name-{entry.id}-{hashlib.sha256(entry.name.encode()).hexdigest()[:8]}"
    with st.form(f"notes-{entry.id}", border=False):
        begin(st.text_input, "Name", key=name, begins=entry.name, max_chars=given.LONGEST, help="Its id stays.")
        begin(
            st.multiselect,
            "Tags",
            sorted({*all_tags, *entry.notes.tags}),
            key=tags,
            begins=list(entry.notes.tags),
            accept_new_options=True,
            placeholder="Choose or type a tag",
        )
        begin(st.text_area, "Note", key=text, begins=entry.notes.text, height=140, max_chars=notes.NOTE_LENGTH)
        st.form_submit_button("Save", type="primary", on_click=_save_one, args=(entry, name, tags, text))


def _save_one(entry: Listed, name: str, tags: str, text: str) -> None:
    """Only what was changed on the form: what somebody else wrote since it was drawn stays."""
    before, now = set(entry.notes.tags), list(st.session_state[tags])
    note = st.session_state[text]
    changes = {
        "add": [tag for tag in now if tag not in before],
        "remove": before - set(now),
        "text": note if note != entry.notes.text else None,
    }
    fresh = st.session_state[name]
    if fresh == entry.name:
        _do(lambda ids: notes.change_notes(Run(entry.id), **changes), [entry.id], None, None)
    else:
        _do(
            lambda ids: notes.change_notes(Run(entry.id), **changes, name=fresh),
            [entry.id],
            "renamed",
            lambda ids: notes.change_notes(Run(entry.id), name=entry.name),
        )


def _tags_of_many(picked: Sequence[Listed], all_tags: list[str]) -> None:
    theirs = sorted({tag for entry in picked for tag in entry.notes.tags})
    ids = [entry.id for entry in picked]
    with st.form("notes-many", border=False):
        st.multiselect(
            f"Add to {_runs(len(ids))}",
            all_tags,
            accept_new_options=True,
            placeholder="Choose or type a tag",
            key="tags-added",
        )
        st.multiselect("Take off", theirs, key="tags-removed", disabled=not theirs)
        st.form_submit_button("Save", type="primary", on_click=press, args=(_save_many, ids))


def _save_many(ids: list[str]) -> None:
    added, removed = st.session_state.pop("tags-added", []), st.session_state.pop("tags-removed", [])

    def change(ids: list[str]) -> None:
        for run_id in ids:
            notes.change_notes(Run(run_id), add=added, remove=removed)

    _do(change, ids, None, None)
