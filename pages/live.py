"""Live: one run, its folds and curves as they grow."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from textwrap import shorten

import numpy as np
import streamlit as st

from core.answers import yes_no_scores
from core.config import RunConfig, to_yaml
from core.data.labels import correction_rows, corrections
from core.data.tasks import attributes_of
from core.data.yes_no import pairs
from core.errors import LabError
from core.figures import comparison_curves
from core.jobs import control
from core.runs import Run, metrics_file, starts
from core.runs.colours import colour_of
from core.runs.everybody.unmeasured import ALONE
from core.runs.lists import index
from core.text import ago, count, number_of, plain
from pages.parts.hand import hand
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
from pages.parts.shared import badges, frame, moved, run_picker, tables, theme

TICK = 1.0  # seconds
SAMPLES = 12
MEND = "Copy its files back from a backup, or choose another run."
MIXED = dict.fromkeys(
    ("mixup", "cutmix", "both"),
    " Photos are mixed in pairs here: training loss is against both labels, and training accuracy and F1 count a mixed "
    "photo for the label with the larger share, so they stay below what the network can do; validation is not mixed.",
)
LONGEST_NAME = 60  # letters of a class beneath a photo
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
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LabError(
            f"run '{run_id}' is unreadable: its configuration or run.json is damaged ({type(error).__name__}).",
            MEND,
            kind="unreadable",
        ) from error
    if not run.folds():
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


def header(run: Run, config: RunConfig, info: dict, status: view.RunStatus, colour: str, listed: list[dict]) -> None:
    dataset = Path(config.data.root).name or "dataset"
    facts = [
        config.task.title,
        dataset,
        pairs.in_words(info["class_names"], config.task.one_by_one),
    ]
    head = f", {theme.word('factored head')}" if config.model.head == "factored" else ""
    launched = f"launched {ago(info.get('created'))}"
    folds = everybody.fact(config) if status.everybody else escape(number_of(len(status.folds), "fold"))
    network = f"ResNet-{config.model.depth}{head}"
    facts_html = " · ".join([*map(escape, facts), folds, network, origin(config, info), escape(launched)])
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(
            f'<div class="lab-title">{badges.dot(colour)}{escape(config.name)}</div>'
            f'<div class="lab-meta">{facts_html}</div>',
            width="content",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            run_picker.pick_run(listed, run.id)
            actions(run, config, status)


def origin(config: RunConfig, info: dict) -> str:
    """HTML: where the first weights came from; a parent run is a link, a file has the start of its hash."""
    used = info.get("weights") or {}  # a worker writes them when it begins
    hashed = f", SHA-256 {str(used['sha256'])[:8]}…" if used.get("sha256") else ""
    if parent := config.model.parent:
        words = f"from the {config.model.init_checkpoint} weights of "
        return f'{words}<a href="live?run={escape(parent)}" target="_self">{escape(parent)}</a>, fold by fold'
    if config.model.init == "scratch":
        return "from scratch"
    name = "ImageNet weights" if config.model.init == "imagenet" else Path(config.model.init.removeprefix("file:")).name
    return escape(f"from {name}{hashed}")


def actions(run: Run, config: RunConfig, status: view.RunStatus) -> None:
    if status.active:
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            help="Stop it; checkpoints are kept, and Resume goes on from them.",
            on_click=cancel,
            args=(run,),
        )
    if status.paused or any(fold.state in badges.STOPPED for fold in status.folds):
        st.button(
            "Resume",
            icon=":material/play_arrow:",
            type="primary",
            help="Go on with every fold of this run that is not done, from its last checkpoint"
            f"{'; the rest of its study stays paused' if status.paused else ''}.",
            on_click=resume,
            args=(run,),
        )
    with st.popover("Config", icon=":material/tune:"):
        text = to_yaml(config)
        st.download_button(
            "Download config.yaml", text, f"{run.id}.yaml", "application/yaml", on_click="ignore", width="stretch"
        )
        st.code(text, "yaml", height=420)
        corrected(run)
    if status.everybody:
        return  # it is trained again from the page of the run whose people they are
    ended = not status.active and any(fold.state == "done" for fold in status.folds)
    if not ended and st.button("Run again", icon=":material/replay:", help="Open Launch with these settings."):
        st.switch_page(LAUNCH, query_params={"from": run.id})


def corrected(run: Run) -> None:
    """Which label corrections the run was frozen with."""
    try:
        used = corrections.read(run.corrections_file)
    except LabError as error:
        badges.show_error(error)
        return
    if not used:
        st.caption("No label corrections.")
        return
    st.caption(f"Label corrections in this run: {count(len(used))}")
    tables.table(
        correction_rows.table(used)[["kind", "sample", "person", "attribute", "before", "after", "reason"]],
        "corrections.csv",
        hide_index=True,
        key="live-corrections",
    )


def cancel(run: Run) -> None:
    try:
        with st.spinner("Stopping the run"):
            control.cancel(run)
    except LabError as error:
        st.session_state["live-error"] = error


def resume(run: Run) -> None:
    try:
        if not control.resume(run):
            st.toast("Nothing to resume: every fold is done or under way.")
    except LabError as error:
        if not moved.note(run, error):
            st.session_state["live-error"] = error


def tab_title(status: view.RunStatus, name: str) -> str:
    """ "87 % · utk-full" while it trains, else "done · utk-full"."""
    return f"{f'{status.share:.0%}' if status.running else badges.state_badge(status.state).word} · {name}"


def tick(run: Run, config: RunConfig, names: list[str], colour: str, drawn: tuple) -> None:
    """Everything that changes while a run trains. Ends with a rerun of the page when the run's state changed."""
    if not run.exists():
        st.rerun()
    status = view.read_status(run, config, control.waiting())
    if status.signature != drawn:
        st.rerun()
    if status.active and not status.running:
        frame.look_after_workers()
    frame.tab(tab_title(status, config.name), status.state)
    folds = [fold.fold for fold in status.folds]
    version = view.metrics_version(run, folds)
    table = view.metrics_of(version)
    st.html(view.progress_html(status, table))
    doubts = view.doubts_of(run)
    if not status.everybody:  # the bar tells all of it
        st.html(view.folds_html(status, doubts.absent, colour))
    with st.container():  # always there, so that what follows keeps its place on the page
        if failures := view.failures_html(status.folds):
            st.html(failures)
            with st.expander("Show log", icon=":material/terminal:"):
                st.code(run.log_tail(60) or "The log is empty.", None, height=300)
        if resumed := starts.sentence(run, folds):
            st.caption(plain(resumed))
    phases = tuple(view.phases_of(config))
    lines = () if status.everybody else tuple(folds)
    curves.draw(charts.charts(version, phases, config.epochs, lines, colour), key=f"live-curves-{run.id}")
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
        f"{f1} The best epoch is chosen on the validation fold itself, which flatters; the last epoch is not chosen. "
        f"{loss}{MIXED.get(config.mix.method, '')}"
    )
    draw_attributes(run, config, [fold.fold for fold in status.folds if fold.state == "done"])


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
    st.html(attributes.table_html(scores))
    st.caption(
        "Each attribute as the joint predictions tell it: a value has the summed probability of the classes with it."
    )


