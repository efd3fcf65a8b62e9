"""Studies: runs launched together, as a matrix of runs x folds; pause, resume, cancel, re-order, add a run."""

from __future__ import annotations

from datetime import datetime
from html import escape
from pathlib import Path

import streamlit as st

from core import attribute_scores, runs, study_records
from core.config import from_dict
from core.data import ATTRIBUTES, scan
from core.errors import LabError
from core.runs import Run
from core.study_records import Study
from core.text import ago, count, plain
from pages.parts import states, study_view

TICK = 2.0  # seconds
LAUNCH = Path(__file__).with_name("launch.py")
COMPARE = Path(__file__).with_name("compare.py")
ERROR, ASKED = "studies-error", "studies-delete"


def pick(known: list[Study]) -> Study:
    """The study of the address, else the newest; the address names what is shown."""
    ids = [study.id for study in known]
    wanted = st.query_params.get("study", ids[0])
    if wanted not in ids:
        try:
            return study_records.load(wanted)
        except LabError as error:
            states.show_error(error)
            wanted = ids[0]
    if st.session_state.get("studies-pick") not in ids or st.query_params.get("study") != st.session_state.get(
        "studies-shown"
    ):
        st.session_state["studies-pick"] = wanted
    chosen = st.session_state["studies-pick"]
    st.query_params["study"] = st.session_state["studies-shown"] = chosen
    return known[ids.index(chosen)]


def change() -> None:
    st.query_params["study"] = st.session_state["studies-shown"] = st.session_state["studies-pick"]


def header(study: Study, known: list[Study]) -> None:
    by_id = {s.id: s for s in known}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(f'<div class="lab-title">{escape(study.name)}</div>', width="content")
        st.selectbox(
            "Study", list(by_id), key="studies-pick", on_change=change, label_visibility="collapsed", width=360,
            format_func=lambda i: f"{by_id[i].name} · {datetime.fromtimestamp(by_id[i].created):%d %b %Y %H:%M}",
        )  # fmt: skip
    facts = f"{count(len(study.runs))} runs · launched {ago(study.created)}"
    st.caption(f"{plain(study.description)}  \n{facts}" if study.description else facts)


def act(what, *args) -> None:
    """A callback: does it, keeps what went wrong for the next look."""
    try:
        done = what(*args)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    if isinstance(done, tuple) and done[1]:
        st.session_state[ERROR] = LabError(
            "Not every run could be resumed.", " ".join(done[1][:3]), kind="data-changed"
        )


def actions(study: Study, rows: list[study_view.Row]) -> None:
    found = study_view.counts(rows)
    active = found.get("queued", 0) + found.get("running", 0)
    stopped = sum(found.get(state, 0) for state in states.STOPPED)
    missing = [row for row in rows if not row.folds]
    with st.container(horizontal=True):
        if study.paused or stopped:
            st.button(
                "Resume", icon=":material/play_arrow:", on_click=act, args=(study_records.resume, study),
                help="Queues every fold that is neither done nor training; each goes on from its last epoch.",
            )  # fmt: skip
        if found.get("queued") and not study.paused:
            st.button(
                "Pause", icon=":material/pause:", on_click=act, args=(study_records.pause, study),
                help="No further fold begins; the fold that trains goes on to its end.",
            )  # fmt: skip
        if active:
            st.button(
                "Cancel", icon=":material/stop_circle:", on_click=act, args=(study_records.cancel, study),
                help="Stops all its folds; each keeps its last epoch and can be resumed.",
            )  # fmt: skip
        if missing:
            st.button(
                f"Launch {count(len(missing))} missing", icon=":material/rocket_launch:", on_click=act,
                args=(launch_missing, study), help="On the same folds as the others.",
            )  # fmt: skip
        if st.button("Add a run", icon=":material/add:", help="A run that joins this study, on its folds."):
            st.switch_page(LAUNCH, query_params={"from": study.run_ids[0], "join": study.id})
        done = [row.id for row in rows if row.state == "done"]
        if COMPARE.is_file() and len(done) > 1 and st.button("Compare", icon=":material/compare_arrows:"):
            st.switch_page(COMPARE, query_params={"runs": ",".join(done)})
        with st.popover("More", icon=":material/more_horiz:"):
            order(study, rows)
            st.divider()
            st.caption("Forgetting the study keeps its runs; they are only no longer shown together.")
            st.button("Forget this study", icon=":material/delete:", on_click=act, args=(study_records.delete, study))


