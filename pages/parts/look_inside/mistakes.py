"""Look inside, mistakes: the confusion matrix, the filters and the gallery of faces, worst first."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.answers import mistakes, noticed
from core.answers.mistakes import Answers, Filter
from core.data import persons, thumbnails
from core.data.pictures.photo import StoredPhoto, photo_of
from core.errors import LabError
from core.inside import face_maps, fold_answers
from core.runs import Run
from core.text import count, number_of, plain, sure
from pages.parts.look_inside import address, elements
from pages.parts.selection import bar, judged, selected, several, views
from pages.parts.shared import attributes, badges
from pages.parts.shared.fields import field, turning

SIZES = (12, 24, 48)  # photos on a page
SIDE = 200  # px
ORDERS = {
    "loss": "Loss",
    "confidence": "Confidence",
    "runs": "Disagreement between runs",
    "folds": "Disagreement between folds",
}
MOST_ASKED = 240  # faces that every fold is asked about, those with the highest loss
KINDS = {"wrong": "Mistakes", "right": "Right answers", "all": "All photos"}


def show(run: Run, answers: Answers, others: list[Answers], maps: Callable[[list[str]], None]) -> None:
    """The matrix beside the gallery, and the maps of what is chosen there above the matrix, beside its photos.

    others: the answers of further runs that are shown beside it. maps: draws those of the chosen photos, given the
    samples that the filters keep, worst first; last of all, since they may take a while.
    """
    root = run.config().data.root
    criteria = address.read_filter(answers, bar.only(root))
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        above = st.container() if address.chosen(answers) else None
        matrix(answers, criteria, root)
        judged.buttons(answers, root, criteria)
        place = st.container() if above is None else above
    with right:
        order = filters(answers, criteria, bool(others))
        disagreement = None
        if order == "runs":
            try:
                disagreement = mistakes.between_runs([answers, *others])
            except LabError as error:
                badges.show_error(error)
                order = "loss"
        rows = mistakes.select(answers, criteria)
        if order == "folds":
            rows = mistakes.order(answers, rows, "loss")[:MOST_ASKED]
            disagreement = _between_folds(run, answers, rows)
            order = "loss" if disagreement is None else order
        rows = mistakes.order(answers, rows, order, disagreement)
        shown_as = _select(answers, rows, root)
        if shown_as == "gallery" or not len(rows):
            gallery(answers, rows, root, disagreement)
        else:
            {"table": views.table, "dots": views.dots}[shown_as](answers, rows, root)
    with place:
        maps(answers.table["sample"].iloc[rows].tolist())


def _select(answers: Answers, rows: np.ndarray, root: str) -> str:
    """Selecting, and as what photos are shown, of views.AS. rows: positions of all that the gallery pages through."""
    with st.container(horizontal=True, vertical_alignment="center"):
        shown_as = address.segments("as", "Shown as", views.AS, default="gallery", hide_label=True)
        several.switch()
        st.button(
            f"Select all {count(len(rows))}",
            icon=":material/select_all:",
            key="selection-all",
            disabled=not len(rows),
            on_click=selected.take,
            args=(root, answers.table["sample"].iloc[rows].tolist()),
        )
    return shown_as


def _between_folds(run: Run, answers: Answers, rows: np.ndarray) -> pd.Series | None:
    """Asks every fold once about these faces; None after a failure."""
    samples = tuple(answers.table["sample"].iloc[rows])
    key = (run.key, answers.which, samples, face_maps.version(run, samples, answers.which))
    remembered = st.session_state.get("look-between-folds")
    if remembered is not None and remembered[0] == key:
        return remembered[1]
    bar = st.progress(0.0, f"Asking every fold about {number_of(len(samples), 'photo')}")

    def progress(done: int, total: int) -> None:
        bar.progress(done / total, f"{count(done)} of {number_of(total, 'answer')}")

    try:
        disagreement = fold_answers.between_folds(run, samples, answers.which, progress)
    except LabError as error:
        badges.show_error(error)
        return None
    finally:
        bar.empty()
    st.session_state["look-between-folds"] = (key, disagreement)
    return disagreement


def step(answers: Answers, samples: list[str]) -> None:
    """Buttons, and the keys P and N, that go from the face that was chosen last to its neighbours among the samples."""
    chosen = address.chosen(answers)
    at = samples.index(chosen[-1]) if chosen and chosen[-1] in samples else None
    _step("Previous photo", "P", ":material/chevron_left:", samples, -1 if at is None else at - 1)
    _step("Next photo", "N", ":material/chevron_right:", samples, 0 if at is None else at + 1)
    if at is not None:
        st.caption(f"{count(at + 1)} of {count(len(samples))}", width="content")


def _step(label: str, shortcut: str, icon: str, samples: list[str], to: int) -> None:
    exists = 0 <= to < len(samples)
    st.button(
        label,
        icon=icon,
        shortcut=shortcut,
        disabled=not exists,
        on_click=_go_to,
        key=f"look-{shortcut}",
        args=(samples[to], to) if exists else None,
    )


def _go_to(sample: str, at: int) -> None:
    address.put_list("samples", [sample])
    address.put(first=None)
    _turn_to(at // page_size())


def matrix(answers: Answers, criteria: Filter, root: str) -> None:
    """The confusion matrix over the faces of the subgroup, whatever cell is chosen. root: of the dataset."""
    scope = replace(criteria, answer="all", true=None, predicted=None, fault=None, low=0.0, high=1.0, far=False)
    rows = mistakes.select(answers, scope)
    counts = mistakes.confusion(answers, rows)
    names = answers.class_names
    cell = tuple(names.index(name) if name is not None else None for name in (criteria.true, criteria.predicted))

    def picked(truth: int | None, guess: int | None) -> None:
        right = truth is not None and truth == guess
        answer = "right" if right else "wrong" if truth is not None and guess is not None else None
        true, predicted = (None if i is None else names[i] for i in (truth, guess))
        address.put(true=true, predicted=predicted, answer=answer if answer != "wrong" else None, page=None)

    def turn(truth: int | None, guess: int | None) -> None:
        selected.turn(root, judged.cell(answers, rows, truth, guess))

    never = [names[i] for i in np.flatnonzero(counts.sum(axis=1)) if not counts[:, i].any()]
    marks = elements.Marks(judged.counts(answers, root, rows), turn, several.is_on())
    elements.matrix(names, counts, cell, picked, key="look-matrix", marks=marks)
    total, wrong = int(counts.sum()), int(counts.sum() - np.trace(counts))
    share = f" ({100 * wrong / total:.1f} %)" if total else ""
    scope_words = "of the filtered " if total < len(answers.table) else "of all "
    st.caption(
        f"{number_of(wrong, 'mistake')}{share} {scope_words}{number_of(total, 'photo')}, each judged by "
        f"the fold that held the {plain(persons.held_out(answers.table))} out. Shares are of a row. A click on a cell "
        "or a name shows its photos, with Ctrl it selects them."
    )
    if never:
        st.html(badges.fault(f"{noticed.NEVER_TITLE}: {noticed.never_words(never)}.", state="interrupted"))


def filters(answers: Answers, criteria: Filter, several: bool) -> str:
    """The filters and the order; returns the order. several: whether more than one run is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        address.box("answer", "Show", KINDS, default=address.usual_answer(criteria.samples), width=135)
        address.box("true", "True class", answers.class_names, width=150)
        address.box("predicted", "Predicted class", answers.class_names, width=150)
        if len(answers.attributes) > 1:
            address.box("fault", "Wrong about", answers.attributes, width=120)
        address.box("fold", "Fold", {str(fold): f"fold {fold}" for fold in answers.folds}, width=100)
        orders = {name: words for name, words in ORDERS.items() if name != "runs" or several}
        order = address.box("sort", "Worst by", orders, default="loss", width=140)
        more = st.popover("More filters", icon=":material/filter_list:")
    with more:
        _more_filters(answers, criteria)
    return order


