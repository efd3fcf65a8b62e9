import errno
import hashlib
import os
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from core.errors import LabError
from core.jobs import control, fold_job, queue, speed, trash, worker
from core.places import lab_folder
from core.runs import FoldState, Run, notes
from core.runs.create import create
from core.runs.lists import index
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import healing
from tests.closed import close
from tests.nobody import as_nobody
from tests.workers import FORKS, PATIENCE, held, hold_at, launch, log_of, release, short, small_net, until, with_changes


@pytest.fixture
def started(monkeypatch):
    """Workers that would have been started, as runs folders."""
    calls = []
    monkeypatch.setattr(control, "start_worker", calls.append)
    return calls


def states(run):
    return [state.state for state in run.states()]


def test_a_launch_freezes_the_plan_queues_every_fold_and_starts_one_worker(tiny_plan, runs_folder, started):
    run = control.launch(tiny_plan)
    assert run.dir.parent == runs_folder
    assert states(run) == ["queued", "queued"]
    assert control.waiting() == [(run.id, 0), (run.id, 1)]
    assert started == [runs_folder]
    pd.testing.assert_frame_equal(run.samples(), tiny_plan.samples, check_dtype=False)
    assert run.config() == tiny_plan.config
    info = run.info()
    assert info["dataset"]["fingerprint"] == tiny_plan.fingerprint
    assert {"torch", "albumentations", "python"} <= info["versions"].keys()


def test_an_id_is_launched_once(tiny_plan, runs_folder, started):
    run = control.launch(tiny_plan, run_id="20260101-000000-twice-abcd")
    before = {path: path.stat().st_mtime_ns for path in run.dir.rglob("*")}
    with pytest.raises(LabError, match="exists already") as caught:
        control.launch(tiny_plan, run_id=run.id)
    assert caught.value.kind == "exists"
    assert before == {path: path.stat().st_mtime_ns for path in run.dir.rglob("*")}
    assert control.waiting() == [(run.id, 0), (run.id, 1)]


def _click(plan, root, run_id, number):
    control.start_worker = lambda folder: None
    (root / f".ready{number}").touch()
    until((root / ".go").exists, "both may launch", every=0.001)
    try:
        control.launch(plan, run_id=run_id, folder=root)
        answer = "launched"
    except LabError as error:
        answer = error.kind
    (root / f".answer{number}").write_text(answer)


@pytest.mark.fault(7)
def test_two_browsers_that_launch_the_same_form_at_once_make_one_run(tiny_plan, runs_folder):
    for turn in range(3):
        clicks = [
            FORKS.Process(target=_click, args=(tiny_plan, runs_folder, f"form-{turn}", number)) for number in (0, 1)
        ]
        for click in clicks:
            click.start()
        until(lambda: all((runs_folder / f".ready{number}").exists() for number in (0, 1)), "both are ready")
        (runs_folder / ".go").touch()
        for click in clicks:
            click.join(PATIENCE)
        assert sorted((runs_folder / f".answer{number}").read_text() for number in (0, 1)) == ["exists", "launched"]
        assert control.waiting(runs_folder) == [(f"form-{turn}", 0), (f"form-{turn}", 1)]
        assert not list(runs_folder.glob(".*.new"))
        queue.remove(Run(f"form-{turn}", runs_folder), [0, 1])
        for path in runs_folder.glob(".[rga]*"):
            path.unlink()


@pytest.mark.fault(34)
def test_missing_weights_are_told_before_anything_is_frozen(tiny_plan, runs_folder, started):
    with pytest.raises(LabError, match="there is no file") as caught:
        control.launch(short(tiny_plan, model__init="file:/nowhere/weights.pth"))
    assert caught.value.kind == "weights"
    assert summaries() == []
    assert not started


def test_a_launch_notes_what_the_file_of_first_weights_holds(tiny_plan, runs_folder, started, tmp_path, monkeypatch):
    monkeypatch.setattr("core.network.weights._misfit", lambda *seen: None)
    first = tmp_path / "first.pth"
    for content in (b"as it was", b"as it is "):
        first.write_bytes(content)
        run = control.launch(short(tiny_plan, model__init=f"file:{first}"))
        digest = hashlib.sha256(content).hexdigest()
        assert run.info()["weights"] == {"init": f"file:{first}", "file": "first.pth", "sha256": digest}


