"""Maps of chosen faces: every path to a map goes through here, and takes the fold that held the person out.

Only a person who asks for every fold, or who brings a face that no run knows, sees other folds, and the model of each
map says so. torch is imported when the first map is made, so that a page opens quickly.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from core.data.pictures.photo import photos_of
from core.errors import LabError, memory_in_words
from core.inside.cells import Grid, drawn, grids_of
from core.inside.fold_answers import FaceInputs, faces_of, of_one_size, probabilities, trained_folds
from core.inside.layers import LAYERS, layer_names
from core.runs import Run
from core.text import sure

LOOKED_AT = 2_000  # photos whose files are asked for at each redraw


@dataclass(frozen=True)
class MapRequest:
    """Which maps to make. classes: 'predicted', 'true' or a class name as layers.class_key gives it. minus: '', or a
    class whose evidence is subtracted: 'predicted', 'true', 'runner-up' or a class likewise. which: checkpoint.

    Predicted minus true is predicted minus runner-up where the answer is right.
    """

    classes: str = "predicted"
    minus: str = ""
    layers: tuple[str, ...] = LAYERS
    method: str = "GradCAM"
    which: str = "best"


@dataclass(frozen=True)
class FaceMaps:
    """One face as one model sees it.

    maps: (layers, h, w) float32, each scaled to its largest value: 0..1, or -1..1 for a difference (signed); one with
    few cells as its cells. grids: of each layer, its rows and columns of cells, see core.inside.cells.
    photo: (h, w, 3) uint8, what the network gets, without normalisation. model: which fold in words. which, epoch: the
    checkpoint, None where folds of several epochs are summed up. changed: what is to be said
    of a photo that is not the one of the launch by now.
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
    grids: tuple[Grid, ...] = ()
    changed: str = ""

    @property
    def title(self) -> str:
        return self.sample

    @property
    def lines(self) -> list[str]:
        lines = [f"{self.run_name} · {self.model}"]
        if self.predicted:
            lines.append(f"{self.true} → {self.predicted}" if self.true else f"→ {self.predicted}")
            lines.append(f"{sure(self.confidence)} · map of {self.target}")
        if self.changed:
            lines.append(f"photo: {self.changed}")
        if self.epoch is not None:
            lines.append(f"{'best' if self.which == 'best' else 'last'} epoch, {self.epoch}")
        return lines

    def metadata(self) -> dict[str, Any]:
        """Everything but the arrays."""
        return {k: v for k, v in asdict(self).items() if k not in ("maps", "photo")}


@dataclass(frozen=True)
class RunMaps:
    """Faces as the models of one run see them, and why there are no maps of a sample."""

    faces: tuple[FaceMaps, ...]
    faults: dict[str, LabError] = field(default_factory=dict)

    def of(self, sample: str) -> list[FaceMaps]:
        return [face for face in self.faces if face.sample == sample]


def version(run: Run, samples: Sequence[str], which: str) -> tuple:
    """Changes when a fold's weights or a photo does: a key for what was computed from them.

    More photos than LOOKED_AT are not looked at: that would take each redraw of a page a second and more.
    """
    weights = [run.weights_file(fold, which) for fold in run.folds()]
    photos = []
    if 0 < len(samples) <= LOOKED_AT:
        with contextlib.suppress(LabError, OSError, KeyError, ValueError):
            table = run.samples()
            photos = [photo.stamp() for photo in photos_of(table[table["sample"].isin(samples)])]
    return (*(path.stat().st_mtime_ns if path.is_file() else 0 for path in weights), *photos)


@memory_in_words("maps", "Choose fewer photos, or wait until nothing trains here.")
def held_out(run: Run, samples: Sequence[str], request: MapRequest) -> RunMaps:
    """Each face by the fold that held its person out; faces of one fold share a pass.

    Raises LabError when no map can be made at all (run or checkpoint gone, NaN weights); what concerns one face alone
    is in the faults.
    """
    inputs = faces_of(run, samples)
    faces: list[FaceMaps] = []
    for fold in sorted(set(inputs.folds.values())):
        faces += _by_fold(run, fold, inputs.held_out_by(fold), request)
    return RunMaps(tuple(faces), inputs.faults)


@memory_in_words("maps", "Choose fewer photos, or wait until nothing trains here.")
def every_fold(run: Run, samples: Sequence[str], request: MapRequest) -> RunMaps:
    """Each face by every fold, then the mean of the maps and their disagreement (standard deviation over folds)."""
    return _by_every_fold(run, faces_of(run, samples), request)


@memory_in_words("maps", "Choose fewer photos, or wait until nothing trains here.")
def of_uploads(
    run: Run, uploads: dict[str, np.ndarray], request: MapRequest, folds: Sequence[int] | None = None
) -> RunMaps:
    """Photos that no run knows, uint8 (h, w, 3), by every fold or some, with mean and disagreement."""
    from core.inside.fold_models import as_seen

    config = run.config()
    inputs = FaceInputs({name: as_seen(config, pixels) for name, pixels in uploads.items()})
    return _by_every_fold(run, inputs, request, folds)


