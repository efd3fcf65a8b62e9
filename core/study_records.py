"""Studies that were launched: which runs belong together, and what is done to all of them. Imports no torch.

runs/.lab/studies/<id>.json names the runs before the first of them is made, so that a study that was cut off in the
middle of its launch can be completed. Runs hold their own state; a study has none but its order and `paused`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from core import config as configs
from core import files, jobs, locks, queue, runs
from core.data import Scan
from core.errors import LabError
from core.places import lab_folder, runs_folder
from core.plan import Plan, check_weights
from core.runs import Run, check_id
from core.states import ALIVE, GARBAGE
from core.study import StudyConfig, make_plans


@dataclass(frozen=True)
class Member:
    """One run of a study. config: the complete RunConfig as a dict, so that it can be launched again."""

    id: str
    name: str
    config: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What was asked and which runs answer it, in the order of the grid; added runs stand last."""

    id: str
    name: str
    description: str
    created: float
    settings: dict[str, Any]
    runs: list[Member]
    paused: bool = False
    refused: dict[str, str] = field(default_factory=dict)  # run id -> why it could not be launched

    @property
    def run_ids(self) -> list[str]:
        return [member.id for member in self.runs]


def folder_of(root: Path) -> Path:
    return lab_folder(root) / "studies"


def all_studies(folder: Path | None = None) -> list[Study]:
    """Every readable study, newest first."""
    found = []
    for path in sorted(folder_of(folder or runs_folder()).glob("*.json"), reverse=True):
        try:
            found.append(_read(path))
        except LabError:
            continue
    return found


def load(study_id: str, folder: Path | None = None) -> Study:
    """Raises LabError: 'bad-id', 'gone', or 'config' for a record that was damaged."""
    path = folder_of(folder or runs_folder()) / f"{check_id(study_id)}.json"
    if not path.is_file():
        raise LabError(f"study '{study_id}' is gone.", "It was deleted; pick another one.", kind="gone")
    return _read(path)


def exists(study_id: str, folder: Path | None = None) -> bool:
    return (folder_of(folder or runs_folder()) / f"{check_id(study_id)}.json").is_file()


def _read(path: Path) -> Study:
    try:
        data = files.read_json(path)
        return Study(**{**data, "runs": [Member(**member) for member in data["runs"]]})
    except (OSError, *GARBAGE) as error:
        raise LabError(
            f"study {path.stem}: its record cannot be read ({type(error).__name__}).",
            f"Delete {path.name} in runs/.lab/studies; the runs themselves are whole.",
            kind="config",
        ) from None


def _write(study: Study, root: Path) -> None:
    data = {**vars(study), "runs": [vars(member) for member in study.runs]}
    files.write_json(folder_of(root) / f"{study.id}.json", data)


def _lock(root: Path) -> FileLock:
    folder_of(root).mkdir(parents=True, exist_ok=True)
    return locks.lock(folder_of(root) / ".lock", timeout=30)


def launch(
    study: StudyConfig, plans: Sequence[Plan], *, study_id: str | None = None, folder: Path | None = None
) -> Study:
    """Record the study, then launch its runs one after another; a run that is refused does not stop the others.

    study_id: made before the click, so that a double click launches once.
    Raises LabError: 'exists' for a study that was launched before; 'weights', before anything is queued.
    """
    root = folder or runs_folder()
    for plan in plans:
        check_weights(plan.config)
    study_id = check_id(study_id or runs.new_id(study.name))
    members = [_member(study_id, index, plan) for index, plan in enumerate(plans)]
    with _lock(root):
        if (folder_of(root) / f"{study_id}.json").exists():
            raise LabError(f"study '{study_id}' exists already.", "It was launched once; open it.", kind="exists")
        record = Study(
            study_id, study.name, study.description, time.time(), study.model_dump(mode="json"), members
        )  # fmt: skip
        _write(record, root)
    return _start(record, dict(zip(record.run_ids, plans, strict=True)), root)


def _member(study_id: str, index: int, plan: Plan) -> Member:
    digest = hashlib.sha256(f"{study_id}\n{index}".encode()).hexdigest()[:4]
    slug = runs.new_id(plan.config.name)[16:-5]
    run_id = f"{study_id[:15]}-{slug}-{digest}" if study_id[:8].isdigit() else f"{runs.new_id(plan.config.name)}"
    return Member(run_id, plan.config.name, plan.config.model_dump(mode="json"))


def _start(study: Study, plans: dict[str, Plan], root: Path) -> Study:
    refused = {}
    for run_id, plan in plans.items():
        try:
            jobs.launch(plan, run_id, root, study=study.id)
        except LabError as error:
            if error.kind != "exists":
                refused[run_id] = f"{error.message} {error.remedy}".strip()
    return _change(study.id, root, refused={**study.refused, **refused}) if refused else study


def _change(study_id: str, root: Path, **values: Any) -> Study:
    with _lock(root):
        before = load(study_id, root)
        after = Study(**{**vars(before), **values})
        _write(after, root)
    return after


