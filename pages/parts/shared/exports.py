"""The chosen runs as files: a report, tables of their metrics, TensorBoard logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import LabError
from core.runs import Run, exports
from core.runs.lists.index import Listed
from core.text import count, plain
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

MOST_FACES = 24  # that a reader may name
PHOTOS = {"shown": "As they are", "blurred": "Blurred", "none": "Without"}
OF_PHOTOS = {
    "shown": "The file shows photos of people as they are.",
    "blurred": "Each photo becomes a few squares of one colour, beneath maps too. The photo cannot be made of them.",
    "none": "The file holds no photos and no maps; names of photos and what was answered stay.",
}


@dataclass(frozen=True)
class ReportRequest:
    """What the form of a report says. version: changes with the runs. within: points of F1 that count as the same."""

    ids: tuple[str, ...]
    version: tuple
    title: str
    question: str
    within: float
    maps: bool
    trust: bool
    faces: tuple[str, ...]
    photos: str


def export(picked: Sequence[Listed]) -> None:
    popover = st.popover(
        "Export", icon=":material/download:", disabled=not picked, key="runs-export", on_change="rerun"
    )
    if not picked or not popover.open:
        return
    with popover:
        stamp = tuple((entry.id, version_of(entry)) for entry in picked)
        name = picked[0].id if len(picked) == 1 else f"{len(picked)}-runs"
        st.caption("Every metric of every epoch, fold and run: one line each.")
        _download("CSV", csv, stamp, f"{name}.csv", "text/csv")
        _download("Parquet", parquet, stamp, f"{name}.parquet", "application/vnd.apache.parquet")
        if exports.has_tensorboard():
            _download("TensorBoard logs", events, stamp, f"{name}-tensorboard.zip", "application/zip")
        else:
            st.caption(str(exports.missing_tensorboard()))


def report(ids: tuple[str, ...], version: tuple, *, title: str, within: float = 1.0, help: str | None = None) -> None:
    """The button that opens the form of a report of these runs; the first is the baseline.

    version: changes with the runs. within: points of F1 that count as the same, unless the form says otherwise.
    """
    icon = ":material/article:"
    popover = st.popover("Report", icon=icon, disabled=not ids, key="runs-report", on_change="rerun", help=help)
    if not ids or not popover.open:
        return
    with popover:
        _form(ids, version, title, within)


def _form(ids: tuple[str, ...], version: tuple, title: str, within: float) -> None:
    """Fields, the button that writes the report, then its downloads."""
    request = _request_fields(ids, version, title, within)
    st.button("Write the report", type="primary", icon=":material/edit_note:", key="report-write", on_click=_ask)
    if st.session_state.pop("report-asked", False):
        try:
            with st.spinner("Reading predictions, comparing runs, drawing figures"):
                st.session_state["report-made"] = request, *_write(request)
        except LabError as error:
            badges.show_error(error)
            return
    written_for, *report = st.session_state.get("report-made", (None,))
    if written_for == request:
        _downloads(_file_name(request.title), *report)


def _request_fields(ids: tuple[str, ...], version: tuple, title: str, within: float) -> ReportRequest:
    title = begin(st.text_input, "Title", key=f"report-title-{hash(ids)}", begins=title, max_chars=120)
    question = st.text_area(
        "Question",
        max_chars=600,
        height=90,
        key=f"report-question-{hash(ids)}",
        placeholder="Is a deeper network better on the rarest classes?",
    )
    within = begin(
        st.number_input,
        "Counts as the same within (points of F1)",
        0.0,
        100.0,
        key=f"report-within-{within:g}",
        begins=within,
        step=0.5,
        help="Differences smaller than this are not called better or worse, however sure they are.",
    )
    photos = begin(
        st.segmented_control,
        "Photos of people",
        list(PHOTOS),
        key="report-photos",
        begins="shown",
        format_func=lambda kind: PHOTOS.get(kind, kind),
        required=True,
    )
    st.caption(OF_PHOTOS[photos])
    maps = begin(
        st.checkbox,
        "Maps of the chosen photos",
        key="report-maps",
        begins=True,
        disabled=photos == "none",
        help="What the last layer of each network looked at. It opens the networks, which takes some seconds each.",
    )
    trust = begin(
        st.checkbox,
        "How far to trust each map",
        key="report-trust",
        begins=False,
        disabled=not maps or photos == "none",
        help="A word beneath each map, as in Look inside. The networks answer some fifty times for each: seconds a "
        "map for small photos, far longer for large networks on a processor.",
    )
    names = st.text_area(
        "Photos to show as well",
        key="report-faces",
        height=70,
        placeholder="Names of samples, one a line",
        help="The photos on which two runs differ most are shown anyway. Look inside tells the name of each photo.",
    )
    faces = tuple(line.strip() for line in names.splitlines() if line.strip())[:MOST_FACES]
    asked = tuple(Run(run_id).asked_version() for run_id in ids)
    return ReportRequest(ids, (*version, asked), title, question, within, maps, maps and trust, faces, photos)


def _ask() -> None:
    st.session_state["report-asked"] = True


def _write(request: ReportRequest) -> tuple[bytes, bytes, list[str]]:
    """The report as HTML and as Markdown, and its sentences."""
    from core.report import gather, render  # heavy: on the click only

    report = gather.gather(
        [Run(run_id) for run_id in request.ids],
        title=request.title,
        question=request.question,
        within=request.within / 100,
        maps=request.maps,
        trust=request.trust,
        faces=request.faces,
        photos=request.photos,
    )
    return render.html(report).encode(), render.markdown(report).encode(), report.sentences


def _downloads(name: str, html: bytes, markdown: bytes, sentences: Sequence[str]) -> None:
    """What the report says first, and its files."""
    for sentence in sentences[:3]:
        st.markdown(plain(sentence))
    size = f"{len(html) / 1e6:.1f} MB"
    with st.container(horizontal=True):
        st.download_button(f"HTML ({size})", html, f"{name}.html", "text/html", on_click="ignore", key="report-html")
        st.download_button(
            "Markdown", markdown, f"{name}.md", "text/markdown", on_click="ignore", key="report-markdown"
        )


def title_of(picked: Sequence[Listed]) -> str:
    return picked[0].name if len(picked) == 1 else f"{count(len(picked))} runs on {picked[0].summary.get('dataset')}"


def _file_name(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower()).strip("-")[:60] or "report"


def version_of(entry: Listed) -> tuple:
    """Changes with all that a table or a log says of a run: its name, and what its folds have trained."""
    return entry.name, *((fold["state"], fold["epoch"]) for fold in entry.summary["folds"])


def _download(label: str, make: Callable[[tuple], bytes], stamp: tuple, name: str, mime: str) -> None:
    try:
        with st.spinner(f"Making {label}"):
            data = make(stamp)
    except LabError as error:
        badges.show_error(error)
        return
    st.download_button(label, data, name, mime, on_click="ignore", key=f"download-{name}", width="stretch")


@st.cache_data(max_entries=4, show_spinner=False)
def csv(stamp: tuple) -> bytes:
    return exports.metrics_csv([Run(run_id) for run_id, _ in stamp])


@st.cache_data(max_entries=4, show_spinner=False)
def parquet(stamp: tuple) -> bytes:
    return exports.metrics_parquet([Run(run_id) for run_id, _ in stamp])


@st.cache_data(max_entries=4, show_spinner=False)
def events(stamp: tuple) -> bytes:
    return exports.events_zip([Run(run_id) for run_id, _ in stamp])
