"""The trained network of one fold, for looking inside and for predicting: loaded once, locked while in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from core.augment import build_transform, normalization
from core.batches import to_network
from core.config import RunConfig
from core.data import class_parts
from core.device import pick_device
from core.errors import LabError
from core.images import load_image
from core.model import build_model, read_state
from core.runs import Run

KEPT = 6  # networks in memory at most; a ResNet-101 takes 170 MB


@dataclass
class FoldModel:
    """A network in evaluation mode. Its weights need no gradients: maps ask for those of activations alone.

    mean, std: shape (3,), on a 0..255 scale, on the device.
    """

    run_id: str
    fold: int
    which: str
    model: nn.Module
    config: RunConfig
    class_names: list[str]
    device: torch.device
    mean: torch.Tensor
    std: torch.Tensor
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def inputs(self, photos: np.ndarray) -> torch.Tensor:
        """uint8 (n, h, w, 3) -> what the network takes, float32 (n, 3, h, w) on the device, as in training."""
        return to_network(torch.from_numpy(np.ascontiguousarray(photos)).to(self.device), self.mean, self.std)

    @torch.inference_mode()
    def probabilities(self, photos: np.ndarray) -> np.ndarray:
        """uint8 (n, h, w, 3) -> float64 (n, classes), in float32 arithmetic."""
        return self.model(self.inputs(photos)).double().softmax(1).cpu().numpy()


_cache: OrderedDict[tuple, FoldModel] = OrderedDict()
_cache_lock = threading.Lock()


@contextmanager
def fold_model(
    run: Run, fold: int, which: str = "best", device: str | torch.device | None = None
) -> Iterator[FoldModel]:
    """The network of a fold, for one thread at a time; as it was before, when the block is left, errors or not.

    device: None uses a GPU where there is one, so a run that was trained on a GPU opens on a CPU as well.
    Raises LabError: 'gone' (run), 'weights' (no checkpoint, damaged, of another network, not finite).
    """
    found = _find(run, fold, which, device)
    with found.lock:
        found.model.eval()
        try:
            yield found
        finally:
            found.model.eval()
            found.model.zero_grad(set_to_none=True)
            found.model.requires_grad_(False)


def forget() -> None:
    """Free every network that nobody uses."""
    with _cache_lock:
        _cache.clear()


def cached() -> int:
    """How many networks are in memory."""
    return len(_cache)


def _find(run: Run, fold: int, which: str, device: str | torch.device | None) -> FoldModel:
    path = run.require().weights_file(fold, which)
    place = torch.device(device) if device is not None else pick_device("auto")
    try:
        stamp = path.stat()
    except OSError:
        raise LabError(
            f"weights: {run.id} has no {which} checkpoint of fold {fold}.",
            "It was deleted, or the fold never finished; choose another fold or run.",
            kind="weights",
        ) from None
    key = (str(path), stamp.st_mtime_ns, stamp.st_size, str(place))
    with _cache_lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    loaded = _load(run, fold, which, path, place)
    with _cache_lock:
        for old in [k for k in _cache if k[0] == key[0] and k[3] == key[3]]:
            del _cache[old]  # the same file before it was written anew
        _cache[key] = loaded
        while len(_cache) > KEPT:
            _cache.popitem(last=False)
    return loaded


def _load(run: Run, fold: int, which: str, path: Path, device: torch.device) -> FoldModel:
    config, names = run.config(), run.info()["class_names"]
    parts = class_parts(config.task, names) if config.model.head == "factored" else None
    model, _ = build_model(config.model.model_copy(update={"init": "scratch"}), len(names), 0, parts)
    state = read_state(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()
        raise LabError(
            f"weights: {path.name} of fold {fold} does not fit this run's network: {why}",
            "The file was exchanged; put the run's own file back.",
            kind="weights",
        ) from None
    bad = next((name for name, value in state.items() if not torch.isfinite(value).all()), None)
    if bad is not None:
        raise LabError(
            f"weights: {bad} of {run.id}, fold {fold} is not finite, so this network answers nothing.",
            "The training diverged; look at its curves and choose another run or checkpoint.",
            kind="weights",
        )
    mean, std = normalization(config.transforms)
    return FoldModel(
        run.id, fold, which, model.to(device).eval().requires_grad_(False), config, names, device,
        torch.tensor(mean, device=device) * 255, torch.tensor(std, device=device) * 255,
    )  # fmt: skip


@lru_cache(maxsize=16)
def _samples(run_dir: str, mtime: int) -> pd.DataFrame:
    return Run(Path(run_dir).name, Path(run_dir).parent).samples().set_index("sample")


def samples_of(run: Run) -> pd.DataFrame:
    """The run's frozen samples by name, read once."""
    try:
        stamp = (run.require().dir / "samples.parquet").stat().st_mtime_ns
    except OSError:
        raise LabError(f"run '{run.id}' has lost its samples.", "Copy samples.parquet back.", kind="gone") from None
    return _samples(str(run.dir), stamp)


def held_out_fold(run: Run, sample: str) -> int:
    """The fold whose network never saw the sample's person. Raises LabError(kind 'sample') for an unknown one."""
    table = samples_of(run)
    if sample not in table.index:
        raise LabError(
            f"sample '{sample}' is not in {run.id}, so none of its folds held it out.",
            "Choose a face of this run's dataset and task.",
            kind="sample",
        )
    return int(table.at[sample, "fold"])


def photo_of(config: RunConfig, path: str | Path) -> np.ndarray:
    """A photo as the network sees it in validation, before normalisation: uint8 (h, w, 3). Raises LabError."""
    lead = build_transform(config.transforms, "lead")(load_image(str(path)))
    return build_transform(config.transforms, "eval")(lead)


def photos_of(run: Run, samples: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, LabError]]:
    """(sample -> photo as the network sees it, sample -> why there is none): one bad file spoils no other."""
    config, table = run.config(), samples_of(run)
    photos, faults = {}, {}
    for sample in samples:
        try:
            if sample not in table.index:
                held_out_fold(run, sample)
            photos[sample] = photo_of(config, table.at[sample, "path"])
        except LabError as error:
            faults[sample] = error
    return photos, faults
