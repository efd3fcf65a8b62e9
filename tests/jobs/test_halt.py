"""After an error that nobody foresaw a fresh process goes on; after three instant ones in a row the queue stops."""

import errno
import math
import os
import shlex
import sys
from typing import NamedTuple

import pytest

from core import places
from core.cli import progress
from core.cli.main import main
from core.errors import LabError, out_of_memory
from core.jobs import control, doctor, elsewhere, halt
from core.jobs.alerts import ends
from core.storage import files
from tests.closed import close
from tests.pages.app import button, html, labels, page
from tests.workers import FORKS, PATIENCE, assert_done, launch, log_of, short, small_net, until

BROKEN = "CUDA error: an illegal memory access was encountered"


def broken_context(root):
    """Every step of this process fails, as with a broken CUDA context."""
    from core.training import train

    def epoch(trainer, epoch, tick):
        raise RuntimeError(BROKEN)

    train.FoldTrainer.train_epoch = epoch


def real_successor(root):
    """The successor is a real worker process, started as the lab starts one."""
    import importlib

    importlib.reload(control)


def broken_later(root):
    """Broken after an epoch was done."""
    from core.training import train

    epoch_of = train.FoldTrainer.train_epoch

    def epoch(trainer, epoch, tick):
        if epoch > 1:
            raise RuntimeError(BROKEN)
        return epoch_of(trainer, epoch, tick)

    train.FoldTrainer.train_epoch = epoch


def successor_asked(root) -> bool:
    asked = (root / ".successor").exists()
    (root / ".successor").unlink(missing_ok=True)
    return asked


@pytest.mark.fault(38)
@pytest.mark.long
def test_a_broken_process_fails_one_job_and_a_fresh_one_takes_the_next(tiny_plan, workers):
    """The fresh process is started by the one that leaves: no page is open."""
    run = launch(short(tiny_plan), workers.root, folds=(0, 1))
    assert workers.run(broken_context, real_successor) == 0
    first = run.fold_state(0)
    assert (first.state, first.kind) == ("failed", "unexpected"), log_of(run)
    assert BROKEN in first.reason
    until(lambda: run.fold_state(1).state not in ("queued", "running"), "the fresh process has trained the other fold")
    assert_done(run, 1)
    assert run.written_state(1).worker["pid"] != first.worker["pid"]
    assert halt.stopped(workers.root) is None


@pytest.mark.fault(38)
def test_three_instant_failures_in_a_row_stop_the_queue_in_words(tiny_plan, workers):
    runs_ = [launch(short(tiny_plan), workers.root, folds=(0, 1)) for _ in range(2)]
    for failures in range(3):
        assert len(control.waiting(workers.root)) == 4 - failures
        assert halt.stopped(workers.root) is None
        assert workers.run(broken_context, small_net) == 0
        assert successor_asked(workers.root) == (failures < 2)
    stop = halt.stopped(workers.root)
    assert "3 fold jobs in a row failed as soon as they started" in stop.message
    assert BROKEN in stop.remedy
    assert len(stop.jobs) == 3
    assert len(control.waiting(workers.root)) == 1, "the fourth job keeps its place"
    assert workers.run(small_net) == 0, "a worker that comes all the same takes nothing"
    assert control.waiting(workers.root) == [(runs_[1].id, 1)]

    with pytest.raises(LabError, match="The queue has stopped") as caught:  # and whoever waits does not wait for ever
        progress.wait_for(runs_[1])
    assert caught.value.remedy.endswith(f"Go on with: python -m core worker --runs {workers.root}")

    halt.go_on(workers.root)
    assert workers.run(small_net) == 0
    assert_done(runs_[1], 1)


def no_room(root):
    """Every step of this process finds its disk full."""
    from core.training import train

    def epoch(trainer, epoch, tick):
        raise LabError("disk full: no room for last.pt.", "Free some space.", kind="disk-full")

    train.FoldTrainer.train_epoch = epoch