def log(run: Run) -> None:
    with st.container(height=320, border=False, autoscroll=True):
        st.code(run.log_tail(40) or "The log is empty until a worker starts.", None)


def rates(run: Run, config: RunConfig, colour: str) -> None:
    version = view.metrics_version(run, run.folds())
    if not len(view.metrics_of(version)):
        st.caption("Learning rates appear after the first epoch.")
        return
    curves.draw(charts.rates(version, tuple(view.phases_of(config)), colour), key=f"live-rates-{run.id}")


@st.cache_data(max_entries=8, show_spinner=False)
def network_samples(run_id: str, fold: int, epoch: int, photos: tuple[int, ...]) -> tuple[list[tuple[str, str]], str]:
    """(JPEG as base64, class name) of training images, augmented exactly as in that epoch; and what went wrong.

    photos: the version of the run's.
    """
    from PIL import Image

    from core.augment.pipeline import build_transform, sample_seed
    from core.data.pictures.photo import photo_of

    run = Run(run_id)
    config, table = run.config(), run.samples()
    lead, train = (build_transform(config.transforms, stage) for stage in ("lead", "train"))
    rows = np.flatnonzero(table["fold"] != fold)
    chosen = np.random.default_rng(epoch).permutation(rows)[:SAMPLES]
    faces, fault = [], ""
    for row in chosen:
        try:
            pixels = lead(photo_of(table.iloc[row]).pixels())
        except LabError as error:
            fault = str(error)
            continue
        stream = io.BytesIO()
        seed = sample_seed(config.training.seed, fold, epoch, int(row))
        Image.fromarray(train(pixels, seed)).save(stream, "JPEG", quality=90)
        name = shorten(str(table["class_name"].iloc[row]), LONGEST_NAME, placeholder="...")
        faces.append((base64.b64encode(stream.getvalue()).decode(), name))
    return faces, fault


