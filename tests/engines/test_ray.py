"""Fold jobs on real Ray nodes, all on this machine: unfit, killed, frozen, woken. Skipped where Ray is not installed.

One cluster for all tests: what one of them kills is started again for the next.
"""

import gc
import itertools
import os
import shutil
import signal
import threading

import pytest

from core.config import from_dict
from core.data.scan import scan
from core.engines import engine as engines
from core.engines import life, pack, ray_cluster, taken
from core.engines.desks import ray_desks
from core.engines.parcel import FoldJob
from core.errors import LabError
from core.jobs import control, elsewhere, halt, slots, worker
from core.places import lab_folder, runs_option
from core.plan.plan import make_plan
from tests.conftest import TINY
from tests.workers import assert_same_result, keep_queued, small_net, until

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
nodes_here = pytest.importorskip("tests.engines.nodes_here")
ray_hands = pytest.importorskip("core.engines.ray_hands")
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def patch(place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_raylet_start_wait_time_s", "120")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("FACET_SLOTS", "1")
        patch.setenv("FACET_ENGINE", "ray")
        patch.setenv("FACET_SILENCE", "6")
        patch.setenv("FACET_SHIP_SECONDS", "0")
        patch.setenv("FACET_NODE_FOLDER", str(place / "node"))
        patch.setenv("FACET_TEST_HOLDS", str(place / "holds"))
        patch.setattr(control, "start_writer", lambda root: None)
        patch.setattr(control, "start_worker", lambda root: None)
        code = nodes_here.small_code()
        patch.setattr(pack, "code", lambda: code)
        yield patch


@pytest.fixture(scope="module")
def holds(place):
    return nodes_here.Holds(place / "holds")


@pytest.fixture(scope="module")
def plans(tiny_dataset):
    """Four recipes on the same three folds."""
    config = from_dict({**TINY, "folds": {"count": 3}, "data": {"root": str(tiny_dataset)}})
    dataset = scan(config.data, threads=1)
    configs = []
    for seed, rate in itertools.product((0, 1), (1e-3, 1e-2)):
        phases = [phase.model_copy(update={"lr_head": rate, "epochs": 1}) for phase in config.phases]
        training = config.training.model_copy(update={"seed": seed})
        configs.append(config.model_copy(update={"phases": phases, "training": training}))
    return [make_plan(each, dataset) for each in configs]


def train_here(root):
    """What waits, by a worker of this machine's engine in this process, with the small network."""
    import torch
    import torchvision

    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torchvision.models, "resnet18", torchvision.models.resnet18)
        small_net()
        worker.work(root)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def here(plans, place, patch):
    """The same study on this machine's engine, never stopped."""
    root = place / "here"
    patch.setenv("FACET_ENGINE", "this-machine")
    root.mkdir()
    slots.write(root, slots.Slots(1, 1))
    runs = [control.launch(plan, folder=root) for plan in plans]
    train_here(root)
    patch.setenv("FACET_ENGINE", "ray")
    return runs


class Three:
    """Three nodes, each with something that may be wrong with it: without our packages, with another one of them,
    without room for the photos. What a test killed is there again for the next one.
    """

    def __init__(self, place, photos):
        self.bare = nodes_here.Bare(place / "bare")
        self.other = place / "other"
        self.full = place / "full"
        self.link = self.full / "cache" / f".{photos}.tmp"  # where they are written
        self.link.parent.mkdir(parents=True)
        self.cluster = None

    def ready(self, patch):
        if self.cluster is None or self.cluster.headless:
            self.end()
            self.cluster = nodes_here.Nodes()
            patch.setenv("RAY_ADDRESS", self.cluster.cluster.address)
        here = {node.role for node in self.cluster.nodes if nodes_here.lives(node)}
        for role, python, environment in (
            ("bare", self.bare.python, {}),
            ("other", None, {"PYTHONPATH": str(self.other)}),
            ("full", None, {"FACET_NODE_FOLDER": str(self.full)}),
        ):
            if role not in here:
                self.cluster.add(python, **environment).role = role
        self.mend()
        return self

    def spoil(self):
        self.bare.uninstall_the_rest()
        (self.other / "numpy-1.0.dist-info").mkdir(parents=True)
        (self.other / "numpy-1.0.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: numpy\nVersion: 1.0\n"
        )
        shutil.rmtree(self.full)
        self.link.parent.mkdir(parents=True)
        self.link.symlink_to("/dev/full")  # the system says that it is full

    def mend(self):
        self.bare.install_the_rest()
        shutil.rmtree(self.other, ignore_errors=True)
        self.link.unlink(missing_ok=True)

    def end(self):
        ray.shutdown()
        if self.cluster is not None:
            self.cluster.end()


