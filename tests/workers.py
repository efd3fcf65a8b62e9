"""Workers for tests: real processes with their own locks and their own deaths.

They are forked from a server that has imported torch once, so that one costs milliseconds and a test can afford many.
A fault is a function of the runs folder that is called in the worker before it looks for work.
"""

import importlib
import multiprocessing
import os
import resource
import signal
import time
from functools import partial
from pathlib import Path

import pandas as pd
import psutil
import safetensors.torch
import torch

from core import places
from core.jobs import control, queue, worker
from core.runs import Run

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("core.training.train", "core.jobs.worker", "sklearn.model_selection", "albumentations", "core.cli.main"),
        *("pytest", "streamlit.testing.v1"),  # of the test files that a fork imports for what it is to do
    ]
)
PATIENCE = 180.0  # seconds; generous, because the machine may be busy


def until(condition, what, seconds=PATIENCE, every=0.02):
    """The first true value of condition(); fails with `what` after a generous time."""
    deadline = time.monotonic() + seconds
    late = False
    while not late:
        late = time.monotonic() > deadline  # whoever had no processor for so long looks once more
        if value := condition():
            return value
        time.sleep(every)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Workers:
    """Starts workers for a runs folder and sees that none stays behind."""

    def __init__(self, root: Path):
        self.root = root
        self.started = []

    def start(self, *faults, environment=None):
        process = FORKS.Process(target=_live, args=(self.root, faults, {**os.environ, **(environment or {})}))
        process.start()
        self.started.append(process)
        return process

    def run(self, *faults, environment=None) -> int:
        """Start a worker and wait until it has left; returns its exit code (-9 after a SIGKILL)."""
        process = self.start(*faults, environment=environment)
        process.join(PATIENCE)
        assert process.exitcode is not None, "the worker did not leave"
        return process.exitcode

    def end(self):
        for process in self.started:
            if process.is_alive():
                kill_tree(process.pid)
                process.join(10)


def forked_loader(*arguments, context=FORKS, **options):
    """In place of torch's DataLoader: its processes are forks that have torch, where those of the lab are spawned."""
    return torch.utils.data.DataLoader(*arguments, **{**options, "multiprocessing_context": context})


def stand_still():
    """For ever, until a signal kills this process."""
    while True:
        signal.pause()


def kill_tree(pid):
    try:
        family = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    except psutil.Error:
        return
    for member in family:
        try:
            member.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(family, timeout=10)


