"""What an engine tells of itself; Ray is chosen by who has it, and told in words where it is missing."""

import contextlib
import json
import pickle
import re
import socket
import sys
import time
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from core import machine
from core.cli.main import main
from core.data.reach import bounds
from core.engines import door, life, pack, ray_cluster
from core.engines import engine as engines
from core.engines.cluster import Gone
from core.engines.desk import Desk
from core.engines.desks import ray_desks
from core.engines.parcel import FoldJob, Node, Parcel
from core.errors import LabError
from core.jobs import control, elsewhere, halt, queue
from core.runs import FoldState
from core.storage import files, locks
from tests.engines.in_process import Threads, near
from tests.pages.trials import make_run


@pytest.fixture
def without_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)


def lab(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["core", *words])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def test_this_machine_has_its_slots(runs_folder, monkeypatch, capsys):
    monkeypatch.setenv("FACET_SLOTS", "3")
    engine = engines.engine_of(runs_folder)
    capacity = engine.capacity()
    assert (engine.name, capacity.places, capacity.busy, capacity.waiting) == ("this-machine", 3, 0, 0)
    assert capacity.nodes[0].cores == machine.cores()
    _, held = queue.take_slot(runs_folder)
    assert engine.capacity().busy == 1
    held.release()
    code, out, _ = lab(monkeypatch, capsys, "engine")
    assert code == 0
    assert out.startswith("this-machine: 0 of 3 fold jobs at a time, 0 wait\n")


def test_a_cluster_without_ray_says_what_to_install(runs_folder, monkeypatch, capsys, without_ray):
    monkeypatch.setenv("FACET_ENGINE", "ray://127.0.0.1:10001")
    code, _, err = lab(monkeypatch, capsys, "engine")
    assert code == 1
    assert "Ray is not installed here" in err
    assert "pip install -r requirements-ray.txt" in err
    with pytest.raises(LabError, match="Ray is not installed"):
        ray_cluster.connect(runs_folder, "ray")


def test_an_unknown_engine_is_refused_in_words(runs_folder, monkeypatch, capsys):
    code, _, err = lab(monkeypatch, capsys, "engine", "--choose", "spark://host:7077")
    assert code == 1
    assert "'spark://host:7077' names no place where fold jobs can train" in err


def test_who_chooses_an_engine_that_the_variable_outranks_is_told_so(runs_folder, monkeypatch, capsys):
    monkeypatch.setenv("FACET_ENGINE", elsewhere.HERE)
    code, out, err = lab(monkeypatch, capsys, "engine", "--choose", "ray")
    assert code == 0 and out.startswith("this-machine: ")
    assert err == "kept; it holds once the lab is started without FACET_ENGINE=this-machine, which wins over it\n"
    monkeypatch.setenv("FACET_ENGINE", "ray://host:10001")
    bounds.hold_page(runs_folder)
    control.ensure_workers(runs_folder)
    monkeypatch.delenv("FACET_ENGINE")
    monkeypatch.delenv(bounds.GIVEN)
    code, out, err = lab(monkeypatch, capsys, "engine", "--choose", elsewhere.HERE)
    assert code == 0 and out.startswith("this-machine: ")
    assert err == "kept; a lab that is open with FACET_ENGINE=ray://host:10001 goes by that until it is closed\n"
    assert lab(monkeypatch, capsys, "engine", "--choose", elsewhere.HERE)[2] == ""


def test_what_a_living_writer_told_is_told_without_asking_the_cluster(runs_folder, monkeypatch, without_ray, capsys):
    monkeypatch.setenv("FACET_ENGINE", "ray")
    rows = [asdict(Node("id", "gpu-1", 16, 2.0, 64_000_000_000)) | {"jobs": [["run", 0]]}]
    rows += [asdict(Node("id2", "gpu-2", 16, 2.0, 64_000_000_000, "taken out by hand")) | {"jobs": []}]
    report = {
        "address": "ray",
        "when": time.time(),
        "nodes": rows,
        "places": 2,
        "doing": "decoding photos",
        "trouble": "",
    }
    report["under_way"] = [{"run": "run", "fold": 0, "attempt": 1, "node": "gpu-1"}]
    path = elsewhere.report_file(runs_folder)
    path.parent.mkdir(parents=True)
    files.write_json(path, report)
    with locks.held(elsewhere.writer_lock(runs_folder), "the writer"):
        code, out, _ = lab(monkeypatch, capsys, "engine")
    assert code == 0
    assert "ray: 1 of 2 fold jobs at a time, 0 wait" in out
    assert "taken out by hand" in out and "decoding photos" in out and "run fold 0: on" in out
    with pytest.raises(LabError, match="Ray is not installed"):  # nobody told it lately
        engines.engine_of(runs_folder).capacity()


