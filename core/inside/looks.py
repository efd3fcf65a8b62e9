"""Looking into chosen faces: every path to a map goes through here, and takes the fold that held the person out.

Only a person who asks for every fold, or who brings a face that no run knows, sees other folds, and the model of each
map says so. torch is imported when the first map is made, so that a page opens quickly.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LabError, memory_in_words
from core.inside.fold_answers import faces_of, of_one_size, probabilities, trained_folds
from core.runs import Run

LAYERS = ("stem", "layer1", "layer2", "layer3", "layer4")
METHODS = ("GradCAM", "GradCAM++", "XGradCAM", "HiResCAM", "LayerCAM", "EigenCAM", "EigenGradCAM")
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@dataclass(frozen=True)
class Wish:
    """What to show. classes: 'predicted', 'true' or a class name. minus: '', or a class whose evidence is subtracted:
    'predicted', 'true', 'runner-up' or a class name. which: checkpoint.

    Predicted minus true is predicted minus runner-up where the answer is right.
    """

    classes: str = "predicted"
    minus: str = ""
    layers: tuple[str, ...] = LAYERS
    method: str = "GradCAM"
    which: str = "best"


@dataclass(frozen=True)
class Look:
    """One face as one model sees it.

    maps: (layers, h, w) float32, each scaled to its largest value: 0..1, or -1..1 for a difference (signed).
    photo: (h, w, 3) uint8, what the network gets, without normalisation. model: which fold in words. which, epoch: the
    checkpoint, None where folds of several epochs are summed up.
    """

    run_id: str
    run_name: str
    sample: str
    model: str
    fold: int | None
    held_out: bool
    layers: tuple[str, ...]
    maps: np.ndarray
    photo: np.ndarray | None
    method: str
    predicted: str = ""
    true: str = ""
    target: str = ""
    confidence: float = float("nan")
    signed: bool = False
    which: str = "best"
    epoch: int | None = None

    @property
    def title(self) -> str:
        return self.sample

    @property
    def lines(self) -> list[str]:
        found = [f"{self.run_name} · {self.model}"]
        if self.predicted:
            found.append(f"{self.true} → {self.predicted}" if self.true else f"→ {self.predicted}")
            found.append(f"p {self.confidence:.2f} · map of {self.target}")
        if self.epoch is not None:
            found.append(f"{'best' if self.which == 'best' else 'last'} epoch, {self.epoch}")
        return found

    def told(self) -> dict[str, Any]:
        """Everything but the arrays."""
        return {k: v for k, v in asdict(self).items() if k not in ("maps", "photo")}


@dataclass(frozen=True)
class Shown:
    """The looks of one run, and why there is none for a sample."""

    looks: tuple[Look, ...]
    faults: dict[str, LabError] = field(default_factory=dict)

    def of(self, sample: str) -> list[Look]:
        return [look for look in self.looks if look.sample == sample]


def layer_names(depth: int) -> list[str]:
    """Every place to look at, front to back: stem, layer1.0, layer1 (its last block's output), layer2.0 ..."""
    found = ["stem"]
    for number, blocks in enumerate(BLOCKS[depth], 1):
        found += [f"layer{number}.{block}" for block in range(blocks - 1)] + [f"layer{number}"]
    return found


def version(run: Run, samples: Sequence[str], which: str) -> tuple:
    """Changes when a fold's weights or a photo does: a key for what was computed from them."""
    files = [run.weights_file(fold, which) for fold in run.folds()]
    with contextlib.suppress(LabError, OSError, KeyError, ValueError):
        table = run.samples().set_index("sample")["path"]
        files += [Path(table[name]) for name in samples if name in table.index]
    return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in files)


@memory_in_words("maps", "Choose fewer faces, or wait until nothing trains here.")
def held_out(run: Run, samples: Sequence[str], wish: Wish) -> Shown:
    """Each face by the fold that held its person out; faces of one fold share a pass.

    Raises LabError when no map can be made at all (run or checkpoint gone, NaN weights); what concerns one face alone
    is in the faults.
    """
    photos, true, own, faults = faces_of(run, samples)
    looks = []
    for fold in sorted(set(own.values())):
        looks += _by_fold(run, fold, {name: photos[name] for name in photos if own[name] == fold}, true, wish, own)
    return Shown(tuple(looks), faults)


@memory_in_words("maps", "Choose fewer faces, or wait until nothing trains here.")
def every_fold(run: Run, samples: Sequence[str], wish: Wish) -> Shown:
    """Each face by every fold, then the mean of the maps and their disagreement (standard deviation over folds)."""
    photos, true, own, faults = faces_of(run, samples)
    looks = [look for fold in trained_folds(run, wish.which) for look in _by_fold(run, fold, photos, true, wish, own)]
    return Shown(tuple(looks + _spread(looks, wish)), faults)