def alone(root, environment):
    """Make this process one that can be killed with its children, and that writes where a worker does."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    log = os.open(places.lab_folder(root) / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _live(root, faults, environment):
    alone(root, environment)
    os.fsync = os.fstat  # as conftest.py has it
    control.start_worker = lambda root, **_: (root / ".successor").touch()  # which would have no faults of the test
    torch.set_num_threads(1)
    torch.set_num_threads = lambda count: None  # two threads on two busy cores wait for each other most of the time
    for fault in faults:
        fault(root)
    worker.work(root)


def launch(plan, root, *, folds=(0,), **settings) -> Run:
    """Launch for real, then leave only some folds in the queue."""
    run = control.launch(plan, folder=root, **settings)
    keep_queued(run, folds)
    return run


def resume(run, folds=(0,)) -> None:
    control.resume(run)
    keep_queued(run, folds)


def keep_queued(run, folds):
    queue.remove(run, [fold for fold in run.folds() if fold not in folds])


def with_changes(plan, **changes):
    """The plan with another configuration: dotted keys with __ for the dot, such as training__batch_size."""
    values = plan.config.model_dump(mode="json")
    for key, value in changes.items():
        *path, last = key.split("__")
        spot = values
        for part in path:
            spot = spot[int(part)] if isinstance(spot, list) else spot[part]
        spot[last] = value
    from dataclasses import replace

    return replace(plan, config=type(plan.config).model_validate(values))


def short(plan, epochs=1, **changes):
    """The plan with one phase of so many epochs."""
    phase = plan.config.phases[0].model_copy(update={"epochs": epochs}).model_dump()
    return with_changes(plan, phases=[phase], **changes)


def log_of(run):
    lab = places.lab_folder(run.dir.parent) / "worker.log"
    return run.log_tail() + (lab.read_text() if lab.exists() else "")


def assert_done(run, fold=0):
    state = run.fold_state(fold)
    assert state.state == "done", f"{state}\n{log_of(run)}"


def assert_same_result(run, other, fold=0):
    """Weights, predictions and metrics are equal to the bit, and so are resume points where a trainer without a worker
    left them; only timings may differ."""
    assert_done(run, fold)
    for which in ("best", "final"):
        a, b = (safetensors.torch.load_file(r.weights_file(fold, which)) for r in (run, other))
        assert_same_tensors(a, b)
        pd.testing.assert_frame_equal(run.predictions(fold, which), other.predictions(fold, which), check_exact=True)
    if all(r.last_file(fold).exists() for r in (run, other)):
        assert_same_tensors(*(torch.load(r.last_file(fold), weights_only=True) for r in (run, other)))
    a, b = (r.metrics(fold).drop(columns=["seconds", "images_per_second"]) for r in (run, other))
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    a, b = (r.fold_state(fold) for r in (run, other))
    assert (a.epoch, a.best_epoch, a.scores) == (b.epoch, b.best_epoch, b.scores)


def assert_same_tensors(a, b, where=""):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same_tensors(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for index, pair in enumerate(zip(a, b, strict=True)):
            assert_same_tensors(*pair, f"{where}.{index}")
    elif isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype, where
        assert torch.equal(a, b), where
    else:
        assert a == b, where


def stray_files(root) -> list[str]:
    """Temporary files of half-finished writes anywhere below the runs folder."""
    return [str(p.relative_to(root)) for p in root.rglob("*") if p.name.endswith((".tmp", ".new", ".next"))]


def held(root) -> bool:
    return (root / ".held").exists()


def release(root) -> None:
    (root / ".held").unlink()


# Faults


def hold(root, *, epoch, step=1, split="train", patient=False):
    """Stand still in the middle of an epoch until `.held` is deleted or, unless patient, a cancel is asked for."""
    from core.training import train

    original = train.Clock.tick

    def tick(clock, at_split, at_step, steps, done):
        if (clock.epoch, at_split, at_step) == (epoch, split, step):
            (root / ".held").touch()
            asked = clock.trainer.run.cancel_file(clock.trainer.fold)
            until(lambda: not held(root) or (asked.exists() and not patient), "the hold is released", seconds=600)
        return original(clock, at_split, at_step, steps, done)

    train.Clock.tick = tick


def hold_at(epoch, step=1, split="train"):
    return partial(hold, epoch=epoch, step=step, split=split)


class _Counted:
    """A stream that kills this process once `limit` bytes are on the disk."""

    def __init__(self, stream, limit):
        self.stream, self.left = stream, limit

    def write(self, data):
        view = memoryview(data).cast("B")
        if len(view) > self.left:
            self.stream.write(view[: self.left])
            self.stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= len(view)
        return self.stream.write(view)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def _die_writing(root, *, name, size, turn):
    from core.storage import files

    original, seen = files.write_whole, []

    def write_whole(path, write, **options):
        if path.name == name:
            seen.append(path)
            if len(seen) == turn:
                original(path, lambda stream: write(_Counted(stream, size)), **options)
        return original(path, write, **options)

    files.write_whole = write_whole


def die_writing(name, size, turn=1):
    """SIGKILL after `size` bytes of the turn-th write of files with this name."""
    return partial(_die_writing, name=name, size=size, turn=turn)


def _die_renaming(root, *, name, after, turn):
    original, seen = os.replace, []

    def replace(source, target):
        if Path(target).name == name:
            seen.append(target)
            if len(seen) == turn:
                if after:
                    original(source, target)
                os.kill(os.getpid(), signal.SIGKILL)
        return original(source, target)

    os.replace = replace


def die_renaming(name, after, turn=1):
    """SIGKILL just before or just after the turn-th rename to this name."""
    return partial(_die_renaming, name=name, after=after, turn=turn)


def _full_disk(root, *, writer, size, turn):
    module_name, function = writer.rsplit(".", 1)
    module, seen = importlib.import_module(f"core.{module_name}"), []
    original = getattr(module, function)

    def write(path, *arguments, **options):
        seen.append(path)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        if len(seen) == turn:
            limit = size if size >= 0 else (path.stat().st_size if path.exists() else 0) - size
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            return original(path, *arguments, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    setattr(module, function, write)


def full_disk(writer, size, turn=1):
    """Disk full at `size` bytes in the turn-th call of core's `writer`; -40 lets the file grow by 40 bytes only."""
    return partial(_full_disk, writer=writer, size=size, turn=turn)


class SmallNet(torch.nn.Module):
    """A network that trains in milliseconds, for tests of everything around it; its head has a ResNet's name."""

    def __init__(self, weights=None, num_classes=3):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 8, 5, stride=4)
        self.bn1 = torch.nn.BatchNorm2d(8)
        self.fc = torch.nn.Linear(8, num_classes)

    def forward(self, images):
        return self.fc(torch.relu(self.bn1(self.conv1(images))).mean((2, 3)))


def small_net(root=None):
    import torchvision

    torchvision.models.resnet18 = SmallNet