@pytest.mark.parametrize(
    ("gpus", "device", "jobs", "gpu_share"),
    [(0, "auto", "", 0), (2, "auto", "", 1), (2, "auto", "4", 0.25), (2, "cpu", "4", 0)],
)
def test_a_job_has_a_gpu_a_share_of_one_or_the_cores_of_a_slot(runs_folder, monkeypatch, gpus, device, jobs, gpu_share):
    monkeypatch.setenv("FACET_JOBS_PER_GPU", jobs)
    demand = engines.demand(runs_folder, gpus, device)
    assert demand.gpus == gpu_share
    assert demand.cores == (1 if gpu_share else queue.threads_of_a_slot(runs_folder))


def test_a_number_that_is_none_is_refused(runs_folder, monkeypatch):
    monkeypatch.setenv("FACET_SHIP_SECONDS", "soon")
    with pytest.raises(LabError, match="FACET_SHIP_SECONDS: 'soon' is no number"):
        engines.demand(runs_folder, 0)


def test_the_code_that_travels_is_the_same_for_the_same_code():
    assert pack.code() == pack.code()


class FakeRay:
    """A Ray that refuses with the words of the real one."""

    def __init__(self, error):
        self.error, self.asked = error, []
        self._raylet = SimpleNamespace(GcsClient=lambda address: self.asked.append(f"who is {address}?"))

    def init(self, address=None, **options):
        self.asked.append(address)
        raise self.error


def test_an_address_where_nothing_listens_is_told(runs_folder, monkeypatch):
    with socket.socket() as free:  # bound and not listening: nobody else can take it meanwhile
        free.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setitem(sys.modules, "ray", FakeRay(AssertionError("never asked")))
        with pytest.raises(LabError, match=f"nothing listens at {address}") as refused:
            ray_cluster.connect(runs_folder, address)
    assert "ray start --head" in refused.value.remedy


@pytest.mark.fault(47)
@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_dead_cluster_that_ray_address_names_is_told_and_none_is_begun_here(runs_folder, monkeypatch, capsys, scheme):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setenv("FACET_ENGINE", "ray")
        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setitem(sys.modules, "ray", FakeRay(ConnectionError("Failed to connect to Ray cluster")))
        words = f"engine: nothing listens at {address}, which RAY_ADDRESS names."
        for ask in (ray_cluster.look, ray_cluster.connect):
            with pytest.raises(LabError) as refused:
                ask(runs_folder, "ray")
            assert refused.value.message == words
            assert "unset RAY_ADDRESS" in refused.value.remedy
        code, out, err = lab(monkeypatch, capsys, "engine")
    assert (code, out) == (1, "")
    assert words in err


@pytest.mark.parametrize("named", ["the head", "ray", "head", "head:99999", "http://head:8265"])
def test_an_address_that_ray_address_misspells_is_told(runs_folder, monkeypatch, named):
    monkeypatch.setenv("RAY_ADDRESS", named)
    monkeypatch.setitem(sys.modules, "ray", FakeRay(AssertionError("never asked")))
    with pytest.raises(LabError, match=f"RAY_ADDRESS: '{named}' names no cluster"):
        ray_cluster.connect(runs_folder, "ray")


def test_a_cluster_that_ray_address_names_is_joined_and_no_other(runs_folder, monkeypatch):
    """One that does not answer as a cluster does is told: nothing is begun here in its place."""
    fake = FakeRay(ConnectionError("Failed to connect to Ray cluster at there"))
    monkeypatch.setitem(sys.modules, "ray", fake)
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        address = f"127.0.0.1:{there.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(LabError, match=f"{address}, which RAY_ADDRESS names, cannot be used: Failed to connect"):
            ray_cluster.connect(runs_folder, "ray")
    assert fake.asked == [f"who is {address}?", address]


