"""The network of one fold, opened to look through it: cached, locked while it is used, and left as it was found."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from core import machine
from core.augment.pipeline import build_transform, normalization
from core.config import RunConfig
from core.data.pictures.photo import photo_of
from core.data.tasks import class_parts
from core.errors import LabError, memory_in_words
from core.jobs import queue
from core.network.model import PairHead, unfilled
from core.network.weights_file import load_whole
from core.runs import Run, origins
from core.runs.ancestry import ancestry
from core.runs.everybody.unmeasured import NOBODY, check_held_out
from core.runs.kept import dropped
from core.runs.run import is_locked
from core.runs.yes_no.view import OneAttribute, attributes, check_one
from core.storage.remembered import MOST_BYTES, Remembered, bytes_of
from core.training.batches import to_network
from core.training.device import empty_cache, exact_float32, limit_threads, pick_device

CACHE_BYTES = 1_000_000_000  # of weights; five folds of a ResNet-101 fit
IDLE = 300.0  # seconds without use after which every opened model is given back
FEWER = "Choose fewer photos or layers, or wait until nothing trains here."


@dataclass(frozen=True)
class FoldModel:
    """A fold's network in evaluation mode. Its parameters ask for no gradients: a map needs those of activations.

    epoch: of which the weights say they are; None where they are of version 0.1.0 and say nothing.
    """

    run: Run
    fold: int
    which: str
    model: nn.Module
    class_names: list[str]
    config: RunConfig
    device: torch.device
    epoch: int | None = None


@dataclass
class _Entry:
    """lock is re-entrant, so that a thread may open a model that it already holds."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    opened: FoldModel | None = None
    bytes: int = 0


_entries: OrderedDict[tuple, _Entry] = OrderedDict()  # least recently used first
_guard = threading.Lock()
_clock: threading.Timer | None = None  # until everything is given back
FROZEN = Remembered[pd.DataFrame](MOST_BYTES, bytes_of)  # samples of runs


@contextlib.contextmanager
def fold_model(
    run: Run, fold: int, which: str = "best", device: str | None = None, *, whole: bool = False
) -> Iterator[FoldModel]:
    """The fold's network, for this thread alone until the block ends.

    Of a run that tells yes/no attributes one by one, what its network says of the one through which the run is seen:
    a network of two classes, no and yes. whole: all of its outputs instead, one logit an attribute.

    which: 'best' or 'final'. device: 'cpu', 'cuda' or, where None, a GPU on which nobody trains, else the CPU; whatever
    the run was trained on. What is opened is given back when nobody has used any for IDLE seconds.
    Hooks, train/eval state, requires_grad and gradients are as before when the block ends, also after an error.
    Raises LabError: kind 'gone' (run), 'checkpoint' (deleted, damaged or of another network), 'weights' (not finite),
    'memory' (there was too little, also in the block), 'attribute' (one has to be chosen).
    """
    run.require()
    if not whole:
        check_one(run)
    if fold not in run.folds():
        raise LabError(f"{run.id} has no fold {fold}.", "Choose one of its folds.", kind="fold")
    path = run.weights_file(fold, which)
    try:
        stat = path.stat()
    except OSError:
        raise _deleted(run, fold, which) from None
    place = free_device(run.dir.parent) if device in (None, "auto") else pick_device(device)
    key = (str(path), stat.st_mtime_ns, stat.st_size, str(place))
    with _guard:
        for outdated in [k for k in _entries if k[0] == key[0] and k[1:3] != key[1:3]]:
            del _entries[outdated]  # trained anew since it was opened
        entry = _entries.setdefault(key, _Entry())
        _entries.move_to_end(key)
    _give_back_later()
    with _given_back_if_short(), entry.lock:
        if entry.opened is None:
            try:
                entry.opened = _open(run, fold, which, place)
            except BaseException:
                with _guard:
                    _entries.pop(key, None)
                raise
            entry.bytes = sum(t.numel() * t.element_size() for t in entry.opened.model.state_dict().values())
            _evict()
        with _as_found(entry.opened.model), exact_float32():  # as the trainer answers
            if isinstance(run, OneAttribute) and not whole:
                with _through(entry.opened, run) as seen:
                    yield seen
            else:
                yield entry.opened


