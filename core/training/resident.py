"""Decoded photos that live on a GPU, and batches of which only what is random travels there.

Where all photos fit, a batch is their numbers and what was drawn for each: it is gathered and augmented on the device,
without loader processes. Where they do not, or where a transform of the list has no equal there, photos travel.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from core.augment import draws, on_device
from core.augment.pipeline import sample_seeds, split_exact
from core.config.run_config import TrainingConfig
from core.training.batches import AugmentedBatches, Loader, Source
from core.training.device import empty_cache, pick_loader_workers
from core.training.gpu import drawers
from core.training.gpu.drawers import Drawers

CHUNK = 1 << 26  # bytes copied to a device at a time
_held: tuple[Any, torch.Tensor] | None = None  # of the fold job before, which as a rule wants the same photos


def photos_on(device: torch.device, pixels: Path, share: float) -> torch.Tensor | None:
    """uint8 (n, h, w, 3) on the device, None where they would take more than that share of what is free there.

    pixels: of core/training/pixel_cache.py. A worker's next fold job of the same share finds them there.
    """
    global _held
    status = pixels.stat()  # its time says no more than when somebody asked for it
    key = (str(pixels), status.st_ino, status.st_size, str(device), share)
    if _held is not None and _held[0] == key:
        return _held[1]
    _held = None
    stored = np.load(pixels, mmap_mode="r")
    if stored.nbytes > share * free_memory(device):
        return None
    photos = torch.empty(stored.shape, dtype=torch.uint8, device=device)
    step = max(1, CHUNK // max(1, stored[0].nbytes))
    for start in range(0, len(stored), step):
        photos[start : start + step] = torch.from_numpy(stored[start : start + step].copy())
    _held = key, photos
    return photos


def forget() -> None:
    """Give back the photos that a device holds for the next fold job: for who looks at them once."""
    global _held
    _held = None
    empty_cache()


def free_memory(device: torch.device) -> int:
    """Bytes that tensors can take on a device; of a processor, those of the machine that are free."""
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what the fold job before left
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        torch.mps.empty_cache()
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    import psutil

    return psutil.virtual_memory().available


class DrawnBatches(Dataset):
    """(epoch, sample indices, repeats) -> what `finish` makes a batch of on the device.

    photos: of `photos_on`, where nothing but draws.py's transforms stands behind the cached part. Without it images
    come here through albumentations' part of the list first. apart: processes that draw where a thread is too slow.
    """

    def __init__(
        self,
        source: Source,
        seed: int,
        fold: int,
        stage: str,
        photos: torch.Tensor | None = None,
        apart: Drawers | None = None,
    ):
        self.source, self.seed, self.fold, self.stage = source, seed, fold, stage
        self.photos, self.apart = photos, apart
        self._listed = drawers.listed(source.transforms, stage) if apart else b""
        self._alone = threading.Lock()  # of threads that find no drawer, one draws at a time
        self._opened: Any = None

    def __getitem__(self, item: tuple[int, np.ndarray, np.ndarray]) -> dict[str, Any]:
        """rows (b,) int64, or images uint8 (b, h, w, 3); drawn: of core/augment/on_device.py. On the processor."""
        epoch, indices, repeats = item
        drawn = self._drawn(epoch, indices, repeats)
        if self.photos is not None:
            return {"rows": torch.from_numpy(indices.astype(np.int64)), "drawn": drawn}
        before, _ = self._open()
        seeds = sample_seeds(self.seed, self.fold, epoch, indices, repeats).tolist()
        images = [before(i, seed) for i, seed in zip(indices.tolist(), seeds, strict=True)]
        return {"images": torch.from_numpy(np.stack(images)), "drawn": drawn}

    def _drawn(self, epoch: int, indices: np.ndarray, repeats: np.ndarray) -> on_device.Drawn:
        asked = self.seed, self.fold, epoch, indices, repeats
        drawn = self.apart.draw(self._listed, *asked) if self.apart else None
        if drawn is None:
            with self._alone:
                drawn = drawers.draw_batch(self._open()[1], *asked)
        return on_device.tensors(drawn)

    def finish(self, item: dict[str, Any]) -> torch.Tensor:
        """uint8 (b, H, W, 3). item: as __getitem__ gives it, on the device."""
        images = self.photos.index_select(0, item["rows"]) if self.photos is not None else item["images"]
        return on_device.apply(self._open()[1], images, item["drawn"])

    def _open(self):
        if self._opened is None:
            stages = draws.stages(*split_exact(self.source.transforms, self.stage)[1:])
            self._opened = None if self.photos is not None else self.source.open_before(self.stage), stages
        return self._opened

    def __getstate__(self):
        assert self.photos is None, "photos on a device never travel to another process"
        return {key: value for key, value in vars(self).items() if key != "_alone"} | {"_opened": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _alone=threading.Lock())


def feed(training: TrainingConfig, source: Source, fold: int, stage: str, device: torch.device) -> Loader:
    """What feeds a fold's stage 'train' or 'eval' on a device."""
    if stage == "train" and not any(_asked_for(source, each, device) for each in ("train", "eval")):
        forget()  # those of the fold job before, which would stay where nobody asks for others
    if not augments(device):
        workers = pick_loader_workers(training, device) if stage == "train" else 0
        return Loader(AugmentedBatches(source, training.seed, fold, stage), workers, device)
    pixels = _asked_for(source, stage, device)
    photos = photos_on(device, pixels, training.photos_on_device) if pixels is not None else None
    workers = pick_loader_workers(training, device) if stage == "train" else 0
    if photos is None:
        return Loader(DrawnBatches(source, training.seed, fold, stage), workers, device)
    apart = drawers.held(workers) if workers and draws_anything(source) else None
    return Loader(DrawnBatches(source, training.seed, fold, stage, photos, apart), 0, device, threads=max(1, workers))


def _asked_for(source: Source, stage: str, device: torch.device) -> Path | None:
    """The decoded photos that a stage wants on the device, whether or not there is room for them."""
    return source.pixels if augments(device) and not split_exact(source.transforms, stage)[0] else None


def draws_anything(source: Source) -> bool:
    return any(not t.deterministic for t in split_exact(source.transforms, "train")[1])


def augments(device: torch.device) -> bool:
    """Whether batches are augmented on the device. A processor does it photo by photo, with OpenCV's own routines."""
    return device.type != "cpu"
