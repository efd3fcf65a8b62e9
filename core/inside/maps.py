"""Per-layer class-activation maps: every layer of a ResNet from one forward and one backward pass.

The maps are pytorch-grad-cam's own, layer by layer; only the averaging over layers is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from core.errors import LabError
from core.inside.cam import PROJECTED, block_of, index_of, modules_of, one_pass, rescale
from core.inside.fold_answers import faces_of
from core.inside.fold_models import FoldModel, faces, fold_model, frozen_samples, held_out_fold, normalised
from core.inside.layers import LAYERS, METHODS, class_name
from core.runs import Run

BATCH = 16  # faces in one pass

Classes = str | int | None | Sequence[int]


@dataclass(frozen=True)
class LayerMaps:
    """Maps of n faces, layer by layer, by one fold's model.

    maps: float32 (n, layers, H, W) at the faces' size. Each is rescaled as pytorch-grad-cam does it (negative heat cut
    off, 0 to 1); with `versus` each is divided by its largest absolute value instead, -1 to 1 (signed).
    raw: a layer each, float32 (n, h, w) at the layer's own size, before cutting and rescaling; `rescale(raw[i], (H, W),
    signed)` gives maps[:, i].
    logits, probabilities: (n, classes), float32 arithmetic; a factored head's logits are log-probabilities, while its
    maps are for the sum of the attributes' logits (FactoredHead.evidence). targets, versus: (n,) class index that
    each map is for and against (None without). folds: (n,) fold whose model made it. held_out: (n,) whether that fold
    held the person out. epoch: see FoldModel; of several folds, nothing.
    """

    maps: np.ndarray
    raw: tuple[np.ndarray, ...]
    layers: tuple[str, ...]
    logits: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray
    versus: np.ndarray | None
    method: str
    class_names: list[str]
    folds: np.ndarray
    held_out: np.ndarray
    epoch: int | None = None

    @property
    def signed(self) -> bool:
        return self.versus is not None


def layer_maps(
    run: Run,
    fold: int,
    what: Sequence[str] | Sequence[np.ndarray],
    classes: Classes = "predicted",
    layers: Sequence[str] = LAYERS,
    method: str = "GradCAM",
    which: str = "best",
    *,
    versus: Classes = None,
    device: str | None = None,
) -> LayerMaps:
    """Maps of some faces by one fold's model, one forward and one backward pass for every BATCH faces.

    what: samples of the run, or faces as the network gets them (uint8 (H, W, 3), see fold_models.as_seen).
    classes: 'predicted' (or None), 'runner-up', 'true' (samples only), a class name as layers.class_key gives it, its
    index, or an index a face.
    versus: a class, given likewise, whose evidence is subtracted: the map of the difference of the two logits.
    layers: 'stem' (conv1, normalised and rectified), 'layer1' to 'layer4' (their last block's output), or a block such
    as 'layer3.2'.
    Raises LabError: what fold_model raises, and kinds layer, method, classes, weights (the answer is no number).
    """
    if not len(what):
        raise LabError("maps: no photo is chosen.", "Choose at least one.", kind="classes")
    named = isinstance(what[0], str)
    seen = faces(run, what) if named else list(what)
    true = frozen_samples(run)["y"].reindex(what).to_numpy(np.int64) if named else None
    held_out = np.array([held_out_fold(run, name) == fold for name in what]) if named else np.zeros(len(seen), bool)
    with fold_model(run, fold, which, device) as opened:
        inputs = normalised(opened.config, seen, opened.device)
        maps = maps_of(opened, inputs, classes, layers, method, versus=versus, true=true)
    return replace(maps, held_out=held_out)


def held_out_maps(
    run: Run,
    samples: Sequence[str],
    classes: Classes = "predicted",
    layers: Sequence[str] = LAYERS,
    method: str = "GradCAM",
    which: str = "best",
    *,
    versus: Classes = None,
    device: str | None = None,
    faults: dict[str, LabError] | None = None,
) -> Iterator[tuple[np.ndarray, LayerMaps]]:
    """Maps of many samples, each by the fold that held its person out, BATCH faces at a time.

    Yields (positions in `samples`, their maps); fold by fold, so that each model is opened once. Errors as layer_maps.
    faults: takes the samples whose photo cannot be read, which are then left out; without it the first one is raised.
    """
    folds = np.array([held_out_fold(run, sample) for sample in samples])
    a_class_each = not (classes is None or isinstance(classes, str | int))

    def maps_of_batch(fold: int, batch: np.ndarray) -> LayerMaps:
        targets: Any = [classes[i] for i in batch] if a_class_each else classes  # type: ignore[index]
        names = [samples[i] for i in batch]
        return layer_maps(run, int(fold), names, targets, layers, method, which, versus=versus, device=device)

    for fold in np.unique(folds):
        places = np.flatnonzero(folds == fold)
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            try:
                maps = maps_of_batch(fold, batch)
            except LabError:
                unreadable = faces_of(run, [samples[i] for i in batch]).faults
                if faults is None or not unreadable:
                    raise
                faults |= unreadable
                batch = np.array([i for i in batch if samples[i] not in unreadable], dtype=int)
                if not len(batch):
                    continue
                maps = maps_of_batch(fold, batch)
            yield batch, maps


def maps_of(
    opened: FoldModel,
    inputs: torch.Tensor,
    classes: Classes = "predicted",
    layers: Sequence[str] = LAYERS,
    method: str = "GradCAM",
    *,
    versus: Classes = None,
    true: np.ndarray | None = None,
    model: nn.Module | None = None,
) -> LayerMaps:
    """Maps by a model that is open already. inputs: float32 (n, 3, H, W). true: (n,) class index of each face.

    model: another network of the same shape in its place (a randomised one). Otherwise as layer_maps.
    """
    if method not in METHODS:
        raise LabError(f"maps: method '{method}' is not known.", f"Choose one of {', '.join(METHODS)}.", kind="method")
    model = opened.model if model is None else model
    picks = [_picks(classes, opened.class_names, len(inputs), true)]
    if versus is not None:
        if method in PROJECTED:
            raise LabError(
                f"maps: {method} has no sign, so it cannot tell one class from another.",
                "Choose GradCAM, or one class.",
                kind="method",
            )
        picks.append(_picks(versus, opened.class_names, len(inputs), true))
    modules = modules_of(model, layers)
    batches = [
        one_pass(model, modules, inputs[i : i + BATCH], [of_faces[i : i + BATCH] for of_faces in picks], method)
        for i in range(0, len(inputs), BATCH)
    ]
    by_module = [np.concatenate([raw[i] for raw, _ in batches]) for i in range(len(modules))]
    logits = np.concatenate([logits for _, logits in batches])
    if not np.isfinite(logits).all():
        raise LabError(
            f"{opened.run.id}: fold {opened.fold} answers with values that are no numbers.",
            "Its weights have diverged; look at another checkpoint or fold.",
            kind="weights",
        )
    order = [list(modules).index(block_of(model, name)) for name in layers]
    size = tuple(inputs.shape[2:])
    scaled = [rescale(raw, size, versus is not None) for raw in by_module]
    targets = [
        np.array([index_of(pick, row) for pick, row in zip(of_faces, logits, strict=True)]) for of_faces in picks
    ]
    return LayerMaps(
        maps=np.stack([scaled[i] for i in order], 1),
        raw=tuple(by_module[i] for i in order),
        layers=tuple(layers),
        logits=logits,
        probabilities=torch.from_numpy(logits).double().softmax(1).numpy(),
        targets=targets[0],
        versus=targets[1] if versus is not None else None,
        method=method,
        class_names=opened.class_names,
        folds=np.full(len(inputs), opened.fold),
        held_out=np.zeros(len(inputs), bool),
        epoch=opened.epoch,
    )


def _picks(classes: Classes, names: list[str], count: int, true: np.ndarray | None) -> list[int | str]:
    """What each face's map is for: a class index, 'predicted' or 'runner-up'. Raises LabError(kind 'classes')."""
    if classes is None or (isinstance(classes, str) and classes in ("predicted", "runner-up")):
        return [classes or "predicted"] * count
    if isinstance(classes, str) and classes == "true":
        if true is None:
            raise LabError("maps: nobody knows the true class of an upload.", "Choose another class.", "classes")
        classes = true
    if isinstance(classes, str):
        name = class_name(classes)
        if name not in names:
            raise LabError(f"maps: there is no class '{name}'.", f"Choose one of {', '.join(names)}.", "classes")
        classes = names.index(name)
    each: Any = [classes] * count if np.ndim(classes) == 0 else classes
    picks: list[int | str] = [int(c) for c in each]
    if len(picks) != count or any(not 0 <= int(pick) < len(names) for pick in picks):
        raise LabError(
            f"maps: {len(picks)} classes between {min(picks)} and {max(picks)} for {count} photos do not fit.",
            f"Give one index a photo, from 0 to {len(names) - 1}.",
            kind="classes",
        )
    return picks