def folds_of(study: Study, folder: Path | None = None) -> pd.Series:
    """Fold by person over all runs of the study that are there: what a run that joins it has to follow."""
    tables = [run.samples()[["person", "fold"]] for run in present(study, folder)]
    if not tables:
        raise LabError(f"study {study.id}: none of its runs is left.", "Launch a new study.", kind="gone")
    return pd.concat(tables).drop_duplicates("person").set_index("person")["fold"]


def add(study: Study, plan: Plan, scan: Scan, *, run_id: str | None = None, folder: Path | None = None) -> Run:
    """One more run, on the study's frozen folds; people that no run of it knows are assigned, nobody is moved.

    Raises LabError: 'folds' when it asks for another number of folds, 'exists', and what a launch raises.
    """
    root = folder or runs_folder()
    plan = joined(study, plan, scan, folder=root)
    check_weights(plan.config)
    member = _member(study.id, len(study.runs), plan)
    member = Member(run_id or member.id, member.name, member.config)
    with _lock(root):
        before = load(study.id, root)
        if member.id in before.run_ids:
            raise LabError(f"run '{member.id}' exists already.", "It was launched once; open it.", kind="exists")
        _write(Study(**{**vars(before), "runs": [*before.runs, member]}), root)
    return jobs.launch(plan, member.id, root, study=study.id)


def joined(study: Study, plan: Plan, scan: Scan, *, folder: Path | None = None) -> Plan:
    """The plan with the study's folds."""
    people = folds_of(study, folder)
    count = int(people.max()) + 1
    if plan.config.folds.count != count:
        raise LabError(
            f"folds: the study '{study.name}' has {count} folds, this run {plan.config.folds.count}.",
            f"Set the number of folds to {count}: runs of a study are compared on the same folds.",
            kind="folds",
        )
    return make_plans([plan.config], scan, folder=folder, people=people)[0]


def missing(study: Study, folder: Path | None = None) -> list[Member]:
    """Runs without a folder: the launch was cut off before them, they were refused, or somebody deleted them."""
    return [member for member in study.runs if not Run(member.id, folder).exists()]


def launch_missing(study: Study, scan: Scan, *, folder: Path | None = None) -> Study:
    """Launch what is missing, on the folds of the runs that are there."""
    root = folder or runs_folder()
    gone = missing(study, root)
    there = len(gone) < len(study.runs)
    wanted = [configs.from_dict(member.config, member.name) for member in gone]
    plans = make_plans(wanted, scan, folder=root, people=folds_of(study, root) if there else None)
    cleared = {run_id: why for run_id, why in study.refused.items() if run_id not in {m.id for m in gone}}
    study = _change(study.id, root, refused=cleared)
    return _start(study, {member.id: plan for member, plan in zip(gone, plans, strict=True)}, root)


def present(study: Study, folder: Path | None = None) -> list[Run]:
    return [run for run in (Run(run_id, folder) for run_id in study.run_ids) if run.exists()]


def pause(study: Study, folder: Path | None = None) -> Study:
    """No further fold begins; a fold that trains goes on to its end."""
    root = folder or runs_folder()
    after = _change(study.id, root, paused=True)
    for run in present(study, root):
        queue.remove(run, run.folds())
    return after


def resume(study: Study, folder: Path | None = None) -> tuple[Study, list[str]]:
    """Queue every fold that is neither done nor under way, in the study's order. Returns also what was refused, why."""
    root = folder or runs_folder()
    after = _change(study.id, root, paused=False)
    told = []
    for run in present(study, root):
        try:
            jobs.resume(run)
        except LabError as error:
            told.append(f"{run.id}: {error.message} {error.remedy}".strip())
    return after, told


def cancel(study: Study, folder: Path | None = None) -> Study:
    """Stop what trains and what waits; every fold keeps its last checkpoint."""
    after = _change(study.id, folder or runs_folder(), paused=False)
    alive = [run for run in present(study, folder) if runs.overall(s.state for s in run.states()) in ALIVE]
    for run in alive:
        queue.remove(run, run.folds())
    for run in alive:
        jobs.cancel(run)
    return after


def move(study: Study, run_id: str, places: int, folder: Path | None = None) -> Study:
    """Let a run train earlier (negative places) or later; changes the study's order and that of what waits."""
    root = folder or runs_folder()
    members = list(study.runs)
    at = study.run_ids.index(run_id)
    member = members.pop(at)
    members.insert(max(0, min(len(members), at + places)), member)
    after = _change(study.id, root, runs=members)
    queue.reorder(root, after.run_ids)
    return after


def delete(study: Study, folder: Path | None = None) -> None:
    """Forget which runs belong together; the runs stay."""
    (folder_of(folder or runs_folder()) / f"{study.id}.json").unlink(missing_ok=True)


def paused_runs(folder: Path | None = None) -> set[str]:
    """Ids of the runs that wait because their study is paused."""
    return {run_id for study in all_studies(folder) if study.paused for run_id in study.run_ids}
