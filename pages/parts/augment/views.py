"""The views of Augmentation: draws, step by step, one batch, one parameter walked, cost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import machine
from core.augment import steps as drawn
from core.augment.pipeline import TRANSFORMS, sample_seed
from core.augment.preview import draws as draws_of
from core.augment.preview import validation_view
from core.config import RunConfig
from core.text import count, plain
from pages.parts.augment import effect as augment_effect
from pages.parts.augment.photo import Photo, Photos
from pages.parts.shared import faces, tables
from pages.parts.shared.fields import begin, field

DRAWS, COUNTS = 16, [4, 8, 16, 32, 64]
EXACT = 320  # px; larger pictures are sent as JPEG, made smaller for the screen
CSS = """<style>
.augment { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: .55rem; }
.augment figure { margin: 0; font-size: .78rem; line-height: 1.35; overflow-wrap: anywhere; min-width: 0; }
.augment img { width: 100%; border-radius: 4px; display: block; margin-bottom: .2rem; }
.augment small { opacity: .75; } .augment .off img { opacity: .35; }
.augment.large { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
</style>"""


@dataclass(frozen=True)
class Desk:
    """What lies before a view. photos, photo: None where there are none. restart: after the draft was changed."""

    config: RunConfig | None
    photos: Photos | None
    photo: Photo | None
    draft: dict[str, Any]
    restart: Callable[[], None]

    @property
    def fold(self) -> int:
        """A fold that trains on the photo: the first one that does not hold it out."""
        return 1 if self.photo.fold == 0 else 0


def grid(cells: list[tuple[np.ndarray, str, str, str]], large: bool = False) -> None:
    """cells: (uint8 image, first line, second line, CSS class). What the network sees is sent byte for byte."""
    with ThreadPoolExecutor(machine.cores()) as pool:
        sent = list(pool.map(lambda cell: faces.image(cell[0], cell[1], max(cell[0].shape[:2]) <= EXACT), cells))
    inside = "".join(
        f'<figure class="{kind}">{picture}<div>{escape(first)}</div><small>{escape(second)}</small></figure>'
        for picture, (_, first, second, kind) in zip(sent, cells, strict=True)
    )
    st.html(f'{CSS}<div class="augment{" large" if large else ""}">{inside}</div>')


def draws(desk: Desk) -> None:
    config, photo = desk.config, desk.photo
    first, many = st.session_state.setdefault("augment-epoch", 1), st.session_state.get("augment-count", DRAWS)
    epochs = list(range(first, first + many))
    seed = config.training.seed
    made = draws_of(photo.image, config.transforms, seed=seed, fold=desk.fold, epochs=epochs, row=photo.row)
    cells = [(_small(photo.image), "Original", _size(photo.image), "")]
    seen = validation_view(photo.image, config.transforms)
    cells.append((seen, "Validation", _size(seen), ""))
    cells += [(image, f"Epoch {epoch}", "", "") for epoch, image in zip(epochs, made, strict=True)]
    grid(cells)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"{plain(photo.name)} · {plain(photo.told)} · what training makes of it in fold {desk.fold} with seed "
            f"{seed}, before colours are normalised.",
            width="stretch",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="bottom"):
            begin(st.selectbox, "Draws", COUNTS, key="augment-count", begins=DRAWS, width=90)
            st.button("Draw again", icon=":material/casino:", on_click=_later, args=(many,))


def _later(many: int) -> None:
    st.session_state["augment-epoch"] += many


def steps(desk: Desk) -> None:
    epoch = st.number_input("Epoch", 1, 100_000, key="augment-step-epoch", width=140, help="Another one draws anew.")
    config, photo = desk.config, desk.photo
    seed = sample_seed(config.training.seed, desk.fold, int(epoch), photo.row)
    cells = [(_small(photo.image), "Original", _size(photo.image), "")]
    for place, step in enumerate(drawn.steps(photo.image, config.transforms, seed), 1):
        told = step.drawn or ("" if step.applied else "not applied this time")
        cells.append((_small(step.image), f"{place}. {step.name}", told, "" if step.applied else "off"))
    grid(cells, large=True)
    st.caption("Faded: not applied in this draw. The last image is what training gets, before colours are normalised.")


def batch(desk: Desk) -> None:
    if desk.photos is None or not desk.photos.planned:
        why = desk.photos.why if desk.photos else "no dataset is chosen"
        st.info(f"A batch needs a dataset that can be trained on: {plain(why)}.", icon=":material/info:")
        return
    from core.training import batch_view  # torch, which the other views do without

    mix = desk.draft["mix"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = "augment-mix"
        kinds = ["none", "mixup", "cutmix", "both"]
        field(
            st.segmented_control, "Mix images", kinds, key=key, holds=mix["method"],
            take=lambda method: mix.update(method=method), required=True,
        )  # fmt: skip
        field(
            st.slider, "Mixing alpha", 0.05, 2.0, key=f"{key}-alpha", holds=min(2.0, max(0.05, float(mix["alpha"]))),
            take=lambda alpha: mix.update(alpha=alpha), step=0.05, width=180,
            help="Small: one of the two images dominates.",
        )  # fmt: skip
        fold = st.number_input("Fold", 0, desk.config.folds.count - 1, key="augment-batch-fold", width=110)
        epoch = st.number_input("Epoch", 1, 100_000, key="augment-batch-epoch", width=110)
        step = st.number_input("Step", 1, 100_000, key="augment-batch-step", width=110)
    config = RunConfig.model_validate(desk.draft)
    with st.spinner("Making the batch", show_time=True):
        names = desk.photos.class_names
        found = batch_view.batch(
            config, desk.photos.samples, len(names), fold=int(fold), epoch=int(epoch), step=int(step) - 1, limit=32
        )
    people = desk.photos.samples["class_name"].to_numpy()[found.rows]
    grid(
        [
            (image, batch_view.shares_in_words(target, names), "" if not found.mixed else f"from {person}", "")
            for image, target, person in zip(found.images, found.targets, people, strict=True)
        ]
    )
    told = "mixed" if found.mixed else "not mixed"
    st.caption(
        f"Step {found.step + 1} of {count(found.steps)} of epoch {epoch}, fold {fold}: {told}; "
        f"{len(found.images)} of {config.training.batch_size} images. The labels are the targets of the loss, before "
        "label smoothing."
    )


def walk(desk: Desk) -> None:
    options = [
        (index, name)
        for index, t in enumerate(desk.config.transforms)
        if t.enabled and t.name != "Normalize"
        for name, param in TRANSFORMS[t.name].params.items()
        if param.kind != "rgb"
    ]
    if not options:
        st.info("No transform in the list has a parameter to walk.", icon=":material/tune:")
        return
    listed = desk.config.transforms
    options.sort(key=lambda o: desk.config.transforms[o[0]].deterministic)  # what is drawn comes first
    label = {o: f"{o[0] + 1}. {listed[o[0]].name}: {o[1].replace('_', ' ')}" for o in options}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index, name = st.selectbox("Parameter", options, format_func=label.get, key="augment-walk", width=330)
        param = TRANSFORMS[listed[index].name].params[name]
        values = drawn.strengths(listed[index].name, name, 8).tolist()
        value = begin(
            st.select_slider, f"Value{', ' + param.unit if param.unit else ''}", values,
            key=f"augment-walk-{listed[index].name}-{name}", begins=values[len(values) // 2], format_func=_told,
            help=param.help,
        )  # fmt: skip
    seed = sample_seed(desk.config.training.seed, desk.fold, 1, desk.photo.row)
    cells = []
    for at in values:
        try:
            image = drawn.walk(desk.photo.image, listed, index, name, [at], seed)[0]
        except ValueError as error:
            st.caption(f"{_told(at)}: {plain(' '.join(str(error).split())[:200])}")
            continue
        cells.append((_small(image), f"{_told(at)} {param.unit}", "chosen" if at == value else "", ""))
    chosen = [cell for cell in cells if cell[2]]
    grid(chosen, large=True)
    grid(cells)
    st.caption("This transform alone, always applied, with the same draw at each value; the others that draw are off.")


def effect(desk: Desk) -> None:
    augment_effect.show(desk.config, desk.photos, desk.photo, desk.fold)


def cost(desk: Desk) -> None:
    seed = sample_seed(desk.config.training.seed, desk.fold, 1, desk.photo.row)
    with st.spinner("Measuring", show_time=True):
        found = drawn.costs(desk.photo.image, desk.config.transforms, seed)
    table = pd.DataFrame(
        [
            (cost.name, "once a photo" if cost.once else "each epoch", cost.milliseconds, 1000 / cost.milliseconds)
            for cost in found
        ],
        columns=["Transform", "Paid", "ms", "rate"],
    )
    table["Transform"] = table["Transform"].replace("whole", "All of each epoch, as they are drawn")
    tables.table(
        table, "costs.csv", key="augment-costs", hide_index=True,
        column_config={
            "ms": st.column_config.NumberColumn("Milliseconds an image", format="%.2f"),
            "rate": st.column_config.NumberColumn("Images per second", format="localized"),
        },
    )  # fmt: skip
    st.caption(
        "On this machine, one thread, at the size that stands in the list. Single lines: always applied. What "
        "stands at the start and is the same for every epoch is computed once and kept."
    )


def _told(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _small(image: np.ndarray) -> np.ndarray:
    """At most 480 px a side, for the screen."""
    step = max(1, max(image.shape[:2]) // 480)
    return np.ascontiguousarray(image[::step, ::step])


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} × {image.shape[0]} px"
