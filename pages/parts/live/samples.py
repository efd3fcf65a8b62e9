"""Photos that a run is about to learn from, and as its network sees them in an epoch."""

from __future__ import annotations

import base64
import io
from html import escape
from textwrap import shorten

import numpy as np
import streamlit as st

from core.config import RunConfig
from core.data.pictures.photo import StoredPhoto, photo_of
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import ALONE
from core.text import count
from pages.parts.dataset import strip
from pages.parts.shared import badges

SAMPLES = 12
LONGEST_NAME = 60  # letters of a class beneath a photo


def about_to_learn(run: Run) -> None:
    """A strip of a run's photos; nothing where they cannot be read, which its folds say themselves."""
    if html := strip.of_run(run):
        st.html(f'<div class="lab-meta">It is about to learn from photos such as these:</div>{html}')


def network_samples(run_id: str, fold: int, epoch: int, photos: tuple[int, ...]) -> tuple[list[tuple[str, str]], str]:
    """(JPEG as base64, class name) of training images, augmented exactly as in that epoch; and what went wrong.

    photos: the version of the run's.
    """
    pictures, fault = [], ""
    for photo, row, name in _chosen(run_id, fold, epoch, photos):
        try:
            pictures.append((_as_trained(run_id, fold, epoch, photo, photo.stamp(), row), name))
        except LabError as error:
            fault = str(error)
    return pictures, fault


@st.cache_data(max_entries=8, show_spinner=False)
def _chosen(run_id: str, fold: int, epoch: int, photos: tuple[int, ...]) -> list[tuple[StoredPhoto, int, str]]:
    """(photo, its row, class name) of some that the fold is trained on."""
    table = Run(run_id).samples()
    rows = np.flatnonzero(table["fold"] != fold)
    chosen = np.random.default_rng(epoch).permutation(rows)[:SAMPLES]
    names = (shorten(str(name), LONGEST_NAME, placeholder="...") for name in table["class_name"].iloc[chosen])
    return [(photo_of(table.iloc[row]), int(row), name) for row, name in zip(chosen, names, strict=True)]


@st.cache_data(max_entries=8 * SAMPLES, show_spinner=False)
def _as_trained(run_id: str, fold: int, epoch: int, photo: StoredPhoto, now: tuple[int, ...] | None, row: int) -> str:
    """A photo as JPEG in base64, augmented as in that epoch. now: of the file that lies there.

    Raises LabError for a bad one, which is not remembered: it may be back the next time.
    """
    from PIL import Image

    from core.augment.pipeline import build_transform, sample_seed

    config, stream = Run(run_id).config(), io.BytesIO()
    lead, train = (build_transform(config.transforms, stage) for stage in ("lead", "train"))
    seed = sample_seed(config.training.seed, fold, epoch, row)
    Image.fromarray(train(lead(photo.pixels()), seed)).save(stream, "JPEG", quality=90)
    return base64.b64encode(stream.getvalue()).decode()


def tab(run: Run, config: RunConfig) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fold = ALONE
        if config.folds.everybody is None:
            fold = st.selectbox("Fold", run.folds(), format_func=lambda fold: f"fold {fold}", width=140)
        epoch = st.number_input("Epoch", 1, config.epochs, 1, width=140, help="Each epoch augments anew.")
    try:
        with st.spinner("Augmenting photos"):
            pictures, fault = network_samples(run.id, fold, int(epoch), run.photos_version())
    except (LabError, OSError) as error:
        pictures, fault = [], str(error)
    height, width = config.input_size
    figures_html = "".join(
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{data}">{escape(name)}</figure>'
        for data, name in pictures
    )
    st.html(f'<div class="lab-faces">{figures_html}</div>')
    if fault:
        st.html(badges.fault(fault, state="interrupted"))
    if pictures:
        whose = "the network" if config.folds.everybody else f"fold {count(fold)}"
        size = f"{count(width)} × {count(height)} px"
        st.caption(f"{size}, augmented as {whose} sees them in epoch {count(epoch)}.")
