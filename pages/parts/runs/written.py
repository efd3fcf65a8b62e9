"""What people write of the chosen runs: another name, tags, a note."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core.errors import LabError
from core.runs import Run, notes
from core.runs.lists.index import Listed
from core.runs.names import given
from core.text import number_of, plain
from pages.parts.people import people
from pages.parts.runs import pressed
from pages.parts.shared.fields import begin

UNSAVED = "runs-notes-unsaved"  # in the session: run -> what was typed while somebody else wrote


@dataclass(frozen=True)
class Typed:
    """What was changed on the form. name, text: None where they were left as they stood."""

    name: str | None
    added: list[str]
    removed: set[str]
    text: str | None


def section(picked: Sequence[Listed], all_tags: list[str], chosen: list[str]) -> None:
    """The form behind a button. picked: the chosen runs that can be read; chosen: the ids of all. all_tags: those that
    any run has."""
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
            _tags_of_many(picked, all_tags, chosen)


def _theirs(entry: Listed, why: str) -> None:
    """Tags and note of somebody else's run, to be read."""
    st.caption(plain(", ".join(entry.notes.tags)) or "No tags")
    st.text(entry.notes.text or "No note")
    if entry.notes.by and entry.notes.by != entry.by:
        st.caption(plain(f"Written by {entry.notes.by}."))
    st.caption(why)


def _notes_of_one(entry: Listed, all_tags: list[str]) -> None:
    """Begins with what is written, and what was typed here while somebody else wrote."""
    its_name, its_tags, its_text = entry.name, list(entry.notes.tags), entry.notes.text
    typed: Typed | None = st.session_state.get(UNSAVED, {}).get(entry.id)
    if typed is not None:
        its_name, its_text = typed.name or its_name, its_text if typed.text is None else typed.text
        its_tags = [tag for tag in dict.fromkeys([*its_tags, *typed.added]) if tag not in typed.removed]
    written = repr((sorted(its_tags), its_text)) if its_tags or its_text else ""
    version = hashlib.sha256(written.encode()).hexdigest()[:8] if written else ""
    tags, text = f"tags-{entry.id}{version}", f"note-{entry.id}{version}"
    name = f"name-{entry.id}-{hashlib.sha256(its_name.encode()).hexdigest()[:8]}"
    if typed:
        st.caption(plain(f"Written meanwhile {people.by(entry.notes.by)}".rstrip()))
        st.text("\n".join((entry.name, ", ".join(entry.notes.tags) or "No tags", entry.notes.text or "No note")))
    with st.form(f"notes-{entry.id}", border=False):
        begin(st.text_input, "Name", key=name, begins=its_name, max_chars=given.LONGEST, help="Its id stays.")
        begin(
            st.multiselect,
            "Tags",
            sorted({*all_tags, *its_tags}),
            key=tags,
            begins=its_tags,
            accept_new_options=True,
            placeholder="Choose or type a tag",
        )
        begin(st.text_area, "Note", key=text, begins=its_text, height=140, max_chars=notes.NOTE_LENGTH)
        with st.container(horizontal=True):
            st.form_submit_button("Save", type="primary", on_click=_save_one, args=(entry, name, tags, text))
            if typed:
                st.form_submit_button("Keep theirs", on_click=_forget, args=(entry.id,))


def _save_one(entry: Listed, name: str, tags: str, text: str) -> None:
    """Only what was changed on the form: what somebody else wrote since it was drawn stays, and what was typed over
    that stays in its fields."""
    before, now = set(entry.notes.tags), list(st.session_state[tags])
    note, fresh = st.session_state[text], st.session_state[name]
    typed = Typed(
        fresh if fresh != entry.name else None,
        [tag for tag in now if tag not in before],
        before - set(now),
        note if note != entry.notes.text else None,
    )

    def save(ids: list[str]) -> None:
        try:
            notes.change_notes(
                Run(entry.id), add=typed.added, remove=typed.removed, text=typed.text, name=typed.name, seen=entry.notes
            )
        except LabError as error:
            if error.kind == "changed":
                st.session_state.setdefault(UNSAVED, {})[entry.id] = typed
            raise
        _forget(entry.id)

    if typed.name is None:
        pressed.do(save, [entry.id], None, None)
    else:
        renamed = replace(entry.notes, name=given.cleaned(typed.name))
        pressed.do(
            save,
            [entry.id],
            "renamed",
            lambda ids: notes.change_notes(Run(entry.id), name=entry.name, seen=renamed),
        )


def _forget(run_id: str) -> None:
    st.session_state.get(UNSAVED, {}).pop(run_id, None)


def _tags_of_many(picked: Sequence[Listed], all_tags: list[str], chosen: list[str]) -> None:
    theirs = sorted({tag for entry in picked for tag in entry.notes.tags})
    ids = [entry.id for entry in picked]
    with st.form("notes-many", border=False):
        st.multiselect(
            f"Add to {number_of(len(ids), 'run')}",
            sorted({*all_tags, *st.session_state.get("tags-added", [])}),  # what was typed, too, where it was refused
            accept_new_options=True,
            placeholder="Choose or type a tag",
            key="tags-added",
        )
        st.multiselect("Take off", theirs, key="tags-removed", disabled=not theirs)
        st.form_submit_button("Save", type="primary", on_click=pressed.press, args=(_save_many, ids, chosen))


def _save_many(ids: list[str]) -> None:
    added, removed = st.session_state.pop("tags-added", []), st.session_state.pop("tags-removed", [])

    def change(ids: list[str]) -> None:
        try:
            notes.change_tags(ids, add=added, remove=removed)
        except LabError:
            st.session_state.update({"tags-added": added, "tags-removed": removed})
            raise

    pressed.do(change, ids, None, None)
