"""Locks: refused where a file system has none, and looked at without being taken."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from core.errors import LabError
from core.jobs import control, queue
from core.places import HOME
from core.runs import FoldState, Run
from core.runs.create import create
from core.runs.lists.summaries import summaries
from core.storage import locks
from core.studies import records
from core.studies.grid import StudyConfig
from tests.nobody import as_nobody

TAKEN = "import sys; {}; lock.acquire(); print(1, flush=True); sys.stdin.read()"
OURS = "from pathlib import Path; from core.storage import locks; lock = locks.lock(Path(sys.argv[1]))"
BEFORE = "from filelock import FileLock; lock = FileLock(sys.argv[1])"  # as workers of version 0.1 take it


def python(code, path):
    """A process that runs this code on a path and is talked to in lines of text."""
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def take():
    """Starts a process that holds a lock until it is killed."""
    started = []

    def start(path, how=OURS):
        process = python(TAKEN.format(how), path)
        started.append(process)
        assert process.stdout.readline() == "1\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def no_flock(number):
    def flock(descriptor, how):
        if how != fcntl.LOCK_UN:
            raise OSError(number, os.strerror(number))

    return flock


@pytest.mark.parametrize("how", [OURS, BEFORE], ids=["ours", "as before"])
def test_a_lock_is_held_until_its_holder_is_killed(tmp_path, take, how):
    path = tmp_path / "lock"
    assert not locks.is_held(path)
    holder = take(path, how)
    assert locks.is_held(path)
    with pytest.raises(Timeout):
        locks.lock(path, timeout=0).acquire()
    holder.kill()
    holder.wait()
    assert not locks.is_held(path)


def test_this_process_sees_its_own_lock(tmp_path):
    lock = locks.lock(tmp_path / "lock")
    with lock:
        assert locks.is_held(tmp_path / "lock")
    assert not locks.is_held(tmp_path / "lock")


def test_looking_makes_neither_a_file_nor_a_folder(tmp_path):
    assert not locks.is_held(tmp_path / "gone" / "lock")
    assert os.listdir(tmp_path) == []


LOOK = """
import sys
from pathlib import Path
from core.storage import locks
print(1, flush=True)
sys.stdin.readline()
seen = sum(locks.is_held(Path(sys.argv[1])) for _ in range(4000))
print(seen)
"""
needs_asking = pytest.mark.skipif(not locks._CAN_ASK, reason="here one can only look by sharing the lock an instant")


@pytest.fixture
def lookers(tmp_path):
    """Two processes that look at a lock without a pause once they are told to."""
    started = [python(LOOK, tmp_path / "lock") for _ in range(2)]
    yield started
    for process in started:
        process.kill()
        process.communicate()


@needs_asking
def test_two_that_look_do_not_see_each_other(tmp_path, lookers):
    locks.lock(tmp_path / "lock").acquire().lock.release()
    for looker in lookers:
        assert looker.stdout.readline() == "1\n"
    for looker in lookers:
        looker.stdin.write("\n")
        looker.stdin.flush()
    assert [looker.communicate(timeout=60)[0] for looker in lookers] == ["0\n", "0\n"]


@needs_asking
def test_taking_a_free_lock_never_fails_for_those_who_look(tmp_path, lookers):
    for looker in lookers:
        assert looker.stdout.readline() == "1\n"
        looker.stdin.write("\n")
        looker.stdin.flush()
    for _ in range(2000):
        with locks.lock(tmp_path / "lock", timeout=0):
            pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.fault(42)
def test_another_user_who_may_only_read_sees_the_true_state(tiny_plan, take):
    """As the user nobody, who has to be able to reach the folder: pytest's own are closed to others."""
    root = Path(tempfile.mkdtemp())
    try:
        root.chmod(0o755)
        run = create(tiny_plan.config, tiny_plan.samples, class_names=["a"], info={}, folder=root)
        run.write_state(FoldState(0, state="running"))
        run.write_state(FoldState(1, state="running"))
        locks.lock(run.fold_dir(1) / "lock").acquire().lock.release()  # its worker has died
        take(run.fold_dir(0) / "lock")
        assert as_nobody(lambda: [state.state for state in run.states()]) == "['running', 'interrupted']"
        assert as_nobody(lambda: [f["state"] for f in summaries(root)[0]["folds"]]) == "['running', 'interrupted']"
        with pytest.raises(AssertionError, match="PermissionError"):
            as_nobody(lambda: run.write_state(FoldState(0)))
    finally:
        shutil.rmtree(root)


