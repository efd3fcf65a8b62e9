"""Data, corrections: the diff between the dataset and what new runs use; undo, export, import."""

from __future__ import annotations

from datetime import datetime
from html import escape

import streamlit as st

from core.data.labels import correction_rows, corrections
from core.data.labels.correction_rows import in_words
from core.data.labels.corrections import Correction, CorrectionEffect
from core.errors import LabError
from core.storage.spreadsheet import spreadsheet_csv
from core.text import ago, count, number_of
from pages.parts.data import found_right
from pages.parts.data.view import View, go, pager, turner
from pages.parts.people import people
from pages.parts.shared import badges, faces

PAGE = 30
ERROR, UPLOADS = "data_corrections_error", "data_corrections_uploads"
_CSS = """<style>
.data-diff { display: flex; gap: .7rem; align-items: center; font-size: .9rem; overflow-wrap: anywhere; }
.data-diff img { width: 44px; height: 44px; object-fit: cover; border-radius: 4px; flex: none; }
.data-diff del { color: var(--lab-bad); }
.data-diff ins { color: var(--lab-good); text-decoration: none; font-weight: 600; }
.data-diff small { display: block; opacity: .74; }
</style>"""


def draw(view: View) -> None:
    if error := st.session_state.pop(ERROR, None):
        badges.show_error(error)
    st.html(_CSS)
    listed = view.effects[::-1]
    if not listed:
        text = "No corrections yet. Choose a photo under Photos and say what is wrong with it."
        st.info(text, icon=":material/edit_note:")
        st.button("Open Photos", type="primary", on_click=go, kwargs={"view": "faces"})
        _import(view)
        found_right.draw(view)
        return
    photos = sum(effect.photos for effect in listed)
    idle = sum(not effect.photos for effect in listed)
    st.markdown(
        f"**{count(len(listed))}** {'correction' if len(listed) == 1 else 'corrections'} of **{count(photos)}** "
        f"{'photo' if photos == 1 else 'photos'}; new runs use them, the dataset's files stay as they are."
        + (f" :orange[{count(idle)} without effect.]" if idle else "")
    )
    part = pager(len(listed), PAGE)
    for effect in listed[part]:
        each = effect.correction
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.html(diff(view, effect))
            people.button(
                "Undo",
                each.by,
                icon=":material/undo:",
                type="tertiary",
                key=f"undo-{each.id}",
                width="content",
                on_click=_undo,
                args=(view.raw.root, each),
            )
    turner(part, len(listed), PAGE, "corrections")
    every = [effect.correction for effect in view.effects]
    st.download_button(
        "Download as CSV",
        spreadsheet_csv(correction_rows.table(every)),
        "corrections.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    _import(view)
    found_right.draw(view)


def diff(view: View, effect: CorrectionEffect) -> str:
    """HTML of one correction: picture, what it was, what it is, why, when."""
    each = effect.correction
    if each.kind == "relabel":
        what = (
            f"{escape(each.attribute)} <del>{escape(in_words(each.before))}</del> → "
            f"<ins>{escape(in_words(each.after))}</ins>"
        )
    else:
        what = f"<del>{'photo' if each.kind == 'exclude-photo' else 'person'} left out</del>"
    who = f"all photos of {each.person}" if not each.sample else each.sample
    photos = f"{effect.photos:,} {'photo' if effect.photos == 1 else 'photos'}" if effect.photos else ""
    reason = f"“{each.reason}”" if each.reason else "no reason given"
    facts = (who, reason, when(each), people.by(each.by), photos)
    words = " · ".join(escape(fact) for fact in facts if fact)
    why = f'<small class="lab-warn" style="color:var(--c)">without effect: {escape(effect.why)}</small>'
    return (
        f'<div class="data-diff">{_photo(view, each)}<div>{what}<small>{words}</small>'
        f"{'' if effect.photos else why}</div></div>"
    )


def when(correction: Correction) -> str:
    return ago(datetime.fromisoformat(correction.when).timestamp())


def _photo(view: View, each: Correction) -> str:
    samples = view.raw.samples
    theirs = samples[samples["sample"] == each.sample] if each.sample else samples[samples["person"] == each.person]
    return faces.small(theirs)


def _undo(root: str, correction: Correction) -> None:
    try:
        corrections.undo(root, correction.id)
    except LabError as error:
        st.session_state[ERROR] = error


def _import(view: View) -> None:
    """Corrections that were exported elsewhere, such as before the dataset moved."""
    key = f"data-import-{st.session_state.setdefault(UPLOADS, 0)}"
    upload = st.file_uploader(
        "Take in corrections that were downloaded elsewhere",
        "csv",
        key=key,
        max_upload_size=5,
        help="For a dataset that moved to another folder or machine; each is taken in once.",
    )
    if upload is not None:
        st.button("Take in", icon=":material/upload:", on_click=_take_in, args=(view.raw.root, key))


def _take_in(root: str, key: str) -> None:
    """key: of the field of the file, which holds what was chosen last, drawn with its name or not."""
    if (upload := st.session_state.get(key)) is None:  # taken out again just before
        return
    try:
        text = upload.getvalue().decode("utf-8-sig")
        added = corrections.take_in(root, text, source=upload.name)
    except UnicodeDecodeError:
        st.session_state[ERROR] = LabError(f"corrections {upload.name}: is not UTF-8", "Save it as UTF-8.")
        return
    except LabError as error:
        st.session_state[ERROR] = error
        return
    st.session_state[UPLOADS] += 1
    st.toast(f"{number_of(added, 'correction')} taken in.")
