"""The writer between a real runs folder and a desk in this process: what lands in a run folder is what would here."""

import contextlib
import errno
import os
import resource
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import places
from core.data.reach import bounds
from core.engines import engine as engines
from core.engines import life, node, pack, taken, writer
from core.engines.cluster import Demand, DeskFault, DeskGone, Gone
from core.engines.desk import Desk
from core.engines.parcel import Parcel
from core.errors import LabError
from core.jobs import control, elsewhere, halt, queue, turns
from core.jobs.alerts import addresses
from core.jobs.alerts.line import Line
from core.runs import FoldState, Run, origins
from core.runs.run import is_locked
from core.storage import files, locks
from core.studies import healing
from tests.closed import close
from tests.engines.in_process import Broken, Near, demand, near
from tests.workers import assert_same_result, keep_queued, short, small_net, stray_files, with_changes

ADDRESS = "ray://127.0.0.1:10001"


@pytest.fixture
def root(runs_folder, monkeypatch, tmp_path):
    """A runs folder whose fold jobs train elsewhere, with the small network; no writer starts by itself."""
    import torch
    import torchvision

    monkeypatch.setattr(torchvision.models, "resnet18", torchvision.models.resnet18)
    small_net()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as never_stopped_small was trained
    monkeypatch.setenv("FACET_ENGINE", ADDRESS)
    monkeypatch.setenv("FACET_NODE_FOLDER", str(tmp_path / "node"))
    monkeypatch.setattr(control, "start_writer", lambda folder: None)
    yield runs_folder
    torch.set_num_threads(threads)


class Lab:
    """A writer and what it writes to."""

    def __init__(self, root, cluster):
        self.root, self.cluster = root, cluster
        self.writer = writer.Writer(root, cluster, ADDRESS, demand)
        self.writer.greet()

    def round(self):
        """One round, with everything packed that it began to pack."""
        self.writer.round()
        while self.writer.packer.under_way:
            for future in list(self.writer.packer.under_way.values()):
                future.exception()
            self.writer.round()

    def dies(self):
        """As by SIGKILL: the operating system frees its locks; the next writer knows what is on the disk."""
        for held in self.writer.held.values():
            held.lock.release()
        self.writer.close()


@pytest.fixture
def open_lab(root):
    labs = []

    def opened(cluster):
        labs.append(Lab(root, cluster))
        return labs[-1]

    yield opened
    for lab in labs:
        lab.dies()


@pytest.fixture
def heard(root, monkeypatch):
    """What a writer says to who tells people; nobody is there to tell them."""
    lines = []
    pipe = SimpleNamespace(write=lines.append, flush=lambda: None, close=lambda: None)
    monkeypatch.setattr(Line, "_start", lambda line: setattr(line, "_messenger", SimpleNamespace(stdin=pipe)))
    addresses.add(root, "https://lab.example.org/hook")
    return lines


def launched(plan, root, folds=(0,)):
    run = control.launch(plan, folder=root)
    keep_queued(run, folds)
    return run


def begun(lab, hands):
    """The newest attempt, begun by the desk for what the lab offered."""
    lab.round()
    hands.desk.tick()
    return hands.started[-1]


def test_a_broken_lab_toml_stops_the_queue_and_fails_no_job(root, open_lab, tiny_plan, monkeypatch):
    monkeypatch.delenv("FACET_LAB_FILE", raising=False)
    bounds.hold_page(root)
    (cluster, _), run = near(), launched(tiny_plan, root, folds=(0, 1))
    lab = open_lab(cluster)
    places.lab_file(root).write_text("[data\n")
    lab.round()
    assert "lab.toml is not TOML" in halt.stopped(root).message
    assert [state.state for state in run.states()] == ["queued"] * 2 and len(control.waiting(root)) == 2


def test_three_runs_whose_dataset_is_gone_stop_the_queue_folds_of_one_run_do_not(
    root, open_lab, tiny_plan, tmp_path, monkeypatch, heard
):
    """As on this machine; and what was to be packed with them keeps its place."""
    runs = [launched(short(tiny_plan), root, folds) for folds in ((0, 1), (0,), (0,), (0,))]
    as_launched = runs[3].samples_file.read_bytes()
    for run in runs:
        samples = run.samples()
        samples["path"] = [str(tmp_path / "not-mounted" / sample) for sample in samples["sample"]]
        samples.to_parquet(run.samples_file)
    (cluster, hands), asked = near(), []
    check = pack.check_unchanged
    monkeypatch.setattr(pack, "check_unchanged", lambda *of: (asked.append(of), check(*of)))
    lab = open_lab(cluster)
    lab.round()
    assert [run.fold_state(0).state for run in runs] == ["failed", "failed", "failed", "queued"]
    assert runs[0].fold_state(1).kind == "data-moved"
    assert "not one of its" in halt.stopped(root).remedy
    assert halt.stopped(root).kind == "data-moved"
    assert heard == [f"tell {runs[place].id}\n".encode() for place in (0, 2)], "of its end, and of the stop"
    for _ in range(3):
        lab.round()
    assert len(asked) == 5, "nothing more is packed"
    assert control.waiting(root) == [(runs[3].id, 0)]
    halt.go_on(root)
    runs[3].samples_file.write_bytes(as_launched)  # it is mounted again
    lab.round()
    assert list(hands.desk.waiting) == [(runs[3].id, 0)]


@pytest.mark.parametrize("what", ["no room for photos", "the store is full"])
def test_what_keeps_any_fold_from_being_sent_fails_three_and_not_the_whole_queue(
    root, open_lab, tiny_plan, monkeypatch, what
):
    runs, (cluster, _) = [launched(short(tiny_plan), root) for _ in range(5)], near()
    lab = open_lab(cluster)

    def full(*_, **__):
        if what == "no room for photos":
            raise files.LabError(f"disk full: {what}.", "Free some space.", kind="disk-full")
        raise ValueError(what)

    monkeypatch.setattr(*((pack, "pack", full) if what == "no room for photos" else (cluster, "keep", full)))
    lab.round()
    assert [run.fold_state(0).state for run in runs] == ["failed"] * 3 + ["queued"] * 2
    assert what in halt.stopped(root).remedy
    assert len(control.waiting(root)) == 2


