"""Studies: runs launched together, as a matrix of runs and folds; pause, resume, cancel, order, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from core import places
from core.compare.verdict import Verdict
from core.errors import LabError, in_sentences
from core.jobs import trash
from core.studies import record_file, records
from core.studies.records import Study, StudyRun
from core.text import ago, count, number_of, plain, so_far
from pages.parts.compare import decide
from pages.parts.hand import hand
from pages.parts.people import people
from pages.parts.settings import slots
from pages.parts.shared import badges, frame, moved
from pages.parts.shared.fields import field
from pages.parts.studies import answer, export, scores, view
from pages.parts.tab import out_of_reach, ticking

TICK = 2.0  # seconds, of a page that is open alone
HERE = Path(__file__).parent
LAUNCH, LIVE, COMPARE = HERE / "launch.py", HERE / "live.py", HERE / "compare.py"
STUDIES = HERE / "studies.py"
DELETED = "studies-deleted"  # in the session: the record of the study that was deleted last, until it is put back


def act(what, study: Study) -> None:
    """A callback: pause, cancel and the like; leaves the error to show."""
    try:
        what(study)
    except (LabError, OSError) as error:
        st.session_state["studies-error"] = _in_words(error)


def _in_words(error: Exception) -> LabError:
    if isinstance(error, LabError):
        return error
    return LabError(f"{places.runs_folder()}: cannot be written ({error}).", "Check the folder, then try again.")


def resume(what: Callable[..., tuple[Study, list]], run_ids: Sequence[str], study: Study) -> None:
    """what: of records, that queues these runs of the study."""
    _, refused = what(study)
    errors = dict(refused)
    for run in records.present(study):
        if run.id in run_ids:
            moved.note(run, errors.get(run))
    if not refused:
        return
    run, error = refused[0]
    why = in_sentences(error.message.removeprefix(f"{run.id}: "), error.remedy)
    others = "The others were queued." if len(refused) < len(run_ids) else ""
    what_failed = f"{len(refused)} of {number_of(len(run_ids), 'run')} could not go on: {run.id}: {why}"
    st.session_state["studies-error"] = LabError(what_failed, others)


def forget(study: Study) -> None:
    if (record := records.delete(study)) is not None:
        st.session_state[DELETED] = record
    st.query_params.pop("study", None)


def put_back(record: Study) -> None:
    records.put_back(record)
    st.session_state.pop(DELETED, None)


def deleted_line() -> None:
    """The study that was deleted last, with *Undo*, until that was read."""
    record: Study | None = st.session_state.get(DELETED)
    if record is None:
        return
    stays = " What waited of them was cancelled, and stays so." if record.paused else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"The study **{plain(record.name)}** is deleted; its runs are all there.{stays}", width="content")
        st.button("Undo", icon=":material/undo:", key="studies-undo", on_click=act, args=(put_back, record))
        st.button(
            "Dismiss", type="tertiary", key="studies-dismiss", on_click=st.session_state.pop, args=(DELETED, None)
        )


def header(study: Study, status: view.StudyStatus) -> None:
    facts = [
        number_of(len(status.rows), "run"),
        f"{status.done} of {number_of(status.jobs, 'fold job')} done",
        f"{people.launched(study.by)} {ago(study.created)}",
    ]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(
            f'<div class="lab-title">{escape(study.name)}</div>'
            f'<div class="lab-meta">{escape(study.description)}</div>'
            f'<div class="lab-meta">{escape(" · ".join(facts))}</div>',
            width="content",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            pick(study.id)
            actions(study, status)


def actions(study: Study, status: view.StudyStatus) -> None:
    if status.waiting and not study.paused:
        people.button(
            "Pause",
            study.by,
            icon=":material/pause:",
            on_click=act,
            args=(records.pause, study),
            help="No further fold begins; what trains goes on to its end.",
        )
    if study.paused:
        waiting = [row.run.id for row in status.rows if row.waiting]
        people.button(
            "Resume",
            study.by,
            icon=":material/play_arrow:",
            type="primary",
            on_click=act,
            args=(partial(resume, records.go_on, waiting), study),
            help="What the pause holds back may begin; what was stopped stays so.",
        )
    if status.stopped:
        halted = [row.run.id for row in status.rows if row.stopped]
        until = " They wait until the pause ends." if study.paused else ""
        people.button(
            f"Resume {number_of(status.stopped, 'stopped fold')} of {number_of(len(halted), 'run')}",
            study.by,
            key="resume-stopped",
            icon=":material/play_arrow:",
            type="secondary" if study.paused else "primary",
            on_click=act,
            args=(partial(resume, partial(records.resume, run_ids=halted), halted), study),
            help=f"Each from its last checkpoint, also what was cancelled on purpose.{until}",
        )
    if status.waiting or status.running:
        people.button(
            "Cancel",
            study.by,
            icon=":material/stop_circle:",
            on_click=act,
            args=(records.cancel, study),
            help="Stop every run; checkpoints are kept, and Resume goes on from them.",
        )
    if COMPARE.is_file() and len(status.rows) > 1 and st.button("Compare", icon=":material/compare_arrows:"):
        st.switch_page(COMPARE, query_params={"runs": answer.compared(status)})
    with st.popover("More", icon=":material/more_vert:"):
        if status.rows and people.button(
            "Add a run",
            study.by,
            icon=":material/add_circle:",
            width="stretch",
            help="Open Launch with the settings of the last run; what you launch there joins on the same folds.",
        ):
            st.switch_page(LAUNCH, query_params={"from": status.rows[-1].run.id, "study": study.id})
        export.button(study)
        people.button(
            "Delete this study",
            study.by,
            icon=":material/delete:",
            on_click=act,
            args=(forget, study),
            width="stretch",
            help="Forgets which runs belong together. The runs themselves stay; of a paused study, those that wait are "
            "cancelled.",
        )


def pick(current: str | None) -> None:
    """A box to change the study in the address."""
    studies = {study.id: study for study in record_file.all_studies()}
    if not studies:
        return

    def follow(chosen: str | None) -> None:
        if chosen:
            st.query_params["study"] = chosen
            st.query_params.pop("run", None)  # that of the study before; what is in hand stays if it is of this one

    field(
        st.selectbox,
        "Study",
        list(studies),
        key="study-picker",
        holds=current if current in studies else None,
        take=follow,
        label_visibility="collapsed",
        width=300,
        placeholder="Choose a study",
        format_func=lambda study_id: f"{studies[study_id].name} · {study_id[-4:]}",
    )


def order(study: Study, status: view.StudyStatus) -> None:
    """Earlier and later for the runs that have folds waiting."""
    waiting = [row for row in status.rows if row.waiting]
    if len(waiting) < 2:
        return
    with st.expander("Order of what waits", icon=":material/low_priority:"):
        for place, row in enumerate(waiting):
            with st.container(horizontal=True, vertical_alignment="center"):
                before = waiting[place - 1] if place else None
                after = waiting[place + 1] if place + 1 < len(waiting) else None
                move_button(study, row, before, "arrow_upward", "Train earlier")
                move_button(study, row, after, "arrow_downward", "Train later")
                st.markdown(f"{place + 1} · {plain(row.name)} :gray[{number_of(row.waiting, 'fold')}]")


def move_button(study: Study, row: view.Row, target: view.Row | None, icon: str, tip: str) -> None:
    """Brings a run to the place of another one that waits, in the study's order; greyed where there is none."""
    order = study.run_ids
    steps = order.index(target.run.id) - order.index(row.run.id) if target else 0
    people.button(
        "",
        study.by,
        icon=f":material/{icon}:",
        help=tip,
        type="tertiary",
        disabled=target is None,
        key=f"{icon}-{row.run.id}",
        on_click=act,
        args=(lambda study: records.move(study, row.run.id, steps), study),
    )