@memory_in_words("maps", "Choose fewer faces, or wait until nothing trains here.")
def of_uploads(run: Run, uploads: dict[str, np.ndarray], wish: Wish) -> Shown:
    """Faces that no run knows, uint8 (h, w, 3), by every fold, with mean and disagreement."""
    from core.inside.fold_models import as_seen

    config = run.config()
    photos = {name: as_seen(config, pixels) for name, pixels in uploads.items()}
    looks = [look for fold in trained_folds(run, wish.which) for look in _by_fold(run, fold, photos, {}, wish, {})]
    return Shown(tuple(looks + _spread(looks, wish)))


def _spread(looks: Sequence[Look], wish: Wish) -> list[Look]:
    """Mean and disagreement of each sample's maps, over the models that were asked."""
    found = []
    for sample in dict.fromkeys(look.sample for look in looks):
        own = [look for look in looks if look.sample == sample]
        if len(own) < 2:
            continue
        stack = np.stack([look.maps for look in own])
        like = own[0]
        for model, maps, signed in (
            (f"mean of {len(own)} folds", stack.mean(0), like.signed),
            (f"disagreement of {len(own)} folds", _scaled(stack.std(0, ddof=1)), False),
        ):
            found.append(
                Look(like.run_id, like.run_name, sample, model, None, False, like.layers, maps.astype(np.float32),
                     like.photo, wish.method, true=like.true, signed=signed, which=wish.which)
            )  # fmt: skip
    return found


def _by_fold(
    run: Run, fold: int, photos: dict[str, np.ndarray], true: dict[str, str], wish: Wish, own: dict[str, int]
) -> list[Look]:
    """One pass of one fold's model over some faces. true, own: class and held-out fold where a face has them."""
    from core.inside.maps import layer_maps

    if not photos:
        return []
    names, config = list(photos), run.config()
    classes = [str(name) for name in run.info()["class_names"]]
    present = set(layer_names(config.model.depth))
    layers = [name for name in wish.layers if name in present]
    state = run.fold_state(fold)
    scored = state.best_epoch if wish.which == "best" else state.epoch
    looks = []
    for part in of_one_size(photos):  # photos that nothing crops may differ in size
        stack = [photos[name] for name in part]
        target, versus = _targets(run, fold, stack, [true.get(name) for name in part], classes, wish)
        maps = layer_maps(run, fold, stack, target, layers, wish.method, wish.which, versus=versus)
        for i, name in enumerate(part):
            seen, chances = maps.maps[i], maps.probabilities[i]
            if len(layers) < len(wish.layers):  # a block that this depth does not have stays empty
                every = np.full((len(wish.layers), *seen.shape[1:]), np.nan, dtype=np.float32)
                every[[wish.layers.index(layer) for layer in layers]] = seen
                seen = every
            model = f"fold {fold}"
            if name in own:
                model += ", held out" if own[name] == fold else ", trained on this person"
            of = classes[maps.targets[i]]
            of += f" minus {classes[maps.versus[i]]}" if maps.versus is not None else ""
            looks.append(
                Look(
                    run_id=run.id, run_name=config.name, sample=name, model=model, fold=fold,
                    held_out=own.get(name) == fold, layers=tuple(wish.layers), maps=seen, photo=photos[name],
                    method=wish.method, predicted=classes[int(chances.argmax())], true=true.get(name, ""),
                    target=of, confidence=float(chances.max()), signed=maps.signed,
                    which=wish.which, epoch=scored if maps.epoch is None else maps.epoch,
                )
            )  # fmt: skip
    return sorted(looks, key=lambda look: names.index(look.sample))


def _targets(
    run: Run, fold: int, photos: list[np.ndarray], true: list[str | None], classes: list[str], wish: Wish
) -> tuple[str | list[int], str | list[int] | None]:
    """(what layer_maps explains, what it subtracts) of faces, of which `true` are the classes, None where unknown."""
    if None in true and "true" in (wish.classes, wish.minus):
        raise LabError("a face without a label has no true class.", "Choose another class.", kind="classes")
    y = [classes.index(name) if name is not None else -1 for name in true]
    if (wish.classes, wish.minus) == ("predicted", "true"):
        ranked = np.argsort(-probabilities(run, fold, photos, wish.which), axis=1)
        return "predicted", [int(r[1]) if r[0] == label else label for r, label in zip(ranked, y, strict=True)]
    target, versus = (y if name == "true" else name for name in (wish.classes, wish.minus))
    return target, versus or None


def _scaled(maps: np.ndarray) -> np.ndarray:
    """Each map divided by its largest absolute value; a map of zeros stays."""
    top = np.abs(maps).max(axis=(-2, -1), keepdims=True)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top > 0)