@pytest.fixture(scope="module")
def three(patch, place, here):
    (photos,) = (lab_folder(here[0].dir.parent) / "cache").glob("*.npy")
    three = Three(place, photos.name)
    yield three
    three.end()


@pytest.fixture
def nodes(three, patch):
    """Three nodes that can train."""
    yield three.ready(patch).cluster
    ray.shutdown()


@pytest.fixture
def fourth(nodes):
    """One more node, while a test goes on."""
    node = nodes.add()
    node.role = "fourth"
    yield
    if node in nodes.nodes:
        nodes.nodes.remove(node)
        nodes.cluster.remove_node(node)


@pytest.fixture
def root(tmp_path, holds):
    folder = tmp_path / "runs"
    folder.mkdir()
    slots.write(folder, slots.Slots(1, 1))
    yield folder
    holds.clear()
    shutil.rmtree(folder, ignore_errors=True)


def serve(root, look=lambda: None):
    """A writer's whole life, in this process; `look` is called between its rounds."""

    def pause(seconds):
        look()
        threading.Event().wait(0.1)

    life.serve(root, ray_cluster.connect, engines.demand, pause=pause)


def assert_same(runs, here):
    assert halt.stopped(runs[0].dir.parent) is None, halt.stopped(runs[0].dir.parent)
    for run, other in zip(runs, here, strict=True):
        for fold in run.folds():
            assert_same_result(run, other, fold)


class LabDied(Exception):
    """As if the process of the writer had been killed."""


@pytest.mark.fault(47)
def test_nodes_that_cannot_train_say_why_and_the_fold_waits_until_one_was_mended(
    nodes, three, plans, here, root, monkeypatch
):
    monkeypatch.setenv("FACET_SILENCE", "60")  # on a busy machine a node takes its time to see what it lacks
    three.spoil()
    run = control.launch(plans[0], folder=root)
    keep_queued(run, [0])
    seen = {}

    def look():
        report = elsewhere.report(root)
        why = {node["name"]: node["why"] for node in report["nodes"]}
        if not seen and all(why.values()):
            seen.update(why=why, report=report, attempts=taken.attempts(run, 0), state=run.fold_state(0).state)
            three.mend()
            for name in why:
                elsewhere.use_node(root, name, True)

    serve(root, look)
    words = "\n".join(seen["why"].values())
    for name, why in seen["why"].items():
        assert why.startswith(f"{name} ")
        assert why.endswith(f"then: python -m core engine --put-back '{name}'{runs_option(root)}")
    assert "lacks what the lab needs (No module named" in words
    assert words.count("pip install -r requirements.txt") == 2
    assert "has numpy 1.0 instead of" in words
    assert f"has no room in {three.full}; free some there" in words
    assert seen["report"]["places"] == 0
    assert seen["report"]["trouble"].startswith("No node of the cluster can take a fold job; ")
    assert seen["state"] == "queued"
    assert_same_result(run, here[0], 0)
    assert [entry["attempt"] for entry in taken.attempts(run, 0)] == [4]  # each node was asked once
    assert elsewhere.wishes(root) == {}


@pytest.mark.parametrize("mine", [("2.59.0", "3.11.7"), (ray.__version__, "3.99.0")], ids=["ray", "python"])
def test_another_version_of_ray_or_python_comes_in_neither_as_a_lab_nor_as_a_node(nodes, root, monkeypatch, mine):
    """What such a machine says of itself is what Ray compares, and says before anything is begun."""
    with monkeypatch.context() as other:
        other.setattr(ray._private.utils, "compute_version_info", lambda: mine)
        with pytest.raises(LabError, match="Version mismatch: The cluster was started with: Ray: ") as refused:
            ray_cluster.connect(root, "ray")
        with pytest.raises(RuntimeError, match="Version mismatch"):
            nodes.add()
    assert f"Ray: {mine[0]} Python: {mine[1]}" in refused.value.message
    assert "Install the same Ray and Python on every machine" in refused.value.remedy
    assert len(ray_cluster.look(root, "ray")) == 3


