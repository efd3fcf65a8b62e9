"""What goes wrong: real kills, real full disks, real bad files. Each test makes one fault happen."""

import contextlib
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from core.errors import LabError
from core.jobs import control, queue, slots
from core.places import HOME
from core.runs import FoldState, Run, deaths
from core.runs.lists.summaries import summaries
from core.training import checkpoint
from tests.workers import (
    FORKS,
    PATIENCE,
    Workers,
    assert_done,
    assert_same_result,
    die_renaming,
    die_writing,
    full_disk,
    held,
    hold_at,
    kill_tree,
    launch,
    log_of,
    release,
    resume,
    short,
    small_net,
    stand_still,
    stray_files,
    until,
    with_changes,
)

CPU = torch.device("cpu")


def states(run):
    return [state.state for state in run.states()]


def kill(process):
    """SIGKILL from outside, to the worker alone: its loader processes are not told."""
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


# 1. kill -9 in mid-epoch


@pytest.mark.parametrize(
    ("loader_workers", "straight", "changes"), [(0, "never_stopped_small", [small_net]), (1, "never_stopped", [])]
)
@pytest.mark.fault(1)
def test_killed_in_the_second_phase_and_resumed_equals_never_stopped(
    workers, tiny_plan, request, loader_workers, straight, changes
):
    run = launch(with_changes(tiny_plan, training__loader_workers=loader_workers), workers.root)
    worker = workers.start(*changes, hold_at(epoch=4))
    until(lambda: held(workers.root), "the worker reaches epoch 4")
    loaders = [p for p in psutil.Process(worker.pid).children() if "spawn_main" in " ".join(p.cmdline())]
    assert len(loaders) >= loader_workers
    for loader in loaders:
        loader.suspend()  # each looks every few seconds whether its worker lives, and could be gone at once
    kill(worker)
    until(lambda: states(run)[0] == "interrupted", "the fold shows that it was interrupted")
    for loader in loaders:
        assert loader.is_running()
        loader.resume()
    release(workers.root)

    resume(run)
    assert states(run)[0] == "queued"
    assert workers.run(*changes) == 0
    assert_same_result(run, request.getfixturevalue(straight))
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in alive(loaders)), "loaders end")


@pytest.mark.fault(1)
def test_killed_in_the_second_phase_with_mixed_images_and_balanced_classes_equals_never_stopped(workers, tiny_plan):
    plan = with_changes(tiny_plan, mix__method="mixup", mix__alpha=0.4, training__sampling="balanced")
    assert len(plan.config.phases) == 2 and plan.config.phase_of(4)[0] == 1
    run = launch(plan, workers.root)
    worker = workers.start(small_net, hold_at(epoch=4))
    until(lambda: held(workers.root), "the worker reaches the second phase")
    kill(worker)
    release(workers.root)
    assert states(run)[0] == "interrupted"
    resume(run)
    assert workers.run(small_net) == 0
    straight = launch(plan, workers.root)
    assert workers.run(small_net) == 0
    assert_same_result(run, straight)


def alive(processes):
    return [p for p in processes if psutil.pid_exists(p.pid)]


@pytest.mark.fault(1)
def test_killed_after_epoch_1_and_again_in_epoch_3_and_resumed_equals_never_stopped(
    workers, tiny_plan, never_stopped_small
):
    run = launch(tiny_plan, workers.root)
    for epoch, split in ((2, "train"), (3, "validation")):
        worker = workers.start(small_net, hold_at(epoch=epoch, split=split))
        until(lambda: held(workers.root), f"the worker reaches epoch {epoch}")
        kill(worker)
        release(workers.root)
        assert states(run)[0] == "interrupted"
        resume(run)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)