def free(on: str = "") -> None:
    """Forget every opened model, or those on one device; one that is in use is freed when its block ends."""
    with _guard:
        forgotten = [key for key in _entries if on in ("", key[3])]
        for key in forgotten:
            del _entries[key]
    if forgotten:
        empty_cache()


@contextlib.contextmanager
def _given_back_if_short() -> Iterator[None]:
    """A lack of memory as LabError; what is held here is then given back."""
    try:
        with memory_in_words("the network of this fold", FEWER):
            yield
    except LabError as error:
        if error.kind == "memory":
            free()
        raise


def _give_back_later() -> None:
    """Free everything IDLE seconds from now, unless it is used again before."""
    global _clock
    with _guard:
        if _clock is not None:
            _clock.cancel()
        _clock = threading.Timer(IDLE, free)
        _clock.daemon = True
        _clock.start()


def free_device(root: Path) -> torch.device:
    """A GPU whose slots no training holds, else the CPU. What lies on other GPUs is given back to their trainings."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    locks = queue.slot_locks(root) if count else []
    busy = {slot % count for slot, lock in enumerate(locks) if is_locked(lock)}
    for index in busy:
        free(f"cuda:{index}")
    idle = [index for index in range(count) if index not in busy]
    return torch.device("cuda", idle[0]) if idle else torch.device("cpu")


def opened() -> int:
    """How many models are held."""
    with _guard:
        return len(_entries)


def _evict() -> None:
    dropped = False
    with _guard:
        while len(_entries) > 1 and sum(entry.bytes for entry in _entries.values()) > CACHE_BYTES:
            _entries.popitem(last=False)
            dropped = True
    if dropped:
        empty_cache()


def _open(run: Run, fold: int, which: str, device: torch.device) -> FoldModel:
    limit_threads(min(torch.get_num_threads(), machine.cores()))  # torch does not know a container's limits
    run = run.whole if isinstance(run, OneAttribute) else run
    config, class_names = run.config(), run.info()["class_names"]
    parts = class_parts(config.task, class_names) if config.model.head == "factored" else None
    model = unfilled(config.model, len(attributes(run)) or len(class_names), parts)
    path = run.weights_file(fold, which)
    origins.check(run, fold, which)
    try:
        origin, loaded = None, False
        while not loaded:  # anew where a training replaces the file meanwhile
            origin = origins.of_weights(path)
            load_whole(model, path)
            loaded = origins.of_weights(path) == origin
    except LabError as error:
        if not path.is_file():
            raise _deleted(run, fold, which) from error
        ended = run.fold_state(fold).state == "done"  # no resume touches it
        otherwise = "train the run again" if ended else "delete it and resume the fold"
        remedy = f"Copy {path.name} back from a backup, or {otherwise}."
        raise LabError(f"{run.id}, fold {fold}: {error.message}", remedy, kind="checkpoint") from error
    sums = ((name, value, value.sum()) for name, value in model.state_dict().items())  # of one that is none is none
    if bad := [name for name, value, total in sums if not total.isfinite() and not value.isfinite().all()]:
        raise LabError(
            f"{run.id}: the {which} weights of fold {fold} hold values that are no numbers, first in {bad[0]}.",
            f"The training diverged; look at the {'final' if which == 'best' else 'best'} checkpoint, or train again "
            "with lower learning rates.",
            kind="weights",
        )
    model.requires_grad_(False).eval()
    epoch = origin.epoch if origin else None
    return FoldModel(run, fold, which, model.to(device), list(class_names), config, device, epoch)


@contextlib.contextmanager
def _through(opened: FoldModel, run: OneAttribute) -> Iterator[FoldModel]:
    """The network with the no and yes of one attribute for its head, until the block ends."""
    model, info = opened.model, run.info()
    head = model.fc  # that of another attribute where this one is opened inside of its block
    of_all = head.logits if isinstance(head, PairHead) else head
    model.fc = PairHead(of_all, run.place).train(head.training)
    try:
        yield replace(opened, run=run, class_names=list(info["class_names"]), config=run.config())
    finally:
        model.fc = head


def _deleted(run: Run, fold: int, which: str) -> LabError:
    if (on_purpose := dropped.missing(run, fold, which)) is not None:
        return on_purpose
    if run.fold_state(fold).state == "done":
        return LabError(
            f"{run.id}: the {which} weights of fold {fold} are gone from the run folder.",
            f"Copy {run.weights_file(fold, which).name} back, or train the run again.",
            kind="checkpoint",
        )
    return LabError(
        f"{run.id}: fold {fold} has no {which} weights yet.", "Let the fold finish, or resume it.", kind="checkpoint"
    )


@contextlib.contextmanager
def _as_found(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    hooks = [(table, dict(table)) for module in model.modules() for table in _hook_tables(module)]
    gradients = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for table, before in hooks:
            table.clear()
            table.update(before)
        for parameter, requires_grad, grad in gradients:
            parameter.requires_grad_(requires_grad)
            parameter.grad = grad


def _hook_tables(module: nn.Module) -> list[dict]:
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [getattr(module, name) for name in names]


def frozen_samples(run: Run) -> pd.DataFrame:
    """The run's frozen samples, indexed by sample; not to be changed. Raises LabError as Run.samples does."""
    key = run.require(), run.photos_version()
    return FROZEN.of(key, lambda: run.samples().set_index("sample", drop=False))