def _by_every_fold(run: Run, inputs: FaceInputs, request: MapRequest, folds: Sequence[int] | None = None) -> RunMaps:
    folds = trained_folds(run, request.which) if folds is None else folds
    faces = [face for fold in folds for face in _by_fold(run, fold, inputs, request)]
    return RunMaps((*faces, *_over_folds(faces)), inputs.faults)


def _over_folds(faces: Sequence[FaceMaps]) -> list[FaceMaps]:
    """Mean and disagreement of each sample's maps, over the models that were asked."""
    summaries = []
    for sample in dict.fromkeys(face.sample for face in faces):
        by_model = [face for face in faces if face.sample == sample]
        if len(by_model) < 2:
            continue
        stack, folds = np.stack([face.maps for face in by_model]), f"{len(by_model)} folds"
        mean = _summary(by_model[0], f"mean of {folds}", stack.mean(0))
        disagreement = _summary(by_model[0], f"disagreement of {folds}", _scaled(stack.std(0, ddof=1)))
        summaries += [mean, replace(disagreement, signed=False)]
    return summaries


def _summary(face: FaceMaps, model: str, maps: np.ndarray) -> FaceMaps:
    """The face with maps of several folds, without what one of them answered. model: in words."""
    return replace(
        face,
        model=model,
        maps=maps.astype(np.float32),
        fold=None,
        held_out=False,
        predicted="",
        target="",
        confidence=float("nan"),
        epoch=None,
    )


def _by_fold(run: Run, fold: int, inputs: FaceInputs, request: MapRequest) -> list[FaceMaps]:
    """One pass of one fold's model over some faces, in their order."""
    from core.inside.maps import layer_maps

    if not inputs.photos:
        return []
    config, class_names = run.config(), [str(name) for name in run.info()["class_names"]]
    present = set(layer_names(config.model.depth))
    layers = [name for name in request.layers if name in present]
    recorded = run.fold_state(fold)
    faces = {}
    for samples in of_one_size(inputs.photos):  # photos that nothing crops may differ in size
        photos = [inputs.photos[sample] for sample in samples]
        true = [inputs.true.get(sample) for sample in samples]
        target, versus = _targets(run, fold, photos, true, class_names, request)
        maps = layer_maps(run, fold, photos, target, layers, request.method, request.which, versus=versus)
        grids = dict(zip(layers, grids_of(maps), strict=True))
        as_drawn = drawn(maps)
        epoch = maps.epoch
        if epoch is None:
            epoch = recorded.best_epoch if request.which == "best" else recorded.epoch
        for i, sample in enumerate(samples):
            held_out_by, probability = inputs.folds.get(sample), maps.probabilities[i]
            contrast = f" minus {class_names[maps.versus[i]]}" if maps.versus is not None else ""
            faces[sample] = FaceMaps(
                run_id=run.key,
                run_name=config.name,
                sample=sample,
                model=_model_in_words(fold, held_out_by),
                fold=fold,
                held_out=held_out_by == fold,
                layers=tuple(request.layers),
                maps=_of_all_layers(as_drawn[i], layers, request.layers),
                photo=photos[i],
                method=request.method,
                predicted=class_names[int(probability.argmax())],
                true=true[i] or "",
                target=class_names[maps.targets[i]] + contrast,
                confidence=float(probability.max()),
                signed=maps.signed,
                which=request.which,
                epoch=epoch,
                grids=tuple(grids.get(layer, (0, 0)) for layer in request.layers),
                changed=inputs.changed.get(sample, ""),
            )
    return [faces[sample] for sample in inputs.photos]


def _model_in_words(fold: int, held_out_by: int | None) -> str:
    """held_out_by: the fold that held the person out, None where no fold is known to have."""
    if held_out_by is None:
        return f"fold {fold}"
    return f"fold {fold}, held out" if held_out_by == fold else f"fold {fold}, trained on this person"


def _of_all_layers(maps: np.ndarray, layers: list[str], requested: tuple[str, ...]) -> np.ndarray:
    """Maps (layers, h, w) with empty ones (NaN) for the blocks that the network's depth does not have."""
    if len(layers) == len(requested):
        return maps
    every = np.full((len(requested), *maps.shape[1:]), np.nan, dtype=np.float32)
    every[[requested.index(layer) for layer in layers]] = maps
    return every


def _targets(
    run: Run,
    fold: int,
    photos: list[np.ndarray],
    true: list[str | None],
    class_names: list[str],
    request: MapRequest,
) -> tuple[str | list[int], str | list[int] | None]:
    """(what layer_maps explains, what it subtracts) of faces, of which `true` are the classes, None where unknown."""
    if None in true and "true" in (request.classes, request.minus):
        raise LabError("a photo without a label has no true class.", "Choose another class.", kind="classes")
    y = [class_names.index(name) if name is not None else -1 for name in true]
    if (request.classes, request.minus) == ("predicted", "true"):
        ranked = np.argsort(-probabilities(run, fold, photos, request.which), axis=1)
        return "predicted", [int(r[1]) if r[0] == label else label for r, label in zip(ranked, y, strict=True)]
    target, versus = (y if name == "true" else name for name in (request.classes, request.minus))
    return target, versus or None


def _scaled(maps: np.ndarray) -> np.ndarray:
    """Each map divided by its largest absolute value; a map of zeros stays."""
    top = np.abs(maps).max(axis=(-2, -1), keepdims=True)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top > 0)
