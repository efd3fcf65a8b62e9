"""The summaries of all runs, each from its summary.json alone where that is good. Imports no torch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.config import settings
from core.errors import LabError
from core.places import runs_folder
from core.runs import deaths
from core.runs.names import given
from core.runs.run import ID, Run
from core.runs.states import check_summary, overall, slim
from core.runs.summary import is_guessed, rebuilt
from core.storage import files
from core.storage.files import GARBAGE


def summaries(folder: Path | None = None) -> list[dict[str, Any]]:
    """Every run's summary, newest first, from summary.json alone where it is good; see read_summary.

    Each gets `state`: running | queued | failed | cancelled | interrupted | done, from its folds.
    """
    root = folder or runs_folder()
    listed = []
    try:
        names = sorted((entry.name for entry in os.scandir(root) if ID.fullmatch(entry.name)), reverse=True)
    except FileNotFoundError:
        return []
    for name in names:
        summary = read_summary(root / name)
        if summary is not None:
            listed.append(derived(root / name, summary))
    return listed


def read_summary(run_dir: Path) -> dict[str, Any] | None:
    """summary.json as it is written, under the run's name as it is now; None where there is no run folder.

    A missing or damaged one is made anew, and written where that is allowed; {'id', 'unreadable'} where it cannot be.
    """
    run = Run(run_dir.name, run_dir.parent)
    try:
        summary = files.read_json(run.summary_file)
        check_summary(summary)
        return given.summary(_with_attributes({**summary, "id": run_dir.name}, run), run.notes_file)
    except FileNotFoundError:
        if not run_dir.is_dir():
            return None
        why = "summary.json is missing"
    except (OSError, *GARBAGE) as error:
        why = f"summary.json cannot be read ({type(error).__name__})"
    if (summary := rebuilt(run)) is None:
        return {"id": run_dir.name, "unreadable": (run.exists() and _out_of_reach(run)) or why}
    if not is_guessed(summary):
        with contextlib.suppress(OSError, LabError):
            run.write_summary()
    return given.summary(summary, run.notes_file)


def lacks_attributes(summary: Mapping[str, Any]) -> bool:
    """Whether it does not name what the run tells one by one: an older lab left that to the dataset."""
    flat = summary.get("settings")
    return (
        isinstance(flat, dict)
        and (flat.get("task.name"), flat.get("task.together")) == ("attributes", "each")
        and not flat.get("task.attributes")
    )


def _with_attributes(summary: dict[str, Any], run: Run) -> dict[str, Any]:
    """The summary with the task that a new run of the same attributes has; as it is while that cannot be read."""
    if not lacks_attributes(summary):
        return summary
    try:
        config = run.config()
    except (OSError, LabError):
        return summary
    named = {"task.attributes": settings.flat(config)["task.attributes"]}
    return {**summary, "task": config.task.title, "settings": {**summary["settings"], **named}}


def what_to_do(run: Run) -> str:
    """What to do about a run that is unreadable. One that may be whole, where this account may not read it or its disk
    does not answer, is not said to be deleted."""
    return files.CHECK if _out_of_reach(run) else "Its folder can be mended, or deleted on the page Runs."


def _out_of_reach(run: Run) -> str:
    """What of all that a summary is made from cannot be read though it may be whole; empty where nothing is so."""
    path = run.dir / "folds"
    try:
        states = [run.state_file(fold) for fold in run.folds()]
        frozen = (run.config_file, run.samples_file, run.info_file, run.moved_file)
        for path in (run.summary_file, *frozen, *states):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
                stream.read(1)
    except OSError as error:
        if files.out_of_reach(error):
            return f"{path.relative_to(run.dir).as_posix()} cannot be read ({error.strerror})"
    return ""


def derived(run_dir: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """The summary with `state`, and with what a dead worker left 'running' shown as interrupted."""
    if "unreadable" in summary:
        return summary
    folds = [_derive(run_dir, fold) for fold in summary["folds"]]
    return {**summary, "folds": folds, "state": overall(fold["state"] for fold in folds)}


def _derive(run_dir: Path, fold: dict[str, Any]) -> dict[str, Any]:
    if fold["state"] != "running":
        return fold
    if fold.get("kind") in deaths.VERDICTS:  # whoever goes on with it writes it without
        return {**fold, "state": "interrupted"}
    return {**fold, **slim(Run(run_dir.name, run_dir.parent).fold_state(int(fold["fold"])))}
