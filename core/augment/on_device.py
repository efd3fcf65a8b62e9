"""What core/augment/draws.py drew, applied to a batch of photos where the batch lies: on a GPU, or anywhere torch is.

The bytes are those of `draws.apply`, photo by photo, and so albumentations'.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from core.augment import draws
from core.augment.draws import Crop, Grey, Points, Stage

Drawn = list[dict[str, torch.Tensor]]  # of each stage, what one batch drew
PIXELS = 1 << 26  # values that are looked up at a time: an index of eight bytes stands for each


def draw(made: Sequence[Stage], seeds: Sequence[int]) -> Drawn:
    """What the photos of a batch drew, as tensors on the processor. seeds: (b,), of `pipeline.sample_seeds`."""
    return tensors(draws.draw(made, seeds))


def tensors(drawn: Sequence[dict[str, np.ndarray]]) -> Drawn:
    return [{name: torch.from_numpy(values) for name, values in stage.items()} for stage in drawn]


def apply(made: Sequence[Stage], images: torch.Tensor, drawn: Drawn) -> torch.Tensor:
    """images: uint8 (b, h, w, 3) -> uint8 (b, H, W, 3). drawn: as `draw` gives it, on the images' device."""
    for stage, of_stage in zip(made, drawn, strict=True):
        if isinstance(stage, Points):
            images = _points(images, **of_stage)
        elif isinstance(stage, Grey):
            images = _grey(images, **of_stage)
        else:
            images = _crop(images, stage)
    return images


def _points(
    images: torch.Tensor,
    mirrored: torch.Tensor | None = None,
    tables: torch.Tensor | None = None,
    boxes: torch.Tensor | None = None,
    fills: torch.Tensor | None = None,
) -> torch.Tensor:
    if mirrored is not None:
        images = torch.where(mirrored[:, None, None, None], images.flip(2), images)
    if tables is not None:
        parts = [_looked_up(*part) for part in _parts(images, tables)]
        images = torch.cat(parts) if len(parts) > 1 else parts[0]
    if boxes is not None and fills is not None:
        for cover in range(boxes.shape[1]):
            inside = _inside(boxes[:, cover], *images.shape[1:3])
            images = torch.where(inside[..., None], fills[:, cover, None, None, None], images)
    return images


def _parts(images: torch.Tensor, tables: torch.Tensor) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
    """Few enough photos at a time, each with its table."""
    few = max(1, PIXELS // images[0].numel())
    return list(zip(images.split(few), tables.split(few), strict=True))


def _looked_up(images: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    return tables.gather(1, images.reshape(len(images), -1).long()).view(images.shape)


def _inside(boxes: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """bool (b, height, width): whether a pixel lies in one of a photo's boxes. boxes: (b, k, 4)."""
    x1, y1, x2, y2 = boxes[..., None].unbind(2)
    x = torch.arange(width, device=boxes.device, dtype=boxes.dtype)
    y = torch.arange(height, device=boxes.device, dtype=boxes.dtype)
    columns, rows = (x >= x1) & (x < x2), (y >= y1) & (y < y2)  # (b, k, side)
    inside = rows[:, 0, :, None] & columns[:, 0, None, :]
    for k in range(1, boxes.shape[1]):
        inside |= rows[:, k, :, None] & columns[:, k, None, :]
    return inside


def _grey(images: torch.Tensor, is_grey: torch.Tensor) -> torch.Tensor:
    red, green, blue = images.int().unbind(3)
    weights, half = Grey.WEIGHTS, 1 << (Grey.BITS - 1)
    grey = (red * weights[0] + green * weights[1] + blue * weights[2] + half) >> Grey.BITS
    return torch.where(is_grey[:, None, None, None], grey.to(torch.uint8)[..., None], images)


def _crop(images: torch.Tensor, crop: Crop) -> torch.Tensor:
    part = images[:, crop.rows, crop.columns]
    if part.shape[1:3] == crop.size:
        return part.contiguous()
    canvas = images.new_zeros((len(images), *crop.size, 3))
    height, width = part.shape[1:3]
    canvas[:, crop.top : crop.top + height, crop.left : crop.left + width] = part
    return canvas