@pytest.mark.parametrize("held", ["on everybody", "retrained", "beside"])
def test_what_is_held_against_a_run_begins_with_the_weights_that_it_began_with(
    tiny_plan, runs_folder, started, tmp_path, monkeypatch, held
):
    monkeypatch.setattr("core.network.weights._misfit", lambda *seen: None)
    first = tmp_path / "first.pth"
    first.write_bytes(b"as it was")
    plan = short(tiny_plan, model__init=f"file:{first}")
    before = control.launch(plan)
    first.write_bytes(b"as it is ")
    of = {"retrained": {"retrained": before.id}, "beside": {"beside": ["gone", before.id]}}.get(held, {})
    later = with_changes(plan, folds__everybody=before.id) if held == "on everybody" else plan
    with pytest.raises(LabError, match=f"first.pth has changed since {before.id} was launched") as caught:
        control.launch(later, **of)
    assert caught.value.kind == "weights" and [row["id"] for row in summaries()] == [before.id]
    if held != "on everybody":  # whose plan has no folds
        assert control.launch(with_changes(later, model__init="scratch"), **of)
        first.write_bytes(b"as it was")
        assert control.launch(later, **of)


def test_no_worker_is_started_for_an_empty_queue_or_without_a_free_slot(tiny_plan, runs_folder, started):
    control.ensure_workers()
    assert not started
    _, lock = queue.take_slot(runs_folder)
    run = control.launch(tiny_plan)
    assert not started
    lock.release()
    control.ensure_workers()
    assert started == [runs_folder]
    queue.remove(run, [0, 1])
    control.ensure_workers()
    assert started == [runs_folder]


def test_as_many_workers_as_there_are_jobs_and_slots(tiny_plan, runs_folder, started, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "3")
    run = control.launch(tiny_plan)  # two folds
    assert len(started) == 2
    queue.remove(run, [1])
    control.ensure_workers()
    assert len(started) == 3


def quiet(root):
    """No other program takes a core, whatever runs beside these tests."""
    speed.Beside.cores = lambda self: 0.0


def test_a_finished_run_says_so_everywhere(workers, tiny_plan):
    run = launch(short(tiny_plan, epochs=2), workers.root, folds=(0, 1))
    assert workers.run(small_net, quiet) == 0
    assert states(run) == ["done", "done"]
    state = run.fold_state(0)
    assert (state.epoch, state.reason) == (2, "")
    assert state.started <= state.ended
    table = run.metrics(0).query("split == 'validation'")
    assert state.scores["final_f1"] == table["f1"].iloc[-1]
    assert state.scores["best_f1"] == table["f1"].max()
    assert state.best_epoch == table.loc[table["f1"].idxmax(), "epoch"]
    summary = summaries(workers.root)[0]
    assert summary["state"] == "done"
    assert [fold["scores"] for fold in summary["folds"]] == [run.fold_state(fold).scores for fold in (0, 1)]
    assert run.progress(0) == {}
    assert "fold 0: done" in run.log_tail()
    assert speed.known(run.config(), workers.root) > 0
    assert queue.free_slots(workers.root) == 1
    assert control.resume(run) == []
    assert states(run) == ["done", "done"]


def test_a_second_worker_leaves_while_the_only_slot_is_taken(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root, folds=(0, 1))
    first = workers.start(small_net, hold_at(epoch=1))
    until(lambda: held(workers.root), "the first worker trains")
    assert workers.run(small_net) == 0
    assert states(run) == ["running", "queued"]
    release(workers.root)
    until(lambda: held(workers.root), "the first worker goes on with the next fold")
    assert states(run) == ["done", "running"]
    release(workers.root)
    first.join(PATIENCE)
    assert states(run) == ["done", "done"]


def test_two_slots_train_two_folds_at_once(workers, tiny_plan, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "2")
    run = launch(short(tiny_plan), workers.root, folds=(0, 1))
    crew = [workers.start(small_net, hold_at(epoch=1)) for _ in range(2)]
    until(lambda: states(run) == ["running", "running"], "both train")
    pids = {state.worker["pid"] for state in run.states()}
    assert pids == {one.pid for one in crew}
    for _ in range(2):
        until(lambda: held(workers.root) or not any(one.is_alive() for one in crew), "one waits")
        if held(workers.root):
            release(workers.root)
    for one in crew:
        while one.is_alive():
            if held(workers.root):
                release(workers.root)
            one.join(0.05)
    assert states(run) == ["done", "done"]


