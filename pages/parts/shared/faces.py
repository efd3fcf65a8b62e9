"""Photos on screen: the grid of what the network sees, and galleries."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image
from pydantic import TypeAdapter

from core.augment.preview import views
from core.config import TransformConfig
from core.data.pictures.photo import StoredPhoto, photo_of
from core.data.thumbnails import thumbnail
from core.errors import LabError

_TRANSFORMS = TypeAdapter(list[TransformConfig])
_CSS = """<style>
.faces-classes { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1.1rem .9rem; }
.faces-class { min-width: 0; }
.faces-class h3 { font-size: .86rem; font-weight: 600; margin: 0 0 .3rem; padding: 0; overflow-wrap: anywhere; }
.faces-class h3 span { font-weight: 400; opacity: .74; }
.faces-pairs { display: grid; grid-template-columns: 1fr 1fr; gap: 3px; }
.faces-pairs img { width: 100%; border-radius: 3px; display: block; }
.faces-missing { aspect-ratio: 1; border-radius: 3px; display: grid; place-items: center; padding: .3rem;
  font-size: .75rem; background: color-mix(in srgb, currentColor 8%, transparent); }
</style>"""


_STRIP_CSS = """<style>
.lab-strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(64px, 1fr)); grid-auto-rows: 0;
  grid-template-rows: auto; column-gap: .45rem; overflow: hidden; padding-top: .35rem; }
.lab-strip figure { margin: 0; min-width: 0; max-width: 96px; font-size: .72rem; line-height: 1.3; }
.lab-strip img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px; display: block; }
.lab-strip figcaption { padding-top: .15rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  color: color-mix(in srgb, currentColor 78%, transparent); }
</style>"""


def strip(photos: Sequence[tuple[str, bytes]]) -> str:
    """HTML of one row of small photos, as many as there is room for: (what it is, or nothing; JPEG). Empty for none."""
    cells = "".join(
        f'<figure title="{escape(name, quote=True)}">{encoded(jpeg, name)}'
        f"{f'<figcaption>{escape(name)}</figcaption>' if name else ''}</figure>"
        for name, jpeg in photos
    )
    return f'{_STRIP_CSS}<div class="lab-strip">{cells}</div>' if cells else ""


def class_grid(
    transforms: str, photos: tuple[tuple[StoredPhoto, int, str], ...], counts: dict[str, int], seed: int, epoch: int
) -> str:
    """HTML: for each class its photos, the validation view above, one training draw beneath.

    transforms: the list as JSON. photos: (photo, row, class name) sorted by class. counts: photos a
    class.
    """
    blocks = []
    for name, total in counts.items():
        seen = [_pair(photo, transforms, seed, epoch, row) for photo, row, of in photos if of == name]
        cells = "".join(first for first, _ in seen) + "".join(second for _, second in seen)
        title = f"{escape(name)} <span>{total:,}</span>"
        blocks.append(f'<div class="faces-class"><h3>{title}</h3><div class="faces-pairs">{cells}</div></div>')
    return f'{_CSS}<div class="faces-classes">{"".join(blocks)}</div>'


def _pair(photo: StoredPhoto, transforms: str, seed: int, epoch: int, row: int) -> tuple[str, str]:
    try:
        return _seen(photo, photo.stamp(), transforms, seed, epoch, row)
    except LabError as error:
        cell = f'<div class="faces-missing">{escape(error.message)}</div>'
        return cell, cell


@st.cache_data(max_entries=300, show_spinner=False)
def _seen(
    photo: StoredPhoto, now: tuple[int, ...] | None, transforms: str, seed: int, epoch: int, row: int
) -> tuple[str, str]:
    """now: of the file that lies there. Raises LabError for a bad photo, which is not remembered: it may be back the
    next time."""
    validation, training = views(photo, _TRANSFORMS.validate_json(transforms), seed=seed, epoch=epoch, row=row)
    return image(validation, "validation view"), image(training, "training draw")


def image(pixels: np.ndarray, alt: str, exact: bool = False) -> str:
    """HTML of an image with its pixels inside: JPEG of high quality, or, where every byte counts, WebP without loss."""
    buffer = io.BytesIO()
    if exact:
        Image.fromarray(pixels).save(
            buffer, "WEBP", lossless=True, quality=0, method=0
        )  # of the quick ones, the quickest
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return encoded(buffer.getvalue(), alt, "webp" if exact else "jpeg")


def encoded(data: bytes, alt: str, form: str = "jpeg") -> str:
    """HTML of an image that is a file already, such as a thumbnail."""
    return f'<img alt="{escape(alt)}" src="data:image/{form};base64,{base64.b64encode(data).decode()}">'


def small(rows: pd.DataFrame) -> str:
    """HTML of the first of these photos, small; nothing without one, and where it cannot be shown."""
    try:
        return encoded(thumbnail(photo_of(rows.iloc[0])), "") if len(rows) else ""
    except LabError:
        return ""
