"""Augmentation, effect on faces: what each transform takes away, where, and what it does to dark and light ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from html import escape

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.augment import steps
from core.augment.effects import WHERE, Effect, bands_of, effects, face_bands
from core.augment.mends import mend
from core.augment.notes import Notes, notes_from
from core.augment.notes import notes_of as measured_notes
from core.augment.pipeline import sample_seed
from core.augment.preview import validation_view
from core.config import RunConfig, TransformConfig
from core.config.transforms import title_of
from core.data.pictures.photo import photos_of
from core.data.values import noun_of
from core.errors import LabError
from core.text import count
from pages.parts.augment.photo import Photo, Photos
from pages.parts.shared import badges, faces, theme
from pages.parts.shared.fields import begin

FEW, MANY, SEEDS = 6, 24, 4  # photos for the warnings, photos for the view, draws of each
ENDS = 3  # darkest and lightest photos that are shown
MEMO, REMEMBERED = "augment-effects", 400
PIXELS = 60_000_000  # decoded at once for measuring
_CSS = """<style>
.effect { overflow-x: auto; } .effect table { border-collapse: collapse; width: 100%; font-size: .88rem;
  font-variant-numeric: tabular-nums; }
.effect .none { opacity: .74; }
.effect th { font-weight: 500; opacity: .74; padding: .25rem .5rem; text-align: left; vertical-align: bottom; }
.effect td { padding: .35rem .5rem; border-top: 1px solid color-mix(in srgb, currentColor 13%, transparent); }
.effect img { height: 84px; border-radius: 4px; display: block; margin-bottom: .15rem; }
.effect .grey { display: inline-flex; align-items: center; gap: .35rem; white-space: nowrap; }
.effect i { width: 1.25rem; height: 1.25rem; border-radius: 3px; flex: none;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.effect small { opacity: .74; display: block; }
.ends { display: grid; gap: .35rem .4rem; align-items: end; overflow-x: auto; }
.ends img { width: 100%; border-radius: 4px; display: block; } .ends figure { margin: 0; font-size: .76rem; }
.ends .name { font-size: .82rem; overflow-wrap: anywhere; align-self: center; }
.ends .head { font-size: .82rem; font-weight: 600; }
</style>"""


def notes_of(config: RunConfig, photos: Photos | None, photo: Photo) -> Notes:
    """Place in the list -> warnings, measured on a few photos of the dataset (the uploaded one, if it is that)."""
    measured = _measured(config, photos, photo, FEW)
    return notes_from(measured, config.transforms, _sizes(photos, photo), _noun(photos))


def mended(config: RunConfig, index: int, photos: Photos | None, photo: Photo) -> list[TransformConfig] | None:
    """The list with that entry changed until nothing is said of it on the same photos; None where nothing helps.

    Raises LabError where it cannot be measured.
    """
    sizes, (stamp, load) = _sizes(photos, photo), _to_measure(photos, photo, FEW)
    load, memo = cache(load), _memo(stamp)
    with st.spinner("Measuring which change is enough", show_time=True):
        return mend(
            config.transforms,
            index,
            lambda listed: measured_notes(listed, load, sizes, range(SEEDS), noun=_noun(photos), memo=memo),
            sizes,
        )


def _sizes(photos: Photos | None, photo: Photo) -> np.ndarray:
    """(n, 2), width and height in pixels."""
    if photo.uploaded or photos is None:
        return np.array([photo.image.shape[1::-1]])
    return photos.samples[["width", "height"]].to_numpy()


def _to_measure(photos: Photos | None, photo: Photo, most: int) -> tuple[str, Callable[[], list[np.ndarray]]]:
    """(what stands for the photos that are measured, what decodes them): the uploaded one, else some from all over."""
    if photo.uploaded or photos is None:
        return photo.stamp, lambda: [photo.image]
    chosen = spread(photos.samples, most)
    return json.dumps([(*each, each.stamp()) for each in photos_of(chosen)]), partial(readable, chosen)


def _memo(stamp: str) -> dict[str, Effect]:
    """What was measured on these photos before."""
    memos = st.session_state.setdefault(MEMO, {})
    if sum(map(len, memos.values())) > REMEMBERED:
        memos.clear()
    return memos.setdefault(stamp, {})


def _measured(config: RunConfig, photos: Photos | None, photo: Photo, most: int) -> list[Effect]:
    """Effects on the uploaded photo, else on photos from all over the table; what was measured before is kept."""
    stamp, load = _to_measure(photos, photo, most)
    try:
        with st.spinner("Measuring what the transforms take away", show_time=True):
            return effects(load, config.transforms, range(SEEDS), _memo(stamp))
    except LabError as error:
        badges.show_error(error)
        return []
    except LookupError:  # not one of the photos can be read; the page says so where the photo itself is shown
        return []


def spread(samples: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many rows from all over the table, fewer where the photos are very large."""
    step = max(1, len(samples) // most)
    chosen = samples.iloc[::step][:most]
    pixels = (chosen["width"] * chosen["height"]).cumsum()
    return chosen[(pixels <= PIXELS) | (pixels == pixels.iloc[0])]


def readable(chosen: pd.DataFrame) -> list[np.ndarray]:
    """The decoded photos that can be read. Raises LookupError if none can."""
    images = []
    for photo in photos_of(chosen):
        try:
            images.append(photo.pixels())
        except LabError:
            continue
    if not images:
        raise LookupError
    return images


def show(config: RunConfig, photos: Photos | None, photo: Photo, fold: int) -> None:
    uploaded = photo.uploaded or photos is None
    measured = _measured(config, photos, photo, 1 if uploaded else MANY)
    if not measured:
        st.info("The list holds nothing to measure: only Resize and Normalize.", icon=":material/info:")
        return
    noun = _noun(photos)
    st.html(f'{_CSS}<div class="effect">{_table(measured, uploaded, noun)}</div>')
    draws = sum(1 for t in config.transforms if t.enabled and not t.deterministic)
    of = "the uploaded photo" if uploaded else f"{count(len(measured[0].before))} photos from all over the dataset"
    st.caption(
        f"Measured on {of}, {SEEDS} draws of each, every transform always applied where it stands. "
        f"{'The face' if noun == 'face' else 'The middle'} is an ellipse, 60 % of the photo's width and 80 % of its "
        "height, in three bands. Red: how often a place is covered, out of the frame, or newly pure black or white."
    )
    if not uploaded and draws:
        _ends(config, photos, measured, fold)


def _noun(photos: Photos | None) -> str:
    return "photo" if photos is None else noun_of(photos.samples)


def _table(measured: Sequence[Effect], single: bool, noun: str) -> str:
    taken = "Face taken" if noun == "face" else "Middle taken"
    head = ["Transform", taken, *(band.capitalize() for band in bands_of(noun)), "Frame cut"]
    head += [f"Grey of {WHERE[noun]}"] if single else ["Darkest third", "Lightest third"]
    rows = []
    for effect in measured:
        shares = [effect.removed, *effect.bands.values(), effect.cut]
        greys = [effect.grey] if single else [effect.dark, effect.light]
        tint = "background:color-mix(in srgb, #d9483b {:.0f}%, transparent)"
        cells = "".join(
            f'<td class="{"" if share >= 0.005 else "none"}" style="{tint.format(60 * min(1, share))}">{share:.0%}</td>'
            for share in shares
        )
        cells += "".join(f"<td>{_swatches(*pair)}</td>" for pair in greys)
        rows.append(f"<tr><td>{faces.image(heat(effect), '')}{_named(effect.name)}</td>{cells}</tr>")
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{''.join(rows)}</table>"


def _named(name: str) -> str:
    """As the list beside it calls a transform; the library's own name on hover."""
    return f'<span title="{escape(name)}">{escape(title_of(name))}</span>'


def _swatches(before: float, after: float) -> str:
    swatches = (f'<i style="background:rgb({g:.0f},{g:.0f},{g:.0f})"></i>{g:.0f}' for g in (before, after))
    return f'<span class="grey">{" → ".join(swatches)}</span>'


def heat(effect: Effect) -> np.ndarray:
    """The mean photo in grey, red where pixels are taken, uint8 (h, w, 3); the face's outline in white."""
    height, width = effect.mean.shape[:2]
    grey = np.repeat(effect.mean.mean(axis=2, keepdims=True), 3, axis=2)
    lost = np.asarray(Image.fromarray(effect.where.astype(np.float32)).resize((width, height)))[:, :, None]
    picture = grey * (1 - 0.8 * lost) + np.array([217, 50, 40]) * 0.8 * lost
    inside = face_bands(height, width, effect.bounds) > 0
    edge = inside & ~(np.roll(inside, 1, 0) & np.roll(inside, -1, 0) & np.roll(inside, 1, 1) & np.roll(inside, -1, 1))
    picture[edge] = 0.5 * picture[edge] + 127
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _ends(config: RunConfig, photos: Photos, measured: Sequence[Effect], fold: int) -> None:
    """The darkest and the lightest photos, as validation sees them and under each transform that draws."""
    theme.heading(f"Dark and light {noun_of(photos.samples)}s")
    names = {
        i: f"{i + 1}. {title_of(t.name)}" for i, t in enumerate(config.transforms) if t.enabled and not t.deterministic
    }
    shifts = {e.index: abs(e.dark[1] - e.dark[0]) + abs(e.light[1] - e.light[0]) for e in measured if e.index in names}
    strongest = [max(shifts, key=shifts.get)] if shifts else []
    indices = begin(
        st.multiselect,
        "Transforms",
        list(names),
        key="augment-ends",
        begins=strongest,
        format_func=names.get,
        width=480,
        help="Each alone and always applied.",
    )
    table = spread(photos.samples, MANY)
    order = np.argsort(measured[0].before, kind="stable")
    if len(order) != len(table):
        st.caption("Some of the photos cannot be read.")
        return
    ends = min(ENDS, len(order) // 2)
    chosen = table.iloc[[*order[:ends], *order[len(order) - ends :]]]
    seeds = [sample_seed(config.training.seed, fold, 1, int(row)) for row in chosen.index]
    images = readable(chosen)
    rows = [("As validation sees them", [validation_view(image, config.transforms) for image in images])]
    for index in indices:
        alone = steps.alone(config.transforms, index)
        rows.append((names[index], [alone(image, seed) for image, seed in zip(images, seeds, strict=True)]))
    st.html(_CSS + _grid(rows, ends))


def _grid(rows: Sequence[tuple[str, list[np.ndarray]]], ends: int) -> str:
    columns = f"minmax(76px, 110px) repeat({2 * ends}, minmax(64px, 170px))"
    cells = [f'<div></div><div class="head" style="grid-column:span {ends}">darkest</div>']
    cells.append(f'<div class="head" style="grid-column:span {ends}">lightest</div>')
    for name, images in rows:
        cells.append(f'<div class="name">{escape(name)}</div>')
        cells += [f"<figure>{faces.image(image, name)}</figure>" for image in images]
    return f'<div class="ends" style="grid-template-columns:{columns}">{"".join(cells)}</div>'