def failing(monkeypatch, words, now=(0.0,)):
    """Every epoch fails with these words on each node, where a clock tells the time that `now` holds."""

    def epoch(trainer, epoch, tick):
        raise RuntimeError(words)

    monkeypatch.setattr("core.training.train.FoldTrainer.train_epoch", epoch)
    monkeypatch.setattr(node, "time", SimpleNamespace(monotonic=lambda: now[0]))


def test_three_runs_in_a_row_without_memory_stop_the_queue_folds_of_one_run_do_not(
    root, open_lab, tiny_plan, monkeypatch
):
    for folds in ((0, 1), (0,), (0,), (0,), (0,)):
        launched(short(tiny_plan), root, folds)
    failing(monkeypatch, "CUDA error: out of memory")
    cluster, hands = near()
    lab = open_lab(cluster)
    for failed in range(1, 5):
        assert halt.stopped(root) is None
        begun(lab, hands)
        hands.train()
        lab.round()
        assert len(control.waiting(root)) == 6 - failed
    assert "memory" in halt.stopped(root).remedy


@pytest.mark.parametrize("seconds", [1.0, 3600.0])
def test_a_failure_is_instant_by_the_time_that_its_attempt_trained(root, open_lab, tiny_plan, monkeypatch, seconds):
    """Not by its epochs: an hour may pass in the first, and one that is resumed has had some."""
    runs, now = [launched(short(tiny_plan), root) for _ in range(3)], [0.0]
    for run in runs:
        run.write_state(FoldState(0, epoch=3 if seconds < 60 else 0))
    failing(monkeypatch, "CUDA error: an illegal memory access was encountered", now)
    cluster, hands = near()
    lab = open_lab(cluster)
    for _ in runs:
        begun(lab, hands)
        line = Broken(hands.desk, -1)

        def begins(*told):
            now[0] += seconds
            return hands.desk.begun(*told)

        line.begun = begins
        hands.train(line=line)
        lab.round()
    assert [run.fold_state(0).kind for run in runs] == ["unexpected"] * 3
    assert (halt.stopped(root) is None) == (seconds > 60)


def test_a_fold_trained_elsewhere_is_the_one_trained_here(root, open_lab, tiny_plan, never_stopped_small):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.train()
    lab.round()
    assert_same_result(run, never_stopped_small)
    mine, other = (
        {p.relative_to(each.dir).as_posix() for p in each.fold_dir(0).iterdir()} - {"folds/0/attempts.json"}
        for each in (run, never_stopped_small)
    )
    assert mine == other
    here = never_stopped_small.info()
    assert {k: run.info()[k] for k in ("weights", "precision", "threads")} == {
        k: here[k] for k in ("weights", "precision", "threads")
    }
    assert "epoch 4: loss" in run.log_tail()
    assert not is_locked(run.fold_lock(0))
    assert not list(queue.places(root))
    assert [entry["name"] for entry in taken.attempts(run, 0)] == ["node 0"]
    assert not stray_files(root)
    assert not list((root.parent / "node" / "jobs").iterdir())


def test_while_it_trains_the_pages_see_what_they_see_here(root, open_lab, tiny_plan):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    seen = []

    def look():
        lab.round()
        state = run.fold_state(0)
        seen.append((state.state, state.epoch, len(run.metrics(0)), state.worker["name"], is_locked(run.fold_lock(0))))

    line = Broken(hands.desk, 2, then=look)
    hands.train(line=line)
    assert seen[0] == ("running", 2, 4, "node 0", True)  # two epochs came through, two lines each
    assert elsewhere.under_way(root) == [(run.id, 0)]
    assert queue.places(root) is not None and not list(queue.places(root))
    (placed,) = engines.engine_of(root).placed()
    assert (placed.run, placed.fold, placed.node, placed.attempt) == (run.id, 0, "node 0", 1)


@pytest.mark.parametrize("shipped", [0, 1, 3])
@pytest.mark.fault(47)
def test_a_node_that_dies_costs_what_was_not_sent_and_the_fold_ends_the_same(
    root, open_lab, tiny_plan, never_stopped_small, shipped
):
    cluster, hands = near(2)
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    woken = Broken(hands.desk, shipped)
    hands.train(line=woken)  # the rest went nowhere
    hands.over = [(hands.started[0][0], "NodeDiedError: the node is gone")]
    hands.desk.tick()
    lab.round()
    assert run.fold_state(0).epoch == shipped
    assert len(hands.started) == 2
    hands.train()
    lab.round()
    assert_same_result(run, never_stopped_small)
    assert [entry["attempt"] for entry in taken.attempts(run, 0)] == [1, 2]
    assert "attempt 1 on node 0 was lost: NodeDiedError" in run.log_tail(99)
    for parcel in woken.swallowed:  # the node was only cut off, and sends what it has after all
        assert hands.desk.ship(parcel) is False
    lab.round()
    assert_same_result(run, never_stopped_small)


def test_a_lab_that_was_killed_finds_what_came_back_meanwhile(root, open_lab, tiny_plan, never_stopped_small):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.train(line=Broken(hands.desk, 1, then=lab.round))
    lab.dies()
    state = run.fold_state(0)
    assert (state.state, state.epoch) == ("interrupted", 1)  # nobody writes
    assert "the cluster goes on meanwhile" in state.reason
    hands.over = [(hands.started[0][0], "killed")]
    hands.desk.tick()
    hands.train()  # trains to its end while the lab is closed
    lab = open_lab(Near(hands.desk))
    lab.round()
    assert_same_result(run, never_stopped_small)
    assert [entry["attempt"] for entry in taken.attempts(run, 0)] == [1, 2]


def test_what_began_while_the_lab_was_closed_is_taken_up(root, open_lab, tiny_plan, never_stopped_small):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    lab.round()  # the desk has it, nothing began
    lab.dies()
    hands.desk.tick()
    hands.train()
    assert run.fold_state(0).state == "queued"
    open_lab(Near(hands.desk)).round()
    assert_same_result(run, never_stopped_small)


def test_who_resumed_here_meanwhile_keeps_the_fold(root, open_lab, tiny_plan, workers, monkeypatch):
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root), open_lab(cluster)
    begun(lab, hands)
    hands.desk.begun((run.id, 0), 1, {"id": "n0", "name": "node 0"})
    lab.round()
    assert run.fold_state(0).state == "running"
    lab.dies()
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    control.resume(run)
    keep_queued(run, [0])
    assert workers.run(small_net) == 0
    weights = run.weights_file(0, "best").read_bytes()
    monkeypatch.setenv("FACET_ENGINE", ADDRESS)
    lab = open_lab(Near(hands.desk))
    assert not hands.desk.running  # it is stopped there
    assert hands.stopped == ["task 0"]
    hands.train()  # whoever does not hear of that sends for nothing
    lab.round()
    assert run.fold_state(0).state == "done"
    assert run.weights_file(0, "best").read_bytes() == weights
    assert "attempt" not in run.written_state(0).worker


