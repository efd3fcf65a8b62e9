"""What folds' models answer about faces, maps apart: probabilities, and how far the folds of a run disagree.

torch is imported when the first model is asked, so that a page opens quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from core.answers.mistakes import divergence
from core.data.content.unchanged import since_launch
from core.errors import LabError, memory_in_words
from core.runs import Run
from core.runs.yes_no.view import attributes

BATCH = 32  # faces in one forward pass


@dataclass(frozen=True)
class FaceInputs:
    """Some faces, by sample. photos: as the network gets them, uint8 (h, w, 3), without normalisation.

    true, folds: the class and the fold that held the person out, of faces that the run knows. changed: what is to be
    said of photos that are not those of the launch by now. faults: of the faces that are missing here.
    """

    photos: dict[str, np.ndarray]
    true: dict[str, str] = field(default_factory=dict)
    folds: dict[str, int] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    faults: dict[str, LabError] = field(default_factory=dict)

    def held_out_by(self, fold: int) -> FaceInputs:
        """Those of a fold's held-out people."""
        return replace(self, photos={name: photo for name, photo in self.photos.items() if self.folds[name] == fold})


def faces_of(run: Run, samples: Sequence[str]) -> FaceInputs:
    """The run's samples as its networks get them; those that cannot be read are in the faults."""
    from core.data.pictures.photo import photo_of
    from core.inside.fold_models import as_seen, frozen_samples, held_out_fold

    table, config = frozen_samples(run), run.config()
    inputs = FaceInputs({}, changed=since_launch(table[table["sample"].isin(samples)]))
    for sample in samples:
        try:
            fold = held_out_fold(run, sample)
            photo = as_seen(config, photo_of(table.loc[sample]).pixels())
        except LabError as error:
            inputs.faults[sample] = error
        else:
            inputs.photos[sample], inputs.folds[sample] = photo, fold
            inputs.true[sample] = str(table.at[sample, "class_name"])
    return inputs


def of_one_size(photos: dict[str, np.ndarray]) -> list[list[str]]:
    """Names of photos whose shape is one, shape by shape: a batch holds one size."""
    groups: dict[tuple, list[str]] = {}
    for name, photo in photos.items():
        groups.setdefault(photo.shape, []).append(name)
    return list(groups.values())


def trained_folds(run: Run, which: str) -> list[int]:
    """The folds that have weights, or should have; all of them where none has, so that the first says why."""
    due = [s.fold for s in run.states() if s.state == "done" or run.weights_file(s.fold, which).is_file()]
    return due or run.folds()


def probabilities(run: Run, fold: int, photos: Sequence[np.ndarray], which: str = "best") -> np.ndarray:
    """What one fold's model answers, float64 (n, classes). photos: as the network gets them, uint8 (h, w, 3)."""
    return with_features(run, fold, photos, which)[0]


def with_features(
    run: Run, fold: int, photos: Sequence[np.ndarray], which: str = "best", device: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(what one fold's model answers, float64 (n, classes); what its head takes for it, float32 (n, features)).

    Of a run that tells yes/no attributes one by one the probability of each yes, (n, attributes).
    photos: as the network gets them, uint8 (h, w, 3). device: as of fold_model, which says what is raised.
    """
    import torch

    from core.inside.fold_models import fold_model, normalised

    taken: list[torch.Tensor] = []
    one_by_one = bool(attributes(run))
    with fold_model(run, fold, which, device, whole=one_by_one) as opened, torch.inference_mode():
        opened.model.fc.register_forward_pre_hook(lambda head, inputs: taken.append(inputs[0]))
        logits = opened.model(normalised(opened.config, photos, opened.device))
        shares = logits.double().sigmoid() if one_by_one else logits.double().softmax(1)
        return shares.cpu().numpy(), taken[0].float().cpu().numpy()


@memory_in_words("answers of the folds", "Choose fewer photos, or wait until nothing trains here.")
def between_folds(
    run: Run,
    samples: Sequence[str],
    which: str = "best",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.Series:
    """How far a run's folds disagree about each face, by sample: see mistakes.divergence. A bad photo is left out.

    All folds but one were trained on the person: a face about which they disagree with the held-out one was learned by
    heart, as hard faces and wrong labels are. progress(done, total) counts faces times folds.
    """
    photos = faces_of(run, samples).photos
    folds, done = trained_folds(run, which), 0
    disagreement: dict[str, float] = {}
    for group in of_one_size(photos):
        for start in range(0, len(group), BATCH):
            names = group[start : start + BATCH]
            answers = []
            for fold in folds:
                answers.append(probabilities(run, fold, [photos[name] for name in names], which))
                done += len(names)
                progress(done, len(photos) * len(folds))
            disagreement |= dict(zip(names, divergence(np.stack(answers)), strict=True))
    return pd.Series(disagreement, dtype=float)