def no_memory(root):
    """Every step of this process lacks memory, as while somebody else has the GPU."""
    from core.training import train

    def epoch(trainer, epoch, tick):
        raise RuntimeError("CUDA error: out of memory")

    train.FoldTrainer.train_epoch = epoch


def test_a_full_disk_fails_three_jobs_and_not_the_whole_queue(tiny_plan, workers):
    for _ in range(2):
        launch(short(tiny_plan), workers.root, folds=(0, 1))
    assert workers.run(no_room, small_net) == 0
    assert "disk full" in halt.stopped(workers.root).remedy
    assert len(control.waiting(workers.root)) == 1


def test_three_runs_in_a_row_without_memory_stop_the_queue_folds_of_one_run_do_not(tiny_plan, workers):
    """Folds of one run are too large together and the next run may fit; three runs in a row tell of the machine."""
    for folds in ((0, 1), (0,), (0,), (0,)):
        launch(short(tiny_plan), workers.root, folds=folds)
    for failed in range(1, 5):
        assert halt.stopped(workers.root) is None
        assert workers.run(no_memory, small_net) == 0
        assert len(control.waiting(workers.root)) == 5 - failed
    assert "memory" in halt.stopped(workers.root).remedy


def test_three_runs_whose_dataset_is_gone_stop_the_queue_folds_of_one_run_do_not(tiny_plan, tmp_path, workers):
    """One dataset may have moved; after three runs a disk may not be mounted, and what waits is not to fail for it."""
    runs = [launch(short(tiny_plan), workers.root, folds=folds) for folds in ((0, 1), (0,), (0,), (0,))]
    for run in runs:
        samples = run.samples()
        samples["path"] = [str(tmp_path / "not-mounted" / sample) for sample in samples["sample"]]
        samples.to_parquet(run.samples_file)
    assert workers.run(small_net) == 0
    assert [run.fold_state(0).state for run in runs] == ["failed", "failed", "failed", "queued"]
    assert runs[0].fold_state(1).kind == "data-moved"
    assert "not one of its" in halt.stopped(workers.root).remedy
    assert halt.stopped(workers.root).kind == "data-moved", "who tells of it knows what its words may name"


def test_while_the_queue_is_stopped_nobody_starts_a_worker(tiny_plan, workers, monkeypatch):
    started = []
    monkeypatch.setattr(control, "start_worker", started.append)
    run = launch(short(tiny_plan), workers.root)
    assert started == [workers.root]
    stop_the_queue(workers.root)
    control.ensure_workers(workers.root)
    assert started == [workers.root]
    control.resume(run)  # a resume is a person's word that the cause is mended
    assert halt.stopped(workers.root) is None
    assert len(started) == 2


def stop_the_queue(root):
    for job in range(3):
        halt.failed(root, 0, f"job {job}", "unexpected: it broke.", 1.0)
    assert halt.stopped(root)


def test_a_failure_after_an_epoch_is_not_instant(tiny_plan, workers):
    run = launch(short(tiny_plan, epochs=2), workers.root)
    for job in ("a", "b"):
        halt.failed(workers.root, 0, job, "r", 1.0)
    assert workers.run(broken_later, small_net) == 0
    assert run.fold_state(0).kind == "unexpected"
    assert halt.stopped(workers.root) is None
    assert files.read_json(places.machine_folder(workers.root) / "failures.json") == {"0": []}


@pytest.mark.parametrize("well", [halt.ended_well, lambda root, slot: halt.failed(root, slot, "x", "r", math.inf)])
def test_what_went_on_for_a_while_in_between_starts_the_count_anew(runs_folder, well):
    for job in ("a", "b"):
        halt.failed(runs_folder, 0, job, "r", 1.0)
    well(runs_folder, 0)
    for job in ("c", "d"):
        halt.failed(runs_folder, 0, job, "r", 1.0)
    assert halt.stopped(runs_folder) is None
    halt.failed(runs_folder, 0, "e", "r", 1.0)
    assert halt.stopped(runs_folder).jobs == ("c", "d", "e")


