"""Look inside, what is decided about a likely wrong label: to confirm, to relabel or to leave out, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.data.labels import corrections, reviews
from core.data.labels.correction_rows import in_words
from core.data.labels.corrections import Correction
from core.data.labels.reviews import Confirmation
from core.data.labels.whose import is_of_person
from core.data.tasks import class_parts, differing_parts
from core.data.values import USUAL, column_of, is_number
from core.data.values import attribute as attribute_of
from core.errors import LabError
from core.text import plain
from pages.parts.doubts.doubt import Doubt, portrait
from pages.parts.look_inside import address
from pages.parts.shared import badges
from pages.parts.shared.attributes import title
from pages.parts.shared.fields import begin

# In the session: the face whose portrait was drawn last, what was decided (last one last), what went wrong with one.
ON_SCREEN, MADE, ERROR = "look-queue-on-screen", "look-decided", "look-queue-error"
KEYS = {"right": "1", "relabel": "2", "out": "3", "undo": "Z"}


@dataclass(frozen=True)
class Decision:
    """What was decided about a sample of the dataset at root, in words, and what takes it back: ids of the corrections
    that it wrote, or the subject that it confirmed with what was written of it and stood there before."""

    root: str
    sample: str
    words: str
    correction_ids: tuple[str, ...] = ()
    confirmed: str = ""
    confirmation: Confirmation | None = None


def show(doubt: Doubt) -> None:
    """The face in question, and what can be decided about it."""
    st.html(portrait(doubt))
    decide(doubt)
    st.caption("Decisions are kept beside the lab's data and count for new runs; the dataset's folder is left alone.")


def decide(doubt: Doubt) -> None:
    """What can be decided about the face that was drawn just before.

    The buttons are those of this face alone: a key that is pressed twice decides nothing about the next one.
    """
    st.session_state[ON_SCREEN] = doubt.sample
    say_fault()
    with st.container(horizontal=True, key="look-decide"):
        st.button(
            "Label is right",
            icon=":material/check:",
            on_click=_confirm,
            args=(doubt,),
            shortcut=KEYS["right"],
            key=f"look-right-{doubt.sample}",
            help="Ask no more about it. Data, Corrections lists what was found right, with the way back.",
        )
        st.button(
            "Leave photo out",
            icon=":material/hide_image:",
            on_click=_leave_photo_out,
            args=(doubt,),
            shortcut=KEYS["out"],
            key=f"look-out-{doubt.sample}",
            help="New runs do not use this photo.",
        )
        if len(doubt.others):
            st.button(
                "Leave person out",
                icon=":material/person_off:",
                on_click=_leave_person_out,
                args=(doubt,),
                key=f"look-person-out-{doubt.sample}",
                help=f"New runs use none of the {len(doubt.others) + 1} photos of this person.",
            )
    _relabel_form(doubt)


def say_fault() -> None:
    """What went wrong with the decision before, or with taking one back."""
    if error := st.session_state.pop(ERROR, None):
        badges.show_error(error)


def last(root: str) -> Decision | None:
    """What was decided last about a dataset in this session and not taken back."""
    return next((made for made in reversed(st.session_state.get(MADE, [])) if made.root == root), None)


def undo_button(root: str) -> None:
    """Takes the last decision back, and the one before it when it is pressed again."""
    decision = last(root)
    st.button(
        "Undo",
        icon=":material/undo:",
        shortcut=KEYS["undo"],
        disabled=decision is None,
        key="look-queue-undo",
        on_click=_undo,
        args=(decision,) if decision else None,
        help=plain(decision.words) if decision else None,
    )


def _undo(decision: Decision) -> None:
    """One that may not be taken back is let go all the same: those before it can be."""
    made = st.session_state.get(MADE, [])
    if decision not in made:
        return
    try:
        if decision.confirmation is not None:
            reviews.forget(decision.root, decision.confirmed, made=decision.confirmation)
        else:
            corrections.undo_all(decision.root, decision.correction_ids)
    except LabError as error:
        st.session_state[ERROR] = error
        if error.kind == "not-yours":
            made.remove(decision)
        return
    made.remove(decision)
    address.put(label=decision.sample)


def _confirm(doubt: Doubt) -> None:
    if not _is_on_screen(doubt):
        return
    try:
        confirmation = reviews.confirm(doubt.root, doubt.subject, doubt.label)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    label = f"{doubt.attribute} {doubt.label}".strip()
    _go_on(doubt, f"{doubt.sample}: {label} confirmed.", confirmation=confirmation)


def _leave_photo_out(doubt: Doubt) -> None:
    exclusion = Correction(kind="exclude-photo", sample=doubt.sample, person=doubt.person, reason=doubt.reason)
    _write(doubt, [exclusion], f"{doubt.sample} is left out.")


def _leave_person_out(doubt: Doubt) -> None:
    exclusion = Correction(kind="exclude-person", person=doubt.person, reason=doubt.reason)
    _write(doubt, [exclusion], f"person {doubt.person} is left out.")


def _write(doubt: Doubt, decided: list[Correction], words: str) -> None:
    if not _is_on_screen(doubt):
        return
    try:
        in_force = corrections.add_all(doubt.root, decided)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    fresh = tuple(new.id for new, counted in zip(decided, in_force, strict=True) if new.id == counted.id)
    _go_on(doubt, words, correction_ids=fresh)


def _is_on_screen(doubt: Doubt) -> bool:
    """Whether the face of these buttons is the one to be seen: the next one's portrait comes before its buttons."""
    if st.session_state.get(ON_SCREEN) == doubt.sample:
        return True
    st.session_state[ERROR] = LabError(
        "Nothing was decided: another photo came up as you clicked.", "Look at it, then decide."
    )
    return False