def test_cancelling_what_waits_takes_it_out_of_the_queue_and_leaves_other_runs(tiny_plan, runs_folder, started):
    run, other = control.launch(tiny_plan), control.launch(tiny_plan)
    control.cancel(run)
    assert states(run) == ["cancelled", "cancelled"]
    assert control.waiting() == [(other.id, 0), (other.id, 1)]
    assert control.resume(run) == [0, 1]
    assert states(run) == ["queued", "queued"]
    assert control.waiting() == [(other.id, 0), (other.id, 1), (run.id, 0), (run.id, 1)]
    claimed = worker.claim(runs_folder)
    assert claimed[0] == other
    claimed[2].release()


def test_cancelling_leaves_what_has_ended_as_it_is(tiny_plan, runs_folder, started):
    run = control.launch(tiny_plan)
    run.write_state(FoldState(0, state="done"))
    run.write_state(FoldState(1, state="failed", reason="memory"))
    control.cancel(run)
    assert states(run) == ["done", "failed"]
    assert control.resume(run) == [1]
    assert run.fold_state(1).reason == ""


def test_a_resume_replaces_no_state_that_is_out_of_reach(tiny_plan, runs_folder, started, monkeypatch):
    run = control.launch(tiny_plan)
    control.cancel(run)
    run.write_state(FoldState(1, state="done", epoch=3, scores={"best_f1": 0.5}))
    before = [run.written_state(fold) for fold in run.folds()]
    with monkeypatch.context() as patch:
        close(patch, run.state_file(1), errno.EIO)
        with pytest.raises(LabError, match=r"folds/1/state\.json cannot be read \(Input/output error\)") as caught:
            control.resume(run)
    assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
    assert [run.written_state(fold) for fold in run.folds()] == before and control.waiting() == []
    assert control.resume(run) == [0]
    assert run.written_state(1) == before[1]


