"""Stress test: how the predictions of a fold's model on held-out faces change as one transform grows stronger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.augment.pipeline import sample_seed
from core.augment.steps import at_value, build_whole
from core.config import RunConfig, TransformConfig
from core.config.transforms import default_params
from core.data.pictures.photo import photo_of, photos_of
from core.errors import LabError, memory_in_words
from core.inside.fold_models import fold_model, normalised
from core.runs import Run

BATCH = 32


@dataclass(frozen=True)
class StressPredictions:
    """Held-out faces under one transform, growing stronger. values: (v,) strengths. samples: n rows.

    probabilities: (v, n, classes); plain: (n, classes), the same without the transform. right, true_p: (v, n) whether
    each face is predicted right, and its class's probability.
    """

    name: str
    param: str
    values: np.ndarray
    samples: pd.DataFrame
    class_names: list[str]
    probabilities: np.ndarray
    plain: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return self.probabilities.argmax(2) == self.samples["y"].to_numpy()[None, :]

    @property
    def true_p(self) -> np.ndarray:
        return np.take_along_axis(self.probabilities, self.samples["y"].to_numpy()[None, :, None], 2)[:, :, 0]

    @property
    def accuracy(self) -> np.ndarray:
        """(v,) share of faces that are predicted right."""
        return self.right.mean(1)

    @property
    def plain_accuracy(self) -> float:
        return float((self.plain.argmax(1) == self.samples["y"].to_numpy()).mean())


def held_out(run: Run, fold: int, count: int, draw: int = 0, of: str | None = None) -> pd.DataFrame:
    """At most `count` samples of the fold's held-out people, each class in its share; another draw picks others.

    of: only those of this class. Raises LabError if there is none.
    """
    samples = run.samples()
    faces = samples[samples["fold"] == fold]
    if of is not None and len(faces):
        faces = faces[faces["class_name"] == of]
        if not len(faces):
            raise LabError(f"run '{run.id}': fold {fold} holds nobody of {of!r} out.", "Choose another class.", "fold")
    if not len(faces):
        raise LabError(f"run '{run.id}': fold {fold} holds nobody out.", "Choose another fold.", "fold")
    rng = np.random.default_rng(draw)
    shuffled = faces.iloc[rng.permutation(len(faces))]
    rank = shuffled.groupby("y").cumcount() + 0.5
    share = rank / shuffled.groupby("y")["y"].transform("size")
    return shuffled.iloc[np.argsort(share.to_numpy(), kind="stable")[:count]].sort_index()


@memory_in_words("stress test", "Choose fewer photos, or wait until nothing trains here.")
def stress(
    run: Run,
    fold: int,
    samples: pd.DataFrame,
    name: str,
    param: str | None,
    values: Sequence[float],
    *,
    which: str = "best",
    progress: Callable[[int, int], None] | None = None,
) -> StressPredictions:
    """Predict the samples under `name`, always applied, with `param` at each value.

    samples: rows of run.samples() that this fold held out (`held_out`). param: None for a transform without parameters;
    the value is then its probability. Its other parameters are the run's own where the run has the transform, else the
    defaults. The other random transforms are off; the deterministic ones are the run's.
    progress(done, total): strengths; what it raises ends the test.
    Raises LabError for faces the fold was trained on, a missing checkpoint, or settings that do not fit.
    """
    table = run.samples()
    if (table.loc[samples.index, "fold"] != fold).any():
        raise LabError(
            f"run '{run.id}': some of these photos were trained on in fold {fold}.", "Choose held-out photos.", "leak"
        )
    config = run.config()
    still, ladder = _ladder(config, name, param, values)
    images = [photo.pixels() for photo in photos_of(samples)]
    seeds = [_seed(config, fold, row) for row in samples.index]
    with fold_model(run, fold, which) as opened:

        def predict(transforms: list[TransformConfig]) -> np.ndarray:
            transform = build_whole(transforms)
            seen = np.stack([transform(image, seed) for image, seed in zip(images, seeds, strict=True)])
            batches = []
            with torch.inference_mode():
                for start in range(0, len(seen), BATCH):
                    inputs = normalised(opened.config, seen[start : start + BATCH], opened.device)
                    batches.append(opened.model(inputs).double().softmax(1).cpu().numpy())
            return np.concatenate(batches)

        plain = predict(still)
        probabilities = []
        for done, transforms in enumerate(ladder):
            if progress:
                progress(done, len(ladder))
            probabilities.append(predict(transforms))
        class_names = list(opened.class_names)
    return StressPredictions(
        name=name,
        param=param or "p",
        values=np.asarray(values, float),
        samples=samples,
        class_names=class_names,
        probabilities=np.stack(probabilities),
        plain=plain,
    )


@memory_in_words("stress test", "Choose fewer photos, or wait until nothing trains here.")
def pictures(
    run: Run, fold: int, sample: pd.Series, name: str, param: str | None, values: Sequence[float]
) -> list[np.ndarray]:
    """One face as `stress` shows it to the network at each strength, uint8 RGB (H, W, 3).

    sample: a row of run.samples(). Raises LabError as `stress` does, and for a photo that cannot be read.
    """
    config = run.config()
    _, ladder = _ladder(config, name, param, values)
    image, seed = photo_of(sample).pixels(), _seed(config, fold, sample.name)
    return [build_whole(transforms)(image, seed) for transforms in ladder]


def _ladder(
    config: RunConfig, name: str, param: str | None, values: Sequence[float]
) -> tuple[list[TransformConfig], list[list[TransformConfig]]]:
    """(the run's deterministic transforms, the same with `name` at each value before Normalize)."""
    still = [t for t in config.transforms if t.deterministic and t.enabled]
    place = len(still) - 1
    try:
        params = next((t.params for t in config.transforms if t.name == name), default_params(name))
        transforms = [*still[:place], TransformConfig(name=name, params=params), *still[place:]]
        return still, [at_value(transforms, place, param, value) for value in values]
    except ValueError as error:
        raise LabError(f"{name}: {' '.join(str(error).split())}", "Choose another range.", "strength") from None


def _seed(config: RunConfig, fold: int, row: int) -> int:
    return sample_seed(config.training.seed, fold, 0, int(row))
