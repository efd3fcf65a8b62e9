"""Where the lab lies and where it keeps its things, spelt here and nowhere else. Imports no torch."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from core import machine

HOME = Path(__file__).parents[1]  # the folder of app.py, core/ and pages/
RUNS, DEMO, LAB_FILE = "FACET_RUNS", "FACET_DEMO", "FACET_LAB_FILE"  # who starts the lab may name them
_CACHES = "TORCH_HOME", "XDG_CACHE_HOME"  # of torch, which keeps ImageNet weights there; ~ is the home folder


def runs_folder() -> Path:
    """The folder of all runs: FACET_RUNS if set, else runs/ beside app.py."""
    return Path(os.path.realpath(os.environ.get(RUNS) or HOME / "runs"))


def runs_option(runs: Path) -> str:
    """What a command that a person is told to type ends with, so that it is about these runs in whichever shell;
    nothing where they lie in runs/ beside app.py."""
    whole = os.path.realpath(runs)
    return "" if whole == os.path.realpath(HOME / "runs") else f" --runs {shlex.quote(whole)}"


def lab_folder(runs: Path | None = None) -> Path:
    """What the lab keeps beside the runs: queue, slots, pixel cache, corrections, studies. runs: runs_folder() if None.

    A run id never begins with a dot, so no run is ever mistaken for it.
    """
    return (runs or runs_folder()) / ".lab"


def lab_file(runs: Path | None = None) -> Path:
    """What holds for the whole lab: FACET_LAB_FILE if set, else lab.toml in the folder of its runs."""
    return Path(os.environ.get(LAB_FILE) or (runs or runs_folder()) / "lab.toml")


def datasets_folder(runs: Path | None = None) -> Path:
    """Where datasets lie that came as a zip, a folder each."""
    return lab_folder(runs) / "datasets"


def demo_folder() -> Path:
    """Where the demo dataset is drawn: FACET_DEMO if set, else demo/ beside app.py."""
    return Path(os.environ.get(DEMO) or HOME / "demo").resolve()


def environment() -> dict[str, str]:
    """For a process of the lab's on this machine: machine.environment, with what is named here meant from this folder.

    It begins in HOME: what was named from where the lab was started would be another file there, or none.
    """
    named = {name: os.path.abspath(os.environ[name]) for name in (RUNS, DEMO, LAB_FILE) if os.environ.get(name)}
    caches = {name: os.path.abspath(os.path.expanduser(os.environ[name])) for name in _CACHES if os.environ.get(name)}
    return machine.environment() | named | caches


def machine_folder(runs: Path | None = None) -> Path:
    """What holds for one machine alone, since several may share a runs folder: slots, settings, speeds, a stop."""
    return lab_folder(runs) / "machines" / machine.name()
