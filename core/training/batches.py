"""Batches of augmented uint8 images whose content depends on (seed, fold, epoch, sample) alone."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from core.augment import draws
from core.augment.pipeline import Pipeline, build_transform, sample_seeds, size_of, split_exact, split_pipeline
from core.config import TransformConfig
from core.data.pictures.photo import StoredPhoto
from core.errors import LabError

# What torch says of a loader process that died of a bus error, or could make no file in /dev/shm
_NO_SHARED_MEMORY = re.compile(r"signal: Bus error|shared memory|file </torch_")


@dataclass(frozen=True)
class Source:
    """Where the images of a run come from: the pixel cache, or the files where no cache is possible.

    photos: (n,) in sample order. pixels: .npy of uint8 (n, h, w, 3), or None.
    """

    photos: Sequence[StoredPhoto]
    pixels: Path | None
    transforms: Sequence[TransformConfig]

    def open(self, stage: str) -> Callable[[int, int], np.ndarray]:
        """index, seed -> uint8 (H, W, 3) for a stage 'train' or 'eval'."""
        before, drawn = self.open_before(stage), draws.stages(*split_exact(self.transforms, stage)[1:])
        return lambda index, seed: draws.apply(drawn, before(index, seed), seed)

    def open_before(self, stage: str) -> Callable[[int, int], np.ndarray]:
        """index, seed -> uint8 (h, w, 3): what comes into the transforms that core/augment/draws.py applies."""
        lead, _ = split_pipeline(self.transforms)
        own = split_exact(self.transforms, stage)[0]
        after = Pipeline(own, len(lead), size_of(lead))
        if self.pixels is not None:
            array = np.load(self.pixels, mmap_mode="r")
            return lambda index, seed: after(np.asarray(array[index]), seed)
        first = build_transform(self.transforms, "lead")
        return lambda index, seed: after(first(self.photos[index].pixels()), seed)


class AugmentedBatches(Dataset):
    """Map-style dataset over whole batches: (epoch, sample indices, repeats) -> uint8 tensor (b, H, W, 3).

    repeats: how often each sample was drawn before in this epoch, so that a second draw is augmented differently.

    Opened lazily in whichever process or thread uses it, so that nothing heavy is pickled.
    """

    def __init__(self, source: Source, seed: int, fold: int, stage: str):
        self.source, self.seed, self.fold, self.stage = source, seed, fold, stage
        self._image: Any = None

    def __getitem__(self, item: tuple[int, np.ndarray, np.ndarray]) -> torch.Tensor:
        epoch, indices, repeats = item
        if self._image is None:
            self._image = self.source.open(self.stage)
        seeds = sample_seeds(self.seed, self.fold, epoch, indices, repeats)
        images = [self._image(i, seed) for i, seed in zip(indices.tolist(), seeds.tolist(), strict=True)]
        return torch.from_numpy(np.stack(images))

    def finish(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def __getstate__(self):
        return {**vars(self), "_image": None}


def epoch_order(rows: np.ndarray, seed: int, fold: int, epoch: int, balance: np.ndarray | None = None) -> np.ndarray:
    """The training samples of an epoch in their order, a function of its arguments alone.

    balance: (rows,) class of each row; then as many samples are drawn with replacement, every class equally likely.
    """
    rng = np.random.default_rng([seed, fold, epoch, 0])
    if balance is None:
        return rng.permutation(rows)
    _, inverse, counts = np.unique(balance, return_inverse=True, return_counts=True)
    chance = 1 / counts[inverse]
    return rng.choice(rows, size=len(rows), p=chance / chance.sum())


def repeats(order: np.ndarray) -> np.ndarray:
    """How often each entry occurred before its place, same shape as order."""
    places = np.argsort(order, kind="stable")
    ranked = order[places]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    result = np.empty(len(order), np.int64)
    result[places] = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return result


def split_batches(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Batches in order. A last batch of one joins its neighbour: batch normalisation needs two."""
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches


def planned(epoch: int, batches: list[np.ndarray]) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """What each batch of an epoch is asked for by: (epoch, sample indices, repeats)."""
    counts = np.split(repeats(np.concatenate(batches)), np.cumsum([len(batch) for batch in batches])[:-1])
    return [(epoch, indices, repeat) for indices, repeat in zip(batches, counts, strict=True)]


def _same(plan: list, other: list) -> bool:
    pairs = zip(plan, other, strict=False)
    return len(plan) == len(other) and all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in pairs)