@pytest.mark.fault(1)
def test_killed_at_random_moments_and_resumed_equals_never_stopped(workers, tiny_plan, never_stopped):
    run = launch(tiny_plan, workers.root)
    moments = random.Random(0)
    kills = 0
    while run.written_state(0).state != "done" and kills < 8:
        # on a quick machine the first would be through before its moment comes
        worker = workers.start() if kills else workers.start(hold_at(epoch=4))
        worker.join(moments.uniform(0.05, 1.5))
        if worker.is_alive():
            os.kill(worker.pid, signal.SIGKILL)
            worker.join(PATIENCE)
            kills += worker.exitcode == -signal.SIGKILL  # else it has ended in this very moment
            table = run.metrics(0)
            assert list(table["epoch"]) == sorted(table["epoch"])
            checkpoint.load_last(run.last_file(0), CPU)  # whatever is there can be loaded
        if run.fold_state(0).state == "interrupted":
            resume(run)
        (workers.root / ".held").unlink(missing_ok=True)
    workers.run()
    assert kills > 0
    assert_same_result(run, never_stopped)
    assert not stray_files(run.fold_dir(0))


# 2. kill -9 while a checkpoint is written


def die_at_a_share(root, *, share):
    """SIGKILL at this share of the next resume point, which is as large as the one that is there."""
    (there,) = root.rglob("last.pt")
    die_writing("last.pt", int(there.stat().st_size * share))(root)


@pytest.mark.fault(2)
def test_killed_while_the_resume_point_is_written_goes_on_from_the_one_before(workers, tiny_plan, never_stopped_small):
    run = launch(tiny_plan, workers.root)
    deaths = [die_writing("last.pt", 0, turn=2), *(partial(die_at_a_share, share=share) for share in (0.5, 0.99))]
    for death in [*deaths, die_renaming("last.pt", after=False)]:
        assert workers.run(small_net, death) == -signal.SIGKILL
        assert checkpoint.load_last(run.last_file(0), CPU)["epoch"] == 1
        assert states(run)[0] == "interrupted"
        assert stray_files(run.fold_dir(0))  # a killed writer cannot clean up
        resume(run)
    assert workers.run(small_net, die_renaming("last.pt", after=True)) == -signal.SIGKILL
    assert checkpoint.load_last(run.last_file(0), CPU)["epoch"] == 2
    resume(run)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    assert not stray_files(workers.root)  # whoever resumes can


@pytest.mark.parametrize("name", ["best.safetensors", "final.safetensors", "predictions_final.parquet"])
@pytest.mark.fault(2)
def test_killed_while_weights_or_predictions_are_written_equals_never_stopped(
    workers, tiny_plan, never_stopped_small, name
):
    run = launch(tiny_plan, workers.root)
    assert workers.run(small_net, die_writing(f".{name}.next", 1000)) == -signal.SIGKILL
    assert not (run.fold_dir(0) / name).exists()
    resume(run)
    assert workers.run(small_net, die_renaming(name, after=True)) == -signal.SIGKILL
    resume(run)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    assert not stray_files(workers.root)


# 3 and 4. the lab is killed; the machine restarts


LAUNCHER = """
import signal, sys
from pathlib import Path
from core.config import from_yaml
from core.data.scan import scan
from core.jobs import control
from core.plan.plan import make_plan
made = from_yaml(Path(sys.argv[1]).read_text())
run = control.launch(make_plan(made, scan(made.data, threads=1)))
print(run.id, flush=True)
signal.pause()
"""