def held_out_fold(run: Run, sample: str, person: str | None = None) -> int:
    """The fold whose training never saw the person of this sample.

    person: who it is, for a photo that is not among the run's own (another task's photo of the same person).
    Raises LabError: kind 'unknown-sample' where every fold or none may have seen the person, 'everybody' where nobody
    was held out.
    """
    table = frozen_samples(run)
    if len(table) and table["fold"].iat[0] == NOBODY:
        check_held_out(run)
    if sample in table.index:
        return int(table.at[sample, "fold"])
    if person is not None:
        people = ancestry(run).set_index("person")["fold"]
        if person in people.index:
            return int(people[person])
    raise LabError(
        f"{run.id}: '{sample}' is not among its samples, so no fold is known to have held it out.",
        "Choose a sample of this run, or bring the photo as an upload: then every fold is asked.",
        kind="unknown-sample",
    )


def viewer(config: RunConfig) -> Callable[[np.ndarray], np.ndarray]:
    """What makes of photos, uint8 (h, w, 3), what the network gets in validation: uint8 (H, W, 3), not yet normalised.

    For one thread: two of them make one each.
    """
    lead, rest = (build_transform(config.transforms, stage) for stage in ("lead", "eval"))
    return lambda photo: rest(lead(photo))


def as_seen(config: RunConfig, photo: np.ndarray) -> np.ndarray:
    """A photo, uint8 (h, w, 3), as the network gets it in validation: uint8 (H, W, 3), not yet normalised."""
    return viewer(config)(photo)


def faces(run: Run, samples: Sequence[str]) -> list[np.ndarray]:
    """The run's samples as the network gets them, uint8 (H, W, 3) each. Raises LabError naming a photo that is gone."""
    table, config = frozen_samples(run), run.config()
    for sample in samples:
        if sample not in table.index:
            raise LabError(f"{run.id} has no sample '{sample}'.", "Choose one of its samples.", "unknown-sample")
    view = viewer(config)
    return [view(photo_of(table.loc[sample]).pixels()) for sample in samples]


def normalised(config: RunConfig, seen: Sequence[np.ndarray], device: torch.device | str = "cpu") -> torch.Tensor:
    """Faces as the network gets them, uint8 (H, W, 3) each -> float32 (n, 3, H, W), the trainer's own normalisation."""
    mean, std = (torch.tensor(values, device=device) * 255 for values in normalization(config.transforms))
    return to_network(torch.from_numpy(np.stack(seen)).to(device), mean, std)


def prepare(run: Run, samples: Sequence[str]) -> torch.Tensor:
    """float32 (n, 3, H, W): the photo's pixels, the deterministic transforms, the trainer's normalisation."""
    return normalised(run.config(), faces(run, samples))