def _more_filters(answers: Answers, criteria: Filter) -> None:
    pairs = attributes.pairs({name: group.cat.categories for name, group in answers.groups.items()})
    if pairs:
        field(
            st.multiselect,
            "Only photos with",
            list(pairs),
            key="look-groups",
            holds=[words for words, pair in pairs.items() if pair in criteria.groups],
            take=lambda chosen: _take_groups([pairs[words] for words in chosen if words in pairs], answers),
            placeholder="All photos",
            help="Of one attribute each of the values; of several all of them. Numbers are cut into groups.",
        )
    person = field(
        st.text_input,
        "Person",
        key="look-person",
        holds=st.query_params.get("person", ""),
        read=str.strip,
        take=lambda person: address.put(person=person or None, page=None),
        width=220,
        placeholder="Anyone",
        help="A person as the dataset names them.",
    )
    if person and not criteria.person:
        st.caption("No such person in this run.")
    field(
        st.slider,
        "Probability of the predicted class",
        0.0,
        1.0,
        step=0.01,
        key="look-confidence",
        holds=(criteria.low, criteria.high),
        take=_take_confidence,
    )
    if near := near_words(answers):
        field(
            st.checkbox,
            f"Leave out {near} of a limit",
            key="look-far",
            holds=criteria.far,
            take=lambda far: address.put(far="1" if far else None, page=None),
            help="Someone of 29 who is taken for 30 is hardly a mistake.",
        )
    st.button("Clear all filters", icon=":material/filter_list_off:", on_click=address.forget_filter)


def near_words(answers: Answers) -> str:
    """What mistakes near a limit there are, "age mistakes within 2 years"; empty where there are none."""
    near = [words.rpartition(" ")[0] for words in answers.table["near"].unique() if words]
    parts = ["age mistakes within 2 years"] if "age" in near else []
    parts += [f"{plain(name)} mistakes within 2 % of its span" for name in sorted({*near} - {"age"})]
    return " and ".join(parts)


def _take_groups(chosen: list[tuple[str, str]], answers: Answers) -> None:
    address.put_groups(chosen, answers)
    address.put(page=None)


