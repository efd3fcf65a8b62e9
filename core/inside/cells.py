"""How many cells a layer's map has, and what too few of them cannot say. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.inside.maps import LayerMaps

# A side. A ResNet's last layer has 7 x 7 cells at the 224 px for which it was designed: a cell is then a seventh of the
# photo, about as tall as the eyes of a face. Larger cells mix the regions that they are to tell apart.
LEAST = 7
STRIDE = 32  # pixels of the photo beneath one cell of the last layer

Grid = tuple[int, int]  # rows and columns of a map at its layer's own size; (0, 0) where the network has no such layer


def is_coarse(grid: Grid) -> bool:
    """Whether a map of so many cells cannot say where on the photo it looks."""
    return 0 < min(grid) < LEAST


def in_words(grids: Iterable[Grid]) -> str:
    """'2 x 2 cells'; of maps of several sizes '2 x 2 or 7 x 7 cells'; '' where there is no map."""
    sizes = [f"{rows} x {columns}" for rows, columns in dict.fromkeys(grids) if rows]
    return f"{' or '.join(sizes)} cells" if sizes else ""


def no_regions(layer: str, grid: Grid) -> str:
    """Why nothing is said about regions, in a sentence."""
    return (
        f"The map of {layer} has {in_words([grid])}; with fewer than {LEAST} x {LEAST} it cannot tell regions apart. "
        f"Photos of {LEAST * STRIDE} px give the last layer {LEAST} x {LEAST}."
    )


def grids_of(maps: LayerMaps) -> tuple[Grid, ...]:
    """Of each layer."""
    return tuple((int(raw.shape[1]), int(raw.shape[2])) for raw in maps.raw)


def drawn(maps: LayerMaps) -> np.ndarray:
    """The maps as they are drawn, float32 (n, layers, H, W): a coarse one as its cells, any other as it is.

    Enlarged smoothly, four cells look like a glow that knows a place between them.
    """
    coarse = [place for place, grid in enumerate(grids_of(maps)) if is_coarse(grid)]
    if not coarse:
        return maps.maps
    drawn_maps = maps.maps.copy()
    for place in coarse:
        drawn_maps[:, place] = as_cells(maps.raw[place], maps.maps.shape[2:], maps.signed)
    return drawn_maps


def as_cells(raw: np.ndarray, size: Sequence[int], signed: bool = False) -> np.ndarray:
    """Raw maps (n, h, w) at (H, W), float32, each pixel with the value of its cell: from 0 to 1 with negative heat cut
    off, or divided by the largest absolute value (signed), as cam.rescale does it."""
    heat = np.asarray(raw, np.float32) if signed else np.maximum(raw, 0).astype(np.float32)
    if not signed:
        heat = heat - heat.min(axis=(1, 2), keepdims=True)
    top = np.abs(heat).max(axis=(1, 2), keepdims=True)
    heat = np.divide(heat, top, out=np.zeros_like(heat), where=top > 0)
    rows, columns = (np.arange(to) * of // to for to, of in zip(size, heat.shape[1:], strict=True))
    return heat[:, rows][:, :, columns]
