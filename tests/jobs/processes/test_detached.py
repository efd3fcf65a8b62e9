"""What a process beside the lab is started with."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from core import machine, places
from core.jobs.alerts.line import Line
from core.jobs.processes import detached, ready
from core.network.weights import weights_folder
from tests.closed import close

STARTS = {
    "worker": lambda root: detached.start("worker", root=root),
    "messenger": lambda root: Line(root)._start(),
    "process that waits": ready.keep,
}


@pytest.fixture
def begun(runs_folder, monkeypatch):
    """With which options processes would have been started."""
    options = []
    monkeypatch.setattr(ready, "_is_of_use", lambda root: True)
    monkeypatch.setattr(ready, "_waiting", {})
    monkeypatch.setattr(ready.Waiting, "say", lambda *_: True)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **each: options.append(each) or SimpleNamespace(stdin=None))
    places.lab_folder(runs_folder).mkdir(exist_ok=True)
    return options


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_folders_that_are_named_from_where_the_lab_was_started_are_the_same_for_what_it_starts(
    runs_folder, tmp_path, monkeypatch, begun, start
):
    """They begin in the lab's own folder, and would read another lab.toml there, or none."""
    (tmp_path / "lab.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACET_LAB_FILE", "lab.toml")
    monkeypatch.setenv("FACET_DEMO", "./demo")
    monkeypatch.setenv("FACET_RUNS", "")
    monkeypatch.setenv("TORCH_HOME", "torch")
    monkeypatch.setenv("XDG_CACHE_HOME", "~/cache")
    here = places.lab_file().resolve(), places.demo_folder(), places.runs_folder(), weights_folder().resolve()
    start(runs_folder)
    ((options,)) = begun
    monkeypatch.setattr(os, "environ", options["env"])
    monkeypatch.chdir(options["cwd"])
    there = places.lab_file().resolve(), places.demo_folder(), places.runs_folder(), weights_folder().resolve()
    assert there == here and os.environ["XDG_CACHE_HOME"] == os.path.expanduser("~/cache")
    assert os.path.isabs(options["env"]["FACET_LAB_FILE"]) and os.path.isabs(options["env"]["FACET_DEMO"])


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_where_another_account_has_the_log_what_is_started_writes_into_one_beside_it(
    runs_folder, monkeypatch, begun, start
):
    lab = places.lab_folder(runs_folder)
    close(monkeypatch, lab / "worker.log")
    start(runs_folder)
    ((options,)) = begun
    assert options["stdout"].name == options["stderr"].name == str(lab / f"worker.{machine.account()}.log")
