"""What tests of the process that waits share."""

import pytest

from core.jobs import slots
from core.jobs.processes import ready
from tests.workers import until


@pytest.fixture
def root(runs_folder, monkeypatch):
    """A runs folder for which a process may wait; none is left. A slot has one thread: other tests want the cores."""
    monkeypatch.setenv(ready.OFF, "1")
    slots.write(runs_folder, slots.Slots(1, 1))
    yield runs_folder
    waiting = ready._waiting.get(runs_folder)
    ready._forget(runs_folder)
    if waiting is not None:
        until(lambda: waiting.process.poll() is not None, "what waited leaves when its line is closed")
