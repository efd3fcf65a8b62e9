"""How far a map can be trusted: deletion and insertion against chance, and what randomised weights do to it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.stats import spearmanr

from core.fold_models import FoldModel
from core.gradcam import layer_maps

STEPS = 10  # shares of pixels at which the probability is read: 0, 10 %, ... 100 %
RANDOM = 8  # maps of the same smoothness that a map is compared with
STAGES = ("head", "layer4", "layer3")
MEANING = (
    "Deletion: how much of the probability is left while the hottest pixels are blurred away, on average; lower is "
    "better. Insertion: the reverse, higher is better. Chance: the same with random maps of the same smoothness. "
    "A map that stays the same with random weights does not show what the network learned."
)


@dataclass(frozen=True)
class Faithful:
    """Areas under the curves of the target's probability, 0..1, and where they stand among random maps.

    deletion_rank, insertion_rank: share of random maps that do worse; 0.5 is what chance gives, 1 better than all.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    deletion_rank: float
    insertion_rank: float


def faithful(fm: FoldModel, photo: np.ndarray, heat: np.ndarray, target: int, *, seed: int = 0) -> Faithful:
    """photo: uint8 (h, w, 3); heat: (h, w), not negative; target: class index.

    Source: Petsiuk et al. 2018 (RISE), deletion and insertion, with blurring as what takes a pixel away.
    """
    maps = [np.asarray(heat, float), *random_maps(heat, RANDOM, seed)]
    blurred = cv2.GaussianBlur(photo, (0, 0), max(photo.shape[:2]) / 16)
    shares = np.linspace(0, 1, STEPS + 1)
    edited = []
    for one in maps:
        rank = np.empty(one.size, np.int64)
        rank[np.argsort(-one.ravel(), kind="stable")] = np.arange(one.size)
        hottest = rank.reshape(one.shape)
        for share in shares:
            chosen = (hottest < round(share * one.size))[..., None]
            edited.append(np.where(chosen, blurred, photo))
            edited.append(np.where(chosen, photo, blurred))
    found = np.concatenate([fm.probabilities(np.stack(edited[i : i + 64])) for i in range(0, len(edited), 64)])
    curves = found[:, target].reshape(len(maps), len(shares), 2)
    areas = np.trapezoid(curves, shares, axis=1)
    deletion, insertion = areas[:, 0], areas[:, 1]
    return Faithful(
        float(deletion[0]), float(insertion[0]), float(deletion[1:].mean()), float(insertion[1:].mean()),
        float((deletion[1:] > deletion[0]).mean()), float((insertion[1:] < insertion[0]).mean()),
    )  # fmt: skip


def random_maps(heat: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Noise as smooth as the map: (count, h, w), 0..1. Its spectrum is the map's own, its phases are random."""
    rng = np.random.default_rng(seed)
    spectrum = np.abs(np.fft.rfft2(heat - heat.mean()))
    found = []
    for _ in range(count):
        noise = np.fft.rfft2(rng.normal(size=heat.shape))
        one = np.fft.irfft2(spectrum * noise / np.maximum(np.abs(noise), 1e-12), s=heat.shape)
        low, high = one.min(), one.max()
        found.append((one - low) / (high - low) if high > low else np.zeros_like(one))
    return np.stack(found)


def randomised(
    fm: FoldModel,
    photos: np.ndarray,
    targets: Sequence[int],
    *,
    layers: Sequence[str] = ("layer4",),
    method: str = "GradCAM",
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Spearman's correlation of each map with its map after weights were drawn anew: stage -> (n, layers).

    Stages add up, from the top: the head; then layer4 as well; then layer3 as well. The network itself stays whole.
    NaN where a map is constant. Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps (cascading randomisation).
    """
    before = layer_maps(fm, photos, list(targets), layers=layers, method=method).maps
    twin = FoldModel(
        fm.run_id, fm.fold, fm.which, copy.deepcopy(fm.model), fm.config, fm.class_names, fm.device, fm.mean, fm.std
    )
    found = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for stage in STAGES:
            part = twin.model.fc if stage == "head" else getattr(twin.model, stage)
            for module in part.modules():
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
            after = layer_maps(twin, photos, list(targets), layers=layers, method=method).maps
            found[stage] = np.array(
                [[_correlation(a, b) for a, b in zip(x, y, strict=True)] for x, y in zip(before, after, strict=True)]
            )
    return found


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(spearmanr(a.ravel(), b.ravel()).statistic)
