"""Looking after what was left behind: for who may only read, and without writing what says nothing."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from core import machine, places
from core.jobs import control, halt, queue
from core.runs import FoldState, Run
from core.runs.create import create
from core.runs.lists import index
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import healing
from tests.nobody import as_nobody
from tests.old_runs import INTERRUPTED, thaw
from tests.pages.app import button, html, page


@pytest.fixture
def left_behind(tiny_plan):
    """A runs folder that everybody may read: a fold without a place in the queue, and one that says running."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    run = create(tiny_plan.config, tiny_plan.samples, class_names=["a"], info={}, folder=root)
    run.write_state(FoldState(1, state="running"))
    yield run
    shutil.rmtree(root)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_who_may_only_read_is_told_and_nothing_raises(left_behind):
    root = left_behind.dir.parent
    assert as_nobody(lambda: healing.look_after(root)) == repr(healing.READ_ONLY), "a fold that was left out"
    queue.enqueue(left_behind, [0])
    assert as_nobody(lambda: healing.look_after(root)) == repr(healing.READ_ONLY), "a fold that waits"
    queue.remove(left_behind, [0])
    left_behind.write_state(FoldState(0, state="done"))
    assert as_nobody(lambda: healing.look_after(root)) == "''", "nothing waits"


def test_what_another_machine_left_out_is_queued_for_that_one_and_a_page_says_what_it_waits_for(
    tiny_plan, runs_folder, monkeypatch
):
    started = []
    monkeypatch.setattr(control, "start_worker", started.append)
    with monkeypatch.context() as patch:
        patch.setattr(machine, "name", lambda: "another")
        run = control.launch(tiny_plan)
    started.clear()
    assert run.info()["machine"] == "another"
    queue.remove(run, run.folds())
    sentence = healing.look_after()
    assert "on another machine" in sentence and sentence.endswith(f"python -m core worker --runs {runs_folder}")
    assert len(control.waiting()) == 2 and started == []
    monkeypatch.setattr(machine, "name", lambda: "another")
    assert healing.look_after() == "" and started == [runs_folder]


def test_a_disk_without_room_is_told_in_a_sentence(left_behind, monkeypatch):
    root = left_behind.dir.parent

    def full(*arguments):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(queue, "enqueue", full)
    assert healing.look_after(root) == "What waits could not be started: No space left on device."


def test_folds_of_version_0_1_are_judged_without_writing_and_are_read_once(tmp_path, monkeypatch):
    root = thaw(tmp_path)
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    before = {path: path.read_bytes() for path in (root / INTERRUPTED).rglob("*") if path.is_file()}
    looks, written_down = [], healing.deaths.write_down
    monkeypatch.setattr(healing.deaths, "write_down", lambda run, fold: looks.append(fold) or written_down(run, fold))
    for _ in range(3):
        healing.look_after(root)
    assert looks == [0]
    after = {path: path.read_bytes() for path in (root / INTERRUPTED).rglob("*") if path.name in ("state.json",)}
    assert after == {path: before[path] for path in after}
    assert Run(INTERRUPTED, root).fold_state(0).kind == "stopped"


def test_a_list_does_not_read_the_state_of_a_fold_whose_verdict_it_has(left_behind, monkeypatch):
    root = left_behind.dir.parent
    left_behind.write_state(FoldState(1, state="running", kind="stopped", reason="It was stopped."))
    monkeypatch.setattr(Run, "written_state", lambda run, fold: pytest.fail("it was read"))
    (summary,) = index.summaries(root)
    fold = summary["folds"][1]
    assert (fold["state"], fold["kind"], fold["reason"]) == ("interrupted", "stopped", "It was stopped.")
    assert index.summaries(root)[0]["state"] == summaries(root)[0]["state"] == "queued"


def test_a_fold_of_which_a_cancel_was_cut_off_is_cancelled_and_can_be_resumed(left_behind, monkeypatch):
    root = left_behind.dir.parent
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    left_behind.cancel_file(0).touch()
    with left_behind.fold_lock(0):
        healing.look_after(root)
        assert left_behind.written_state(0).state == "queued", "somebody has it in hand"
    healing.look_after(root)
    assert left_behind.written_state(0).state == index.summaries(root)[0]["folds"][0]["state"] == "cancelled"
    assert control.waiting(root) == []
    left_behind.cancel_file(0).unlink()  # as a resume does, which then says that it waits
    left_behind.write_state(FoldState(0))
    healing.look_after(root)
    assert control.waiting(root) == [(left_behind.id, 0)]


def test_a_summary_that_was_not_written_after_its_fold_is_written(left_behind):
    root = left_behind.dir.parent
    files.write_json(left_behind.state_file(0), vars(FoldState(0, state="cancelled")))
    assert index.summaries(root)[0]["folds"][0]["state"] == "queued"
    healing.look_after(root)
    assert index.summaries(root)[0]["folds"][0]["state"] == "cancelled" and control.waiting(root) == []


def test_a_page_says_that_nothing_is_started(runs_folder, monkeypatch):
    monkeypatch.setattr(healing, "look_after", lambda folder=None: healing.READ_ONLY)
    assert healing.READ_ONLY in html(page("home"))


def test_go_on_says_that_it_could_not(runs_folder, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    (places.machine_folder(runs_folder) / "stopped.json").mkdir(parents=True)  # for root, too, a file that stays
    at = page("home")
    button(at, "Go on").click().run()
    assert halt.stopped(runs_folder) is not None
    assert not at.exception
    assert "could not go on" in html(at)