def test_a_cancel_that_is_cut_off_while_a_fold_still_trains_has_cancelled_those_that_wait(
    tiny_plan, runs_folder, started, monkeypatch
):
    run = control.launch(tiny_plan)
    run.write_state(FoldState(0, state="running"))

    def killed(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(control.time, "sleep", killed)
    with run.fold_lock(0), pytest.raises(KeyboardInterrupt):
        control.cancel(run)
    assert states(run)[1] == summaries(runs_folder)[0]["folds"][1]["state"] == "cancelled"
    assert run.cancel_file(0).exists(), "what trains stops by itself"


def test_what_is_cancelled_looks_at_no_moment_as_if_a_launch_had_left_it_out(
    tiny_plan, runs_folder, started, monkeypatch
):
    run, remove = control.launch(tiny_plan), queue.remove

    def removed(run, folds):
        assert all(run.cancel_file(fold).exists() for fold in run.folds())
        remove(run, folds)

    monkeypatch.setattr(queue, "remove", removed)
    control.cancel(run)
    assert states(run) == ["cancelled", "cancelled"] and control.waiting() == []


def test_an_archived_run_that_goes_on_is_listed_again_and_one_that_is_done_stays_where_it_is(tiny_plan, started):
    run, done = control.launch(tiny_plan), control.launch(tiny_plan)
    control.cancel(run)
    control.cancel(done)
    for fold in done.folds():
        done.write_state(FoldState(fold, "done"))
    notes.change_notes(run, add=["kept"])
    notes.archive([run.id, done.id])
    control.resume(run)
    control.resume(done)
    assert (notes.read_notes(run).archived, notes.read_notes(run).tags) == (None, ("kept",))
    assert notes.read_notes(done).archived is not None


def test_resume_leaves_a_fold_that_trains_alone(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    worker = workers.start(small_net, hold_at(epoch=1))
    until(lambda: held(workers.root), "the worker trains")
    assert control.resume(run) == [1]
    assert states(run) == ["running", "queued"]
    release(workers.root)
    until(lambda: held(workers.root), "it goes on with fold 1")
    release(workers.root)
    worker.join(PATIENCE)
    assert states(run) == ["done", "done"]


def test_the_next_waiting_run_starts_when_a_hung_one_is_cancelled(workers, tiny_plan, monkeypatch):
    run, following = launch(short(tiny_plan), workers.root), launch(short(tiny_plan), workers.root)
    workers.start(small_net, partial(hold_at(epoch=1), patient=True))
    until(lambda: held(workers.root), "the worker hangs")
    monkeypatch.setattr(control, "start_worker", lambda root: workers.start(small_net))
    control.cancel(run, grace=0.2)
    until(lambda: states(following)[0] == "done", f"the next run is trained: {log_of(following)}")
    assert states(run)[0] == "cancelled"


@pytest.mark.parametrize("act", [control.cancel, control.resume])
def test_a_run_that_is_gone_is_told(tiny_plan, runs_folder, started, act):
    run = control.launch(tiny_plan)
    run.delete()
    with pytest.raises(LabError, match="is gone") as caught:
        act(run)
    assert caught.value.kind == "gone"
    assert not run.dir.exists()


def test_an_unforeseen_error_is_a_failed_fold_with_its_traceback_in_the_log(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root, folds=(0, 1))
    assert workers.run(small_net, surprised) == 0
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "unexpected")
    assert "ZeroDivisionError" in state.reason
    assert "Traceback" in run.log_tail()
    assert states(run)[1] == "queued", "left to a fresh process"


def surprised(root):
    from core.training import train

    original = train.train_fold

    def train_fold(run, fold, **options):
        if fold == 0:
            print("said by native code or a library")
            return 1 / 0
        return original(run, fold, **options)

    train.train_fold = train_fold


def test_a_run_that_is_deleted_while_it_trains_is_no_sign_of_a_broken_process(workers, tiny_plan):
    launch(short(tiny_plan, name="gone"), workers.root)
    following = launch(short(tiny_plan, name="following"), workers.root)
    assert workers.run(small_net, loses_its_run) == 0
    assert following.fold_state(0).state == "done", log_of(following)


def loses_its_run(root):
    from core.training import train

    original = train.train_fold

    def train_fold(run, fold, **options):
        if run.config().name == "gone":
            run.delete()
            run.metrics_file(fold).stat()  # the next thing that it touches
        return original(run, fold, **options)

    train.train_fold = train_fold


def test_the_memory_message_names_the_batch_size_that_was_used(tiny_plan, runs_folder, started):
    for size, advice in ((128, "batch size 64"), (7, "batch size 3"), (2, "smaller images")):
        run = control.launch(short(tiny_plan, training__batch_size=size))
        explanation = fold_job.explain(MemoryError(), run)
        assert f"batch size {size} does not fit" in explanation["reason"]
        assert advice in explanation["remedy"]


def test_what_a_worker_prints_is_in_the_log_of_its_run(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    assert workers.run(small_net, surprised) == 0
    assert "said by native code or a library" in run.log_tail()


def test_interrupted_is_derived_from_the_lock_alone(tiny_plan, runs_folder, started):
    run = control.launch(tiny_plan)
    run.write_state(replace(run.written_state(0), state="running", worker={"pid": os.getpid(), "create_time": 0.0}))
    assert states(run)[0] == "interrupted"
    with run.fold_lock(0):
        assert states(run)[0] == "running"
        assert summaries(runs_folder)[0]["folds"][0]["state"] == "running"
    assert run.fold_state(0).reason
    assert run.written_state(0).state == "running"  # nothing has to be written for it


# What this account may not write

as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")


@pytest.fixture
def somebody_elses(tiny_plan, monkeypatch):
    """A run that another account may only read, in a lab whose queue it may write; its photos are there."""
    monkeypatch.setattr(control, "check_unchanged", lambda *_: None)
    root = Path(tempfile.mkdtemp())
    run = create(tiny_plan.config, tiny_plan.samples, class_names=["a"], info={}, folder=root)
    queue.enqueue(run, [0])
    for folder, mode in ((root, 0o755), (lab_folder(root), 0o777), (queue.queue_folder(root), 0o777)):
        folder.chmod(mode)
    yield run
    shutil.rmtree(root)


def refusal(work):
    """What a LabError says, as lines of its kind and message; '' where there was none."""
    try:
        work()
    except LabError as error:
        return f"{error.kind}: {error.message}"
    return ""


@as_root
@pytest.mark.parametrize("verb", [control.cancel, control.resume, "cancel_waiting", "delete"])
def test_a_verb_on_a_run_that_may_only_be_read_says_so(somebody_elses, verb):
    run = somebody_elses
    if verb == "cancel_waiting":
        verb = lambda run: control.cancel_waiting(run, "its study was deleted")  # noqa: E731
    if verb == "delete":
        for fold in run.folds():
            run.write_state(FoldState(fold, state="done"))
        verb = lambda run: trash.delete([run.id], run.dir.parent)  # noqa: E731
    said = as_nobody(lambda: refusal(lambda: verb(run)))
    assert said == repr(f"read-only: {run.dir} cannot be written: Permission denied.")


def test_a_queue_that_cannot_be_written_is_told_before_anything_is_frozen(tiny_plan, runs_folder, started):
    lab_folder(runs_folder).mkdir()
    queue.queue_folder(runs_folder).write_text("not a folder")
    with pytest.raises(LabError, match="queue cannot be written") as caught:
        control.launch(tiny_plan)
    assert caught.value.kind == "read-only" and "FACET_RUNS" in caught.value.remedy
    assert summaries(runs_folder) == [] and not started


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_launch_that_cannot_be_queued_leaves_no_half(tiny_plan, runs_folder, started, monkeypatch, taken_back):
    """Its disk goes away after the first fold was queued."""
    write, rename = files.write_text, os.rename

    def writing(path, *args, **options):
        if path.name.endswith("__01"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        write(path, *args, **options)

    def renaming(source, target):
        if str(target).endswith(".old") and not taken_back:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(files, "write_text", writing)
    monkeypatch.setattr(os, "rename", renaming)
    with pytest.raises(LabError, match="queue cannot be written: Input/output error") as caught:
        control.launch(tiny_plan)
    assert caught.value.remedy and not started
    if taken_back:
        assert summaries(runs_folder) == [] and control.waiting() == []
        assert [path.name for path in runs_folder.iterdir()] == [".lab"]
        return
    (summary,) = summaries(runs_folder)
    assert caught.value.message.startswith(f"{summary['id']} is launched, but waits without a place in the queue")
    monkeypatch.setattr(files, "write_text", write)
    healing.look_after(runs_folder)
    assert control.waiting() == [(summary["id"], 0), (summary["id"], 1)]


@as_root
def test_a_queue_of_another_account_is_told_to_who_launches_and_who_resumes(somebody_elses, tiny_plan):
    root = somebody_elses.dir.parent
    root.chmod(0o777)
    queue.queue_folder(root).chmod(0o755)
    said = repr(f"read-only: {queue.queue_folder(root)} cannot be written: Permission denied.")
    assert as_nobody(lambda: refusal(lambda: queue.check_folder(root))) == said
    assert as_nobody(lambda: refusal(lambda: control.resume(somebody_elses))) == said
    assert as_nobody(lambda: refusal(lambda: control.cancel(somebody_elses))) == said


@as_root
@pytest.mark.parametrize(
    "act",
    [
        lambda run: queue.let_go(run),
        lambda run: queue.release(run.dir.parent, "study"),
        lambda run: queue.release(run.dir.parent, "study", [run.id]),
        lambda run: queue.hold(run.dir.parent, "study", ["another"]),
        lambda run: queue.hold(run.dir.parent, "another", [run.id]),
    ],
)
def test_what_another_account_holds_back_is_told_to_who_may_not_let_it_go(somebody_elses, act):
    root = somebody_elses.dir.parent
    queue.hold(root, "study", [somebody_elses.id])
    said = as_nobody(lambda: refusal(lambda: act(somebody_elses)))
    assert said == repr(f"read-only: {queue.holds_folder(root)} cannot be written: Permission denied.")


@as_root
def test_a_slot_of_another_account_is_left_to_it(somebody_elses, monkeypatch):
    """Its own workers train what is queued there: nothing that was launched is told as failed."""
    root = somebody_elses.dir.parent
    monkeypatch.setenv("FACET_SLOTS", "2")
    _, lock = queue.take_slot(root)
    lock.release()
    Path(lock.lock_file).chmod(0o644)
    assert as_nobody(lambda: (queue.take_slot(root), queue.take_slot_for_worker(root))) == "(None, None)"
    assert as_nobody(lambda: control.start_worker(root)) == "None"
    Path(lock.lock_file).parent.chmod(0o777)
    assert as_nobody(lambda: queue.take_slot_for_worker(root)[0]) == "1"


def test_a_fold_that_is_begun_again_says_so_and_no_clock_time_is_told(tiny_plan, runs_folder, started):
    run = control.launch(tiny_plan)
    fold_job.begin(run, 0, {})
    control.cancel(run)
    assert control.resume(run) == [0, 1]
    for fold in (0, 1):
        fold_job.begin(run, fold, {})
        fold_job.finish(run, fold, {"state": "done"})
    (entry,) = index.listed()
    assert entry.state == "done" and entry.wall_seconds is None, "nobody knows how long the first start trained"
    assert [fold["resumed"] for fold in entry.summary["folds"]] == [True, False], "the other only waited"