def order(study: Study, rows: list[study_view.Row]) -> None:
    """Which waiting run trains next."""
    waiting = {row.id: row.name for row in rows if any(f.state == "queued" for f in row.folds)}
    if len(study.runs) < 2 or not waiting:
        st.caption("Nothing waits, so there is no order to change.")
        return
    chosen = st.selectbox("Waiting run", list(waiting), format_func=waiting.get, key="studies-move")
    with st.container(horizontal=True):
        for label, places, icon in (
            ("First", -len(study.runs), "vertical_align_top"),
            ("Earlier", -1, "arrow_upward"),
            ("Later", 1, "arrow_downward"),
        ):
            st.button(label, icon=f":material/{icon}:", on_click=act, args=(study_records.move, study, chosen, places))


def launch_missing(study: Study) -> Study:
    config = from_dict(study_records.missing(study)[0].config)
    return study_records.launch_missing(study, scan(config.data))


def tick(study_id: str, shown: tuple) -> None:
    """What changes while the study trains; reruns the page when a fold changes its state."""
    try:
        study = study_records.load(study_id)
    except LabError:
        st.rerun()
    rows = study_view.look(study)
    if signature(study, rows) != shown:
        st.rerun()
    if not study.paused and not study_view.counts(rows).get("running"):
        states.look_after_workers()
    draw(study, rows)


def signature(study: Study, rows: list[study_view.Row]) -> tuple:
    return study.paused, tuple((row.id, *(fold.state for fold in row.folds)) for row in rows)


def draw(study: Study, rows: list[study_view.Row]) -> None:
    st.html(study_view.headline_html(study, rows))
    st.html(study_view.matrix_html(rows, study.paused))
    st.caption("A cell shows the best F1 so far; its foot how many epochs are done. Mean ± deviation over done folds.")


def together(study: Study) -> None:
    """Runs of one attribute each that share folds are scored as one on the joint classes."""
    single: dict[str, tuple[str, str]] = {}
    for member in study.runs:
        task, run = member.config["task"]["name"], Run(member.id)
        alone = len(ATTRIBUTES[task]) == 1 and task != "label"
        if alone and run.exists() and runs.overall(s.state for s in run.states()) == "done":
            single.setdefault(task, (member.id, member.name))
    names = [name for name in ("mask", "gender", "age") if name in single]
    if len(names) < 2:
        return
    states.heading("Several networks as one")
    try:
        scores = attribute_scores.score_together([Run(single[name][0]) for name in names])
    except LabError as error:
        states.show_error(error)
        return
    st.html(study_view.together_html([single[name][1] for name in names], scores))
    st.caption("The probability of a joint class is the product of what each network gives its attribute.")


states.begin_page()
if problem := st.session_state.pop(ERROR, None):
    states.show_error(problem)
known = study_records.all_studies()
if not known:
    st.html('<div class="lab-title">No study yet</div>')
    st.markdown("A study launches several runs on the same people in the same folds, so that they can be compared.")
    if st.button("Launch a study", type="primary", icon=":material/rocket_launch:"):
        st.session_state["launch-what-kept"] = "study"
        st.switch_page(LAUNCH)
    st.stop()
study = pick(known)
header(study, known)
rows = study_view.look(study)
actions(study, rows)
if any(row.state in states.ACTIVE for row in rows) and not (
    study.paused and not study_view.counts(rows).get("running")
):
    st.fragment(tick, run_every=TICK)(study.id, signature(study, rows))
else:
    draw(study, rows)
for row in rows:
    for fold in row.folds:
        if fold.state == "failed":
            st.html(states.fault(fold.reason, fold.remedy, f"{row.name}, fold {fold.fold}", "failed"))
together(study)
