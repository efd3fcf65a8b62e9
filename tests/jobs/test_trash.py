import threading

import pytest

from core.errors import LabError
from core.jobs import queue, trash
from core.runs import FoldState
from core.runs.create import create
from core.runs.lists import index


@pytest.fixture
def made(runs_folder, tiny_plan):
    def make(name="a", state="done", init="scratch"):
        model = tiny_plan.config.model.model_copy(update={"init": init})
        config = tiny_plan.config.model_copy(update={"name": name, "model": model})
        run = create(config, tiny_plan.samples, class_names=tiny_plan.class_names, info={})
        for fold in run.folds():
            run.write_state(FoldState(fold, state))
        return run

    return make


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_deleted_and_restored_is_the_same_to_the_byte(made, runs_folder):
    run, other = made("a"), made("b")
    before = {name: data for name, data in contents(run.dir).items() if "lock" not in name.name}
    trash.delete([run.id])
    assert [entry.id for entry in index.listed()] == [other.id]
    assert [entry.name for entry in index.listed(trash.trash_folder())] == ["a"]
    trash.restore([run.id])
    assert {name: data for name, data in contents(run.dir).items() if "lock" not in name.name} == before
    assert index.listed(trash.trash_folder()) == []


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_trains_or_waits_is_refused_and_none_of_the_others_moves(made, state):
    good, busy = made("good"), made("busy", state)
    with busy.fold_lock(0), pytest.raises(LabError) as caught:
        trash.delete([good.id, busy.id])
    assert caught.value.kind == "busy"
    assert busy.id in caught.value.message
    assert "Cancel" in caught.value.remedy
    assert good.exists() and busy.exists()


def test_a_worker_that_holds_a_fold_keeps_its_run(made):
    run = made()  # its state still says done, as for an instant between a claim and the first write
    held, leave = threading.Event(), threading.Event()

    def hold():
        with run.fold_lock(1):
            held.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    try:
        with pytest.raises(LabError, match="fold 1 is training"):
            trash.delete([run.id])
    finally:
        leave.set()
        thread.join()
    assert run.exists()


def test_the_parent_of_an_unfinished_run_is_kept_unless_both_go(made):
    parent = made("parent")
    child = made("child", "cancelled", init=f"run:{parent.id}")
    with pytest.raises(LabError, match=child.id):
        trash.delete([parent.id])
    trash.delete([parent.id, child.id])
    assert index.listed() == []


def test_the_parent_of_a_finished_run_can_go(made):
    parent = made("parent")
    made("child", init=f"run:{parent.id}")
    trash.delete([parent.id])
    assert not parent.exists()


def test_an_unreadable_run_can_be_deleted_and_comes_back(made):
    run = made()
    (run.dir / "summary.json").write_text("{")
    run.config_file.unlink()
    trash.delete([run.id])
    assert not run.dir.exists()
    trash.restore([run.id])
    assert index.listed()[0].unreadable


def test_what_is_not_there_is_told(made, runs_folder):
    for act in (trash.delete, trash.restore):
        with pytest.raises(LabError) as caught:
            act(["20260101-000000-nobody-0000"])
        assert caught.value.kind == "gone"
        for bad in ("../x", "/etc", ".", ".lab"):
            with pytest.raises(LabError) as caught:
                act([bad])
            assert caught.value.kind == "bad-id"
    with pytest.raises(LabError):
        trash.delete_for_good([".."])
    trash.delete_for_good(["20260101-000000-nobody-0000"])


def test_restore_never_overwrites(made):
    run = made()
    trash.delete([run.id])
    run.dir.mkdir()
    with pytest.raises(LabError) as caught:
        trash.restore([run.id])
    assert caught.value.kind == "exists"
    assert (trash.trash_folder() / run.id / "config.yaml").is_file()


def test_deleted_for_good_is_gone_from_the_disk(made):
    run = made()
    trash.delete([run.id])
    trash.delete_for_good([run.id])
    assert not (trash.trash_folder() / run.id).exists()
    with pytest.raises(LabError):
        trash.restore([run.id])


def test_no_place_in_the_queue_stays_behind(made, runs_folder):
    run = made()
    queue.enqueue(run, [0])  # left over; the states say done
    trash.delete([run.id])
    assert list(queue.entries(runs_folder)) == []


def test_a_run_that_is_resumed_in_that_instant_is_refused_and_keeps_its_place(made, monkeypatch):
    run, check = made(state="cancelled"), trash._check_children

    def resumed_meanwhile(*given):
        check(*given)
        run.write_state(FoldState(0))
        queue.enqueue(run, [0])

    monkeypatch.setattr(trash, "_check_children", resumed_meanwhile)
    with pytest.raises(LabError, match="fold 0 waits") as caught:
        trash.delete([run.id])
    assert caught.value.kind == "busy" and run.exists()
    assert [place[1:] for place in queue.places(run.dir.parent)] == [(run.id, 0)]


def test_an_interrupted_run_is_deleted(made):
    run = made(state="running")  # by nobody
    trash.delete([run.id])
    assert not run.exists()
