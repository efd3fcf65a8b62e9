"""Live: one run, its folds and curves as they grow."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.answers import attribute_scores, yes_no_scores
from core.config import RunConfig
from core.config.names import last_epoch
from core.data.tasks import attributes_of
from core.errors import LabError, in_sentences
from core.figures import comparison_curves
from core.jobs import control
from core.runs import Run, metrics_file, starts
from core.runs.colours import colour_of
from core.runs.kept import dropped
from core.runs.lists import index
from core.storage import files
from core.text import plain, so_far
from pages.parts.baseline import asking, baseline
from pages.parts.hand import hand
from pages.parts.live import head, looks, machine, rates, samples, tour, waits
from pages.parts.run import (
    apart,
    attributes,
    certainty,
    charts,
    curves,
    everybody,
    extras,
    groups,
    result,
    take,
    view,
    yes_no,
)
from pages.parts.shared import badges, frame, moved, run_picker
from pages.parts.tab import out_of_reach, ticking

TICK = 1.0  # seconds, of a page that is open alone
MEND = "Copy its files back from a backup, or choose another run."
MIXED = dict.fromkeys(
    ("mixup", "cutmix", "both"),
    " Photos are mixed in pairs here: training loss is against both labels, and training accuracy and F1 count a mixed "
    "photo for the label with the larger share, so they stay below what the network can do; validation is not mixed.",
)
LAUNCH = Path(__file__).with_name("launch.py")


def open_run(run_id: str) -> tuple[Run, RunConfig, dict]:
    """Raises LabError in plain words for a run that is gone, unreadable, or no run at all."""
    run = Run(run_id)
    if run.dir.is_dir() and not run.exists():
        raise LabError(f"run '{run_id}' is unreadable: config.yaml is missing.", MEND, kind="unreadable")
    run.require()
    try:
        config, info = run.config(), run.info()
        info["class_names"] = [str(name) for name in info["class_names"]]
        folds = run.folds()
    except (OSError, ValueError, TypeError, KeyError) as error:
        what, remedy = f"its configuration or run.json is damaged ({type(error).__name__})", MEND
        if files.out_of_reach(error):
            what, remedy = f"its files cannot be read ({error.strerror})", files.CHECK
        raise LabError(f"run '{run_id}' is unreadable: {what}.", remedy, kind="unreadable") from error
    if not folds:
        raise LabError(f"run '{run_id}' has no folds.", "Its folder is incomplete; choose another run.", "unreadable")
    return run, config, info


def look_again(run_id: str, problem: str) -> None:
    """Draw the page anew once a run that could not be opened can be, or fails otherwise: its files may be on the way,
    or one of them was gone before the others."""
    try:
        open_run(run_id)
    except LabError as error:
        if str(error) == problem:
            return
    st.rerun()


def tab_title(status: view.RunStatus, name: str) -> str:
    """ "87 % · utk-full" while it trains, else "done · utk-full"."""
    return f"{so_far(status.share) if status.running else badges.state_badge(status.state).word} · {name}"


def interval(status: view.RunStatus) -> float | None:
    """Seconds between two looks; None once nothing changes any more."""
    return ticking.every(TICK) if status.active else None


def signature(status: view.RunStatus, version: tuple, every: float | None) -> tuple:
    """Changes when the page around the ticking part has to change: a state, the first epoch, or how often it looks.

    version: of metrics. every: seconds between two looks.
    """
    return every, bool(version), *status.signature


def tick(
    run: Run, config: RunConfig, names: list[str], photos: int, colour: str, others: list[index.Listed], drawn: tuple
) -> None:
    """Everything that changes while a run trains. Ends with a rerun of the page when what is around it has to change.

    photos: of the run. others: runs that may stand behind its curves.
    """
    if not run.exists():
        st.rerun()
    status = view.read_status(run, config, control.waiting())
    folds = [fold.fold for fold in status.folds]
    version = view.metrics_version(run, folds)
    if signature(status, version, interval(status)) != drawn:
        st.rerun()
    if status.active and not status.running:
        frame.look_after_workers()
    frame.tab(tab_title(status, config.name), status.state, status.share)
    table = view.metrics_of(version)
    st.html(view.progress_html(status, table) + machine.machine_html(run, status))
    doubts = view.doubts_of(run)
    if not status.everybody:  # the bar tells all of it
        st.html(view.folds_html(status, doubts.absent, colour))
    with st.container():  # always there, so that what follows keeps its place on the page
        if failures := view.failures_html(status.folds):
            st.html(failures)
            with st.expander("Show log", icon=":material/terminal:"):
                st.code(run.log_tail(60) or "The log is empty.", None, height=300)
        for words in (starts.sentence(run, folds), view.decoding_of(run), dropped.sentence(run)):
            if words:
                st.caption(plain(words))
    ended = [fold.fold for fold in status.folds if fold.state == "done"]
    if not version and not ended:
        st.html(waits.STYLE + waits.waits_html(status, photos))
        return
    phases = tuple(view.phases_of(config))
    lines = () if status.everybody else tuple(folds)
    if version:
        look = looks.look(others)
        looks.controls(look, others)
        levels = None if status.everybody else baseline.levels(run)
        figures = charts.charts(version, phases, config.epochs, lines, colour, levels, look)
        curves.draw(figures, key=f"live-curves-{run.id}")
    else:
        st.caption("The metrics of its folds are gone, so there are no curves.")
    if status.everybody:
        st.caption(
            "All curves are of the photos trained on, as they were augmented: they show that it learns, not how well "
            f"it answers about new people.{MIXED.get(config.mix.method, '')}"
        )
        return
    st.html(view.table_html(status.folds, table, doubts.absent))
    older = ["this run"] if metrics_file.tells_objective(table, config.training) else []
    loss = comparison_curves.loss_words(older) or "Loss is plain cross-entropy."
    f1 = f"F1 is macro F1 over all {len(names)} classes of the task."
    f1 = plain(yes_no_scores.F1_IN_WORDS) if config.task.one_by_one else f1
    st.caption(
        f"{f1} The best epoch is chosen on the validation fold itself, which flatters; "
        f"{last_epoch([config.training.early_stopping])}. {loss}{MIXED.get(config.mix.method, '')}"
    )
    draw_attributes(run, config, ended)


def draw_attributes(run: Run, config: RunConfig, done: list[int]) -> None:
    """What a task of several attributes reaches in each of them, over the finished folds."""
    if done and config.task.one_by_one:
        yes_no.section(run, done)
        return
    if not done or len(attributes_of(config.task)) < 2:
        return
    scores = attributes.scores_of(run, done)
    if isinstance(scores, str):
        st.caption(plain(scores))
        return
    if not scores["best"]:  # its classes are merged so that they tell none apart
        return
    st.html(attributes.table_html(scores))
    left_out = attribute_scores.without_score([config.task], {score.attribute for score in scores["best"]})
    words = (
        "Each attribute as the joint predictions tell it: a value has the summed probability of the classes with it."
    )
    st.caption(plain(in_sentences(words, left_out)))


def log(run: Run) -> None:
    if figures := machine.use_html(run):
        st.html(figures)
    with st.container(height=320, border=False, autoscroll=True):
        st.code(run.log_tail(40) or "The log is empty until a worker starts.", None)


entries = frame.begin_page(answers=[frame.BASELINE], shows=(hand.STUDY,))
listed = index.as_summaries(entries)
run_id = st.query_params.get("run") or hand.first(listed)
if run_id is None:
    st.html('<div class="lab-title">Live</div>')
    st.info("No run yet. Launch one and watch every fold learn here.", icon=":material/show_chart:")
    if LAUNCH.is_file() and st.button("Launch", type="primary", icon=":material/rocket_launch:"):
        st.switch_page(LAUNCH)
    st.stop()
try:
    run, config, info = open_run(run_id)
except LabError as error:
    asking.forget()
    st.html('<div class="lab-title">Live</div>')
    badges.show_error(error)
    run_picker.pick_run(listed, None)
    st.fragment(out_of_reach.noticed(look_again), run_every=TICK)(run_id, str(error))
    st.stop()
hand.take(run.id)

colour = colour_of({**info, "id": run.id})
status = view.read_status(run, config, control.waiting())
every = interval(status)
version = view.metrics_version(run, [fold.fold for fold in status.folds])
head.header(run, config, info, status, colour, listed)
if problem := st.session_state.pop(head.PROBLEM, None):
    badges.show_error(problem)
ended = status.state == "done"  # then its result stands first
with st.container():
    if not ended:
        tour.section(run, status, listed)
with st.container():
    head.ways_on(run, status)
asks = st.container()
with asks:
    asked = moved.ask(run)
with st.container():
    if not status.everybody and (doubts := view.doubts_html(view.doubts_of(run))):  # of its folds
        st.html(doubts)
with st.container():
    if status.everybody:
        everybody.about(run, config, info)
    else:
        result.section(run, config, status)
with st.container():
    if ended:
        tour.section(run, status, listed)
curves.plotly_once()
drawn = signature(status, version, every)
photos = next((summary.get("samples", 0) for summary in listed if summary["id"] == run.id), 0)
others = [] if status.everybody else looks.others_of(run, config, entries)
st.fragment(out_of_reach.noticed(tick), run_every=every)(
    run, config, info["class_names"], photos, colour, others, drawn
)
with st.container():
    if status.active and not version:
        samples.about_to_learn(run)
with st.container():
    if not status.everybody:
        baseline.section(run, status, view.metrics_of(version))
with st.container():
    apart.section(run, info, status)
with st.container():
    if not status.everybody:
        certainty.section(run, [fold.fold for fold in status.folds if fold.state == "done"])
with st.container():
    if not status.everybody:
        everybody.section(run, status, listed)
with st.container():
    if not status.everybody:
        extras.section(run, status, listed)
with st.container():
    take.section(run, status)
if not asked and moved.is_noted(run):  # by what was tried further down just now
    with asks:
        moved.ask(run)

tab_log, tab_samples, tab_rates, tab_groups = st.tabs(
    ["Log", "Samples as the network sees them", "Learning rates", "Groups"], key="live-tabs", on_change="rerun"
)
with tab_log:
    st.fragment(out_of_reach.noticed(log), run_every=every and 2 * every)(run)
if tab_samples.open:
    with tab_samples:
        samples.tab(run, config)
if tab_rates.open:
    with tab_rates:
        st.fragment(out_of_reach.noticed(rates.tab), run_every=every and 5 * every)(run, config, colour)
if tab_groups.open:
    with tab_groups:
        if status.everybody:
            st.caption("Nobody was held out, so no group of people has a score.")
        else:
            groups.tab(run)