@pytest.mark.fault(3)
@pytest.mark.long
def test_training_goes_on_when_the_lab_is_killed_and_a_killed_worker_resumes_identical(
    runs_folder, tiny_plan, tmp_path, never_stopped, monkeypatch
):
    from core.config import to_yaml

    slots.write(runs_folder, slots.Slots(1, threads=1))  # as the run has that nothing happened to
    settings = tmp_path / "config.yaml"
    settings.write_text(to_yaml(tiny_plan.config))
    lab = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(settings)],
        cwd=HOME,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        run = Run(lab.stdout.readline().strip(), runs_folder)
        queue.remove(run, [1])
        until(lambda: states(run)[0] == "running", "a worker begins")
        worker = psutil.Process(run.written_state(0).worker["pid"])
        os.killpg(lab.pid, signal.SIGKILL)  # with everything that shares its session
        lab.wait(10)
        until(lambda: states(run)[0] == "done" or log_of(run).count("epoch 1"), "training goes on without the lab")
        with contextlib.suppress(psutil.NoSuchProcess):  # on a quick machine it may have ended
            worker.kill()  # the kill -9 of an unmodified worker, in whatever it is doing
            worker.wait(10)
    finally:
        kill_tree(lab.pid)
        lab.stdout.close()
        lab.wait(10)
    until(lambda: states(run)[0] in ("interrupted", "done"), "the lab that comes back finds how it stands")
    monkeypatch.setattr(control, "start_worker", lambda root: None)  # which imports torch once more
    resume(run)
    assert Workers(runs_folder).run() == 0
    assert_same_result(run, never_stopped)


@pytest.mark.fault(4)
def test_after_a_restart_of_the_machine_running_is_interrupted_and_the_queue_goes_on(workers, tiny_plan, monkeypatch):
    run = launch(short(tiny_plan), workers.root, folds=(0, 1))
    worker = workers.start(small_net, hold_at(epoch=1))
    until(lambda: held(workers.root), "the worker trains")
    kill(worker)
    release(workers.root)
    assert states(run) == ["interrupted", "queued"]
    assert summaries(workers.root)[0]["state"] == "queued"
    assert control.waiting(workers.root) == [(run.id, 1)]

    monkeypatch.setattr(control, "start_worker", lambda root: workers.start(small_net))
    control.ensure_workers(workers.root)
    until(lambda: states(run)[1] == "done", "the waiting fold is trained")
    assert states(run) == ["interrupted", "done"]
    assert summaries(workers.root)[0]["state"] == "interrupted"
    assert control.resume(run) == [0]
    until(lambda: states(run) == ["done", "done"], "the interrupted fold is trained")


# 5. disk full


def assert_disk_full(run, fold=0):
    state = run.fold_state(fold)
    assert (state.state, state.kind) == ("failed", "disk-full"), f"{state}\n{log_of(run)}"
    assert state.reason.startswith("disk full: ")
    assert str(run.dir.parent) in state.reason
    assert "Free" in state.remedy
    return state


@pytest.mark.parametrize(
    ("writer", "size", "epoch"),
    [
        ("training.checkpoint.save_last", 4_000, 2),
        ("training.checkpoint.save_last", 9_000, 3),
        ("training.checkpoint.save_weights", 1_000, 1),
        ("training.checkpoint.save_predictions", 4_000, 1),
        ("runs.metrics_file.append_metrics", -40, 2),
        ("runs.metrics_file.append_metrics", -1, 3),
    ],
)
@pytest.mark.fault(5)
def test_disk_full_keeps_the_old_checkpoint_and_resumes_identical(
    workers, tiny_plan, never_stopped_small, writer, size, epoch
):
    check_disk_full(workers, tiny_plan, never_stopped_small, full_disk(writer, size, epoch), epoch, small_net)


@pytest.mark.fault(5)
def test_disk_full_in_the_middle_of_a_large_checkpoint_keeps_the_one_before(workers, tiny_plan, never_stopped):
    disk = full_disk("training.checkpoint.save_last", 60_000_000, 2)
    check_disk_full(workers, tiny_plan, never_stopped, disk, 2)


def check_disk_full(workers, plan, straight, disk, epoch, *changes):
    run = launch(plan, workers.root)
    assert workers.run(disk, *changes) == 0
    state = assert_disk_full(run)
    assert str(run.fold_dir(0)) in state.reason
    assert not stray_files(workers.root)
    last = checkpoint.load_last(run.last_file(0), CPU)
    assert (last["epoch"] if last else 0) == epoch - 1
    assert set(run.metrics(0)["epoch"]) >= set(range(1, epoch))
    resume(run)
    assert workers.run(*changes) == 0
    assert_same_result(run, straight)