def test_fold_jobs_share_a_gpu_as_the_setting_says(nodes, place, root, monkeypatch):
    """Three that want half of one GPU each: two begin, the third once one of them has ended."""
    monkeypatch.setenv(engines.SHARE, "2")
    folder = place / "shares"
    folder.mkdir()

    def probe(code, job, key, attempt, blobs, actor):
        import os
        import pathlib
        import threading

        fold = str(key[1])
        (pathlib.Path(folder) / f"began-{fold}").write_text(f"{os.environ['CUDA_VISIBLE_DEVICES']} {os.getpid()}")
        while not (pathlib.Path(folder) / f"end-{fold}").exists():
            threading.Event().wait(0.05)

    def began():
        return {path.name[-1]: path.read_text() for path in folder.glob("began-*")}

    card = nodes.cluster.add_node(num_cpus=3, num_gpus=1, **nodes.options())
    try:
        with ray_cluster.visiting("ray"):
            wants = engines.demand(root, len([node for node in ray_cluster.nodes_of(ray) if node.gpus]))
            hands = ray_hands.RayHands(ray.put(b""), probe, None)
            jobs = [FoldJob("r", fold, 1, {}, cores=wants.cores, gpus=wants.gpus) for fold in range(3)]
            tasks = [hands.start(job, {}, []) for job in jobs]
            until(lambda: len(began()) == 2, "two begin")
            until(lambda: ray.available_resources().get("GPU", 0) == 0, "the GPU is taken")
            first = min(began())
            (folder / f"end-{first}").touch()
            until(lambda: len(began()) == 3, "the third begins")
            given, processes = zip(*(words.split() for words in began().values()), strict=True)
            assert set(given) == {"0"}
            assert len(set(processes)) == 3  # one that has used a GPU stays on it, also where it is given another
            assert hands.ended(tasks) == [(tasks[int(first)], "")]
            for fold in range(3):
                (folder / f"end-{fold}").touch()
            until(lambda: len(hands.ended(tasks)) == 3, "all end")
    finally:
        nodes.cluster.remove_node(card)


def test_a_node_trains_one_fold_after_another_in_one_process(nodes, plans, here, root, holds):
    """Which has torch loaded: a new one for each fold would take longer than many a fold."""
    runs = [control.launch(plan, folder=root) for plan in plans]
    serve(root)
    assert_same(runs, here)
    processes = {}
    for run in runs:
        for fold in run.folds():
            node = taken.attempts(run, fold)[-1]["name"]
            processes.setdefault(node, set()).add(holds.trained_in(run, fold))
    assert {node: len(pids) for node, pids in processes.items()} == dict.fromkeys(processes, 1)


@pytest.mark.fault(47)
def test_a_study_on_three_nodes_one_killed_and_one_frozen_and_woken_is_the_study_of_this_machine(
    nodes, fourth, plans, here, root, holds
):
    """Four runs of three folds; no fold is trained by two writers, and nobody clicks.

    Of the two nodes that are left, one stands still with the last fold, and the other one trains what was lost.
    """
    runs = [control.launch(plan, folder=root) for plan in plans]
    for run, fold in ((runs[0], 0), (runs[0], 1), (runs[-1], 2)):
        holds.ask(run, fold)
    pids, story, frozen = {}, [], {}

    def look():
        if not story:
            pids.update({fold: holds.pid(runs[0], fold) for fold in (0, 1)})
            if not all(pids.values()):
                return
            _, frozen["raylet"] = nodes.raylet_of(pids[1])
            for process in (pids[1], frozen["raylet"].pid):
                os.kill(process, signal.SIGSTOP)  # cut off, in the middle of an epoch
            nodes.kill(pids[0])  # dead, in the middle of an epoch
            for fold in (0, 1):
                holds.let_go(runs[0], fold)
            story.append("struck")
        elif story == ["struck"] and runs[0].written_state(1).state == "done":
            os.kill(pids[1], signal.SIGCONT)
            story.append("woken")
        elif story == ["struck", "woken"] and "refused what attempt 1 sent" in runs[0].log_tail(200):
            frozen["raylet"].send_signal(signal.SIGCONT)
            holds.let_go(runs[-1], 2)  # the last one: until then the lab waits for what was woken
            story.append("refused")

    serve(root, look)
    assert story == ["struck", "woken", "refused"]
    assert_same(runs, here)
    for fold in (0, 1):
        numbers = [entry["attempt"] for entry in taken.attempts(runs[0], fold)]
        assert len(numbers) > 1 and numbers == sorted(set(numbers))
    log = runs[0].log_tail(200)
    assert "was lost: NodeDiedError" in log or "was lost: WorkerCrashedError" in log
    assert "was lost: nothing was heard of it for 6 s" in log
    assert not elsewhere.under_way(root)
    assert ray_desks.desks(root, "ray") == []  # its lab was through


