"""Where on an aligned face the heat lies: shares of regions, with intervals over people. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of width and height

# A face that fills the picture from hairline to chin, as aligned photos do; boxes can be moved on the page.
FACE: dict[str, tuple[Box, ...]] = {
    "eyes and brows": ((0.18, 0.30, 0.82, 0.50),),
    "nose and mouth": ((0.32, 0.50, 0.68, 0.84),),
    "cheeks and forehead": ((0.22, 0.16, 0.78, 0.30), (0.18, 0.50, 0.32, 0.78), (0.68, 0.50, 0.82, 0.78)),
}
BACKGROUND = "hair and background"
ALARM = 0.5  # share of heat outside the face above which a class is said to be decided by what is not the face


@dataclass(frozen=True)
class Share:
    """Mean share of heat, 0..1, over people, with an interval over people. area: the region's share of the picture."""

    region: str
    mean: float
    low: float
    high: float
    area: float
    people: int
    photos: int


def masks(height: int, width: int, regions: Mapping[str, Sequence[Box]] = FACE) -> dict[str, np.ndarray]:
    """bool (height, width) for each region, disjoint (the first named has a pixel), and the rest as background."""
    taken = np.zeros((height, width), bool)
    found = {}
    for name, boxes in regions.items():
        own = np.zeros((height, width), bool)
        for left, top, right, bottom in boxes:
            rows, columns = np.clip([top, bottom], 0, 1) * height, np.clip([left, right], 0, 1) * width
            own[round(rows[0]) : round(rows[1]), round(columns[0]) : round(columns[1])] = True
        found[name] = own & ~taken
        taken |= own
    found[BACKGROUND] = ~taken
    return found


def shares(maps: np.ndarray, regions: Mapping[str, Sequence[Box]] = FACE) -> tuple[np.ndarray, list[str]]:
    """(share of each map's heat in each region, region names): shape (..., regions), rows add up to 1.

    maps: (..., h, w), not negative. A map without heat has NaN shares, and is left out of every mean.
    """
    found = masks(maps.shape[-2], maps.shape[-1], regions)
    heat = np.stack([(maps * mask).sum((-2, -1)) for mask in found.values()], axis=-1)
    total = maps.sum((-2, -1))[..., None]
    return np.divide(heat, total, out=np.full(heat.shape, np.nan), where=total > 0), list(found)


def over_people(
    values: np.ndarray, people: Sequence[str], *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """(mean, low, high, people) over people: each person counts once, however many photos they have.

    values: (photos, ...); people: who is on each. NaN photos are left out. The interval resamples people (percentile
    bootstrap); with a single person it is NaN.
    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    values = np.asarray(values, float)
    per_person = _means(values, np.asarray(people))
    mean = np.nanmean(per_person, axis=0) if len(per_person) else np.full(values.shape[1:], np.nan)
    if len(per_person) < 2:
        nothing = np.full(values.shape[1:], np.nan)
        return mean, nothing, nothing, len(per_person)
    drawn = _resampled(per_person, draws, seed)
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return mean, low, high, len(per_person)


def difference(
    one: tuple[np.ndarray, Sequence[str]],
    other: tuple[np.ndarray, Sequence[str]],
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mean of one minus other, low, high) over people; the groups are resampled apart. Each is (values, people)."""
    a, b = (_means(np.asarray(values, float), np.asarray(people)) for values, people in (one, other))
    if not len(a) or not len(b):
        nothing = np.full(np.asarray(one[0]).shape[1:], np.nan)
        return nothing, nothing, nothing
    mean = np.nanmean(a, axis=0) - np.nanmean(b, axis=0)
    drawn = _resampled(a, draws, seed) - _resampled(b, draws, seed + 1)
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return mean, low, high


def _means(values: np.ndarray, people: np.ndarray) -> np.ndarray:
    """One row a person: the mean over their photos that are not NaN."""
    known = ~np.isnan(values.reshape(len(values), -1)).any(1) if len(values) else np.zeros(0, bool)
    values, people = values[known], people[known]
    names, index = np.unique(people, return_inverse=True)
    total = np.zeros((len(names), *values.shape[1:]))
    np.add.at(total, index, values)
    counts = np.bincount(index, minlength=len(names)).reshape(-1, *[1] * (values.ndim - 1))
    return total / np.maximum(counts, 1)


def _resampled(per_person: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Means of `draws` samples of people with replacement: (draws, ...), through multinomial counts."""
    count = len(per_person)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws) / count
    return np.tensordot(weights, per_person, axes=1)


def summary(
    maps: np.ndarray, people: Sequence[str], regions: Mapping[str, Sequence[Box]] = FACE, **bootstrap
) -> list[Share]:
    """The share of each region for one layer's maps of a group. maps: (photos, h, w)."""
    values, names = shares(maps, regions)
    mean, low, high, counted = over_people(values, people, **bootstrap)
    found = masks(maps.shape[-2], maps.shape[-1], regions)
    return [
        Share(name, float(mean[i]), float(low[i]), float(high[i]), float(found[name].mean()), counted, len(maps))
        for i, name in enumerate(names)
    ]


def alarm(background: Share) -> str | None:
    """A sentence when a group is decided by what is not the face: the whole interval lies above ALARM."""
    sure = background.low if np.isfinite(background.low) else background.mean
    if not sure > ALARM:
        return None
    return (
        f"{background.mean:.0%} of the heat lies on hair and background ({background.low:.0%} to "
        f"{background.high:.0%}, {background.people} people): this class may be decided by what is not the face."
    )