@pytest.mark.fault(46)
def test_a_disk_that_fills_while_folds_train_beside_each_other_costs_none_its_resume_point(
    workers, tiny_plan, never_stopped_small, monkeypatch
):
    monkeypatch.setenv("FACET_SLOTS", "2")
    run = launch(with_changes(tiny_plan, name="no room left"), workers.root, folds=(0, 1))
    for worker in [workers.start(small_net, fills_up) for _ in range(2)]:
        worker.join(PATIENCE)
    for fold in (0, 1):
        assert_disk_full(run, fold)
        assert checkpoint.load_last(run.last_file(fold), CPU)["epoch"] == 1
    assert not stray_files(workers.root)
    assert summaries(workers.root)[0]["state"] == "failed"
    run.summary_file.unlink()  # which a list writes anew where it can
    with ProcessPoolExecutor(1, FORKS) as pool:
        pages = pool.submit(drawn_without_room, dict(os.environ), run.id).result(PATIENCE)
    assert all("disk full: " in pages[name] for name in ("home", "live"))
    assert all(run.config().name in pages[name] for name in ("runs", "compare"))
    resume(run, folds=(0, 1))
    for worker in [workers.start(small_net) for _ in range(2)]:
        worker.join(PATIENCE)
    assert_same_result(run, never_stopped_small)
    assert_done(run, 1)


def drawn_without_room(environment, run_id):
    """What the pages of runs say in a process of which no file may grow, as on a disk that is full."""
    import resource

    from tests.pages.app import html, listed, page

    os.environ.clear()
    os.environ.update(environment)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        return {
            "home": html(page("home")),
            "live": html(page("live", run=run_id)),
            "runs": str(listed(page("runs"))),
            "compare": html(page("compare", runs=run_id)),
        }
    except AssertionError as error:  # what it holds of a page does not travel between processes
        raise AssertionError(str(error)) from None


def fills_up(root):
    """Once two folds have a resume point, no file of this process may grow beyond 8 kB, as on a disk that is full."""
    import resource

    from core.training import train

    original = train.checkpoint.save_last

    def save_last(path, state):
        if path.exists():
            until(lambda: len(list(root.rglob(path.name))) == 2, "both folds have their first resume point")
            resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, resource.RLIM_INFINITY))
        original(path, state)

    train.checkpoint.save_last = save_last


@pytest.mark.fault(5)
def test_disk_full_at_the_decoded_photos_costs_time_alone_and_says_so(workers, tiny_plan, never_stopped_small):
    run = launch(tiny_plan, workers.root)
    assert workers.run(small_net, small_cache_disk) == 0
    assert_same_result(run, never_stopped_small)
    assert "disk full: the decoded photos need" in run.info()["decoded_anew"]
    assert "decoded anew in each epoch" in log_of(run)
    assert not stray_files(workers.root)