def test_another_version_there_is_told_with_what_to_install(runs_folder, monkeypatch):
    words = "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.12.1"
    monkeypatch.setitem(sys.modules, "ray", FakeRay(RuntimeError(words)))
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        with pytest.raises(LabError, match="cannot be used: Version mismatch") as refused:
            ray_cluster.connect(runs_folder, f"ray://127.0.0.1:{there.getsockname()[1]}")
    assert "Ray: 2.50.0" in refused.value.message
    assert "Install the same Ray and Python on every machine" in refused.value.remedy


def test_a_writer_that_cannot_reach_its_cluster_stops_the_queue_with_the_reason(runs_folder, monkeypatch):
    monkeypatch.setenv("FACET_ENGINE", "ray://127.0.0.1:1")

    def connect(root, address):
        raise LabError(f"engine: nothing listens at {address}.", "Start it there.", kind="engine")

    life.serve(runs_folder, connect, engines.demand)
    stop = halt.stopped(runs_folder)
    assert stop.message == "The queue has stopped: engine: nothing listens at ray://127.0.0.1:1."
    assert stop.remedy == "Start it there."


class RayError(Exception):
    """Of a task: its cause is what the desk raised."""

    def __init__(self, cause=None):
        self.cause = cause


class RayOfDesk:
    """As much of Ray as a lab needs to reach its desk, which is begun where none stands."""

    exceptions = SimpleNamespace(
        RayTaskError=RayError,
        **{name: type(name, (Exception,), {}) for name in ("RayActorError", "GetTimeoutError", "RaySystemError")},
    )
    cloudpickle = SimpleNamespace(
        register_pickle_by_value=lambda module: None, unregister_pickle_by_value=lambda module: None
    )

    def __init__(self, desk=None):
        self.desk = desk

    def cluster_resources(self):
        return {}

    def remote(self, door):
        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=self._begin))

    def _begin(self, code, settings):
        self.desk = self.desk or Desk(Threads(), **settings)
        return SimpleNamespace(call=SimpleNamespace(remote=lambda *asked: asked))

    def get(self, asked, timeout):
        name, *packed = asked
        try:
            return pickle.dumps(getattr(self.desk, name)(*door.unpacked(*packed)))
        except Exception as error:
            raise RayError(error) from error


def test_a_desk_tells_with_which_code_it_trains(runs_folder, monkeypatch):
    ray = RayOfDesk()
    lab = ray_cluster.RayCluster(ray, runs_folder, None)
    assert lab.hello("w")["code"] == lab.code
    assert ray.desk.runs == f" --runs {runs_folder}", "what it tells to type is typed beside that lab"
    monkeypatch.setattr(pack, "code", lambda: b"a later version")
    later = ray_cluster.RayCluster(ray, runs_folder, None)
    assert later.hello("w")["code"] == lab.code != later.code


class Unreadable:
    """What is made of something that this lab does not have."""

    def __reduce__(self):
        return int, ("a class of another version",)


@pytest.mark.parametrize(
    ("desk", "why"),
    [
        (SimpleNamespace(), "does not answer hello"),
        (SimpleNamespace(hello=lambda writer, more: None), "hello.*TypeError"),
        (SimpleNamespace(hello=lambda writer: {"desk": "d"}), "hello.*KeyError: 'jobs'"),
        (SimpleNamespace(hello=lambda writer: Unreadable()), "hello.*ValueError"),
        (SimpleNamespace(hello=lambda writer: {"desk": "d", "jobs": []}), "does not answer status"),
    ],
)
def test_a_desk_that_this_lab_does_not_understand_stops_the_queue_and_is_told_with_its_remedy(
    runs_folder, monkeypatch, desk, why
):
    monkeypatch.setenv("FACET_ENGINE", "ray")
    ray = RayOfDesk(desk)
    life.serve(runs_folder, lambda root, _: ray_cluster.RayCluster(ray, root, None), engines.demand)
    stop = halt.stopped(runs_folder)
    assert stop.kind == "engine"
    assert re.search(why, stop.message)
    name = ray_cluster.desk_name(runs_folder)
    assert f"python -m core engine --forget {name} --yes --runs {runs_folder};" in stop.remedy


OLD, NEW = "ray://old:10001", "ray://new:10001"


