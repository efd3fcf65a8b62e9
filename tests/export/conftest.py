"""Runs with odd photos, packaged once for all tests: one of each kind of head, two folds each; one in all forms."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile

import httpx
import pytest

from core.export import package as packages
from core.export.formats.names import FILES
from core.places import HOME
from tests.export.odd_runs import TOKEN, Taken, answered_run, odd_faces


@pytest.fixture(scope="session")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
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
    run = answered_run(folder / "runs", odd_faces(folder / "faces"), "factored", kept=("best",))
    (folder / "taken").mkdir()
    yield Taken(run, folder / "none.zip", folder / "taken", packages.build(run, folder / "taken"))
    shutil.rmtree(folder)


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