def test_a_forgotten_desk_is_named_and_removed_and_not_while_it_holds_something(nodes, root, tmp_path, monkeypatch):
    """Of a lab whose folder nobody has any more."""
    left = ray_cluster.connect(tmp_path / "gone", "ray")
    left.hello("w")
    left.close(end=False)
    (desk,) = ray_desks.desks(root, "ray")
    assert desk.lab.endswith(f":{tmp_path / 'gone'}") and not desk.mine and not desk.holds
    with pytest.raises(LabError, match="Its lab is at work"):
        ray_desks.forget(root, "ray", desk.name)
    with pytest.raises(LabError, match="there is no desk-0 at ray") as refused:
        ray_desks.forget(root, "ray", "desk-0")
    assert desk.name in refused.value.remedy
    monkeypatch.setattr(ray_desks, "IN_USE", 0.0)
    assert ray_desks.forget(root, "ray", desk.name).name == desk.name
    assert ray_desks.desks(root, "ray") == []


def test_a_lab_that_died_finds_what_was_trained_and_a_head_that_dies_leaves_a_fold_to_resume_here(
    nodes, plans, here, root, holds, monkeypatch
):
    run = control.launch(plans[0], folder=root)
    keep_queued(run, [0, 1])
    for fold in (0, 1):
        holds.ask(run, fold)

    def dies():
        if (
            holds.pid(run, 0)
            and holds.pid(run, 1)
            and {run.written_state(fold).state for fold in (0, 1)} == {"running"}
        ):
            raise LabDied

    with pytest.raises(LabDied):
        serve(root, dies)
    gc.collect()  # its locks, which the system would have freed
    ray.shutdown()
    assert run.fold_state(0).state == "interrupted"
    (desk,) = ray_desks.desks(root, "ray")
    assert (desk.mine, desk.in_use, desk.training) == (True, True, 2)
    with pytest.raises(LabError, match="Nothing of it is at work here") as refused:
        ray_desks.forget(root, "ray", desk.name, even_if_it_holds=True)
    assert "Try again in" in refused.value.remedy
    with monkeypatch.context() as later:
        later.setattr(ray_desks, "IN_USE", 0.0)
        with pytest.raises(LabError, match=r"2 fold jobs in training.* All that would be lost") as refused:
            ray_desks.forget(root, "ray", desk.name)
    assert "--yes" in refused.value.remedy
    holds.let_go(run, 0)  # it ends while no lab is there

    def look():
        if run.written_state(0).state == "done":
            nodes.kill_head()

    monkeypatch.setattr(ray_cluster, "ANSWER", 2.0)
    serve(root, look)
    assert_same_result(run, here[0], 0)
    assert [entry["attempt"] for entry in taken.attempts(run, 0)] == [1]
    assert "The Ray cluster at ray is gone" in halt.stopped(root).message
    state = run.fold_state(1)
    assert (state.state, state.kind) == ("interrupted", "stopped")
    assert "Resume goes on after epoch" in state.remedy
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    halt.go_on(root)
    control.resume(run)
    keep_queued(run, [1])
    train_here(root)
    assert_same_result(run, here[0], 1)