@pytest.mark.parametrize(
    "error",
    [
        None,
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        LabError("data-changed: one photo changed.", "Put it back.", kind="data-changed"),
    ],
)
@pytest.mark.fault(38)
def test_after_an_error_that_may_have_broken_it_a_process_of_a_node_trains_nothing_more(
    root, open_lab, tiny_plan, monkeypatch, error
):
    from core.training import train

    def train_epoch(self, epoch, tick):
        if error:
            raise error
        return original(self, epoch, tick)

    original = train.FoldTrainer.train_epoch
    monkeypatch.setattr(train.FoldTrainer, "train_epoch", train_epoch)
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root), open_lab(cluster)
    begun(lab, hands)
    assert hands.train() is isinstance(error, RuntimeError)
    lab.round()
    assert run.fold_state(0).state == ("failed" if error else "done")


NODE = {"id": "n0", "name": "node 0", "device": "CPU", "memory": 8e9, "cores": 1}


def test_a_fold_that_is_resumed_while_the_cluster_trains_it_says_that_it_trains_and_loses_nothing(
    root, open_lab, tiny_plan, never_stopped_small
):
    """The cluster was out of reach for a while, and nobody here knew that it went on."""
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    line, later, seen = Broken(hands.desk, -1), [], []

    def ship(parcel):
        answer = hands.desk.ship(parcel)
        if parcel.state["epoch"] == 2 and not later:
            for _ in range(2):  # the second one says that what the first took is written
                lab.round()
            lab.writer.give_up("The cluster is gone.")
            seen.append(run.fold_state(0).state)
            control.resume(run)
            keep_queued(run, [0])
            later.append(open_lab(Near(hands.desk)))
            later[0].round()
            state = run.fold_state(0)
            seen.extend((state.state, state.epoch, control.waiting(root), *engines.engine_of(root).placed()))
        return answer

    line.ship = ship
    hands.train(line=line)
    assert seen[:4] == ["interrupted", "running", 2, []]
    assert [(placed.node, placed.attempt) for placed in seen[4:]] == [("node 0", 1)]
    later[0].round()
    assert_same_result(run, never_stopped_small)
    assert [entry["attempt"] for entry in taken.attempts(run, 0)] == [1]
    log = run.log_tail(99)
    assert log.count("attempt 1 begins on node 0") == log.count("attempt 1 is still on node 0") == 1


def test_a_fold_that_was_begun_anew_here_takes_nothing_of_an_attempt_from_before(
    root, open_lab, tiny_plan, never_stopped_small
):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.desk.begun((run.id, 0), 1, NODE)
    for _ in range(2):
        lab.round()
    lab.writer.give_up("The cluster is gone.")
    run.write_state(FoldState(0))  # whoever trained it here meanwhile left this with its resume
    queue.enqueue(run, [0])
    lab = open_lab(Near(hands.desk))
    hands.desk.beat((run.id, 0), 1, {"kind": "progress", "epoch": 1})
    assert begun(lab, hands)[1].attempt == 2
    assert hands.stopped == ["task 0"]
    hands.train()
    lab.round()
    assert_same_result(run, never_stopped_small)


def test_the_end_of_what_trained_while_the_lab_was_restarted_is_told(root, open_lab, tiny_plan, heard):
    cluster, hands = near(2)
    run, lab = launched(short(tiny_plan), root, (0, 1)), open_lab(cluster)
    for _ in range(2):
        begun(lab, hands)
    for _, job, _, row in hands.started:
        hands.desk.begun(job.key, 1, {**NODE, "id": row.id})
    for _ in range(2):
        lab.round()
    lab.dies()
    lab = open_lab(Near(hands.desk))
    for place in range(2):
        line = Broken(hands.desk, -1)
        line.begun = lambda *_: True  # that was told already
        hands.train(place, line=line)
        lab.round()
    assert [run.fold_state(fold).state for fold in (0, 1)] == ["done"] * 2
    assert heard == [f"tell {run.id}\n".encode()]


def test_what_the_cluster_trains_of_a_run_that_was_deleted_is_not_written_into_another_of_its_id(
    root, open_lab, tiny_plan
):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.train()
    lab.dies()
    run.delete()
    control.launch(short(tiny_plan), run.id, root)
    keep_queued(run, [0])
    lab = open_lab(Near(hands.desk))
    lab.round()
    assert (run.fold_state(0).state, run.fold_state(0).epoch) == ("queued", 0)
    begun(lab, hands)
    hands.train()
    lab.round()
    assert (run.fold_state(0).state, run.fold_state(0).epoch, len(run.metrics(0))) == ("done", 1, 2)


def test_what_waits_at_the_desk_of_a_run_that_was_deleted_is_not_begun_for_another_of_its_id(root, open_lab, tiny_plan):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    lab.round()
    lab.dies()
    assert list(hands.desk.waiting) == [(run.id, 0)]
    run.delete()
    control.launch(short(tiny_plan), run.id, root)
    open_lab(Near(hands.desk))
    hands.desk.tick()
    assert not hands.started


def test_a_fold_killed_with_its_best_network_not_yet_in_place_brings_it_along(root, open_lab, tiny_plan, monkeypatch):
    """Its resume point, of epoch 3, names the network of an epoch before, which waits beside it."""
    from core.training import checkpoint, train

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    def train_epoch(self, epoch, tick):
        done = original(self, epoch, tick)
        if epoch > 2:  # from then on it says one class of every photo
            for parameter in self.model.fc.parameters():
                parameter.data.zero_()
        return done

    original, told = train.FoldTrainer.train_epoch, []
    monkeypatch.setattr(train.FoldTrainer, "train_epoch", train_epoch)
    run = launched(with_changes(tiny_plan, training__resume_seconds=3600), root)
    with monkeypatch.context() as kill, pytest.raises(Killed):
        kill.setattr(checkpoint, "publish", killed)
        train.train_fold(
            run, 0, report=lambda row: told.append(row["kind"]), should_stop=lambda: told.count("epoch") > 2
        )
    last = checkpoint.load_last(run.last_file(0), "cpu")
    named = origins.Origin(last["best"]["epoch"], last["best"]["token"])
    assert named.epoch < last["epoch"] == 3 and not run.weights_file(0, "best").exists()
    cluster, hands = near()
    lab = open_lab(cluster)
    begun(lab, hands)
    hands.train()
    lab.round()
    assert run.fold_state(0).state == "done"
    assert origins.of_weights(run.weights_file(0, "best")) == named
    assert origins.of_predictions(run.predictions_file(0, "best")) == named
    assert not list(run.fold_dir(0).glob(".*"))


