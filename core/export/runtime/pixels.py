"""A photo as the network gets it, with numpy alone: what albumentations and OpenCV make of it, to the bit.

Source: OpenCV's modules/imgproc/src/resize.cpp (INTER_AREA on 8 bits), albumentations' CenterCrop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.errors import LabError

ROWS = 64  # of a photo that are scaled at a time, so that they stay in the processor's cache
FIXED = 11  # bits behind the point of OpenCV's weights where a photo grows


def resize(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (h, w, 3) -> uint8 (height, width, 3), as cv2.resize(photo, (width, height), interpolation=INTER_AREA)."""
    scale_y, scale_x = (1.0 / (new / old) for new, old in ((height, photo.shape[0]), (width, photo.shape[1])))
    if photo.shape[:2] == (height, width):
        return photo
    if scale_x < 1 or scale_y < 1:
        return _grown(photo, height, width)
    if scale_x == round(scale_x) and scale_y == round(scale_y):
        return _averaged(photo, height, width, round(scale_y), round(scale_x))
    return _shrunk(photo, height, width)


def center_crop(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of a photo, uint8 (height, width, 3); a smaller one gets black around it."""
    lacking = [max(0, new - old) for new, old in zip((height, width), photo.shape[:2], strict=True)]
    if any(lacking):
        photo = np.pad(photo, [(n // 2, n - n // 2) for n in lacking] + [(0, 0)])
    top, left = (photo.shape[0] - height) // 2, (photo.shape[1] - width) // 2
    return np.ascontiguousarray(photo[top : top + height, left : left + width])


STEPS: dict[str, Callable[..., np.ndarray]] = {"Resize": resize, "CenterCrop": center_crop}


def prepare(photo: np.ndarray, steps: Sequence[dict[str, Any]]) -> np.ndarray:
    """The photo, uint8 RGB (h, w, 3), after the steps of preprocess.json: uint8 (H, W, 3).

    Raises LabError(kind 'step') for a step that is none of STEPS.
    """
    for step in steps:
        if step["name"] not in STEPS:
            raise LabError(
                f"preprocess.json: the step {step['name']!r} is not known here; known are {', '.join(STEPS)}.",
                "Use the files of one package together.",
                kind="step",
            )
        photo = STEPS[step["name"]](photo, int(step["height"]), int(step["width"]))
    return photo


def _averaged(photo: np.ndarray, height: int, width: int, by_y: int, by_x: int) -> np.ndarray:
    """Means of whole blocks of by_y times by_x pixels."""
    blocks = photo[: height * by_y, : width * by_x].reshape(height, by_y, width, by_x, 3)
    sums = blocks.sum((1, 3), dtype=np.int64)
    if by_y == by_x == 2:
        return ((sums + 2) >> 2).astype(np.uint8)  # OpenCV rounds a half up here, and to even elsewhere
    return _rounded(sums.astype(np.float32) * np.float32(1 / (by_y * by_x)))


def _shrunk(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """Means of areas whose borders cut pixels, summed in OpenCV's order in float32."""
    columns, shares = _areas(photo.shape[1], width)
    rows = np.empty((photo.shape[0], width, 3), np.float32)
    for start in range(0, photo.shape[0], ROWS):
        part, summed = photo[start : start + ROWS], rows[start : start + ROWS]
        summed[:] = 0
        for column, share in zip(columns, shares, strict=True):
            summed += part[:, column] * share[:, None]
    columns, shares = _areas(photo.shape[0], height)
    summed = np.zeros((height, width, 3), np.float32)
    for column, share in zip(columns, shares, strict=True):
        summed += rows[column] * share[:, None, None]
    return _rounded(summed)


def _areas(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels make each new one, and their float32 shares: both (most pixels, new), shares of 0 behind the last.

    Source: computeResizeAreaTab.
    """
    scale = 1.0 / (new / old)
    taps = []
    for place in range(new):
        start, end = place * scale, place * scale + scale
        cell = min(scale, old - start)
        first, last = int(np.ceil(start)), min(int(np.floor(end)), old - 1)
        first = min(first, last)
        tap = [(first - 1, (first - start) / cell)] if first - start > 1e-3 else []
        tap += [(pixel, 1.0 / cell) for pixel in range(first, last)]
        if end - last > 1e-3:
            tap.append((last, min(min(end - last, 1.0), cell) / cell))
        taps.append(tap)
    most = max(map(len, taps))
    pixels, shares = np.zeros((most, new), np.intp), np.zeros((most, new), np.float32)
    for place, tap in enumerate(taps):
        pixels[: len(tap), place] = [pixel for pixel, _ in tap]
        shares[: len(tap), place] = [share for _, share in tap]
    return pixels, shares


def _grown(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """Between the two nearest pixels along each side, with whole-number weights; also where only one side grows."""
    left, right, of_left, of_right = _neighbours(photo.shape[1], width)
    pixels = photo.astype(np.int64)
    rows = pixels[:, left] * of_left[:, None] + pixels[:, right] * of_right[:, None]
    above, below, of_above, of_below = _neighbours(photo.shape[0], height)
    mixed = (of_above[:, None, None] * (rows[above] >> 4) >> 16) + (of_below[:, None, None] * (rows[below] >> 4) >> 16)
    return np.clip((mixed + 2) >> 2, 0, 255).astype(np.uint8)


def _neighbours(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two pixels for each new one, and what each weighs, in 2**FIXED parts; all (new,). Source: hal::resize."""
    inverse = new / old
    place = np.arange(new)
    first = np.floor(place * (1.0 / inverse)).astype(np.intp)
    share = ((place + 1) - (first + 1) * inverse).astype(np.float32)
    share = np.where((share <= 0) | (first >= old - 1), np.float32(0), share - np.floor(share)).astype(np.float32)
    first = np.minimum(first, old - 1)
    weights = [np.rint(part * np.float32(2**FIXED)).astype(np.int64) for part in (np.float32(1) - share, share)]
    return first, np.minimum(first + 1, old - 1), *weights


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
