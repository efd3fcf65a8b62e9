import errno
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import LabError
from core.jobs import doctor, queue, trash
from core.runs import FoldState
from core.runs.create import create
from core.runs.lists import index
from core.storage import files, locks
from tests.closed import close


@pytest.fixture
def made(runs_folder, tiny_plan):
    def make(name="a", state="done", init="scratch", run_id=None):
        model = tiny_plan.config.model.model_copy(update={"init": init})
        config = tiny_plan.config.model_copy(update={"name": name, "model": model})
        run = create(config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, run_id=run_id)
        for fold in run.folds():
            run.write_state(FoldState(fold, state))
        return run

    return make


def contents(folder):
    paths = (path for path in folder.rglob("*") if path.is_file() and "lock" not in path.name)
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def names_in_trash():
    return {entry.name for entry in index.listed(trash.trash_folder())}


def test_deleted_and_restored_is_the_same_to_the_byte(made, runs_folder):
    run, other = made("a"), made("b")
    before = contents(run.dir)
    trash.delete([run.id])
    assert [entry.id for entry in index.listed()] == [other.id]
    assert [entry.name for entry in index.listed(trash.trash_folder())] == ["a"]
    trash.restore([run.id])
    assert contents(run.dir) == before
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


def test_a_run_whose_copy_was_cut_off_can_be_deleted_and_comes_back(made):
    """A fold without a state counts as one that waits. Nobody could cancel that where the run cannot be read."""
    run = made()
    run.state_file(1).unlink()
    with pytest.raises(LabError, match="fold 1 waits to be trained"):  # it will: whoever looks after the lab queues it
        trash.delete([run.id])
    run.config_file.unlink()
    trash.delete([run.id])
    assert not run.dir.exists()
    trash.restore([run.id])
    assert run.dir.is_dir() and not run.config_file.exists()


def test_of_a_run_that_cannot_be_read_a_fold_in_the_queue_waits_all_the_same(made):
    run = made()
    for path in (run.summary_file, run.samples_file):
        path.write_text("{")
    run.state_file(1).unlink()
    queue.enqueue(run, [1])
    with pytest.raises(LabError, match="fold 1 waits to be trained"):
        trash.delete([run.id])
    queue.remove(run, [1])
    trash.delete([run.id])
    assert not run.dir.exists()


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO])
def test_a_run_at_whose_folds_nobody_can_look_stays_in_words(made, monkeypatch, fault):
    run, other = made("another's"), made("mine")
    with monkeypatch.context() as patch:
        close(patch, run.dir, fault)
        with pytest.raises(LabError, match="cannot be looked at") as caught:
            trash.delete([other.id, run.id])
    assert (caught.value.kind, caught.value.remedy) == ("read-only", files.CHECK)
    assert run.exists() and other.exists()


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


@pytest.mark.parametrize("run_id", ["20260101-000000-depth-50-0a1b", "20260101-000000-" + "a" * 64])
def test_two_runs_that_had_one_id_are_both_kept_in_the_trash_and_each_comes_back_under_it(made, runs_folder, run_id):
    trained = made("trained", run_id=run_id)
    before = contents(trained.dir)
    trash.delete([run_id])
    made("launched again", run_id=run_id)
    with pytest.raises(LabError) as caught:
        trash.restore([run_id])
    assert caught.value.kind == "exists" and "Delete the one in the list" in caught.value.remedy
    names = trash.delete([run_id])  # as the remedy says
    assert names_in_trash() == {"trained", "launched again"} and trash.names_of(run_id) == [run_id, *names]
    assert trash.restore([run_id]) == [run_id] and contents(trained.dir) == before
    assert names_in_trash() == {"launched again"} and trash.has(run_id)
    trash.delete([run_id])
    assert trash.restore(names) == [run_id]  # as Undo of the second would
    assert [(entry.id, entry.name) for entry in index.listed()] == [(run_id, "launched again")]
    assert names_in_trash() == {"trained"}


