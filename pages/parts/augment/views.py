"""The views of Augmentation: draws, step by step, one batch, one parameter walked, cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import machine
from core.augment import preview
from core.augment import steps as pipeline_steps
from core.augment.mends import in_words
from core.augment.pipeline import sample_seed
from core.config import RunConfig, TransformConfig
from core.config.transforms import TRANSFORMS, Param, param_title, title_of
from core.data.yes_no import pairs
from core.errors import ended
from core.text import count, plain
from pages.parts.augment import change
from pages.parts.augment import effect as effect_view
from pages.parts.augment.photo import LONGEST_NAME, Photo, Photos
from pages.parts.shared import faces, tables
from pages.parts.shared.fields import begin, field

DRAWS, COUNTS = 16, [4, 8, 16, 32, 64]
EXACT = 320  # px; larger pictures are sent as JPEG, made smaller for the screen
CSS = """<style>
.augment { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: .5rem; }
.augment figure { margin: 0; font-size: .78rem; line-height: 1.35; overflow-wrap: anywhere; min-width: 0; }
.augment img { width: 100%; border-radius: 4px; display: block; margin-bottom: .2rem; }
.augment small { opacity: .75; } .augment .off img { opacity: .35; }
.augment.large { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); }
</style>"""


@dataclass(frozen=True)
class ViewInputs:
    """A configuration and the photo that it is shown on.

    config: None while the draft has errors. photos, photo: None where there are none. restart: after the draft was
    changed.
    """

    config: RunConfig | None
    photos: Photos | None
    photo: Photo | None
    draft: dict[str, Any]
    restart: Callable[[], None]

    @property
    def fold(self) -> int:
        """A fold that trains on the photo: the first one that does not hold it out."""
        return 1 if self.photo.fold == 0 else 0

    def seed(self, epoch: int) -> int:
        """Of the draws that the photo gets in that epoch."""
        return sample_seed(self.config.training.seed, self.fold, epoch, self.photo.row)


@dataclass(frozen=True)
class Tile:
    """An image of the grid, uint8 (h, w, 3), with two lines beneath. kind: CSS class."""

    image: np.ndarray
    title: str
    detail: str = ""
    kind: str = ""

    def sent(self) -> str:
        """HTML of the image. What the network sees is sent byte for byte."""
        return faces.image(self.image, self.title, exact=max(self.image.shape[:2]) <= EXACT)


def grid(tiles: Sequence[Tile], large: bool = False) -> None:
    with ThreadPoolExecutor(machine.cores()) as pool:
        pictures = list(pool.map(Tile.sent, tiles))
    figures = "".join(
        f'<figure class="{tile.kind}">{picture}<div>{escape(tile.title)}</div>'
        f"<small>{escape(tile.detail)}</small></figure>"
        for tile, picture in zip(tiles, pictures, strict=True)
    )
    st.html(f'{CSS}<div class="augment{" large" if large else ""}">{figures}</div>')


def draws(inputs: ViewInputs) -> None:
    config, photo = inputs.config, inputs.photo
    first, number = st.session_state.setdefault("augment-epoch", 1), st.session_state.get("augment-count", DRAWS)
    epochs = list(range(first, first + number))
    seed = config.training.seed
    images = preview.draws(photo.image, config.transforms, seed=seed, fold=inputs.fold, epochs=epochs, row=photo.row)
    validation = preview.validation_view(photo.image, config.transforms)
    grid(
        [
            Tile(_small(photo.image), "Original", _size(photo.image)),
            Tile(validation, "Validation", _size(validation)),
            *(Tile(image, f"Epoch {epoch}") for epoch, image in zip(epochs, images, strict=True)),
        ]
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"{plain(photo.name)} · {plain(photo.description)} · what training makes of it in fold {inputs.fold} with "
            f"seed {seed}, before colours are normalised.",
            width="stretch",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="bottom"):
            begin(st.selectbox, "Draws", COUNTS, key="augment-count", begins=DRAWS, width=90)
            st.button("Draw again", icon=":material/casino:", on_click=redraw, args=(number,))


def redraw(epochs: int) -> None:
    """Show the draws of later epochs."""
    st.session_state["augment-epoch"] += epochs


def steps(inputs: ViewInputs) -> None:
    epoch = st.number_input("Epoch", 1, 100_000, key="augment-step-epoch", width=140, help="Another one draws anew.")
    image = inputs.photo.image
    tiles = [Tile(_small(image), "Original", _size(image))]
    for place, step in enumerate(pipeline_steps.steps(image, inputs.config.transforms, inputs.seed(int(epoch))), 1):
        detail = step.drawn or ("" if step.applied else "not applied this time")
        tiles.append(Tile(_small(step.image), f"{place}. {title_of(step.name)}", detail, "" if step.applied else "off"))
    grid(tiles, large=True)
    st.caption("Faded: not applied in this draw. The last image is what training gets, before colours are normalised.")


def batch(inputs: ViewInputs) -> None:
    if inputs.photos is None or not inputs.photos.planned:
        why = inputs.photos.why if inputs.photos else "no dataset is chosen"
        st.info(f"A batch needs a dataset that can be trained on: {plain(ended(why))}", icon=":material/info:")
        return
    from core.training import batch_view  # torch, which the other views do without

    with st.container(horizontal=True, vertical_alignment="bottom"):
        _mixing(inputs.draft["mix"])
        fold = st.number_input("Fold", 0, inputs.config.folds.count - 1, key="augment-batch-fold", width=110)
        epoch = st.number_input("Epoch", 1, 100_000, key="augment-batch-epoch", width=110)
        step = st.number_input("Step", 1, 100_000, key="augment-batch-step", width=110)
    config = RunConfig.model_validate(inputs.draft)
    samples, names = inputs.photos.samples, inputs.photos.class_names
    with st.spinner("Making the batch", show_time=True):
        mixed = batch_view.batch(
            config, samples, len(names), fold=int(fold), epoch=int(epoch), step=int(step) - 1, limit=32
        )
    classes = [shorten(name, LONGEST_NAME, placeholder="...") for name in samples["class_name"].to_numpy()[mixed.rows]]
    attribute_names = pairs.attributes_of(samples)
    words = batch_view.yes_in_words if attribute_names else batch_view.shares_in_words
    grid(
        [
            Tile(image, words(target, attribute_names or names), f"from {name}" if mixed.mixed else "")
            for image, target, name in zip(mixed.images, mixed.targets, classes, strict=True)
        ]
    )
    st.caption(
        f"Step {mixed.step + 1} of {count(mixed.steps)} of epoch {epoch}, fold {fold}: "
        f"{'mixed' if mixed.mixed else 'not mixed'}; {len(mixed.images)} of {config.training.batch_size} images. "
        "The labels are the targets of the loss, before label smoothing."
    )


def _mixing(mix: dict[str, Any]) -> None:
    """Controls for how images are mixed. mix: the part of the draft that they change."""
    field(
        st.segmented_control,
        "Mix images",
        ["none", "mixup", "cutmix", "both"],
        key="augment-mix",
        holds=mix["method"],
        take=lambda method: mix.update(method=method),
        required=True,
    )
    field(
        st.slider,
        "Mixing alpha",
        0.05,
        2.0,
        step=0.05,
        key="augment-mix-alpha",
        holds=min(2.0, max(0.05, float(mix["alpha"]))),
        take=lambda alpha: mix.update(alpha=alpha),
        width=180,
        help="Small: one of the two images dominates.",
    )


def walk(inputs: ViewInputs) -> None:
    transforms = inputs.config.transforms
    options = _walkable(transforms)
    if not options:
        st.info("No transform in the list has a parameter to walk.", icon=":material/tune:")
        return
    label = {(i, name): f"{i + 1}. {title_of(transforms[i].name)}: {param_title(name).lower()}" for i, name in options}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index, name = st.selectbox("Parameter", options, format_func=label.get, key="augment-walk", width=330)
        transform = transforms[index].name
        param = TRANSFORMS[transform].params[name]
        values = pipeline_steps.strengths(transform, name, 8).tolist()
        key = f"augment-walk-{transform}-{name}"
        value = begin(
            st.select_slider,
            f"Value{', ' + param.unit if param.unit else ''}",
            values,
            key=key,
            begins=values[len(values) // 2],
            format_func=_short,
            help=param.help,
        )
    with st.container(horizontal=True):
        _use(inputs, index, name, key, param)
    seed = inputs.seed(epoch=1)
    tiles = []
    for strength in values:
        try:
            image = pipeline_steps.walk(inputs.photo.image, transforms, index, name, [strength], seed)[0]
        except ValueError as error:
            st.caption(f"{_short(strength)}: {plain(' '.join(str(error).split())[:200])}")
            continue
        tiles.append(Tile(_small(image), f"{_short(strength)} {param.unit}", "chosen" if strength == value else ""))
    grid([tile for tile in tiles if tile.detail], large=True)
    grid(tiles)
    st.caption("This transform alone, always applied, with the same draw at each value; the others that draw are off.")


def _use(inputs: ViewInputs, index: int, name: str, slider: str, param: Param) -> None:
    """Buttons that put the value of the slider of this key into the list: as one end of a range, which takes the other
    end along where it must, or as the one number."""
    ends = {"lowest": 0, "highest": 1} if param.kind.endswith("range") else {"": None}
    for word, end in ends.items():
        label = f"Use as {word}" if word else "Use this value"
        st.button(
            label,
            icon=":material/check:",
            key=f"augment-use-{word or 'value'}",
            on_click=_take_walked,
            args=(inputs, inputs.draft["transforms"][index], name, slider, end),
        )


def _take_walked(inputs: ViewInputs, entry: dict[str, Any], name: str, slider: str, end: int | None) -> None:
    _take_value(inputs, entry, name, st.session_state[slider], end)  # where it was moved to, drawn there or not


def _take_value(inputs: ViewInputs, entry: dict[str, Any], name: str, value: float, end: int | None) -> None:
    """entry: of the draft, that was walked; nothing is taken where the draft has another one instead by now."""
    transforms = change.by_now(inputs.draft)
    index = next((i for i, each in enumerate(inputs.draft["transforms"]) if each is entry), None)
    if transforms is None or index is None:
        return
    transform = transforms[index]
    number = int(value) if TRANSFORMS[transform.name].params[name].kind.startswith("int") else value
    present: Any = number
    if end is not None:
        low, high = transform.params[name]
        present = [number, max(number, high)] if end == 0 else [min(number, low), number]
    walked = transform.model_copy(update={"params": {**transform.params, name: present}})
    listed = [walked if place == index else each for place, each in enumerate(transforms)]
    words = in_words(transform, walked) or "it has this value already"
    change.replace(inputs.draft, listed, f"{title_of(transform.name)}: {words}.", inputs.restart, is_other=None)


def _walkable(transforms: Sequence[TransformConfig]) -> list[tuple[int, str]]:
    """(place in the list, parameter) of all that can be walked; what is drawn comes first."""
    options = [
        (index, name)
        for index, t in enumerate(transforms)
        if t.enabled and t.name != "Normalize"
        for name, param in TRANSFORMS[t.name].params.items()
        if param.kind != "rgb"
    ]
    return sorted(options, key=lambda option: transforms[option[0]].deterministic)


def effect(inputs: ViewInputs) -> None:
    effect_view.show(inputs.config, inputs.photos, inputs.photo, inputs.fold)


def cost(inputs: ViewInputs) -> None:
    with st.spinner("Measuring", show_time=True):
        costs = pipeline_steps.costs(inputs.photo.image, inputs.config.transforms, inputs.seed(epoch=1))
    table = pd.DataFrame(
        [
            (
                title_of(cost.name),
                "once a photo" if cost.once else "each epoch",
                cost.milliseconds,
                round(1000 / cost.milliseconds),
            )
            for cost in costs
        ],
        columns=["Transform", "Paid", "ms", "rate"],
    )
    table["Transform"] = table["Transform"].replace("whole", "All of each epoch, as they are drawn")
    columns = {
        "ms": st.column_config.NumberColumn("Milliseconds an image", format="%.2f"),
        "rate": st.column_config.NumberColumn("Images per second", format="localized"),
    }
    tables.table(table, "costs.csv", key="augment-costs", hide_index=True, column_config=columns)
    st.caption(
        "On this machine, one thread, at the size that stands in the list. Single lines: always applied. What "
        "stands at the start and is the same for every epoch is computed once and kept."
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _small(image: np.ndarray) -> np.ndarray:
    """At most 480 px a side, for the screen."""
    step = max(1, max(image.shape[:2]) // 480)
    return np.ascontiguousarray(image[::step, ::step])


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} × {image.shape[0]} px"
