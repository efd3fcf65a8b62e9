"""Regions of a face, and how much of a map's heat lies on each, with intervals over people. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from core.data.persons import KNOWN, units
from core.data.values import noun_of
from core.errors import LabError
from core.text import number_of

if TYPE_CHECKING:
    import pandas as pd

    from core.config import TransformConfig

REGIONS = ("eyes and brows", "nose and mouth", "cheeks and forehead", "hair and background")
BACKGROUND = REGIONS.index("hair and background")
DRAWS = 2000  # bootstrap samples of people
MAJORITY = 0.5  # share of heat above which something decides
FEWEST = 3  # people: the interval of two is from the one to the other

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Boxes:
    """Where things are, as fractions of the photo (left, top, right, bottom), before any crop.

    nose_and_mouth is where a mask sits. Cheeks and forehead are what is left of the face; hair and background what is
    left of the photo. Where boxes overlap, eyes and brows come first, then nose and mouth.
    """

    face: Box
    eyes_and_brows: Box
    nose_and_mouth: Box

    def __post_init__(self) -> None:
        for name, (left, top, right, bottom) in ((f.name, getattr(self, f.name)) for f in fields(self)):
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise LabError(
                    f"regions: the box {name.replace('_', ' ')} ({left:g}, {top:g}, {right:g}, {bottom:g}) is no box.",
                    "Give left, top, right, bottom as fractions of the photo, left below right and top below bottom.",
                    kind="regions",
                )


PRESETS = {
    "close": Boxes((0.08, 0.08, 0.92, 0.95), (0.12, 0.18, 0.88, 0.37), (0.20, 0.38, 0.80, 0.85)),
    "portrait": Boxes((0.27, 0.28, 0.73, 0.74), (0.30, 0.38, 0.70, 0.50), (0.31, 0.50, 0.69, 0.75)),
}


def preset_for(samples: pd.DataFrame) -> str:
    """A first guess, to be adjusted on a picture: square photos are faces cut out closely, others are portraits."""
    return "close" if 0.95 < float((samples["width"] / samples["height"]).median()) < 1.05 else "portrait"


def guessed(samples: pd.DataFrame) -> Boxes | None:
    """The preset for the photos of a dataset that tells of faces; None where nobody knows what its photos show."""
    return PRESETS[preset_for(samples)] if noun_of(samples) == "face" else None


def masks(boxes: Boxes, width: int, height: int, transforms: Sequence[TransformConfig]) -> np.ndarray:
    """How much each pixel that the network gets belongs to each region: float32 (regions, H, W), sums to 1.

    width, height: of the photo, in pixels. The boxes go through the same crop and resize as the photo does; what a
    crop pads is background.
    """
    from core.augment.pipeline import build_transform

    canvas = np.zeros((height, width, 3), np.uint8)
    for layer, box in ((2, boxes.face), (1, boxes.nose_and_mouth), (0, boxes.eyes_and_brows)):
        left, right = (round(x * width) for x in box[::2])
        top, bottom = (round(y * height) for y in box[1::2])
        canvas[top:bottom, left:right] = 0
        canvas[top:bottom, left:right, layer] = 255
    for stage in ("lead", "eval"):
        canvas = build_transform(transforms, stage)(canvas)
    inside = canvas.transpose(2, 0, 1).astype(np.float32) / 255
    return np.concatenate([inside, np.clip(1 - inside.sum(0, keepdims=True), 0, 1)])


def shares(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Share of heat on each region, (n, layers, regions), 0 to 1; NaN for a map without heat.

    maps: (n, layers, H, W); negative heat does not count. regions: (regions, H, W), or (n, regions, H, W) where the
    photos differ in size.
    """
    heat = np.maximum(maps, 0).astype(np.float64)
    pattern = "nlhw,nrhw->nlr" if regions.ndim == 4 else "nlhw,rhw->nlr"
    on = np.einsum(pattern, heat, regions, optimize=True)
    total = heat.sum((2, 3))[..., None]
    return np.divide(on, total, out=np.full_like(on, np.nan), where=total > 0)


@dataclass(frozen=True)
class HeatInterval:
    """mean share of heat with its 95 % interval over people; arrays of one shape.

    low and high are NaN below two people. samples, people: how many it is over.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    samples: int
    people: int


def mean_over_people(
    values: np.ndarray,
    people: Sequence[str],
    *,
    stands_for: np.ndarray | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> HeatInterval:
    """Mean over samples with a bootstrap interval over people, who are drawn with all their samples.

    values: (n, ...); NaN is left out. people: (n,) who each sample shows. stands_for: (n,) how much each sample counts,
    all the same where it is None.
    Source: cluster bootstrap, percentile interval (Davison & Hinkley 1997, 3.8).
    """
    values = np.asarray(values, np.float64)
    names, codes = np.unique(np.asarray(people, dtype=str), return_inverse=True)
    means = _drawn_means(values, codes, len(names), _weights(len(names), draws, seed), stands_for)
    low, high = _percentiles(means) if len(names) > 1 else (np.full(values.shape[1:], np.nan),) * 2
    whole = _drawn_means(values, codes, len(names), np.ones((1, len(names))), stands_for)[0]
    return HeatInterval(whole, low, high, len(values), len(names))


def difference_over_people(
    a: np.ndarray, people_a: Sequence[str], b: np.ndarray, people_b: Sequence[str], *, draws: int = DRAWS, seed: int = 0
) -> HeatInterval:
    """mean(a) - mean(b) with a bootstrap interval over people; who has samples in both groups is drawn into both.

    a, b: (n, ...) and (m, ...). Otherwise as mean_over_people.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    together = np.concatenate([np.asarray(people_a, dtype=str), np.asarray(people_b, dtype=str)])
    names, codes = np.unique(together, return_inverse=True)
    weights = _weights(len(names), draws, seed)
    means, whole = [], []
    for values, group in ((a, codes[: len(a)]), (b, codes[len(a) :])):
        means.append(_drawn_means(values, group, len(names), weights))
        whole.append(_drawn_means(values, group, len(names), np.ones((1, len(names))))[0])
    if min(len(set(people_a)), len(set(people_b))) < 2:
        low = high = np.full(a.shape[1:], np.nan)
    else:
        low, high = _percentiles(means[0] - means[1])
    return HeatInterval(whole[0] - whole[1], low, high, len(a) + len(b), len(names))


