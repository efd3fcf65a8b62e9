"""What a run's models attend to over many faces: heat by region and layer, mean maps of groups, differences of groups.

Every face is looked at by the fold model that held its person out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.errors import LabError
from core.inside import regions
from core.inside.cells import Grid, drawn, grids_of, is_coarse, no_regions
from core.inside.fold_models import frozen_samples
from core.inside.layers import LAYERS
from core.inside.maps import Classes, LayerMaps, held_out_maps
from core.inside.trust import concentration
from core.runs import Run

if TYPE_CHECKING:
    import pandas as pd

SMALL = 56  # pixels of the longer side at which maps are kept for the means of groups


@dataclass(frozen=True)
class Attention:
    """Heat of n faces. shares: (n, layers, regions), NaN without heat. area: (n, regions), of the picture. Both NaN
    where no boxes were placed.

    concentration: (n, layers). maps: float16 (n, layers, h, w), kept small. true, predicted: (n,) class names.
    grids: of each layer the fewest cells that a photo's map has; one too coarse for regions has no shares (NaN).
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
    grids: tuple[Grid, ...]
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

    @property
    def placed(self) -> bool:
        """Whether it was said where regions are: else no heat is on any."""
        return bool(np.isfinite(self.area).any())

    @property
    def silent(self) -> str:
        """Why the last layer cannot raise an alarm, in a sentence; "" where it can."""
        if not self.placed:
            return "Nobody said where eyes, nose and mouth are."
        return no_regions(self.layers[-1], self.grids[-1]) if is_coarse(self.grids[-1]) else ""

    def alarms(self, in_run: Mapping[tuple[str, bool], int] | None = None) -> list[regions.Alarm]:
        """Classes that the last layer decides by hair and background; none where it is silent.

        in_run: (class that was answered, right) -> how many answers of the run, where the photos were chosen by that.
        """
        if self.silent:
            return []
        background = regions.BACKGROUND
        return regions.background_alarms(
            self.shares[:, -1, background],
            self.predicted,
            self.people,
            self.area[:, background],
            self.persons,
            right=self.right,
            in_run=in_run,
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
    """Heat of many faces, by region where boxes are given.

    progress(done, total) is called after each batch. Raises LabError as maps.layer_maps does, and the first fault if no
    photo can be read.
    """
    table = frozen_samples(run)
    transforms, names = run.config().transforms, np.asarray(samples, dtype=object)

    @cache
    def masks(width: int, height: int) -> np.ndarray:
        unplaced = np.nan if boxes is None else 1
        return unplaced * regions.masks(boxes or regions.PRESETS["close"], width, height, transforms)

    places: list[int] = []
    batches: list[dict[str, np.ndarray]] = []
    faults: dict[str, LabError] = {}
    grids: list[tuple[Grid, ...]] = []
    for batch, maps in held_out_maps(run, list(names), classes, layers, method, which, faults=faults):
        rows = table.loc[list(names[batch])]
        sizes = zip(rows["width"], rows["height"], strict=True)
        places += batch.tolist()
        grids.append(grids_of(maps))
        batches.append(_measured(maps, rows, np.stack([masks(int(width), int(height)) for width, height in sizes])))
        if progress:
            progress(len(places) + len(faults), len(names))
    if faults and not batches:
        raise next(iter(faults.values()))
    order = np.argsort(places)  # the batches come fold by fold
    columns = {name: np.concatenate([measured[name] for measured in batches])[order] for name in batches[0]}
    return Attention(
        samples=names[np.sort(places)],
        layers=tuple(layers),
        faults=faults,
        grids=tuple(min(of_layer, key=min) for of_layer in zip(*grids, strict=True)),
        persons=run.persons().state,
        **columns,
    )


def _measured(maps: LayerMaps, rows: pd.DataFrame, masks: np.ndarray) -> dict[str, np.ndarray]:
    """Fields of Attention for one batch. rows: of the frozen samples. masks: (n, regions, H, W), see regions.masks."""
    answers, as_drawn = maps.logits.argmax(1), drawn(maps)
    shares = regions.shares(maps.maps, masks)
    shares[:, [is_coarse(grid) for grid in grids_of(maps)]] = np.nan
    return {
        "people": rows["person"].to_numpy(str),
        "true": rows["class_name"].to_numpy(str),
        "predicted": np.array(maps.class_names)[answers],
        "confidence": maps.probabilities[np.arange(len(answers)), answers],
        "shares": shares,
        "area": masks.mean((2, 3)),
        "concentration": concentration(as_drawn),
        "maps": np.stack([_small(face) for face in as_drawn]),
    }


def _small(maps: np.ndarray) -> np.ndarray:
    """(layers, H, W) float32 -> float16 of at most SMALL pixels a side, by the mean of areas."""
    height, width = maps.shape[1:]
    scale = min(1.0, SMALL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in maps]).astype(np.float16)
