"""Fold jobs on real Ray nodes, all on this machine: killed, frozen, woken. Skipped where Ray is not installed.

The nodes get the lab's code with a small network in it, and stand still in the middle of an epoch where a file says so.
"""

import inspect
import io
import itertools
import os
import shutil
import signal
import textwrap
import threading
import zipfile

import psutil
import pytest

from core.config import from_dict
from core.data.scan import scan
from core.engines import engine as engines
from core.engines import life, pack, taken
from core.jobs import control, elsewhere, halt, slots
from core.plan.plan import make_plan
from tests.conftest import TINY
from tests.workers import SmallNet, Workers, assert_same_result, kill_tree, small_net

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
cluster_utils = pytest.importorskip("ray.cluster_utils")
pytestmark = pytest.mark.timeout(600)
PORTS = itertools.count(47200)
NETWORK = "\nimport torch, torchvision\n" + inspect.getsource(SmallNet) + "torchvision.models.resnet18 = SmallNet\n"
HOLD = textwrap.dedent("""
    def _hold(original=Clock.tick):
        import os, threading
        def tick(clock, split, step, steps, done):
            fold, folder = f"{clock.trainer.run.id}-{clock.trainer.fold}", os.environ["FACET_TEST_HOLDS"]
            asked = os.path.join(folder, f"hold-{fold}")
            if (clock.epoch, split, step) == (2, "train", 1) and os.path.exists(asked):
                with open(os.path.join(folder, f"held-{fold}"), "w") as stream:
                    stream.write(str(os.getpid()))
                while os.path.exists(asked):
                    threading.Event().wait(0.05)
            return original(clock, split, step, steps, done)
        Clock.tick = tick
    _hold()
""")


def code_with(additions):
    """The lab's zip as `pack.code` makes it, with text added to some files."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(pack.code())) as source, zipfile.ZipFile(content, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name) + additions.get(name, "").encode())
    return content.getvalue()


class Nodes:
    """A cluster with a head that trains nothing, and nodes of one core."""

    def __init__(self):
        self.cluster = cluster_utils.Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **self.options()}
        )
        self.nodes = [self.add() for _ in range(3)]

    @staticmethod
    def options():
        agents = {"metrics_agent_port": next(PORTS), "runtime_env_agent_port": next(PORTS)}  # known, so nobody waits
        return {"object_store_memory": 150_000_000, **agents}

    def add(self):
        return self.cluster.add_node(num_cpus=1, **self.options())

    def raylet_of(self, pid):
        """(node, its raylet's process) of the node on which a process trains."""
        ancestors = {parent.pid for parent in psutil.Process(pid).parents()}
        raylets = [(node, node.all_processes["raylet"][0].process) for node in self.nodes]
        return next((node, raylet) for node, raylet in raylets if raylet.pid in ancestors)

    def kill(self, pid):
        """Kill the node on which a process trains, without grace."""
        node, raylet = self.raylet_of(pid)
        self.nodes.remove(node)
        raylet.send_signal(signal.SIGKILL)
        kill_tree(pid)
        self.cluster.remove_node(node, allow_graceful=False)


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
        code = code_with({"core/network/model.py": NETWORK, "core/training/train.py": HOLD})
        patch.setattr(pack, "code", lambda: code)
        (place / "holds").mkdir()
        yield patch


@pytest.fixture(scope="module")
def nodes(patch):
    nodes = Nodes()
    patch.setenv("RAY_ADDRESS", nodes.cluster.address)
    yield nodes
    ray.shutdown()
    nodes.cluster.shutdown()


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


@pytest.fixture(scope="module")
def here(plans, place, patch):
    """The same study on this machine's engine, never stopped."""
    root = place / "here"
    patch.setenv("FACET_ENGINE", "this-machine")
    root.mkdir()
    runs = [control.launch(plan, folder=root) for plan in plans]
    crew = Workers(root)
    assert crew.run(small_net) == 0
    crew.end()
    patch.setenv("FACET_ENGINE", "ray")
    return runs


@pytest.fixture
def root(tmp_path, place):
    folder = tmp_path / "runs"
    folder.mkdir()
    slots.write(folder, slots.Slots(1, 1))
    yield folder
    for path in (place / "holds").iterdir():
        path.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def serve(root, look=lambda: None):
    """A writer's whole life, in this process; `look` is called between its rounds."""

    def pause(seconds):
        look()
        threading.Event().wait(0.1)

    life.serve(root, ray_cluster_connect, engines.demand, pause=pause)
    assert halt.stopped(root) is None, halt.stopped(root)


def ray_cluster_connect(root, address):
    from core.engines import ray_cluster

    return ray_cluster.connect(root, address)


def same_as(runs, here):
    for run, other in zip(runs, here, strict=True):
        for fold in run.folds():
            assert_same_result(run, other, fold)


@pytest.mark.fault(47)
def test_a_study_on_three_nodes_one_killed_and_one_frozen_and_woken_is_the_study_of_this_machine(
    nodes, plans, here, root, place
):
    """Four runs of three folds; no fold is trained by two writers, and nobody clicks."""
    holds = place / "holds"
    runs = [control.launch(plan, folder=root) for plan in plans]
    for fold in (0, 1):
        (holds / f"hold-{runs[0].id}-{fold}").touch()
    pids = {}
    story, frozen = [], {}

    def look():
        held = {fold: holds / f"held-{runs[0].id}-{fold}" for fold in (0, 1)}
        if not story and all(path.exists() and path.read_text() for path in held.values()):
            pids.update({fold: int(path.read_text()) for fold, path in held.items()})
            _, frozen["raylet"] = nodes.raylet_of(pids[1])
            for process in (pids[1], frozen["raylet"].pid):
                os.kill(process, signal.SIGSTOP)  # cut off, in the middle of an epoch
            nodes.kill(pids[0])  # dead, in the middle of an epoch
            for fold in (0, 1):
                (holds / f"hold-{runs[0].id}-{fold}").unlink()
            story.append("struck")
        elif story == ["struck"] and runs[0].written_state(1).state == "done":
            os.kill(pids[1], signal.SIGCONT)
            story.append("woken")
        elif story == ["struck", "woken"] and "refused what attempt 1 sent" in runs[0].log_tail(200):
            frozen["raylet"].send_signal(signal.SIGCONT)
            story.append("refused")

    serve(root, look)
    assert story == ["struck", "woken", "refused"]
    same_as(runs, here)
    assert [entry["attempt"] for entry in taken.attempts(runs[0], 0)] == [1, 2]
    assert [entry["attempt"] for entry in taken.attempts(runs[0], 1)] == [1, 2]
    log = runs[0].log_tail(200)
    assert "was lost: NodeDiedError" in log or "was lost: WorkerCrashedError" in log
    assert "was lost: nothing was heard of it for 6 s" in log
    assert not elsewhere.under_way(root)