@pytest.mark.parametrize("step", ["metrics.csv", "last.pt", "final.safetensors", "predictions_final.parquet", "state"])
@pytest.mark.fault(47)
def test_killed_while_it_writes_down_an_end_and_the_cluster_gone_too_a_resume_ends_the_same(
    root, open_lab, tiny_plan, workers, never_stopped_small, monkeypatch, step
):
    """The end of a fold that is done comes without its resume point: nobody needs it any more."""

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    def before(function, named):
        def called(*arguments, **options):
            return (killed if Path(arguments[named]).name == step else function)(*arguments, **options)

        return called

    def report(line, row):
        if (row["kind"], row.get("epoch")) == ("epoch", 4):
            line._link(node.KEPT)  # as where a job sends less often: the end comes before it would be sent
        else:
            reported(line, row)

    def ship(parcel):
        accepted = shipped(parcel)
        if parcel.end:
            ends.append(parcel)
        else:
            lab.round()
        return accepted

    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    shipped, reported, ends = hands.desk.ship, node.Line.report, []
    monkeypatch.setattr(hands.desk, "ship", ship)
    monkeypatch.setattr(node.Line, "report", report)
    hands.train()
    assert [(parcel.end, parcel.gone) for parcel in ends] == [("over", ("last.pt",))]
    assert "last.pt" not in ends[0].files and "final.safetensors" in ends[0].files
    assert run.last_file(0).exists() and run.fold_state(0).epoch == 3
    with monkeypatch.context() as kill, pytest.raises(Killed):
        kill.setattr(os, "replace", before(os.replace, 1))
        kill.setattr(Path, "unlink", before(Path.unlink, 0))
        if step == "state":
            kill.setattr(Run, "write_state", killed)
        lab.round()
    lab.dies()
    assert run.fold_state(0).state == "interrupted"
    assert run.last_file(0).exists() == (step in ("metrics.csv", "last.pt"))
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    control.resume(run)
    keep_queued(run, [0])
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    assert ("it has ended, as its final files say" in run.log_tail(99)) == (step not in ("metrics.csv", "last.pt"))
    assert not stray_files(root)


def test_a_cancel_holds_at_once_and_the_resume_goes_on(root, open_lab, tiny_plan, never_stopped_small):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)

    def cancelled():
        lab.round()
        run.cancel_file(0).touch()
        lab.round()
        assert run.fold_state(0).state == "cancelled"
        assert not is_locked(run.fold_lock(0))

    line = Broken(hands.desk, 2, then=cancelled)
    hands.train(line=line)
    assert run.fold_state(0).epoch == 2
    control.resume(run)
    keep_queued(run, [0])
    begun(lab, hands)
    assert hands.started[-1][1].attempt == 2
    hands.train()
    lab.round()
    assert_same_result(run, never_stopped_small)


def test_what_is_held_back_is_not_begun_and_the_order_is_the_queues(root, open_lab, tiny_plan):
    cluster, hands = near()
    first, second = (launched(short(tiny_plan), root, (0, 1)) for _ in range(2))
    lab = open_lab(cluster)
    for _ in range(4):
        lab.round()
    assert list(hands.desk.waiting) == [(first.id, 0), (first.id, 1), (second.id, 0), (second.id, 1)]
    queue.reorder(root, [second.id, first.id])
    lab.round()
    assert [key[0] for key in hands.desk.waiting] == [second.id, second.id, first.id, first.id]
    queue.hold(root, "pause", [second.id])
    lab.round()
    assert [key[0] for key in hands.desk.waiting] == [first.id, first.id]
    control.cancel(first)
    lab.round()
    assert not hands.desk.waiting


def test_rounds_in_which_nothing_changed_read_no_queue(root, open_lab, tiny_plan, monkeypatch):
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root, (0, 1)), open_lab(cluster)
    begun(lab, hands)
    hands.desk.begun((run.id, 0), 1, {"id": "n0", "name": "node 0"})
    lab.round()
    clock = [1000.0]
    lab.writer.queue = queue.Reader(root, lambda: clock[0])
    reads, lists = [], []
    original, listdir = lab.writer.queue._read, os.listdir
    monkeypatch.setattr(lab.writer.queue, "_read", lambda: (reads.append(clock[0]), original()))
    monkeypatch.setattr(os, "listdir", lambda path: (lists.append(path), listdir(path))[1])
    for _ in range(60):  # 18 seconds of rounds, in which a node sends a word a second
        hands.desk.beat((run.id, 0), 1, {"kind": "progress", "epoch": 1})
        lab.round()
        clock[0] += 0.3
    assert len(reads) < 12 and max(reads) < 1004
    assert lists.count(queue.queue_folder(root)) == len(reads)
    queue.hold(root, "pause", [run.id])
    lab.round()
    assert not hands.desk.waiting


@pytest.mark.parametrize("state", ["done", "cancelled", "running"])
@pytest.mark.fault(47)
def test_a_place_that_somebody_who_was_killed_left_in_the_queue_keeps_nothing_waiting(root, open_lab, tiny_plan, state):
    """A job that has ended gives its place up; one that says running, and that nobody trains, goes on."""
    cluster, hands = near()
    run = launched(short(tiny_plan), root)
    run.write_state(FoldState(0, state))
    lab = open_lab(cluster)
    for _ in range(3):
        lab.round()
        hands.desk.tick()
    if state == "running":
        hands.train()
        lab.round()
    assert run.fold_state(0).state == ("done" if state == "running" else state)
    assert not list(queue.places(root))
    assert not hands.desk.waiting and not hands.desk.running
    assert lab.writer.round() is False


