"""Maps as pictures and numbers: colour tables, the sheet that a PNG shows, the arrays of an NPZ. Imports no torch."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.inside.cells import in_words

if TYPE_CHECKING:
    from core.inside.face_maps import FaceMaps

COLOURS = {"inferno": cv2.COLORMAP_INFERNO, "turbo": cv2.COLORMAP_TURBO, "viridis": cv2.COLORMAP_VIRIDIS}
SIGNED = ((33, 102, 172), (247, 247, 247), (178, 24, 43))  # cold, nothing, warm; after ColorBrewer's RdBu
INK, PAPER, GAP, LABEL, LINE = (30, 34, 40), (255, 255, 255), 6, 190, 15


def lut(name: str, signed: bool = False) -> np.ndarray:
    """Colour table, (256, 3) uint8 RGB. signed: cold - nothing - warm instead, whatever the name."""
    if signed:
        at = np.linspace(0, 1, 256)
        return np.stack([np.interp(at, [0, 0.5, 1], [c[i] for c in SIGNED]) for i in range(3)], 1).astype(np.uint8)
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], COLOURS[name])
    return np.ascontiguousarray(ramp[:, 0, ::-1])


def grey(heat: np.ndarray, signed: bool = False) -> np.ndarray:
    """Heat as uint8: 0..1 -> 0..255; with a sign -1..1 -> 1..255, 128 is nothing. What is no number is nothing."""
    value = np.nan_to_num(np.asarray(heat, dtype=float))
    scaled = 128 + 127 * np.clip(value, -1, 1) if signed else 255 * np.clip(value, 0, 1)
    return np.rint(scaled).astype(np.uint8)


def overlay(photo: np.ndarray, heat: np.ndarray, table: np.ndarray, opacity: float, signed: bool = False) -> np.ndarray:
    """The photo with heat over it, uint8 (h, w, 3): opacity follows heat, so that cold regions stay as they are.

    photo: uint8 (h, w, 3). heat: (h, w) as `grey` takes it. table: (256, 3). opacity: of the hottest spot, 0..1.
    """
    shade = grey(heat, signed)
    warm = np.abs(shade.astype(float) - 128) / 127 if signed else shade / 255
    alpha = (opacity * np.minimum(warm, 1))[..., None]
    return np.rint(photo * (1 - alpha) + table[shade] * alpha).astype(np.uint8)


def sheet(faces: Sequence[FaceMaps], colours: str = "inferno", opacity: float = 0.8, overlaid: bool = True) -> bytes:
    """PNG of maps: a row a face and model, the photo and then every layer. Each row has its own colour table, with a
    sign or without."""
    side_h, side_w = max(face.maps.shape[1] for face in faces), max(face.maps.shape[2] for face in faces)
    layers, photos = faces[0].layers, any(face.photo is not None for face in faces)
    titles = ("as the network sees it", *layers) if photos else layers
    cells_of = ["", *cells_in_words(faces)] if photos else cells_in_words(faces)
    width = LABEL + len(titles) * (side_w + GAP) + GAP
    picture = Image.new("RGB", (width, 30 + len(faces) * (side_h + GAP)), PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for column, name in enumerate(titles):
        centre = LABEL + column * (side_w + GAP) + side_w // 2
        pen.text((centre, 2), _fit(pen, name, font, side_w), INK, font, anchor="ma")
        pen.text((centre, 15), _fit(pen, cells_of[column], font, side_w), INK, font, anchor="ma")
    for index, face in enumerate(faces):
        top = 30 + index * (side_h + GAP)
        for number, words in enumerate((face.title, *face.lines)):
            pen.text((8, top + number * LINE), _fit(pen, words, font, LABEL - 14), INK, font)
        cells, table, signed = [face.photo] if photos else [], lut(colours, face.signed), face.signed
        for heat in face.maps:
            over = overlaid and face.photo is not None
            cells.append(overlay(face.photo, heat, table, opacity, signed) if over else table[grey(heat, signed)])
        for column, pixels in enumerate(cells):
            if pixels is not None:
                picture.paste(Image.fromarray(pixels), (LABEL + column * (side_w + GAP), top))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def cells_in_words(faces: Sequence[FaceMaps]) -> list[str]:
    """Of each layer how many cells its maps have; "" where that is not known."""
    grids = [face.grids or ((0, 0),) * len(face.layers) for face in faces]
    return [in_words(of_layer) for of_layer in zip(*grids, strict=True)]


def size_in_words(faces: Sequence[FaceMaps]) -> str:
    """Width and height of the photos; "" where there is none, or they differ."""
    sizes = {face.photo.shape[:2] for face in faces if face.photo is not None}
    return "".join(f"{width} x {height} px" for height, width in sizes) if len(sizes) == 1 else ""


def arrays(faces: Sequence[FaceMaps]) -> bytes:
    """NPZ of maps: map_<row> (layers, h, w) float32, photo_<row> (h, w, 3) uint8, and rows, a JSON text that says what
    each row is. Read it with numpy.load; nothing in it is pickled."""
    tables: dict[str, np.ndarray] = {}
    for index, face in enumerate(faces):
        tables[f"map_{index}"] = face.maps.astype(np.float32)
        if face.photo is not None:
            tables[f"photo_{index}"] = face.photo
    tables["rows"] = np.array(json.dumps([face.metadata() for face in faces], ensure_ascii=False))
    stream = io.BytesIO()
    np.savez_compressed(stream, **tables)
    return stream.getvalue()


def _fit(pen: ImageDraw.ImageDraw, words: str, font, width: int) -> str:
    """One printable line that is at most `width` px wide."""
    words = "".join(c if c.isprintable() else " " for c in words)
    if pen.textlength(words, font) <= width:
        return words
    while words and pen.textlength(words + "…", font) > width:
        words = words[:-1]
    return words + "…"