def small_cache_disk(root):
    """24 photos of 32 x 32 pixels take 74 kB; the disk has room for 30."""
    import resource

    from core.training import pixel_cache

    original = pixel_cache.build

    def build(*arguments, **options):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
        try:
            return original(*arguments, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    pixel_cache.build = build


@pytest.mark.fault(5)
def test_a_disk_without_room_for_a_state_does_not_lose_the_job(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    workers.run(small_net, no_disk_at_all)
    assert states(run)[0] == "queued"
    assert control.waiting(workers.root) == [(run.id, 0)]
    assert workers.run(small_net) == 0
    assert_done(run)
    assert not stray_files(workers.root)


def no_disk_at_all(root):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@pytest.mark.fault(5)
def test_disk_full_at_the_launch_leaves_no_half_of_a_run(workers, tiny_plan):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(LabError, match="disk full") as caught:
            control.launch(tiny_plan, folder=workers.root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.kind == "disk-full"
    assert summaries(workers.root) == []
    assert not stray_files(workers.root)
    assert control.waiting(workers.root) == []


# 6. a runs folder that cannot be written


@pytest.mark.fault(6)
def test_a_runs_folder_that_cannot_be_written_is_refused_before_anything_starts(
    workers, tiny_plan, tmp_path, monkeypatch
):
    started = []
    monkeypatch.setattr(control, "start_worker", started.append)
    file = tmp_path / "file"
    file.write_text("not a folder")
    for folder in (file, file / "runs", Path("/proc/runs")):
        with pytest.raises(LabError, match="cannot be written") as caught:
            control.launch(tiny_plan, folder=folder)
        assert caught.value.kind == "read-only"
        assert str(folder) in caught.value.message
        assert "FACET_RUNS" in caught.value.remedy
    assert not started


# 8 and 9. cancel


@pytest.mark.fault(8)
def test_cancelled_and_resumed_equals_never_stopped(workers, tiny_plan, never_stopped_small):
    run = launch(tiny_plan, workers.root, folds=(0, 1))
    worker = workers.start(small_net, hold_at(epoch=3, step=2))
    until(lambda: held(workers.root), "the worker reaches epoch 3")
    control.cancel(run, grace=PATIENCE)
    assert states(run) == ["cancelled", "cancelled"]
    assert control.waiting(workers.root) == []
    worker.join(PATIENCE)
    assert worker.exitcode == 0, "it heard of it at its next step; nobody had to kill it"
    assert control.GRACE + 2 <= 5, "seconds for who does not hear, and until its lock is free"
    release(workers.root)
    resume(run)
    assert states(run)[0] == "queued"
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)


def with_a_child(root):
    """A loader process in miniature: a child that does not care about its parent."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    (root / ".child").write_text(str(child.pid))


@pytest.mark.parametrize("when", ["stopped", "deaf"])
@pytest.mark.fault(9)
def test_a_worker_that_ignores_the_request_to_stop_is_killed_with_its_children(workers, tiny_plan, when):
    run = launch(short(tiny_plan, epochs=2), workers.root, folds=(0, 1))
    worker = workers.start(small_net, with_a_child, deaf if when == "deaf" else hold_at(epoch=2))
    until(lambda: held(workers.root), "the worker trains")
    child = psutil.Process(int((workers.root / ".child").read_text()))
    if when == "stopped":
        os.kill(worker.pid, signal.SIGSTOP)
    control.cancel(run, grace=0.5)
    worker.join(PATIENCE)
    assert worker.exitcode == -signal.SIGKILL
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "its child is gone")
    assert states(run) == ["cancelled", "cancelled"]
    release(workers.root)
    control.resume(run)
    assert workers.run(small_net) == 0
    assert states(run) == ["done", "done"]


def with_a_messenger(root):
    """A child in a session of its own, which outlives its parent."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    (root / ".messenger").write_text(str(child.pid))


@pytest.mark.fault(9)
def test_what_has_to_outlive_a_worker_is_not_killed_with_it(workers, tiny_plan):
    run = launch(short(tiny_plan, epochs=2), workers.root)
    worker = workers.start(small_net, with_a_child, with_a_messenger, deaf)
    until(lambda: held(workers.root), "the worker trains")
    child, messenger = (psutil.Process(int((workers.root / name).read_text())) for name in (".child", ".messenger"))
    try:
        control.cancel(run, grace=0.2)
        worker.join(PATIENCE)
        assert worker.exitcode == -signal.SIGKILL
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "its child is gone")
        with pytest.raises(psutil.TimeoutExpired):  # who is killed may take a moment to end
            messenger.wait(0.5)
        assert messenger.status() != psutil.STATUS_ZOMBIE
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            messenger.kill()


def deaf(root):
    """Busy for ever in the middle of a step."""
    from core.training import train

    def forward(self, images):
        (root / ".held").touch()
        stand_still()

    train.FoldTrainer.forward = forward


@pytest.mark.fault(8)
def test_cancel_stops_a_worker_that_still_loads_its_libraries(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    worker = workers.start(slow_import)
    until(lambda: held(workers.root), "the worker imports")
    assert states(run)[0] == "running"
    control.cancel(run, grace=0.3)
    assert states(run)[0] == "cancelled"
    worker.join(PATIENCE)
    assert worker.exitcode == -signal.SIGKILL


def slow_import(root):
    import builtins

    real = builtins.__import__

    def slow(name, globals=None, locals=None, fromlist=(), level=0):
        if name == "core.training" and fromlist and "train" in fromlist:
            (root / ".held").touch()
            stand_still()
        return real(name, globals, locals, fromlist, level)

    builtins.__import__ = slow


# 10. out of memory


def out_of_memory(root, *, error):
    """Fold 0 does not fit; fold 1 does."""
    from core.training import train

    original = train.FoldTrainer.forward

    def forward(self, images):
        if self.fold == 0:
            if error == "gpu":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            if error == "numpy":
                raise MemoryError
            torch.empty(1 << 46)  # the host's allocator says no for real
        return original(self, images)

    train.FoldTrainer.forward = forward


@pytest.mark.parametrize("error", ["gpu", "host", "numpy"])
@pytest.mark.fault(10)
def test_out_of_memory_names_a_batch_size_to_try_and_the_queue_goes_on(workers, tiny_plan, error):
    run = launch(short(tiny_plan), workers.root, folds=(0, 1))
    assert workers.run(small_net, partial(out_of_memory, error=error)) == 0
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "memory"), log_of(run)
    assert "batch size 8 does not fit" in state.reason
    assert "batch size 4" in state.remedy
    assert (workers.root / ".successor").exists()
    assert workers.run(small_net) == 0
    assert_done(run, 1)


# 11. diverged


@pytest.mark.fault(11)
def test_a_diverged_loss_is_told_with_epoch_and_step_and_the_checkpoint_before_is_kept(workers, tiny_plan):
    good = tiny_plan.config.phases[0].model_copy(update={"epochs": 1}).model_dump()
    wild = {**good, "optimizer": "sgd", "lr_backbone": 10.0, "lr_head": 10.0, "momentum": 0.99, "epochs": 40}
    plan = with_changes(tiny_plan, phases=[good, {**wild, "weight_decay": 1.0}])
    run = launch(plan, workers.root)
    assert workers.run(overflowing) == 0
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "diverged"), log_of(run)
    assert "epoch 2, step 2" in state.reason
    assert "learning rate" in state.remedy
    last = checkpoint.load_last(run.last_file(0), CPU)
    assert last["epoch"] == 1
    assert all(torch.isfinite(value).all() for value in last["model"].values())
    assert set(run.metrics(0)["epoch"]) == {1}
    assert state.epoch == 1