def test_a_place_of_a_deleted_run_is_given_up(root, open_lab, tiny_plan):
    run = launched(short(tiny_plan), root)
    lab = open_lab(near()[0])
    run.delete()
    lab.round()
    assert not list(queue.places(root))
    assert not run.dir.exists()


def test_what_a_worker_here_trains_is_left_to_it(root, open_lab, tiny_plan):
    cluster, hands = near()
    run = launched(short(tiny_plan), root)
    lab = open_lab(cluster)
    with locks.held(Path(run.fold_lock(0).lock_file), "the fold"):
        for _ in range(3):
            lab.round()
            hands.desk.tick()
        assert not hands.started
        assert len(list(queue.places(root))) == 1
    begun(lab, hands)
    hands.train()
    lab.round()
    assert run.fold_state(0).state == "done"


@pytest.mark.parametrize("what", ["state.json", "attempts.json"])
def test_a_job_whose_files_are_out_of_reach_keeps_its_place_and_the_next_begins(
    root, open_lab, tiny_plan, monkeypatch, what
):
    cluster, hands = near()
    (run, other), lab = [launched(short(tiny_plan), root) for _ in range(2)], open_lab(cluster)
    with monkeypatch.context() as patch:
        close(patch, run.fold_dir(0) / what, errno.EIO)
        for _ in range(3):
            lab.round()
        assert control.waiting(root) == [(run.id, 0), (other.id, 0)]
        assert list(hands.desk.waiting) == [(other.id, 0)]
    assert run.log_tail().count("fold 0: cannot be locked or read and waits on: ") == 1
    lab.round()
    assert list(hands.desk.waiting) == [(run.id, 0), (other.id, 0)]


def test_jobs_whose_attempts_are_out_of_reach_as_they_are_packed_keep_their_places(
    root, open_lab, tiny_plan, monkeypatch
):
    cluster, hands = near()
    runs, lab = [launched(short(tiny_plan), root) for _ in range(2)], open_lab(cluster)
    refused, read_json = [], files.read_json

    def flickers(path):
        packs = threading.current_thread() is not threading.main_thread()
        if packs and path.name == "attempts.json" and path not in refused:
            refused.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return read_json(path)

    monkeypatch.setattr(files, "read_json", flickers)
    for _ in range(2):
        lab.round()
    assert refused == [run.attempts_file(0) for run in runs]
    assert [run.fold_state(0).state for run in runs] == ["queued"] * 2
    assert list(hands.desk.waiting) == [(run.id, 0) for run in runs] == control.waiting(root)


def test_what_was_held_back_waits_at_the_desk_again_once_it_may_begin(root, open_lab, tiny_plan, never_stopped_small):
    """The desk had let go of what it needs meanwhile."""
    cluster, hands = near()
    runs, lab = [launched(tiny_plan, root) for _ in range(3)], open_lab(cluster)
    for _ in range(4):
        lab.round()
    queue.hold(root, "pause", [run.id for run in runs])
    lab.round()
    assert not hands.desk.waiting
    queue.release(root, "pause")
    for _ in range(4):
        lab.round()
    assert list(hands.desk.waiting) == [(run.id, 0) for run in runs]
    begun(lab, hands)
    hands.train()
    lab.round()
    assert_same_result(runs[0], never_stopped_small)


def test_what_waits_behind_a_job_that_is_packed_first_still_has_what_it_needs(root, open_lab, tiny_plan):
    cluster, hands = near()
    runs, lab = [launched(short(tiny_plan), root) for _ in range(3)], open_lab(cluster)
    for _ in range(4):
        lab.round()
    runs.insert(0, launched(short(tiny_plan), root))
    queue.reorder(root, [run.id for run in runs])
    for _ in range(4):
        lab.round()
    assert list(hands.desk.waiting) == [(run.id, 0) for run in runs]


def test_people_take_turns_on_a_cluster_as_on_this_machine(root, open_lab, tiny_plan):
    """The first of three has launched everything before the others came."""
    cluster, hands = near(1)
    runs = [launched(short(tiny_plan), root, (0, 1)) for _ in range(3)]
    for run, person in zip(runs, ("ada", "ada", "bob"), strict=True):
        run.update_info(by=person)
    lab = open_lab(cluster)
    for _ in range(6):
        begun(lab, hands)
        hands.desk.begun(hands.started[-1][1].key, hands.started[-1][1].attempt, {"id": "n0"})
        lab.writer._receive()
        hands.desk.ship(Parcel(*hands.started[-1][1].key, 1, state={"state": "done", "epoch": 1}, end="over"))
        hands.over.append((hands.started[-1][0], ""))
    order = [runs.index(Run(job.run, root)) for _, job, _, _ in hands.started]
    assert order == [0, 2, 0, 2, 1, 1]


def test_one_persons_fold_jobs_on_a_cluster_keep_to_their_number(root, open_lab, tiny_plan, monkeypatch):
    monkeypatch.setattr(turns, "cap", lambda runs: 1)
    cluster, hands = near(4)
    runs = [launched(short(tiny_plan), root, (0, 1)) for _ in range(2)]
    for run, person in zip(runs, ("ada", "bob"), strict=True):
        run.update_info(by=person)
    lab = open_lab(cluster)
    for _ in range(3):
        begun(lab, hands)
        for _, job, _, _ in hands.started:
            hands.desk.begun(job.key, job.attempt, {"id": "n0"})
    assert [(runs.index(Run(job.run, root)), job.fold) for _, job, _, _ in hands.started] == [(0, 0), (1, 0)]
    hands.desk.ship(Parcel(runs[0].id, 0, 1, state={"state": "done", "epoch": 1}, end="over"))
    lab.round()
    begun(lab, hands)
    assert [(job.run, job.fold) for _, job, _, _ in hands.started[2:]] == [(runs[0].id, 1)]


def test_a_job_that_was_cancelled_while_it_began_is_stopped(root, open_lab, tiny_plan):
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root), open_lab(cluster)
    begun(lab, hands)
    control.cancel(run)
    hands.train()  # it had begun before anybody could say so
    lab.round()
    assert run.fold_state(0).state == "cancelled"
    assert not run.last_file(0).exists()
    assert not hands.desk.running