def _weights(people: int, draws: int, seed: int) -> np.ndarray:
    """How often each draw holds each person, (draws, people)."""
    return np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)


def _drawn_means(
    values: np.ndarray, codes: np.ndarray, people: int, weights: np.ndarray, stands_for: np.ndarray | None = None
) -> np.ndarray:
    """Mean of each draw, (draws, ...); NaN for a draw without a value."""
    flat = values.reshape(len(values), -1)
    counted = np.isfinite(flat) * (1.0 if stands_for is None else np.asarray(stands_for, np.float64)[:, None])
    sums, counts = np.zeros((people, flat.shape[1])), np.zeros((people, flat.shape[1]))
    np.add.at(sums, codes, np.where(np.isfinite(flat), flat, 0) * counted)
    np.add.at(counts, codes, counted)
    total, number = weights @ sums, weights @ counts
    means = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    return means.reshape(len(weights), *values.shape[1:])


def _percentiles(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    defined = np.isfinite(means).any(0)
    low, high = np.nanpercentile(np.where(defined, means, 0), [2.5, 97.5], axis=0)
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


@dataclass(frozen=True)
class Alarm:
    """A class whose answers look at hair and background: share of heat there, and of the picture's area.

    persons: known | partly | unknown, what the interval is over. among: of which photos that holds, in words that end
    the sentence.
    """

    class_name: str
    share: HeatInterval
    area: float
    persons: str = KNOWN
    among: str = ""

    @property
    def sentence(self) -> str:
        share = self.share
        return (
            f"'{self.class_name}' is decided by hair and background: {share.mean:.0%} of its heat lies there "
            f"[{share.low:.0%}, {share.high:.0%}], on {self.area:.0%} of the picture "
            f"({units(share.people, self.persons)}){self.among}."
        )


def background_alarms(
    background: np.ndarray,
    predicted: Sequence[str],
    people: Sequence[str],
    area: np.ndarray,
    persons: str = KNOWN,
    *,
    right: np.ndarray | None = None,
    in_run: Mapping[tuple[str, bool], int] | None = None,
) -> list[Alarm]:
    """Classes that are decided by background, worst first.

    background: (n,) share of heat on hair and background in the last layer. predicted: (n,) class that was answered.
    area: (n,) share of the picture that is hair and background. right: (n,) bool, and in_run: (class that was answered,
    right) -> how many answers of the run, where the photos were chosen by that: each then counts for as many as it
    stands for. A class is told when at least FEWEST people carry it and the lower end of its interval is above a half,
    and above what heat spread evenly over the picture would give.
    """
    background, predicted, people = np.asarray(background), np.asarray(predicted, str), np.asarray(people, str)
    alarms = []
    for name in np.unique(predicted):
        answered = predicted == name
        stands_for, among = np.ones(answered.sum()), ""
        if right is not None and in_run is not None:
            stands_for, among = _as_in_run(str(name), np.asarray(right, bool)[answered], in_run)
        share = mean_over_people(background[answered], people[answered], stands_for=stands_for)
        even = float(np.average(np.asarray(area)[answered], weights=stands_for))
        if share.people >= FEWEST and share.low > max(MAJORITY, even):
            alarms.append(Alarm(str(name), share, even, persons, among))
    return sorted(alarms, key=lambda alarm: -float(alarm.share.mean))


def _as_in_run(name: str, right: np.ndarray, in_run: Mapping[tuple[str, bool], int]) -> tuple[np.ndarray, str]:
    """How many answers of the run each photo that was answered `name` stands for, and that in words: all the same where
    mistakes alone are looked at, or right answers alone, and the run has others.
    """
    looked_at = {kind: int((right == kind).sum()) for kind in (True, False)}
    answers = {kind: in_run.get((name, kind), 0) for kind in looked_at}
    if any(answers[kind] and not looked_at[kind] for kind in looked_at):
        mistakes = f"{looked_at[False]:,} {'is a mistake' if looked_at[False] == 1 else 'are mistakes'}"
        photos = number_of(len(right), "photo")
        return np.ones(len(right)), f", among the {photos} that were looked at, of which {mistakes}"
    each = {kind: max(answers[kind], n) / n for kind, n in looked_at.items() if n}
    weighed = ", right answers and mistakes weighed by their numbers in the run" if len(each) > 1 else ""
    return np.where(right, each.get(True, 1.0), each.get(False, 1.0)), weighed