def interval(status: view.StudyStatus) -> float | None:
    """Seconds between two looks; None once nothing changes any more."""
    return ticking.every(TICK) if status.active else None


def tab(study: Study, status: view.StudyStatus) -> None:
    """In the browser's tab: "87% · depths" while it trains, else "paused · depths", "done · depths"."""
    if status.rows:
        paused = study.paused and status.waiting and not status.running
        state = "running" if status.running else "interrupted" if paused else status.state
        word = "paused" if paused else badges.state_badge(status.state).word
        frame.tab(f"{so_far(status.share) if status.running else word} · {study.name}", state, status.share)


def tick(study: Study, drawn: tuple, verdict: Verdict | None) -> None:
    """The matrix; reruns the page when a fold changes its state, or how often the page looks."""
    status = view.read_status(study)
    if (status.signature, interval(status)) != drawn:
        st.rerun()
    if status.active and not status.running:
        frame.look_after_workers()
    tab(study, status)
    st.html(view.progress_html(study, status))
    st.html(view.matrix_html(status, verdict))


def missing(study: Study, status: view.StudyStatus) -> None:
    """The runs that are not there, with what brings them back; for those in the trash that is not only a launch."""
    gone = [member for member in status.missing if member.id not in status.deleted]
    deleted = [member for member in status.missing if member.id in status.deleted]
    of = number_of(len(study.runs), "run")
    if gone:
        st.warning(
            f"{count(len(gone))} of {of} {'is' if len(gone) == 1 else 'are'} not there: {_first(gone)}. The launch was "
            "cut off, or they were deleted for good.",
            icon=":material/playlist_add:",
        )
        _launch("Launch the missing runs", study, gone)
    if not deleted:
        return
    once = [names[0] for names in status.deleted.values() if len(names) == 1]
    twice = [member for member in deleted if len(status.deleted[member.id]) > 1]
    choose = f" Of {_first(twice)} several lie there: choose one on the page Runs, under Trash." if twice else ""
    lie = "lies" if len(deleted) == 1 else "lie"
    st.warning(
        f"{count(len(deleted))} of {of} {lie} in the trash: {_first(deleted)}. What is launched anew begins from "
        f"nothing.{choose}",
        icon=":material/delete:",
    )
    with st.container(horizontal=True):
        if once:
            people.button(
                f"Restore {number_of(len(once), 'run')}",
                study.by,
                icon=":material/restore_from_trash:",
                on_click=act,
                args=(lambda _: trash.restore(once), study),
            )
        jobs = sum(member.config["folds"]["count"] for member in deleted)
        _launch(f"Launch them anew, {number_of(jobs, 'fold job')}", study, deleted)