def test_a_dead_cluster_leaves_what_trained_interrupted_with_the_reason(
    root, open_lab, tiny_plan, workers, monkeypatch, never_stopped_small, heard
):
    _, hands = near()
    run = launched(tiny_plan, root)

    class Mortal(Near):
        def take(self, token, confirmed):
            if hands.over:
                raise Gone("nothing listens there any more")
            return super().take(token, confirmed)

    mortal = Mortal(hands.desk)

    def pause(seconds):
        hands.desk.tick()
        if hands.started and not hands.over:
            hands.train(line=Broken(hands.desk, 2, then=lambda: None))

    seen = []
    original = writer.Writer.give_up
    monkeypatch.setattr(
        writer.Writer, "give_up", lambda self, why: (seen.append(run.fold_state(0).state), original(self, why))
    )
    rounds = writer.Writer._receive

    def receive(self):
        if hands.over and not self.held:  # what came before the end is written first
            answer = hands.desk.take(self.token, self.batch)
            self.batch, self.parcels = answer["batch"], answer["parcels"]
        rounds(self)

    monkeypatch.setattr(writer.Writer, "_receive", receive)
    life.serve(root, lambda *_: mortal, demand, pause=pause)
    assert seen == ["running"]
    state = run.fold_state(0)
    assert (state.state, state.epoch) == ("interrupted", 2)
    assert state.reason == f"The Ray cluster at {ADDRESS} is gone: nothing listens there any more."
    assert "Resume goes on after epoch 2" in state.remedy
    stop = halt.stopped(root)
    assert stop.message.startswith("The queue has stopped: The Ray cluster at")
    assert heard == [b"tell\n"], "the run waits on, and people hear of the queue"
    addresses.remove(root, addresses.of_lab(root)[0].id)
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    control.resume(run)
    assert halt.stopped(root) is None
    keep_queued(run, [0])
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)


def test_a_cluster_that_ends_while_a_state_is_out_of_reach_leaves_that_state_as_it_was(
    root, open_lab, tiny_plan, monkeypatch
):
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root), open_lab(cluster)
    _, job, _, row = begun(lab, hands)
    hands.desk.begun(job.key, 1, {"id": row.id, "name": row.name})
    lab.round()
    before = run.written_state(0)
    with monkeypatch.context() as patch:
        close(patch, run.state_file(0), errno.EIO)
        lab.writer.give_up("The cluster is gone.")
    assert run.written_state(0) == before and run.fold_state(0).state == "interrupted"
    assert "fold 0: The cluster is gone." in run.log_tail()


def test_a_desk_that_died_with_its_node_is_followed_by_one_that_goes_on(root, open_lab, tiny_plan, never_stopped_small):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.train(line=Broken(hands.desk, 2, then=lab.round))
    lab.writer.round()
    hands.desk = Desk(hands)
    lab.writer.cluster = Near(hands.desk)
    lab.writer.greet()
    assert run.fold_state(0).state == "running"
    begun(lab, hands)
    assert hands.started[-1][1].attempt == 2
    hands.train()
    lab.round()
    assert_same_result(run, never_stopped_small)


@pytest.mark.parametrize("error", [DeskGone, Gone, ValueError])
def test_a_desk_that_dies_while_jobs_are_packed_is_followed_by_one_that_trains_them(root, tiny_plan, error):
    """What was begun with the connection that is closed ends in an error, and may do so long after there is another."""
    runs = [launched(short(tiny_plan), root) for _ in range(3)]
    _, hands = near()
    asked, noticed, packers, met = threading.Event(), threading.Event(), [], []

    class Dying(Near):
        def missing(self, writer, blobs):
            packers.append(threading.current_thread())
            asked.set()
            assert noticed.wait(60)
            raise error("the desk is no more")

        def take(self, writer, confirmed):
            if asked.is_set():
                raise DeskGone("the actor died")
            return super().take(writer, confirmed)

    def connect(*_):
        if met:
            hands.desk = Desk(hands)
        met.append(hands.desk)
        return Dying(hands.desk) if len(met) == 1 else Near(hands.desk)

    def pause(seconds):
        if len(met) == 1:
            asked.wait(60)
        else:
            noticed.set()  # only once the writer has greeted the new desk
        hands.desk.tick()
        while len(hands.started) > len(trained):
            trained.append(len(hands.started))
            hands.train()

    trained = []
    life.serve(root, connect, demand, pause=pause)
    assert packers and len(met) == 2, "it went to another desk once"
    assert halt.stopped(root) is None
    assert [run.fold_state(0).state for run in runs] == ["done"] * 3


class Older(Near):
    """A desk that a lab of another version left."""

    def hello(self, writer):
        return self.desk.hello(writer) | {"code": "of another version"}

    def close(self, *, end):
        if end:
            self.ended.set()


def test_at_a_desk_of_another_version_what_trains_ends_and_what_waits_begins_at_a_new_one(
    root, open_lab, tiny_plan, never_stopped_small
):
    cluster, hands = near()
    first, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.desk.begun((first.id, 0), 1, NODE)
    lab.round()
    lab.dies()
    second = launched(short(tiny_plan), root)
    older, said, trained = Older(hands.desk), [], []

    def connect(*_):
        if older.ended.is_set():
            hands.desk = Desk(hands)
            return Near(hands.desk)
        return older

    def pause(seconds):
        hands.desk.tick()
        said.append(elsewhere.report(root)["trouble"])
        if len(said) > 3 and len(trained) < len(hands.started):
            trained.append(len(hands.started))
            hands.train()

    life.serve(root, connect, demand, pause=pause)
    assert said[:4] == [writer.OUTDATED] * 4
    assert halt.stopped(root) is None
    assert_same_result(first, never_stopped_small)
    assert [entry["attempt"] for entry in taken.attempts(first, 0)] == [1]
    assert second.fold_state(0).state == "done"
    assert second.written_state(0).worker["desk"] == hands.desk.id != older.desk.id
    assert elsewhere.report(root)["trouble"] == ""


@pytest.mark.parametrize("times", [2, 99])
def test_a_desk_that_is_gone_before_it_has_greeted_is_followed_by_another_a_few_times(root, tiny_plan, times):
    """One that was just ended may still be there under its name; one that cannot live would be begun for ever."""
    run, (_, hands), met, trained = launched(short(tiny_plan), root), near(), [], []

    class Dying(Near):
        def hello(self, writer):
            raise DeskGone("The actor died.\nIt was killed.")

    def connect(*_):
        met.append(hands.desk)
        return Dying(hands.desk) if len(met) <= times else Near(hands.desk)

    def pause(seconds):
        hands.desk.tick()
        if len(trained) < len(hands.started):
            trained.append(len(hands.started))
            hands.train()

    life.serve(root, connect, demand, pause=pause)
    if times == 2:
        assert (run.fold_state(0).state, halt.stopped(root)) == ("done", None)
    else:
        assert len(met) == 4
        assert "its desk ends before it answers (The actor died.)" in halt.stopped(root).message