def test_two_runs_of_one_id_are_not_restored_at_once(made, runs_folder):
    (first,) = trash.delete([made("first").id])
    (second,) = trash.delete([made("second", run_id=first).id])
    with pytest.raises(LabError, match="same id") as caught:
        trash.restore([first, second])
    assert caught.value.kind == "exists" and names_in_trash() == {"first", "second"} and index.listed() == []


def test_a_run_is_not_restored_under_another_id_while_its_own_cannot_be_read(made, runs_folder, monkeypatch):
    (first,) = trash.delete([made("first").id])
    (second,) = trash.delete([made("second", run_id=first).id])
    with monkeypatch.context() as patch:
        close(patch, trash.trash_folder() / ".ids" / second, errno.EIO)
        with pytest.raises(LabError, match="cannot be read: Input/output error") as caught:
            trash.restore([second])
        assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
        assert trash.has(first) and names_in_trash() == {"first", "second"}
    assert trash.restore([second]) == [first]


def test_of_two_runs_that_had_one_id_each_is_deleted_for_good_alone(made, runs_folder):
    (first,) = trash.delete([made("first").id])
    (second,) = trash.delete([made("second", run_id=first).id])
    trash.delete_for_good([first])
    assert names_in_trash() == {"second"} and trash.has(first)
    trash.delete_for_good([second])
    assert names_in_trash() == set() and not trash.has(first)
    run = made("a run that has the name as its id", run_id=second)
    assert trash.delete([second]) == [second] and trash.restore([second]) == [second] and run.exists()


def test_a_run_that_is_named_twice_is_deleted_once(made):
    run = made()
    trash.delete([run.id, run.id])
    assert names_in_trash() == {"a"}
    trash.restore([run.id, run.id])
    assert run.exists()


def test_deleted_for_good_is_gone_from_the_disk(made):
    run = made()
    trash.delete([run.id])
    trash.delete_for_good([run.id])
    assert not (trash.trash_folder() / run.id).exists()
    with pytest.raises(LabError):
        trash.restore([run.id])