def overflowing(root):
    """A learning rate past what a form accepts, so that one step is enough."""
    from core.config import run_config

    original = run_config.RunConfig.learning_rate_factor
    run_config.RunConfig.learning_rate_factor = lambda self, phase, *rest: (
        original(self, phase, *rest) * (1e30 if phase == 1 else 1)
    )


# 21 and 22. checkpoints and weights that are not what they should be


@pytest.fixture
def swapped_after_launch(monkeypatch):
    """The launch takes the weights file for a fitting one, as if another had been put in its place since."""
    monkeypatch.setattr("core.network.weights._misfit", lambda *seen: None)


class Trap:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.mark.fault(21)
def test_a_malicious_pickle_as_resume_point_or_weights_fails_without_running(
    workers, tiny_plan, tmp_path, swapped_after_launch
):
    trap = tmp_path / "ran"
    weights = tmp_path / "weights.pth"
    torch.save({"conv1.weight": Trap(trap)}, weights)
    run = launch(short(tiny_plan), workers.root)
    run.last_file(0).write_bytes(pickle.dumps(Trap(trap)))
    other = launch(short(tiny_plan, model__init=f"file:{weights}"), workers.root)
    assert workers.run() == 0
    for failed, kind, name in ((run, "checkpoint", "last.pt"), (other, "weights", "weights.pth")):
        state = failed.fold_state(0)
        assert (state.state, state.kind) == ("failed", kind), log_of(failed)
        assert name in state.reason
    assert not trap.exists()