def test_a_desk_that_takes_nothing_stops_the_queue_and_fails_no_job(root, open_lab, tiny_plan, monkeypatch):
    cluster, hands = near(2)
    trains, lab = launched(short(tiny_plan), root), open_lab(cluster)
    begun(lab, hands)
    hands.desk.begun((trains.id, 0), 1, NODE)
    lab.round()
    waits = launched(short(tiny_plan), root)

    def keep(*_):
        raise DeskFault("engine: its store is full.", "Remove it.")

    monkeypatch.setattr(cluster, "keep", keep)
    lab.round()
    stop = halt.stopped(root)
    assert (stop.message, stop.remedy) == ("The queue has stopped: engine: its store is full.", "Remove it.")
    assert (trains.fold_state(0).state, waits.fold_state(0).state) == ("running", "queued")
    assert control.waiting(root) == [(waits.id, 0)]


@pytest.mark.parametrize("beside", [False, True])
def test_a_run_deleted_while_its_news_come_costs_no_other_run_its_own(root, open_lab, tiny_plan, monkeypatch, beside):
    cluster, hands = near(2)
    runs, lab = [launched(short(tiny_plan), root) for _ in range(1 + beside)], open_lab(cluster)
    begun(lab, hands)
    for run, (_, _, _, row) in zip(runs, hands.started, strict=True):
        hands.desk.begun((run.id, 0), 1, {"id": row.id, "name": row.name})
    lab.round()
    assert [run.fold_state(0).state for run in runs] == ["running"] * len(runs)
    for place in range(len(runs)):
        line = Broken(hands.desk, -1)
        line.begun = lambda *_: True  # that is known already
        hands.train(place, line=line)
    take = cluster.take

    def deleted_meanwhile(*asked):
        answer = take(*asked)
        assert [parcel.run for parcel in answer["parcels"]] == [run.id for run in runs], "news of all in one batch"
        runs[0].delete()
        return answer

    with monkeypatch.context() as once:
        once.setattr(cluster, "take", deleted_meanwhile)
        lab.round()
    lab.round()
    assert [run.fold_state(0).state for run in runs[1:]] == ["done"] * beside
    assert not lab.writer.held and not runs[0].dir.exists()


