"""A Ray cluster on this machine: a head that trains nothing, and nodes of one core with what they are given.

Imports ray: a test asks for it with pytest.importorskip first.
"""

import contextlib
import inspect
import io
import os
import signal
import socket
import sys
import textwrap
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from core.engines import pack
from tests.workers import SmallNet, kill_tree

NETWORK = "\nimport torch, torchvision\n" + inspect.getsource(SmallNet) + "torchvision.models.resnet18 = SmallNet\n"
# Says in which process it trains, and stands still in the middle of the second epoch as long as a file says so.
HOLD = textwrap.dedent("""
    def _hold(original=Clock.tick):
        import os, threading
        def tick(clock, split, step, steps, done):
            fold, folder = f"{clock.trainer.run.id}-{clock.trainer.fold}", os.environ["FACET_TEST_HOLDS"]
            asked = os.path.join(folder, f"hold-{fold}")
            with open(os.path.join(folder, f"trains-{fold}"), "w") as stream:
                stream.write(str(os.getpid()))
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


def small_code():
    """The lab's zip with the small network, which stands still where it is asked to."""
    return code_with({"core/network/model.py": NETWORK, "core/training/train.py": HOLD})


class Holds:
    """Folds that stand still on their node."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def ask(self, run, fold):
        (self.folder / f"hold-{run.id}-{fold}").touch()

    def pid(self, run, fold):
        """The process in which it stands still; 0 while it does not."""
        path = self.folder / f"held-{run.id}-{fold}"
        return int((path.exists() and path.read_text()) or 0)

    def trained_in(self, run, fold):
        """The process in which it trained."""
        return int((self.folder / f"trains-{run.id}-{fold}").read_text())

    def let_go(self, run, fold):
        (self.folder / f"hold-{run.id}-{fold}").unlink()

    def clear(self):
        for path in self.folder.iterdir():
            path.unlink()


def free_ports(count):
    with contextlib.ExitStack() as open_together:
        probes = [open_together.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def lives(node):
    """Whether its raylet is a process still: one that was cut off for too long ends itself."""
    return node.all_processes["raylet"][0].process.poll() is None


class Nodes:
    """The cluster."""

    def __init__(self, **head):
        small = {"num_cpus": 0, "include_dashboard": False, "no_monitor": True, "include_log_monitor": False}
        self.cluster = Cluster(initialize_head=True, head_node_args={**small, **self.options(), **head})
        self.nodes, self.headless = [], False

    @staticmethod
    def options():
        """All ports of a node's agents are given: otherwise its raylet waits until each agent has said its own."""
        ports = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
        return {"object_store_memory": 80_000_000, **dict(zip(ports, free_ports(len(ports)), strict=True))}

    def add(self, python=None, **environment):
        """A node of one core. python: what its processes are. environment: theirs, beside the test's."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "executable", str(python or sys.executable))
            for name, value in environment.items():
                patch.setenv(name, value)
            self.nodes.append(self.cluster.add_node(num_cpus=1, **self.options()))
        return self.nodes[-1]

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

    def kill_head(self):
        """Every process of the head, without grace."""
        self.headless = True
        for processes in self.cluster.head_node.all_processes.values():
            for each in processes:
                kill_tree(each.process.pid)

    def end(self):
        for node in self.nodes:
            for processes in node.all_processes.values():
                for each in processes:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each.process.pid, signal.SIGCONT)
        self.cluster.shutdown()


class Bare:
    """A Python of its own that has Ray and what Ray needs, and nothing else."""

    def __init__(self, folder):
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        self.packages = next(folder.glob("lib/python*/site-packages"))
        self.needed = {path.split("/")[0] for name in _needed_by("ray", set()) for path in _files_of(name)}
        self._link(self.needed)

    def install_the_rest(self):
        self._link(set().union(*(os.listdir(place) for place in _places())))

    def uninstall_the_rest(self):
        for name in set(os.listdir(self.packages)) - self.needed:
            (self.packages / name).unlink()

    def _link(self, names):
        for place in _places():
            for name in names & set(os.listdir(place)):
                if not (self.packages / name).exists() and not name.endswith((".pth", "__pycache__")):
                    (self.packages / name).symlink_to(place / name)


def _places():
    return [Path(place) for place in sys.path if place.endswith("site-packages")]


def _files_of(name):
    return [path.as_posix() for path in metadata.files(name) or () if not path.as_posix().startswith("..")]


def _needed_by(name, seen):
    """Names of a distribution and all that it needs without extras, as installed here."""
    from packaging.requirements import Requirement

    seen.add(name)
    for requirement in map(Requirement, metadata.requires(name) or ()):
        if requirement.name not in seen and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            with contextlib.suppress(metadata.PackageNotFoundError):
                _needed_by(requirement.name, seen)
    return seen