def _go_on(
    doubt: Doubt, words: str, *, correction_ids: tuple[str, ...] = (), confirmation: Confirmation | None = None
) -> None:
    """To the face that follows. What somebody else had written before is theirs: nothing of it is taken back here."""
    before = last(doubt.root)
    if correction_ids or confirmation is not None:
        confirmed = doubt.subject if confirmation is not None else ""
        decision = Decision(doubt.root, doubt.sample, words, correction_ids, confirmed, confirmation)
        st.session_state.setdefault(MADE, []).append(decision)
    elif before is None or (before.sample, before.words) != (doubt.sample, words):  # else a key was pressed twice
        st.session_state[ERROR] = LabError(
            f"{doubt.sample}: the same was decided already, on another page.",
            "Nothing was written, so that Undo leaves it as it is.",
        )
    address.put(label=doubt.following)


def _relabel_form(doubt: Doubt) -> None:
    """One field an attribute, filled with what the network believes; an age has to be told."""
    key = f"look-relabel-{doubt.sample}-{doubt.label}-{doubt.likely}"  # another run may believe something else
    attributes = doubt.answers.attributes
    with st.form(key, border=True):
        with st.container(horizontal=True):
            for attribute in attributes:
                _attribute_field(doubt, attribute, f"{key}-{attribute}")
        if len(doubt.others) and (of_person := _of_a_person(doubt)):
            listed = " and ".join([", ".join(of_person[:-1]), of_person[-1]]) if len(of_person) > 1 else of_person[0]
            words = f"{listed[:1].upper()}{listed[1:]} of all {len(doubt.others) + 1} photos of this person"
            begin(st.checkbox, plain(words), key=f"{key}-whole", begins=True)
        icon = ":material/edit:"
        st.form_submit_button(
            "Relabel", icon=icon, type="primary", on_click=_relabel, args=(doubt, key), shortcut=KEYS["relabel"]
        )


def _of_a_person(doubt: Doubt) -> list[str]:
    """The attributes of the task that say something about a person, not about one photo."""
    table = doubt.answers.table
    return [name for name in doubt.answers.attributes if is_of_person(name, table)]


def _parts(doubt: Doubt) -> tuple[dict[str, str], dict[str, str]]:
    """What the likely class says about each attribute, and what the label does; the same where both leave the same
    open, in whichever order their members were merged."""
    task, names = doubt.run.config().task, list(doubt.answers.class_names)
    parts = class_parts(task, names)
    if len(parts[0]) > 1:
        parts = [parts[0] | differing for differing in differing_parts(task, names)]
    return parts[names.index(doubt.likely)], parts[names.index(doubt.label)]


def _attribute_field(doubt: Doubt, attribute: str, key: str) -> None:
    belief, labelled = (part[attribute] for part in _parts(doubt))
    if attribute == "age":
        age = corrections.value_text(doubt.face["age"])
        differs = belief != labelled
        begin(
            st.number_input,
            "Age in years",
            0,
            119,
            key=key,
            width=150,
            begins=int(float(age)) if age and not differs else None,
            placeholder=f"likely {belief}" if differs else "unknown",
        )
    elif is_number(attribute, doubt.answers.table):
        number = doubt.face[column_of(attribute, doubt.answers.table)]
        differs = belief != labelled
        begin(
            st.number_input,
            plain(attribute),
            key=key,
            width=150,
            begins=None if differs or pd.isna(number) else float(number),
            placeholder=f"likely {belief}" if differs else "unknown",
        )
    else:
        options = list(USUAL.get(attribute) or attribute_of(attribute, doubt.answers.table).counts)
        likely = belief if belief in options else doubt.face[column_of(attribute, doubt.answers.table)]
        begin(st.selectbox, title(attribute), options, key=key, begins=likely, width=190)


def _relabel(doubt: Doubt, key: str) -> None:
    """Write what the form says otherwise than the dataset."""
    relabels = list(_relabels(doubt, key))
    if relabels:
        changes = ", ".join(f"{each.attribute} {in_words(each.before)} → {each.after}" for each in relabels)
        _write(doubt, relabels, f"{doubt.sample}: {changes}.")
    else:
        st.session_state[ERROR] = LabError("Nothing is changed.", "Say what is right, or that the label is.")


def _relabels(doubt: Doubt, key: str) -> Iterator[Correction]:
    photos = pd.concat([doubt.answers.table.iloc[[doubt.row]], doubt.others])
    whole = _of_a_person(doubt) if st.session_state.get(f"{key}-whole") else []
    for attribute in doubt.answers.attributes:
        of_person = attribute in whole
        column = str(column_of(attribute, doubt.answers.table))
        values = photos[column] if of_person else [doubt.face[column]]
        before = sorted({corrections.value_text(value) for value in values})
        after = corrections.value_text(st.session_state[f"{key}-{attribute}"])
        if after and before != [after]:
            yield Correction(
                kind="relabel",
                sample="" if of_person else doubt.sample,
                person=doubt.person,
                attribute=attribute,
                before=corrections.SEVERAL.join(before),
                after=after,
                reason=doubt.reason,
            )