def test_a_slot_is_the_groups_too_where_files_are(tmp_path):
    before = os.umask(0o002)
    try:
        os.close(locks.take_to_hand_over(tmp_path / "lock"))
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o664


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK], ids=errno.errorcode.get)
@pytest.mark.fault(43)
def test_a_file_system_that_cannot_lock_is_refused_at_launch(tiny_plan, runs_folder, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", no_flock(number))
    with pytest.raises(LabError, match=r"cannot lock files .*two workers could train one fold") as caught:
        control.launch(tiny_plan, folder=runs_folder)
    assert caught.value.kind == "locks"
    assert str(runs_folder) in caught.value.message
    assert "FACET_RUNS" in caught.value.remedy
    assert summaries(runs_folder) == []
    assert not list(queue.entries(runs_folder))


@pytest.mark.fault(43)
def test_a_study_on_a_file_system_that_cannot_lock_is_refused_in_words(tiny_plan, runs_folder, monkeypatch):
    study = StudyConfig(name="depths", grid={"training.seed": [0, 1]})
    launched = records.launch(study, [tiny_plan], folder=runs_folder)
    queue.remove(Run(launched.run_ids[0], runs_folder), [0, 1])
    monkeypatch.setattr(fcntl, "flock", no_flock(errno.ENOLCK))
    for launch in (
        lambda: records.launch(study, [tiny_plan], folder=runs_folder),
        lambda: records.add(launched, tiny_plan, None, folder=runs_folder),
    ):
        with pytest.raises(LabError, match="cannot lock files"):
            launch()
    assert not list(queue.entries(runs_folder))
    assert len(records.load(launched.id, runs_folder).runs) == 1


def test_a_folder_that_turned_unlockable_is_refused_at_resume(tiny_plan, workers, monkeypatch):
    run = control.launch(tiny_plan, folder=workers.root)
    queue.remove(run, run.folds())
    monkeypatch.setattr(fcntl, "flock", no_flock(errno.ENOLCK))
    with pytest.raises(LabError, match="cannot lock files"):
        control.resume(run)
    assert not list(queue.entries(workers.root))


def test_no_lock_is_ever_a_file_that_merely_exists(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", no_flock(errno.ENOSYS))
    with pytest.raises(OSError, match="not implemented"):
        locks.lock(tmp_path / "lock", timeout=0).acquire()


def test_without_a_way_to_ask_the_lock_is_shared_for_an_instant(tmp_path, take, monkeypatch):
    """As on macOS; two that look do not take each other for holders."""
    path = tmp_path / "lock"
    take(path)
    monkeypatch.setattr(locks, "_CAN_ASK", False)
    assert locks.is_held(path)
    free = tmp_path / "free"
    free.touch()
    with open(free) as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not locks.is_held(free)


def test_without_flock_the_lock_is_tried(tmp_path, take, monkeypatch):
    """As on Windows."""
    path = tmp_path / "lock"
    take(path)
    monkeypatch.setattr(locks, "fcntl", None)
    assert locks.is_held(path)
    assert not locks.is_held(tmp_path / "free")
    assert not (tmp_path / "free").exists()


def test_another_lock_on_the_same_file_waits(tmp_path):
    """Programs that take filelock's own lock and ours exclude each other."""
    with locks.lock(tmp_path / "lock"), pytest.raises(Timeout):
        FileLock(tmp_path / "lock", timeout=0).acquire()
