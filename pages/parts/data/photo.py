"""Data: one photo, what the dataset says about it, and the form that corrects it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from core.data.labels.correction_rows import in_words
from core.data.labels.corrections import SEVERAL, Correction, value_text
from core.data.labels.whose import is_of_person
from core.data.pictures.photo import StoredPhoto, photo_of
from core.data.readers.attributes import ATTRIBUTES
from core.data.readers.spelling import as_spelt
from core.data.thumbnails import thumbnail
from core.data.values import USUAL, attribute, attribute_names, column_of, is_number
from core.errors import LabError
from core.places import HOME
from core.text import count, plain
from pages.parts.augment import photo
from pages.parts.correcting import said, slim
from pages.parts.data.view import PAGE, View, go
from pages.parts.shared import badges
from pages.parts.shared.attributes import title
from pages.parts.shared.fields import begin

AUGMENT = HOME / "pages" / "augment.py"
SIDE = 480  # px
PHOTO, PERSON = "exclude-photo", "exclude-person"
CORRECTED = "data-corrected"  # in the session: the photo whose form was just saved, and which is closed therefore
LEAVE_OUT = {PHOTO: "Leave this photo out", PERSON: "Leave this person out"}


def draw(view: View, sample: str, order: Sequence[str]) -> None:
    """The photo `sample`, the form that corrects it, what is known about it. order: of the gallery that it is of."""
    row = view.row(sample)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Photo**", width="stretch")
        slim.button("Open")
        _step("Previous photo", "P", "chevron_left", order, sample, -1)
        _step("Next photo", "N", "chevron_right", order, sample, 1)
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            shortcut="Esc",
            key="data-close",
            help="Close",
            on_click=go,
            kwargs={"photo": None},
        )
    if row is None:
        _bad_file(view, sample)
        return
    _picture(photo_of(row))
    if error := st.session_state.pop(said.ERROR, None):
        badges.show_error(error)
    if view.left_out(sample):
        st.caption("A correction leaves this photo out of new runs. Undo it under Corrections to use it again.")
    elif st.session_state.get(CORRECTED) == sample:
        st.button("Correct something else", icon=":material/edit:", key="data-correct-more", on_click=_reopen)
    else:
        _form(view, row)
    _facts(view, row)
    st.button(
        "See it augmented",
        icon=":material/auto_fix_high:",
        key="data-augment",
        type="tertiary",
        on_click=photo.bring,
        args=(st.session_state["data-choice"], sample),
    )
    if photo.BROUGHT in st.session_state:
        st.switch_page(AUGMENT)


def _step(label: str, shortcut: str, icon: str, order: Sequence[str], sample: str, by: int) -> None:
    """To the photo before or after it; nothing where the photo is of no gallery. It turns the page where it has to."""
    if sample not in order:
        return
    to = order.index(sample) + by
    exists = 0 <= to < len(order)
    page = to // PAGE + 1
    st.button(
        "",
        icon=f":material/{icon}:",
        shortcut=shortcut,
        type="tertiary",
        disabled=not exists,
        help=label,
        key=f"data-step-{shortcut}",
        on_click=_turn_to,
        args=(order[to], page if page > 1 else None) if exists else None,
    )


def _turn_to(sample: str, page: int | None) -> None:
    _reopen()
    go(photo=sample, page=page)


def _reopen() -> None:
    st.session_state.pop(CORRECTED, None)


def _picture(photo: StoredPhoto) -> None:
    try:
        data = base64.b64encode(thumbnail(photo, SIDE)).decode()
    except LabError as error:
        badges.show_error(error)
        return
    st.html(f'<img alt="" class="data-one" src="data:image/jpeg;base64,{data}">')


def _facts(view: View, row: pd.Series) -> None:
    """What the dataset says, with what corrections made of it."""
    raw = view.raw.samples
    before = raw.iloc[raw["sample"].searchsorted(row["sample"])]
    lines = [("file", escape(row["sample"])), ("size", f"{row['width']} × {row['height']} px")]
    for name in ("person", *attribute_names(view.corrected.samples)):
        column = name if name == "person" else column_of(name, raw)
        now, was = value_text(row.get(column)), value_text(before.get(column))
        if now != was:
            lines.append((escape(name), f"<del>{escape(in_words(was))}</del> <b>{escape(in_words(now))}</b>"))
        elif now and now != row["sample"]:
            lines.append((escape(name), escape(now)))
    cells = "".join(f'<tr><td>{name}</td><td style="white-space:normal">{text}</td></tr>' for name, text in lines)
    st.html(f'<table class="lab-table" style="overflow-wrap:anywhere">{cells}</table>')


def _bad_file(view: View, sample: str) -> None:
    """A file that is no sample: what the scan said about it."""
    of_file = view.raw.problems[view.raw.problems["sample"] == sample]
    st.markdown(plain(sample))
    if not len(of_file):
        st.caption("This photo is not in the dataset.")
        return
    for problem in of_file.itertuples():
        st.html(badges.fault(problem.problem, problem.remedy))
    if error := st.session_state.pop(said.ERROR, None):
        badges.show_error(error)
    if (view.corrected.problems["sample"] == sample).any():
        with st.form(f"data-correct-{sample}", border=False):
            reason = st.text_input("Reason", key=f"data-why-{sample}", placeholder="why, in your words")
            st.form_submit_button(
                LEAVE_OUT[PHOTO], on_click=_save_out, args=(view.raw.root, PHOTO, sample, "", f"data-why-{sample}")
            )
        del reason
    else:
        st.caption("A correction leaves this file out of new runs.")


def _form(view: View, row: pd.Series) -> None:
    samples = view.corrected.samples
    theirs = samples[samples["person"] == row["person"]]
    choices = attribute_names(samples)
    options = [*choices, "person", PHOTO, PERSON] if len(theirs) > 1 else [*choices, "person", PHOTO]
    sample = row["sample"]
    what = st.selectbox(
        "Correct",
        options,
        key=f"data-what-{sample}",
        format_func=title_of,
        help="The dataset's own files stay as they are; new runs use the corrected labels.",
    )
    now = [] if what in LEAVE_OUT else [value_text(row[column_for(what, samples)])]
    version = version_of(view.raw.root, [sample], now)
    with st.form(f"data-correct-{sample}-{what}", border=False):
        keys = {name: f"data-{name}-{sample}-{what}-{version}" for name in ("value", "all", "why")}
        if what in LEAVE_OUT:
            if what == PERSON:
                st.caption(f"{count(len(theirs))} photos of {plain(row['person'])} are left out.")
        else:
            value_field(samples, what, now[0], keys["value"])
            if len(theirs) > 1:
                words = f"For all {count(len(theirs))} photos of this person"
                begins = what in ("person", "label") or is_of_person(what, samples)
                begin(st.checkbox, words, key=keys["all"], begins=begins)
        st.text_input("Reason", key=keys["why"], placeholder="why, in your words")
        if what in LEAVE_OUT:
            args = (view.raw.root, what, sample, row["person"], keys["why"])
            st.form_submit_button(LEAVE_OUT[what], type="primary", on_click=_save_out, args=args)
        else:
            values = sorted({value_text(value) for value in theirs[column_for(what, samples)]})
            args = (view.raw.root, what, samples, sample, row["person"], now[0], values, keys)
            st.form_submit_button("Save correction", type="primary", on_click=_save_label, args=args)


def version_of(root: str, samples: Iterable[str], now: Iterable[str]) -> str:
    """For the keys of a form: of another dataset, of other photos, or once they say something else, it begins anew."""
    return hashlib.sha256(json.dumps([root, [*samples], [*now]]).encode()).hexdigest()[:12]


def column_for(what: str, samples: pd.DataFrame) -> str:
    """The column of what is corrected."""
    return what if what == "person" else str(column_of(what, samples))


def title_of(what: str) -> str:
    """What is corrected, as a choice: an attribute, the person, or that photos are left out."""
    return LEAVE_OUT.get(what, what.capitalize() if what in (*ATTRIBUTES, "person") else what)


def value_field(samples: pd.DataFrame, what: str, now: str | None, key: str) -> None:
    """The field of what is right. now: what is said by now, "" for nothing; None where photos say different things."""
    if what == "age":
        begin(st.number_input, "Age (years)", 0, 120, key=key, begins=int(float(now)) if now else None)
    elif what != "person" and is_number(what, samples):
        begin(st.number_input, plain(what), key=key, begins=float(now) if now else None)
    elif what == "person":
        begin(
            st.text_input,
            "Person",
            key=key,
            begins=now or "",
            help="Another person's name makes the two one person, in one fold together.",
        )
    else:
        only = USUAL.get(what)  # values that no dataset has others of
        values = [*(only or attribute(what, samples).counts)]
        begin(
            st.selectbox,
            title(what),
            [*values, ""],
            key=key,
            begins=now,
            accept_new_options=only is None,
            format_func=lambda value: value or _untold_beside(values),
        )


def _untold_beside(values: Sequence[str]) -> str:
    """What no label is called where these can be chosen too: of two that are called the same only one could be."""
    words = in_words("")
    return f"{words} (no label)" if words in values else words


def _save_label(
    root: str,
    what: str,
    samples: pd.DataFrame,
    sample: str,
    person: str,
    before: str,
    values: list[str],
    keys: dict[str, str],
) -> None:
    """Callback of the form. values: what all photos of the person say now."""
    after, reason = written(st.session_state.get(keys["value"]), what, samples), st.session_state.get(keys["why"], "")
    everyone, of = bool(st.session_state.get(keys["all"])), sample
    if everyone:
        of, before = "", SEVERAL.join(value for value in values if value != after)
    elif after == before:
        remedy = "Choose another value."
        st.session_state[said.ERROR] = LabError(f"{what}: it is {in_words(before)} already.", remedy)
        return
    relabel = {"kind": "relabel", "attribute": what, "before": before, "after": after, "reason": reason}
    words = f"{what}: {in_words(before)} → {in_words(after)}{', all photos of this person' if everyone else ''}."
    if said.write(root, [Correction(sample=of, person=person, **relabel)], words):
        st.session_state[CORRECTED] = sample


def _save_out(root: str, kind: str, sample: str, person: str, reason_key: str) -> None:
    reason = st.session_state.get(reason_key, "")
    save(root, Correction(kind=kind, sample="" if kind == PERSON else sample, person=person, reason=reason))


def save(root: str, correction: Correction) -> None:
    """Write a correction; what stands against it is shown beside the photo."""
    said.write(root, [correction], "Corrected; new runs use it.")


def written(value: Any, what: str, samples: pd.DataFrame) -> str:
    """What a field of a value holds, as corrections write it. What no photo says yet was typed: without blanks around
    or doubled, in composed letters; what one says is written as it stands, or it would be another's."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else value_text(float(value))
    values = set(samples[column_for(what, samples)].dropna())
    return str(value) if value in values else as_spelt(" ".join(str(value).split()), values)