def test_what_deleted_runs_hold_is_removed_while_others_may_move_runs(made, monkeypatch):
    """Else a run that ends meanwhile would wait with its worker, and then not follow the rule of what is kept."""
    ids, seen, remove = [made(name).id for name in "ab"], [], shutil.rmtree
    trash.delete(ids)

    def watched(place, *args, **options):
        seen.append(locks.is_held(trash.trash_folder() / ".lock"))
        assert names_in_trash() == set(), "all are out of sight by then"
        remove(place, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", watched)
        trash.delete_for_good(ids)
    assert seen == [False, False]
    assert [path for path in trash.trash_folder().iterdir() if path.is_dir() and list(path.iterdir())] == []


@pytest.mark.parametrize("act", [trash.delete, trash.delete_for_good])
def test_what_somebody_is_removing_is_left_alone_by_who_deletes_another_run(made, monkeypatch, act):
    """Else moving one run into the trash takes as long as removing all that another click deletes for good."""
    ids, other, remove, removers = [made(name).id for name in "ab"], made("other"), shutil.rmtree, []
    trash.delete([*ids, other.id] if act is trash.delete_for_good else ids)
    begun, leave = threading.Event(), threading.Event()

    def slow(place, *args, **options):
        removers.append(threading.current_thread() is first)
        if threading.current_thread() is first:
            begun.set()
            leave.wait(30)
        remove(place, *args, **options)

    monkeypatch.setattr(shutil, "rmtree", slow)
    first = threading.Thread(target=trash.delete_for_good, args=(ids,))
    first.start()
    try:
        assert begun.wait(30)
        act([other.id])
        seen = [*removers]
    finally:
        leave.set()
        first.join(30)
    assert seen == ([True] if act is trash.delete else [True, False]), "what is its own alone"
    assert names_in_trash() == ({"other"} if act is trash.delete else set())
    assert not list(trash.trash_folder().glob(f".*{trash.GOING}*"))


def test_what_somebody_removes_by_hand_meanwhile_is_no_fault(made, monkeypatch):
    """As the doctor tells them to."""
    run, remove = made("a"), shutil.rmtree
    trash.delete([run.id])

    def overtaken(place, *args, **options):
        remove(place.parent)
        remove(place, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", overtaken)
        trash.delete_for_good([run.id])
    assert names_in_trash() == set()


def test_what_was_removed_in_part_when_its_deletion_was_cut_off_cannot_be_restored(made, runs_folder, monkeypatch):
    run, other = made("a"), made("b")
    trash.delete([run.id, other.id])

    def cut_off(place, **_):
        shutil.rmtree(place / "folds")
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(trash, "shutil", SimpleNamespace(rmtree=cut_off))
        with pytest.raises(LabError, match="cannot be removed") as caught:
            trash.delete_for_good([run.id])
    assert Path(caught.value.message.split(" cannot")[0]).is_dir() and caught.value.remedy
    assert [entry.id for entry in index.listed(trash.trash_folder())] == [other.id]
    with pytest.raises(LabError) as caught:
        trash.restore([run.id])
    assert caught.value.kind == "gone"
    trash.delete_for_good([other.id])
    assert [path for path in trash.trash_folder().iterdir() if path.is_dir() and list(path.iterdir())] == []


def test_what_a_killed_deletion_for_good_left_is_known_to_the_doctor_and_goes_with_the_next_run_that_is_deleted(
    made, runs_folder, monkeypatch
):
    """The trash is empty then, and nothing in it can be deleted for good."""

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    run, other = made("a"), made("b")
    trash.delete([run.id])
    with monkeypatch.context() as patch:
        patch.setattr(trash, "shutil", SimpleNamespace(rmtree=die))
        with pytest.raises(Killed):
            trash.delete_for_good([run.id])
    (left,) = trash.trash_folder().glob(f".*{trash.GOING}")
    assert names_in_trash() == set() and doctor.UNFINISHED.match(left.name)
    trash.delete([other.id])
    assert not left.exists() and names_in_trash() == {"b"}


def test_the_lock_that_a_killed_deletion_for_good_left_goes_with_the_next_run_that_is_deleted(made, runs_folder):
    """Killed before it had begun, or when all was removed, it leaves nothing else."""
    run, other = made("a"), made("b")
    trash.delete([run.id])
    left, held = (trash.trash_folder() / f".{name}{trash.GOING}.lock" for name in ("0a1b2c3d", "4e5f6a7b"))
    left.touch()
    with locks.held(held, "what another removes"):
        trash.delete([other.id])
        assert not left.exists() and held.exists()


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


def test_a_run_that_another_deletes_in_that_instant_is_told_as_gone_and_lies_whole_in_the_trash(
    made, runs_folder, monkeypatch
):
    run, other, check = made("both"), made("other"), trash._check_children
    before = contents(run.dir)

    def deleted_meanwhile(*given):
        check(*given)
        monkeypatch.setattr(trash, "_check_children", check)
        trash.delete([run.id])

    monkeypatch.setattr(trash, "_check_children", deleted_meanwhile)
    with pytest.raises(LabError) as caught:
        trash.delete([other.id, run.id])
    assert caught.value.kind == "gone" and not run.dir.exists() and other.exists()
    assert names_in_trash() == {"both"} and contents(trash.trash_folder() / run.id) == before


def test_of_four_who_delete_a_run_at_once_one_does_and_it_is_whole(made, runs_folder):
    run, outcomes, together = made(), [], threading.Barrier(4)
    before = contents(run.dir)

    def delete():
        together.wait(30)
        try:
            outcomes.append(trash.delete([run.id]))
        except LabError as error:
            outcomes.append(error.kind)

    threads = [threading.Thread(target=delete) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert outcomes.count([run.id]) == 1 and outcomes.count("gone") == 3, outcomes
    assert contents(trash.trash_folder() / run.id) == before and not run.dir.exists()


def test_an_interrupted_run_is_deleted(made):
    run = made(state="running")  # by nobody
    trash.delete([run.id])
    assert not run.exists()