def test_one_job_that_fails_again_and_again_is_that_jobs_own_fault(runs_folder):
    for _ in range(5):
        halt.failed(runs_folder, 0, "a", "r", 1.0)
    assert halt.stopped(runs_folder) is None


def test_a_good_gpu_beside_a_broken_one_does_not_hide_it(runs_folder):
    for job in ("a", "b", "c"):
        halt.failed(runs_folder, 0, job, "r", 1.0)
        halt.ended_well(runs_folder, 1)
    assert halt.stopped(runs_folder) is not None


def test_the_stop_is_one_machines_own(runs_folder, monkeypatch):
    stop_the_queue(runs_folder)
    monkeypatch.setattr(places.machine, "name", lambda: "another")
    assert halt.stopped(runs_folder) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"when": "x", "reason": 1, "jobs": 2}'])
def test_a_damaged_stop_still_stops_and_says_so(runs_folder, text):
    stop_the_queue(runs_folder)
    (places.machine_folder(runs_folder) / "stopped.json").write_text(text)
    assert "stopped.json, is damaged." in halt.stopped(runs_folder).message
    (places.machine_folder(runs_folder) / "failures.json").write_text(text)
    halt.failed(runs_folder, 0, "a", "r", 1.0)
    halt.go_on(runs_folder)
    assert halt.stopped(runs_folder) is None


def test_a_stop_out_of_reach_stops_in_its_own_words_and_alerts_nobody(runs_folder, monkeypatch):
    close(monkeypatch, halt.stop_file(runs_folder), errno.EIO)
    stop = halt.stopped(runs_folder)
    assert stop.message.endswith("stopped.json, which cannot be read (Input/output error).") and not stop.jobs
    assert stop.remedy == files.CHECK and ends.take_stop(runs_folder) is None
    (fault,) = doctor._queue(runs_folder)
    assert (fault.what, fault.remedy) == (stop.message, stop.remedy)


@pytest.mark.parametrize("name", ["home", "live", "runs", "studies", "launch"])
def test_pages_say_that_the_queue_has_stopped_and_let_it_go_on(runs_folder, monkeypatch, name):
    asked = []
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: asked.append(halt.stopped(runs_folder)))
    stop_the_queue(runs_folder)
    at = page(name)
    assert "The queue has stopped: 3 fold jobs in a row" in html(at)
    assert "unexpected: it broke." in html(at)
    assert "job 0; job 1; job 2" in html(at)
    button(at, "Go on").click().run()
    assert "The queue has stopped" not in html(at)
    assert "Go on" not in labels(at)
    assert asked[-1] is None
    assert halt.stopped(runs_folder) is None


def test_the_command_line_says_so_and_a_worker_started_by_hand_lets_it_go_on(lab, runs_folder):
    stop_the_queue(runs_folder)
    done = lab("status")
    assert done.returncode == 0
    assert "The queue has stopped: 3 fold jobs in a row" in done.stderr
    assert f"python -m core worker --runs {runs_folder}\n" in done.stderr
    assert lab("worker", "--by-itself").returncode == 0
    assert halt.stopped(runs_folder) is not None
    assert lab("worker").returncode == 0
    assert halt.stopped(runs_folder) is None