def _first(members: Sequence[StudyRun]) -> str:
    return f"{plain(members[0].name)}{' and others' if len(members) > 1 else ''}"


def _launch(label: str, study: Study, members: Sequence[StudyRun]) -> None:
    launch = partial(records.launch_missing, run_ids=[member.id for member in members])
    people.button(label, study.by, icon=":material/rocket_launch:", on_click=act, args=(launch, study))


def overview() -> None:
    """All studies, newest first, or how to launch the first one."""
    studies, faults = record_file.listed()
    st.html('<div class="lab-title">Studies</div>')
    deleted_line()
    for fault in faults:
        badges.show_error(fault)
    if not studies and not faults:
        st.info("No study yet. Launch several runs over a grid and compare them here.", icon=":material/grid_on:")
        if st.button("Launch a study", type="primary", icon=":material/rocket_launch:"):
            st.switch_page(LAUNCH, query_params={"as": "study"})
    if studies and people.shared():
        mine = st.toggle("Mine", key="mine", bind="query-params")
        people.explain()
        studies = [study for study in studies if not mine or study.by == people.me()]
        if not studies:
            st.info("None of the studies is yours.", icon=":material/grid_on:")
    for study in studies:
        status = view.read_status(study)
        with st.container(border=True):
            st.page_link(STUDIES, label=plain(study.name), query_params={"study": study.id})
            by = (
                f'<div class="lab-meta">{escape(people.launched(study.by))}</div>'
                if people.shared() and study.by
                else ""
            )
            st.html(f'<div class="lab-meta">{escape(study.description)}</div>{by}{view.progress_html(study, status)}')
    slots.line()


study_id = st.query_params.get("study")
frame.begin_page(answers=[frame.DECIDED], names_study=False, shows=hand.BOTH if study_id is None else (hand.RUN,))
with st.container():  # always there, so that what follows keeps its place
    decide.settle()
if study_id is None:
    if problem := st.session_state.pop("studies-error", None):
        badges.show_error(problem)
    overview()
    st.stop()
try:
    study = records.load(study_id)
except LabError as error:
    st.html('<div class="lab-title">Studies</div>')
    badges.show_error(error)
    pick(None)
    st.stop()
st.query_params["study"] = study.id  # a link from the list to its own page leaves the browser's address as it was

status = view.read_status(study)
st.button(
    "All studies", icon=":material/arrow_back:", type="tertiary", on_click=st.query_params.pop, args=("study", None)
)
header(study, status)
if problem := st.session_state.pop("studies-error", None):
    badges.show_error(problem)
with st.container():
    verdict = answer.section(status)
every = interval(status)
st.fragment(out_of_reach.noticed(tick), run_every=every)(study, (status.signature, every), verdict)
if faults := view.faults_html(study, status):
    st.html(faults)
if words := view.as_photos(study, status):
    st.info(plain(words), icon=":material/group:")
missing(study, status)
order(study, status)
scores.section(study, status)
slots.line()