def samples(run: Run, config: RunConfig) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fold = ALONE
        if config.folds.everybody is None:
            fold = st.selectbox("Fold", run.folds(), format_func=lambda fold: f"fold {fold}", width=140)
        epoch = st.number_input("Epoch", 1, config.epochs, 1, width=140, help="Each epoch augments anew.")
    try:
        with st.spinner("Augmenting photos"):
            faces, fault = network_samples(run.id, fold, int(epoch), run.photos_version())
    except (LabError, OSError) as error:
        faces, fault = [], str(error)
    height, width = config.input_size
    figures_html = "".join(
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{data}">{escape(name)}</figure>'
        for data, name in faces
    )
    st.html(f'<div class="lab-faces">{figures_html}</div>')
    if fault:
        st.html(badges.fault(fault, state="interrupted"))
    if faces:
        whose = "the network" if config.folds.everybody else f"fold {count(fold)}"
        size = f"{count(width)} × {count(height)} px"
        st.caption(f"{size}, augmented as {whose} sees them in epoch {count(epoch)}.")


frame.begin_page(shows=(hand.STUDY,))
listed = index.summaries()
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
    st.html('<div class="lab-title">Live</div>')
    badges.show_error(error)
    run_picker.pick_run(listed, None)
    st.fragment(look_again, run_every=TICK)(run_id, str(error))
    st.stop()
hand.take(run.id)

colour = colour_of({**info, "id": run.id})
status = view.read_status(run, config, control.waiting())
every = TICK if status.active else None
header(run, config, info, status, colour, listed)
if problem := st.session_state.pop("live-error", None):
    badges.show_error(problem)
with st.container():
    moved.ask(run)
with st.container():
    if not status.everybody and (doubts := view.doubts_html(view.doubts_of(run))):  # of its folds
        st.html(doubts)
with st.container():
    if status.everybody:
        everybody.about(run, config, info)
    else:
        result.section(run, config, status)
curves.plotly_once()
st.fragment(tick, run_every=every)(run, config, info["class_names"], colour, status.signature)
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

tab_log, tab_samples, tab_rates, tab_groups = st.tabs(
    ["Log", "Samples as the network sees them", "Learning rates", "Groups"], key="live-tabs", on_change="rerun"
)
with tab_log:
    st.fragment(log, run_every=2 * TICK if status.active else None)(run)
if tab_samples.open:
    with tab_samples:
        samples(run, config)
if tab_rates.open:
    with tab_rates:
        st.fragment(rates, run_every=5 * TICK if status.active else None)(run, config, colour)
if tab_groups.open:
    with tab_groups:
        if status.everybody:
            st.caption("Nobody was held out, so no group of people has a score.")
        else:
            groups.tab(run)