def test_the_command_that_lets_a_queue_go_on_is_about_that_queue_and_no_other(lab, runs_folder, tmp_path, monkeypatch):
    """Typed as it stands, in whichever shell: without the folder it would lift another stop and train there."""
    other = tmp_path / "other runs"
    other.mkdir()
    stop_the_queue(other)
    (words,) = [line for line in lab("status", "--runs", str(other)).stderr.splitlines() if "go on with" in line]
    assert words == f"Let it go on with: python -m core worker --runs '{other}'"
    command = shlex.split(words.partition(": python -m core ")[2])
    stop_the_queue(runs_folder)
    assert lab(*command).returncode == 0
    assert halt.stopped(other) is None and halt.stopped(runs_folder) is not None
    monkeypatch.setattr(places, "HOME", tmp_path)
    assert progress.way_on_from_a_stop(tmp_path / "runs") == "python -m core worker", "where all of the lab lies"


def test_where_a_cluster_trains_a_resume_lets_the_queue_go_on_and_no_worker_is_advised(
    lab, tiny_plan, runs_folder, monkeypatch
):
    """A worker would train on this machine what is to train there."""
    started = []
    monkeypatch.setenv(elsewhere.CHOICE, "ray://head:10001")
    monkeypatch.setattr(control, "start_writer", started.append)
    run = launch(short(tiny_plan), runs_folder)
    halt.stop(runs_folder, "The Ray cluster at ray://head:10001 is gone: it went away.", "Start it anew.")
    assert f"Let it go on with: python -m core resume RUN --runs {runs_folder}\n" in lab("status").stderr
    with pytest.raises(LabError, match="is gone") as caught:
        progress.wait_for(run)
    assert caught.value.remedy == f"Start it anew. Go on with: python -m core resume {run.id} --runs {runs_folder}"
    started.clear()
    monkeypatch.setattr(sys, "argv", ["core", "resume", run.id])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0 and halt.stopped(runs_folder) is None
    assert started == [runs_folder], "the writer, which hands what waits to the cluster"


def test_where_no_engine_of_the_name_is_a_stop_is_told_all_the_same(lab, runs_folder, monkeypatch):
    monkeypatch.setenv(elsewhere.CHOICE, "spark://head:7077")
    stop_the_queue(runs_folder)
    done = lab("status")
    assert done.returncode == 0 and "python -m core resume RUN" in done.stderr


@pytest.fixture
def lab(tmp_path):
    """lab("status") is `python -m core status` in a process of its own, forked from one that has imported the lab."""

    def call(*arguments):
        process = FORKS.Process(target=_core, args=(arguments, tmp_path, dict(os.environ)))
        process.start()
        process.join(PATIENCE)
        return Ended(process.exitcode, (tmp_path / "err").read_text("utf-8"))

    return call


class Ended(NamedTuple):
    returncode: int
    stderr: str


def _core(arguments, folder, environment):
    os.environ.clear()
    os.environ.update(environment)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.argv = ["core", *arguments]
    main()


class AcceleratorError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA error: out of memory"),
        AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to"),
        OSError(12, "Cannot allocate memory"),
        type("OutOfMemoryError", (RuntimeError,), {})("x"),
    ],
)
def test_a_lack_of_memory_is_known_by_name_and_text_also_as_a_cause(error):
    assert out_of_memory(error)
    outer = RuntimeError("the loader failed")
    outer.__cause__ = error
    assert out_of_memory(outer)


def test_numpy_and_torch_themselves_say_it_so():
    import numpy as np
    import torch

    with pytest.raises(MemoryError, match="Unable to allocate") as caught:
        np.ones((2**31, 2**20))
    assert out_of_memory(caught.value)
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**31, 2**20)
    assert out_of_memory(caught.value)


def test_other_failures_are_no_lack_of_memory():
    for error in (RuntimeError(BROKEN), RuntimeError("unable to open shared memory object"), OSError(28, "No space")):
        assert not out_of_memory(error)
    assert not out_of_memory(None)
    loop = RuntimeError("a")
    loop.__cause__ = RuntimeError("b")
    loop.__cause__.__cause__ = loop
    assert not out_of_memory(loop)
    try:
        try:
            raise MemoryError
        except MemoryError:
            raise ValueError("told in its place") from None
    except ValueError as error:
        assert not out_of_memory(error)