@pytest.mark.fault(22)
def test_weights_of_another_architecture_are_refused_with_keys_and_shapes(
    workers, tiny_plan, tmp_path, swapped_after_launch
):
    import torchvision

    weights = tmp_path / "resnet50.pth"
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), weights)
    run = launch(short(tiny_plan, model__init=f"file:{weights}"), workers.root)
    assert workers.run() == 0
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "weights"), log_of(run)
    assert "layer1.0.conv1.weight is (64, 64, 1, 1) in the file, (64, 64, 3, 3) in the network" in state.reason
    assert "layer1.0.conv3.weight" in state.reason


@pytest.mark.fault(21)
def test_a_misfit_or_malicious_weights_file_is_refused_before_anything_is_queued(workers, tiny_plan, tmp_path):
    import torchvision

    trap, weights = tmp_path / "ran", tmp_path / "trap.pth"
    torch.save({"conv1.weight": Trap(trap)}, weights)
    other = tmp_path / "resnet34.pth"
    torch.save(torchvision.models.resnet34(weights=None).state_dict(), other)
    for file, said in ((weights, "cannot be read as plain weights"), (other, "unknown weights, first layer1.2")):
        with pytest.raises(LabError, match=said) as error:
            control.launch(short(tiny_plan, model__init=f"file:{file}"), folder=workers.root)
        assert error.value.kind == "weights"
    assert not trap.exists() and not summaries(workers.root) and not control.waiting(workers.root)


@pytest.mark.fault(22)
def test_a_resume_point_of_another_network_is_refused_with_keys_and_shapes(workers, tiny_plan):
    run = launch(short(tiny_plan, epochs=2), workers.root)
    worker = workers.start(small_net, hold_at(epoch=2))
    until(lambda: held(workers.root) and run.last_file(0).exists(), "one checkpoint")
    kill(worker)
    last = torch.load(run.last_file(0), weights_only=True)
    head = last["model"].pop("fc.weight")
    last["model"] |= {"fc.bias": torch.zeros(7), "extra": head}
    checkpoint.save_last(run.last_file(0), last)
    resume(run)
    release(workers.root)
    assert workers.run(small_net) == 0
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "checkpoint"), log_of(run)
    for part in ("fc.weight is missing", "extra is unknown", "fc.bias is (7,) in the file, (3,) in the network"):
        assert part in state.reason


# 28. the clock


def clock_runs_backwards(root):
    begun = time.time()
    real = time.monotonic
    time.time = lambda: begun - 3600 * (real() % 1000)


@pytest.mark.fault(28)
def test_a_clock_that_runs_backwards_gives_no_negative_time_left_and_no_false_interruption(workers, tiny_plan):
    run = launch(short(tiny_plan, epochs=3), workers.root)
    worker = workers.start(small_net, clock_runs_backwards, hold_at(epoch=3, step=2))
    until(lambda: held(workers.root), "the worker trains")
    assert states(run)[0] == "running"
    assert run.progress(0)["eta_seconds"] >= 0
    release(workers.root)
    worker.join(PATIENCE)
    assert_done(run)


def clock_is_set(monkeypatch, by):
    """As psutil sees it: when the machine started is told by the clock as it is now."""
    real = psutil._psplatform.boot_time
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: real() + by)


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere a process keeps the time at which it began")
@pytest.mark.parametrize("by", [5.0, -3600.0])
@pytest.mark.fault(28)
def test_a_worker_that_hangs_is_cancelled_after_the_clock_was_set(workers, tiny_plan, monkeypatch, by):
    run = launch(short(tiny_plan), workers.root)
    worker = workers.start(small_net, partial(hold_at(epoch=1), patient=True))
    until(lambda: held(workers.root), "the worker hangs")
    clock_is_set(monkeypatch, by)
    control.cancel(run, grace=0.2)
    worker.join(PATIENCE)
    assert worker.exitcode == -signal.SIGKILL
    assert states(run)[0] == "cancelled"