def _take_confidence(region: tuple[float, float]) -> None:
    low, high = region
    address.put(low=f"{low:g}" if low > 0 else None, high=f"{high:g}" if high < 1 else None, page=None)


def gallery(answers: Answers, rows: np.ndarray, root: str, disagreement: pd.Series | None = None) -> None:
    """A page of faces, before them the chosen ones that came with a link or stand on another page.

    rows: positions in the table, in order. root: of the dataset. disagreement: by sample, if that is the order.
    """
    chosen = address.chosen(answers)
    if not len(rows):
        empty(answers, root)
        if not chosen:
            return
    size = page_size()
    last = max(0, len(rows) - 1) // size
    page = address.page_number(last)
    part = answers.table.iloc[rows[page * size : (page + 1) * size]]
    stay = set(part["sample"]) - set(address.linked(answers))
    first = [name for name in chosen if name not in stay]
    before = answers.table.set_index("sample", drop=False).loc[first]
    part = part[~part["sample"].isin(first)]
    marked = set(selected.of(root).samples)
    faces = [
        face(row, row.sample in chosen, disagreement) | {"selected": row.sample in marked}
        for table in (before, part)
        for row in table.itertuples(index=False)
    ]
    version = f"{answers.run_id} {answers.which} {address.read_order()}"
    elements.gallery(
        faces,
        lambda sample: address.turn_choice(answers, sample),
        key="look-gallery",
        version=version,
        several=several.of(root),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        names = {"back": "Previous page", "forward": "Next page"}
        turning(page, last + 1, _turn_to, key="look-page", **names)
        start, end = page * size, min(len(rows), (page + 1) * size)
        words = f"{count(start + 1)} to {count(end)} of {number_of(len(rows), 'photo')}" if len(rows) else ""
        if first:
            words += f"{', ' if words else ''}{count(len(first))} chosen first"
        st.caption(words, width="content")
        if len(rows) > SIZES[0]:
            _pick_size(start)
        if chosen:
            nothing = {"samples": None, "first": None}
            st.button("Clear the choice", icon=":material/deselect:", on_click=address.put, kwargs=nothing)


def _turn_to(page: int) -> None:
    """page: 0-based; the address counts from 1."""
    address.put(page=str(page + 1) if page else None)


def page_size() -> int:
    """How many photos stand on a page of the gallery, as the address says."""
    return int(address.get("size", [str(size) for size in SIZES], str(SIZES[0])))


def _pick_size(start: int) -> None:
    """start: where the page begins among the rows; that photo stays in sight."""

    def take(size: int) -> None:
        address.put(size=str(size) if size != SIZES[0] else None)
        _turn_to(start // size)

    field(
        st.selectbox,
        "Photos on a page",
        list(SIZES),
        key="look-page-size",
        holds=page_size(),
        take=take,
        format_func=lambda size: f"{size} a page",
        label_visibility="collapsed",
        width=130,
    )


def empty(answers: Answers, root: str) -> None:
    criteria = address.read_filter(answers, bar.only(root))
    if criteria.answer == "wrong" and criteria.true and criteria == Filter(true=criteria.true):
        st.info(
            f"No mistake about this class: every photo that is {plain(criteria.true)} was taken for it.",
            icon=":material/done_all:",
        )
    elif answers.table["right"].all() and criteria.answer == "wrong":
        st.info("No mistake at all: every answer of this run is right.", icon=":material/done_all:")
    else:
        st.info("No photo fits these filters.", icon=":material/filter_list_off:")
    st.button("Show all mistakes", on_click=address.forget_filter)


def face(row, is_chosen: bool, disagreement: pd.Series | None = None) -> dict:
    """What the gallery shows of one row of the table."""
    image, fault = thumbnail(photo_of(row), SIDE)
    lines = [f"{sure(row.confidence)} · fold {row.fold}", f"loss {row.loss:.2f}"]
    if disagreement is not None:
        lines[1] = f"disagreement {disagreement.get(row.sample, float('nan')):.2f} bit"
    return {
        "sample": row.sample,
        "image": image,
        "fault": fault,
        "true": row.true,
        "predicted": row.predicted,
        "right": bool(row.right),
        "lines": lines,
        "mark": f"{row.near}, near a limit" if row.near else "",
        "chosen": is_chosen,
    }


def thumbnail(photo: StoredPhoto, side: int) -> tuple[str, str]:
    """(data URI of a small JPEG of the file as it is now, "") or ("", what is wrong with the photo)."""
    try:
        return _uri(thumbnails.thumbnail(photo, side), "JPEG"), ""
    except LabError as error:
        return "", badges.photo_fault(error)


def data_uri(pixels: np.ndarray, form: str = "JPEG") -> str:
    """pixels: uint8, (h, w, 3) or (h, w). JPEG for photos; PNG is exact."""
    buffer = io.BytesIO()
    options = {"quality": 88} if form == "JPEG" else {"compress_level": 1}
    Image.fromarray(pixels).save(buffer, form, **options)
    return _uri(buffer.getvalue(), form)


def _uri(data: bytes, form: str) -> str:
    return f"data:image/{form.lower()};base64,{base64.b64encode(data).decode()}"