class _InSharedMemory(Dataset):
    """In a loader process: tensors are moved into shared memory where a lack of it is an error that reaches the fold.

    Left to the queue between the processes, a thread of its own would only print it, and the fold would wait for ever.
    """

    def __init__(self, dataset: Any):
        self.dataset = dataset

    def __getitem__(self, item: Any) -> Any:
        return each_tensor(self.dataset[item], torch.Tensor.share_memory_)


class Loader:
    """Feeds batches to one fold: from a thread (workers=0) or from spawned processes that live through all epochs.

    dataset: AugmentedBatches, or resident.DrawnBatches whose `finish` makes the batch on the device. threads: more than
    one where each only waits for a process that draws.
    Spawned, not forked: a forked child would inherit the fold's lock and outlive its killed parent with it.
    """

    def __init__(self, dataset: Any, workers: int, device: torch.device, threads: int = 1):
        self.dataset, self.device, self.workers, self.threads = dataset, device, workers, threads
        self._plan: list = []
        self._begun: tuple[list, deque[Future]] | None = None
        self._pool: Any = ThreadPoolExecutor(threads, "augment") if workers == 0 else None
        self._loader: Any = None
        if workers:
            self._loader = DataLoader(
                _InSharedMemory(dataset),
                sampler=self,
                batch_size=None,
                num_workers=workers,
                persistent_workers=True,
                prefetch_factor=2,
                multiprocessing_context="spawn",
                pin_memory=device.type == "cuda",
                generator=torch.Generator().manual_seed(0),  # else every epoch draws from torch's global generator
            )

    def __iter__(self):
        """The sampler's side: items of the epoch under way."""
        return iter(self._plan)

    def __len__(self) -> int:
        return len(self._plan)

    def epoch(self, epoch: int, batches: list[np.ndarray]) -> Iterator[torch.Tensor]:
        """uint8 (b, H, W, 3) tensors on the device, batch by batch."""
        self._plan = planned(epoch, batches)
        source = self._from_thread() if self._loader is None else self._from_processes()
        for item in source:
            yield self.dataset.finish(each_tensor(item, lambda tensor: tensor.to(self.device, non_blocking=True)))

    def begin(self, epoch: int, batches: list[np.ndarray]) -> None:
        """Have the first batches of an epoch made while a GPU is still at work on what comes before it."""
        if self._pool is not None:
            plan = planned(epoch, batches)
            self._begun = plan, self._first(plan)

    def _first(self, plan: list) -> deque[Future]:
        return deque(self._pool.submit(self._item, item) for item in plan[: 1 + self.threads])

    def _from_processes(self) -> Iterator[Any]:
        try:
            yield from self._loader
        except RuntimeError as error:
            if _NO_SHARED_MEMORY.search(str(error)) is None:
                raise
            raise LabError(
                "shared memory: /dev/shm has no room for the batches that loader processes hand over.",
                "Start the container with --shm-size=2g (python -m core doctor tells what is free), or set "
                "training.loader_workers to 0: photos are then augmented in a thread.",
                kind="shared-memory",
            ) from error

    def _from_thread(self) -> Iterator[Any]:
        begun, self._begun = self._begun, None
        ahead = begun[1] if begun is not None and _same(begun[0], self._plan) else self._first(self._plan)
        for item in [*self._plan[1 + self.threads :], *[None] * len(ahead)]:
            ready = ahead.popleft().result()
            if item is not None:
                ahead.append(self._pool.submit(self._item, item))
            yield ready

    def _item(self, item: Any) -> Any:
        """In the thread: pinned, so that the copy to a GPU waits for nobody."""
        ready = self.dataset[item]
        return each_tensor(ready, torch.Tensor.pin_memory) if self.device.type == "cuda" else ready

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._loader = None


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """On the device; no step waits for a copy to a GPU, which takes what is pinned by itself."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def each_tensor(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Nested dicts and lists with every tensor changed."""
    if isinstance(value, dict):
        return {key: each_tensor(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [each_tensor(item, change) for item in value]
    return change(value)


def to_network(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """uint8 (b, H, W, 3) -> normalised float32 (b, 3, H, W), channels_last without a copy of the layout.

    mean, std: shape (3,), on a 0..255 scale, on the images' device.
    """
    whole = images if images.is_cuda else images.float()  # a GPU makes floats of them as it subtracts
    return (whole - mean).div_(std).permute(0, 3, 1, 2)
