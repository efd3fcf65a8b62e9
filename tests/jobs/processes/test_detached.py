"""What a process beside the lab is started with."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from core import places
from core.jobs.alerts.line import Line
from core.jobs.processes import detached, ready

STARTS = {
    "worker": lambda root: detached.start("worker", root=root),
    "messenger": lambda root: Line(root)._start(),
    "process that waits": ready.keep,
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_folders_that_are_named_from_where_the_lab_was_started_are_the_same_for_what_it_starts(
    runs_folder, tmp_path, monkeypatch, start
):
    """They begin in the lab's own folder, and would read another lab.toml there, or none."""
    begun = []
    monkeypatch.setattr(ready, "_is_of_use", lambda root: True)
    monkeypatch.setattr(ready, "_waiting", {})
    monkeypatch.setattr(ready.Waiting, "say", lambda *_: True)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **options: begun.append(options) or SimpleNamespace(stdin=None))
    places.lab_folder(runs_folder).mkdir(exist_ok=True)
    (tmp_path / "lab.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACET_LAB_FILE", "lab.toml")
    monkeypatch.setenv("FACET_DEMO", "./demo")
    monkeypatch.setenv("FACET_RUNS", "")
    here = places.lab_file().resolve(), places.demo_folder(), places.runs_folder()
    start(runs_folder)
    ((options,)) = begun
    monkeypatch.setattr(os, "environ", options["env"])
    monkeypatch.chdir(options["cwd"])
    assert (places.lab_file().resolve(), places.demo_folder(), places.runs_folder()) == here
    assert os.path.isabs(options["env"]["FACET_LAB_FILE"]) and os.path.isabs(options["env"]["FACET_DEMO"])
