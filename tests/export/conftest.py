"""Runs with odd photos, packaged once for all tests: one of each kind of head, two folds each; one in all forms.

Their networks have half their width and half their blocks, as everywhere in the test files that ask for them: what a
package is made of is the same. test_one_by_one.py packages whole networks.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from functools import partial

import httpx
import onnx
import pytest
import torchvision

from core.export import network
from core.export import package as packages
from core.export.formats.names import FILES
from core.places import HOME
from tests.export.odd_runs import TOKEN, Taken, answered_run, odd_faces
from tests.narrow import Narrow


@contextlib.contextmanager
def at_half_size():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torchvision.models, "resnet18", partial(Narrow, width=32, most=1))
        yield


@pytest.fixture(scope="module")
def half():
    """As long as a module's tests go on, a ResNet-18 is as in the packages that are made here."""
    with at_half_size():
        yield


@pytest.fixture(scope="session")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    with at_half_size():
        run = answered_run(folder / "runs", odd_faces(folder / "faces"), "joint", kept=("best",))
        packaged = packages.package(run, folder / "taken.zip", formats=list(FILES), calibration=4)
    with zipfile.ZipFile(folder / "taken.zip") as archive:
        archive.extractall(folder)
    yield Taken(run, folder / "taken.zip", folder / run.id, packaged)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def factored(tmp_path_factory):
    """Not as a zip."""
    folder = tmp_path_factory.mktemp("factored")
    (folder / "taken").mkdir()
    with at_half_size():
        run = answered_run(folder / "runs", odd_faces(folder / "faces"), "factored", kept=("best",))
        packaged = packages.build(run, folder / "taken")
    yield Taken(run, folder / "none.zip", folder / "taken", packaged)
    shutil.rmtree(folder)


@pytest.fixture
def exported(joint, monkeypatch):
    """What is packaged in this test has the graph that torch made of such a network already, which takes it seconds."""
    monkeypatch.setattr(network, "graph_of", lambda opened: onnx.load(joint.folder / "folds/0/model.onnx"))


@pytest.fixture(params=["joint", "factored"])
def taken(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def served(joint, tmp_path_factory):
    """The lab's own `serve` of a zip as a process, with a token. It ends when told to, and leaves nothing, neither what
    was unpacked nor what onnxruntime notes of a session that it reports to its makers."""
    place = tmp_path_factory.mktemp("served")
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "serve", str(joint.zip), "--port", "0"],
        cwd=HOME,
        env={**os.environ, "FACET_TOKEN": TOKEN, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert joint.run.id in line and "2 folds" in line
        address = line.split(" at ")[1].split()[0]
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
            yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not list(place.iterdir())
    finally:
        process.kill()
        process.communicate()
