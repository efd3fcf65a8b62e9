"""What a run's models attend to over many faces: heat by region and layer, mean maps of groups, differences of groups.

Every face is looked at by the fold model that held its person out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import LabError
from core.inside import regions
from core.inside.fold_models import frozen_samples
from core.inside.maps import LAYERS, Classes, held_out_maps
from core.inside.trust import concentration
from core.runs import Run

SMALL = 56  # pixels of the longer side at which maps are kept for the means of groups


@dataclass(frozen=True)
class Attention:
    """Heat of n faces. shares: (n, layers, regions), NaN without heat. area: (n, regions), of the picture.

    concentration: (n, layers). maps: float16 (n, layers, h, w), kept small. true, predicted: (n,) class names.
    faults: samples that were asked for and left out, since their photo cannot be read.
    """

    samples: np.ndarray
    people: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    layers: tuple[str, ...]
    shares: np.ndarray
    area: np.ndarray
    concentration: np.ndarray
    maps: np.ndarray
    faults: dict[str, LabError]
    persons: str  # known | partly | unknown: whether intervals are over people or over photos

    @property
    def right(self) -> np.ndarray:
        return self.true == self.predicted

    def share_of(self, group: np.ndarray) -> regions.HeatInterval:
        """Mean share of heat over a group of faces, (layers, regions), with its interval. group: (n,) bool."""
        return regions.mean_over_people(self.shares[group], self.people[group])

    def difference(self, a: np.ndarray, b: np.ndarray) -> regions.HeatInterval:
        """Share of heat in group a minus that in group b, (layers, regions), with its interval."""
        return regions.difference_over_people(self.shares[a], self.people[a], self.shares[b], self.people[b])

    def mean_map(self, group: np.ndarray) -> np.ndarray:
        """Mean of a group's maps, float32 (layers, h, w), 0 to 1. NaN for an empty group."""
        if not group.any():
            return np.full(self.maps.shape[1:], np.nan, np.float32)
        return self.maps[group].mean(0, dtype=np.float32)

    def alarms(self) -> list[regions.Alarm]:
        """Classes that the last layer decides by hair and background."""
        background = regions.BACKGROUND
        return regions.background_alarms(
            self.shares[:, -1, background], self.predicted, self.people, self.area[:, background], self.persons
        )


def attend(
    run: Run,
    samples: Sequence[str],
    boxes: regions.Boxes | None = None,
    classes: Classes = "predicted",
    layers: Sequence[str] = LAYERS,
    method: str = "GradCAM",
    which: str = "best",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Attention:
    """Heat by region of many faces; boxes are guessed from the photos where none are given.

    progress(done, total) is called after each batch. Raises LabError as gradcam.layer_maps does, and the first fault if
    no photo can be read.
    """
    table = frozen_samples(run)
    boxes = boxes or regions.PRESETS[regions.preset_for(table)]
    transforms, names = run.config().transforms, np.asarray(samples, dtype=object)
    masks: dict[tuple[int, int], np.ndarray] = {}
    rows: list = [None] * len(names)
    done = 0
    faults: dict[str, LabError] = {}
    for places, found in held_out_maps(run, list(names), classes, layers, method, which, faults=faults):
        own = table.loc[list(names[places])]
        sizes = [(int(w), int(h)) for w, h in zip(own["width"], own["height"], strict=True)]
        for size in set(sizes) - masks.keys():
            masks[size] = regions.masks(boxes, *size, transforms)
        where = np.stack([masks[size] for size in sizes])
        shares, tops = regions.shares(found.maps, where), concentration(found.maps)
        for i, place in enumerate(places):
            answer = int(found.logits[i].argmax())
            rows[place] = (
                str(own["person"].iloc[i]),
                str(own["class_name"].iloc[i]),
                found.class_names[answer],
                float(found.probabilities[i, answer]),
                shares[i],
                where[i].mean((1, 2)),
                tops[i],
                _small(found.maps[i]),
            )
        done += len(places)
        if progress:
            progress(done + len(faults), len(names))
    kept = [i for i, row in enumerate(rows) if row is not None]
    if faults and not kept:
        raise next(iter(faults.values()))
    names, rows = names[kept], [rows[i] for i in kept]
    people, true, predicted, confidence, share, area, tops, maps = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return Attention(
        names, people, true, predicted, confidence, tuple(layers), share, area, tops, maps, faults, run.persons().state
    )


def _small(maps: np.ndarray) -> np.ndarray:
    """(layers, H, W) float32 -> float16 of at most SMALL pixels a side, by the mean of areas."""
    height, width = maps.shape[1:]
    scale = min(1.0, SMALL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps]).astype(np.float16)
