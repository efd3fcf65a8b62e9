"""Runs with odd photos, packaged once for all tests: one of each kind of head, two folds each."""

import shutil
import zipfile

import pytest

from core.export import package as packages
from tests.export.odd_runs import Taken, answered_run, odd_faces


@pytest.fixture(scope="session")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    run = answered_run(folder / "runs", odd_faces(folder / "faces"), "joint", kept=("best",))
    packaged = packages.package(run, folder / "taken.zip")
    with zipfile.ZipFile(folder / "taken.zip") as archive:
        archive.extractall(folder)
    yield Taken(run, folder / "taken.zip", folder / "taken", packaged)
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