@pytest.fixture
def left(runs_folder):
    """(run, cluster, hands): a fold that trains at OLD, whose writer is dead."""
    cluster, hands = near()
    run = make_run(runs_folder, states=("queued", "queued"))
    worker = {"name": "node 0", "engine": OLD, "desk": hands.desk.id, "attempt": 1}
    run.write_state(FoldState(0, "running", epoch=3, worker=worker))
    hands.desk.hello("the dead one")
    hands.desk.arrange("the dead one", [FoldJob(run.id, 0, 1, {})])
    hands.desk.tick()
    hands.desk.begun((run.id, 0), 1, {"id": "n0", "name": "node 0"})
    under_way = [{"run": run.id, "fold": 0, "attempt": 1, "node": "node 0"}]
    elsewhere.report_file(runs_folder).parent.mkdir(parents=True, exist_ok=True)
    files.write_json(elsewhere.report_file(runs_folder), {"address": OLD, "under_way": under_way})
    return run, cluster, hands


def refuse(root, address):
    raise LabError(f"engine: nothing listens at {address}.", "Start it there.", kind="engine")


@pytest.mark.parametrize("choice", [OLD, NEW, elsewhere.HERE])
def test_what_trains_on_a_cluster_is_collected_whatever_was_chosen_meanwhile(runs_folder, monkeypatch, left, choice):
    run, cluster, hands = left
    monkeypatch.setenv("FACET_ENGINE", choice)
    asked = []

    def connect(root, address):
        asked.append(address)
        return cluster if address == OLD else near()[0]

    def pause(seconds):
        assert elsewhere.under_way(runs_folder) == [(run.id, 0)] or run.fold_state(0).state == "done"
        hands.desk.ship(Parcel(run.id, 0, 1, state={"state": "done", "epoch": 4}, end="over"))

    life.serve(runs_folder, connect, engines.demand, pause=pause)
    assert asked == [OLD]
    assert (run.fold_state(0).state, run.fold_state(0).epoch) == ("done", 4)
    assert elsewhere.under_way(runs_folder) == [] and halt.stopped(runs_folder) is None


@pytest.mark.parametrize("choice", [NEW, elsewhere.HERE])
def test_a_cluster_that_nobody_chooses_any_more_and_that_is_not_reached_stops_no_queue(
    runs_folder, monkeypatch, left, choice
):
    run, _, _ = left
    monkeypatch.setenv("FACET_ENGINE", choice)
    life.serve(runs_folder, refuse, engines.demand)
    state = run.fold_state(0)
    assert state.state == "interrupted" and state.reason.startswith(f"engine: nothing listens at {OLD}. Other fold")
    assert "goes on after epoch 3" in state.remedy and f"choose {OLD} again" in state.remedy
    assert halt.stopped(runs_folder) is None
    assert elsewhere.collects_from(runs_folder) is None, "it is not tried again and again"


def test_one_that_is_chosen_stops_the_queue_and_is_tried_again_once_that_goes_on(runs_folder, monkeypatch, left):
    run, _, _ = left
    monkeypatch.setenv("FACET_ENGINE", OLD)
    started = []
    monkeypatch.setattr(control, "start_writer", started.append)
    life.serve(runs_folder, refuse, engines.demand)
    assert "nothing listens" in halt.stopped(runs_folder).message
    assert "the cluster goes on meanwhile" in run.fold_state(0).reason
    control.ensure_workers(runs_folder)
    assert started == [], "not again and again"
    halt.go_on(runs_folder)
    control.ensure_workers(runs_folder)
    assert started == [runs_folder]


@pytest.mark.parametrize("choice", [OLD, NEW])
def test_a_cluster_that_goes_while_it_is_greeted_is_one_that_is_not_reached(runs_folder, monkeypatch, left, choice):
    run, cluster, _ = left
    monkeypatch.setenv("FACET_ENGINE", choice)

    def hello(token):
        raise Gone("nothing listens there any more")

    cluster.hello = hello
    life.serve(runs_folder, lambda *_: cluster, engines.demand)
    assert (halt.stopped(runs_folder) is None) == (choice == NEW)
    assert (elsewhere.collects_from(runs_folder) is None) == (choice == NEW)
    assert ("is gone: nothing listens" in run.fold_state(0).reason) == (choice == NEW)