@contextlib.contextmanager
def no_file_above(size):
    """As on a full disk: the operating system refuses what would make any file of this process larger, in bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_beside_the_lab_loses_nothing(root, open_lab, tiny_plan, never_stopped_small):
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.train()
    with no_file_above(2_000):
        for _ in range(3):
            lab.round()
        assert run.fold_state(0).state == "running"
        assert not run.last_file(0).exists()
        with locks.held(elsewhere.writer_lock(root), "the writer"):
            assert "disk full" in healing.look_after(root)
    assert "disk full" in elsewhere.report(root)["trouble"]
    assert "is written as soon as it can be" in elsewhere.report(root)["trouble"]
    assert not stray_files(root)
    assert hands.desk.sent  # the cluster keeps it
    lab.round()
    assert_same_result(run, never_stopped_small)
    assert elsewhere.report(root)["trouble"] == ""


@contextlib.contextmanager
def no_room_for_an_end(monkeypatch):
    """As on a full disk: no state of a fold that has ended can be written."""

    def full(run, state):
        if state.ended is None:
            return original(run, state)
        raise files.LabError(f"disk full: no room in {run.dir}.", "Free some space.", kind="disk-full")

    original = Run.write_state
    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_state", full)
        yield


def test_a_cancel_that_no_disk_has_room_for_costs_the_other_folds_nothing(root, open_lab, tiny_plan, monkeypatch):
    cluster, hands = near(2)
    (run, other), lab = [launched(short(tiny_plan), root) for _ in range(2)], open_lab(cluster)
    begun(lab, hands)
    for _, job, _, row in hands.started:
        hands.desk.begun(job.key, 1, {"id": row.id, "name": row.name})
    lab.round()
    run.cancel_file(0).touch()
    with no_room_for_an_end(monkeypatch):
        for _ in range(3):
            lab.round()
    assert list(lab.writer.held) == [(other.id, 0)] == list(hands.desk.running)
    assert hands.stopped == ["task 0"]
    assert (run.fold_state(0).state, other.fold_state(0).state) == ("interrupted", "running")
    hands.train(1)
    lab.round()
    assert other.fold_state(0).state == "done"


def test_a_fold_that_cannot_be_packed_is_said_to_have_failed_once_there_is_room(root, open_lab, tiny_plan, monkeypatch):
    run, lab = launched(short(tiny_plan), root), open_lab(near()[0])

    def changed(*_):
        raise files.LabError("3 photos changed.", "Put them back.", kind="data")

    monkeypatch.setattr("core.engines.pack.check_unchanged", changed)
    with no_room_for_an_end(monkeypatch):
        for _ in range(3):
            lab.writer.round()
            for packing in list(lab.writer.packer.under_way.values()):
                packing.exception()
        lab.writer.round()
        assert run.fold_state(0).state == "queued" and not is_locked(run.fold_lock(0))
        assert elsewhere.report(root)["trouble"].startswith(f"{run.id}, fold 0: failed, which could not be ")
        lab.writer.round()
        assert "disk full" in elsewhere.report(root)["trouble"], "it is said as long as it is so"
    lab.round()
    assert (run.fold_state(0).state, run.fold_state(0).kind) == ("failed", "data")
    for _ in range(2):
        lab.round()
    assert elsewhere.report(root)["trouble"] == ""


def test_a_fold_that_waits_for_room_begins_once(root, open_lab, tiny_plan):
    """All of it came back before this lab heard of its beginning."""
    cluster, hands = near()
    run, lab = launched(tiny_plan, root), open_lab(cluster)
    begun(lab, hands)
    hands.train()
    with no_file_above(4_000):
        lab.round()
        first = run.written_state(0)
        assert first.state == "running"
        for _ in range(4):
            lab.round()
        assert run.written_state(0).started == first.started
        assert not run.last_file(0).exists()
    lab.round()
    assert run.fold_state(0).state == "done"
    assert run.log_tail(999).count("begins on") == 1


def test_a_node_with_other_libraries_is_out_of_use_and_says_so(root, open_lab, tiny_plan, monkeypatch):
    cluster, hands = near()
    launched(short(tiny_plan), root)
    lab = open_lab(cluster)
    begun(lab, hands)
    monkeypatch.setattr("core.engines.node.versions", lambda: {"numpy": "1.0"})
    hands.train()
    lab.writer.told = -1e9
    lab.round()
    why = hands.desk.unused["n0"]
    assert why.startswith("node 0 has ") and "numpy 1.0 instead of" in why
    assert why.endswith("pip install -r requirements.txt, then: python -m core engine --put-back 'node 0'")
    assert elsewhere.report(root)["trouble"] == f"No node of the cluster can take a fold job; {why}."


def test_a_run_whose_photos_changed_fails_as_it_would_here(root, open_lab, tiny_plan, monkeypatch, heard):
    run, lab = launched(short(tiny_plan), root, folds=(0, 1)), open_lab(near()[0])

    def changed(*_):
        raise files.LabError("3 photos changed.", "Put them back.", kind="data")

    monkeypatch.setattr("core.engines.pack.check_unchanged", changed)
    lab.round()
    state = run.fold_state(0)
    assert (state.state, state.kind, state.reason) == ("failed", "data", "3 photos changed.")
    assert heard == [f"tell {run.id}\n".encode()], "once, after its last fold"
    assert not list(queue.places(root))


def test_folds_that_share_their_photos_send_them_once(root, open_lab, tiny_plan):
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root, (0, 1)), open_lab(cluster)
    for _ in range(3):
        lab.round()
    assert list(hands.desk.waiting) == [(run.id, 0), (run.id, 1)]
    pixels = [blob for blob in hands.desk.blobs if blob.startswith("pixels")]
    assert len(pixels) == 1
    assert hands.contents == len(hands.desk.blobs)  # nothing was sent twice


def test_the_verdict_of_a_desk_that_died_unseen(root, open_lab, tiny_plan):
    cluster, hands = near()
    run, lab = launched(short(tiny_plan), root), open_lab(cluster)
    begun(lab, hands)
    hands.desk.begun((run.id, 0), 1, {"id": "n0", "name": "node 0"})
    lab.round()
    lab.dies()
    open_lab(Near(Desk(hands)))
    state = run.fold_state(0)
    assert (state.state, state.reason) == ("interrupted", "The cluster ended while nobody collected what it trained.")
    assert elsewhere.under_way(root) == []
    assert Run(run.id, root).fold_state(1).state == "queued"


def test_a_node_without_room_is_out_of_use_and_says_where(root, open_lab, tiny_plan, monkeypatch, tmp_path):
    cluster, hands = near(2)
    run, lab = launched(short(tiny_plan), root), open_lab(cluster)
    begun(lab, hands)

    def full(path, parts):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as small:
        small.setattr(node, "_write", full)
        hands.train()
    why = f"node 0 has no room in {tmp_path / 'node'}; free some there"
    assert hands.desk.unused == {"n0": f"{why}, then: python -m core engine --put-back 'node 0'"}
    hands.desk.tick()
    hands.train()  # on the other one
    lab.round()
    assert run.fold_state(0).state == "done"
    assert taken.attempts(run, 0)[-1]["name"] == "node 1"


def test_nodes_that_are_too_small_for_a_fold_job_are_said_to_be(root, open_lab, tiny_plan):
    launched(short(tiny_plan), root)
    lab = open_lab(near(2)[0])
    lab.writer.packer.demand = lambda *_: Demand(4)
    lab.round()
    for _ in range(2):
        lab.writer.told = -1e9
        lab.round()
    words = (
        "one needs 4 cores, as many as a slot of this machine has (threads, on Settings), and the largest node has 1"
    )
    assert elsewhere.report(root)["trouble"] == f"No node of the cluster can take a fold job; {words}."


def test_a_node_that_was_taken_out_while_the_lab_was_closed_begins_nothing(root, open_lab, tiny_plan):
    cluster, hands = near(2)
    launched(short(tiny_plan), root, (0, 1))
    elsewhere.use_node(root, "node 0", False)
    begun(open_lab(cluster), hands)
    assert [row.name for _, _, _, row in hands.started] == ["node 1"]


def test_a_node_is_taken_out_of_use_and_put_back_by_its_name(root, open_lab, tiny_plan):
    cluster, hands = near(2)
    launched(short(tiny_plan), root)
    lab = open_lab(cluster)

    def looked():
        lab.writer.told = -1e9
        lab.round()
        return {row["name"]: row["why"] for row in elsewhere.report(root)["nodes"]}

    assert looked() == {"node 0": "", "node 1": ""}
    elsewhere.use_node(root, "node 1", False)
    assert looked() == {"node 0": "", "node 1": writer.BY_HAND}
    assert hands.desk.status()["places"] == 1
    elsewhere.use_node(root, "node 1", True)
    assert looked() == {"node 0": "", "node 1": ""}
    hands.desk.use(lab.writer.token, "n1", "node 1 lacks torch")
    assert looked()["node 1"] == "node 1 lacks torch"  # putting it back held once
    elsewhere.use_node(root, "node 1", True)
    assert looked()["node 1"] == ""  # and once more


def test_a_lab_that_was_started_anew_without_the_cluster_has_nothing_more_sent_there(
    root, open_lab, tiny_plan, monkeypatch
):
    """The writer, which outlives the lab, was born with FACET_ENGINE; what trains is collected all the same."""
    cluster, hands = near()
    run, lab, workers_started = launched(short(tiny_plan), root, (0, 1)), open_lab(cluster), []
    begun(lab, hands)
    lab.round()
    assert list(hands.desk.waiting) == [(run.id, 1)]
    with monkeypatch.context() as anew:
        anew.delenv("FACET_ENGINE")
        bounds.hold_page(root)
        anew.setattr(control, "start_worker", workers_started.append)
        control.ensure_workers(root)
    assert workers_started == [root]
    lab.round()
    assert not hands.desk.waiting
    hands.train()
    lab.round()
    assert run.fold_state(0).state == "done" and run.fold_state(1).state == "queued"
    control.ensure_workers(root)  # by a lab that has it again
    lab.round()
    assert list(hands.desk.waiting) == [(run.id, 1)]