# 29. a pid that belongs to a stranger


@pytest.mark.parametrize("noted", [{"create_time"}, {"create_time", "born"}], ids=["0.1", "now"])
@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.fault(29)
def test_a_stranger_with_the_pid_of_a_dead_worker_is_never_signalled(workers, tiny_plan, locked, noted):
    run = launch(short(tiny_plan), workers.root)
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        born = deaths.born(psutil.Process(stranger.pid))
        lock = run.fold_lock(0)
        if locked:
            lock.acquire()
        # With the lock held the pid was reused: another birth. Without it even a perfect match is nobody's worker.
        times = {key: time - 100 if locked else time for key, time in born.items() if key in noted}
        worker = {"pid": stranger.pid, **times}
        run.write_state(FoldState(0, state="running", worker=worker))
        control.kill_worker(run, 0)
        control.cancel(run, grace=0.1)
        lock.release()
        with pytest.raises(subprocess.TimeoutExpired):  # who is killed may take a moment to end
            stranger.wait(0.5)
    finally:
        stranger.kill()
        stranger.wait(10)


# 31. a run that is deleted while it trains


def removed(folder):
    """Delete a folder in which a checkpoint may just be written: what came meanwhile makes it fail once."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


@pytest.mark.fault(31)
def test_a_run_deleted_while_it_trains_ends_by_itself_and_the_next_job_runs(workers, tiny_plan):
    gone = launch(short(tiny_plan, epochs=2), workers.root, folds=(0, 1))
    following = launch(short(tiny_plan, name="following"), workers.root)
    worker = workers.start(small_net, hold_at(epoch=2))
    until(lambda: held(workers.root), "the worker trains")
    until(lambda: removed(gone.dir), "the run is deleted")
    assert gone.states() == []
    with pytest.raises(LabError, match="is gone"):
        control.cancel(gone)
    release(workers.root)
    worker.join(PATIENCE)
    assert worker.exitcode == 0
    assert_done(following)
    assert not gone.dir.exists()
    assert control.waiting(workers.root) == []


# 32. data that changed


@pytest.mark.fault(32)
def test_a_photo_that_changed_since_the_launch_is_named_and_nothing_is_resumed(workers, tiny_plan, tmp_path):
    from core.data.scan import scan
    from core.plan.plan import make_plan

    data = tmp_path / "data"
    shutil.copytree(tiny_plan.config.data.root, data)
    plan = short(tiny_plan, data__root=str(data))
    plan = make_plan(plan.config, scan(plan.config.data, threads=1))
    run = launch(plan, workers.root, folds=(0, 1))
    worker = workers.start(small_net, hold_at(epoch=1))
    until(lambda: held(workers.root), "the worker trains")
    kill(worker)
    photo = data / "red" / "red3.jpg"
    photo.write_bytes(photo.read_bytes() + b" ")
    (data / "blue" / "blue0.jpg").unlink()
    with pytest.raises(LabError, match=r"blue/blue0\.jpg \(gone\), red/red3\.jpg \(changed\)") as caught:
        control.resume(run)
    assert caught.value.kind == "data-changed"
    assert states(run) == ["interrupted", "queued"]
    assert workers.run(small_net) == 0  # what still waited notices by itself
    assert run.fold_state(1).kind == "data-changed"
    assert "red/red3.jpg" in run.fold_state(1).reason


# 33. a device that is not there


@pytest.mark.fault(33)
def test_a_gpu_that_is_not_there_is_a_clear_failure_and_the_queue_goes_on(workers, tiny_plan):
    run = launch(short(tiny_plan, training__device="cuda"), workers.root)
    following = launch(short(tiny_plan), workers.root)
    assert workers.run(small_net, environment={"CUDA_VISIBLE_DEVICES": ""}) == 0
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "device"), log_of(run)
    assert "CUDA" in state.reason
    assert "cpu" in state.remedy
    workers.run(small_net)  # the process that met a device which is not there left what waits to a fresh one
    assert_done(following)