def test_one_that_dies_while_what_it_trains_is_collected_stops_no_queue_but_its_own(runs_folder, monkeypatch, left):
    run, cluster, _ = left
    monkeypatch.setenv("FACET_ENGINE", elsewhere.HERE)

    def take(token, confirmed):
        raise Gone("nothing listens there any more")

    cluster.take = take
    life.serve(runs_folder, lambda *_: cluster, engines.demand)
    assert run.fold_state(0).reason == f"The Ray cluster at {OLD} is gone: nothing listens there any more."
    assert halt.stopped(runs_folder) is None and elsewhere.under_way(runs_folder) == []


def test_the_desks_of_a_cluster_that_is_not_chosen_any_more_are_still_listed(runs_folder, monkeypatch, capsys, left):
    asked = []
    monkeypatch.setattr(ray_desks, "desks", lambda root, address: asked.append(address) or [])
    assert lab(monkeypatch, capsys, "engine", "--desks")[:2] == (0, f"no desk stands at {OLD}\n")
    monkeypatch.setenv("FACET_ENGINE", NEW)
    assert lab(monkeypatch, capsys, "engine", "--desks")[:2] == (0, f"no desk stands at {NEW}\n")
    assert asked == [OLD, NEW]
    desk = ray_desks.Desk("desk-1", "anna@here:/runs", training=2)
    monkeypatch.setattr(ray_desks, "desks", lambda root, address: [desk])
    monkeypatch.setattr(ray_desks, "forget", lambda *given, **more: desk)
    told = json.loads(lab(monkeypatch, capsys, "engine", "--desks", "--json")[1])
    assert told == {"address": NEW, "desks": [asdict(desk) | {"in_use": False}]}
    forgotten = lab(monkeypatch, capsys, "engine", "--forget", "desk-1", "--json")[1]
    assert json.loads(forgotten) == {"forgotten": asdict(desk)}
    for change in (("--choose", "ray"), ("--take-out", "node 0"), ("--put-back", "node 0")):
        code, out, err = lab(monkeypatch, capsys, "engine", "--desks", *change)
        assert (code, out) == (1, "") and "desks are listed or forgotten by themselves" in err, "it was left out"
    monkeypatch.setenv("FACET_ENGINE", elsewhere.HERE)
    other = str(runs_folder / "other")
    code, _, err = lab(monkeypatch, capsys, "engine", "--desks", "--runs", other)
    assert code == 1 and f"engine --choose ray://HOST:10001 --runs {other}, or FACET_ENGINE." in err


def test_a_cluster_that_waits_for_what_trains_on_the_one_before_says_so(runs_folder, monkeypatch, capsys, left):
    monkeypatch.setattr(ray_cluster, "look", lambda root, address: [Node("n1", "node 1", 8)])
    why = f"What trains on the cluster at {OLD} is collected first; nothing begins at {NEW} until that has ended."
    for choice, is_said in ((NEW, True), (OLD, False)):
        monkeypatch.setenv("FACET_ENGINE", choice)
        assert (why in lab(monkeypatch, capsys, "engine")[1]) == is_said
    monkeypatch.setenv("FACET_ENGINE", NEW)
    elsewhere.nothing_under_way(runs_folder)
    assert "collected first" not in lab(monkeypatch, capsys, "engine")[1]
    monkeypatch.setenv("FACET_ENGINE", elsewhere.HERE)
    assert elsewhere.waits_for(runs_folder) == ""


def test_ones_own_desk_that_was_asked_just_now_can_be_forgotten_in_a_minute_and_that_is_said(
    runs_folder, monkeypatch, capsys
):
    own = ray_desks.Desk("desk-1", "anna@here:/runs", mine=True, asked=12.0)
    monkeypatch.setattr(ray_desks, "visiting", lambda address: contextlib.nullcontext(object()))
    monkeypatch.setattr(ray_desks, "_seen", lambda ray, root: [own])
    monkeypatch.setenv("FACET_ENGINE", "ray")
    code, _, said = lab(monkeypatch, capsys, "engine", "--forget", "desk-1")
    assert code and "Try again in 48 s" in said and "Cancel its runs" not in said
    with life.locked(runs_folder, None):
        code, _, said = lab(monkeypatch, capsys, "engine", "--forget", "desk-1")
    assert code and "Its lab is at work." in said and "Cancel its runs there" in said
