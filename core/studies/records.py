"""Studies that were launched: which runs belong together, and what is done to all of them. Imports no torch.

Its record names the runs before the first of them is made, so that a study that was cut off in the middle of its launch
can be completed. Runs hold their own state; a study has none but its order and whether the queue holds it back. Whose
the study is may pause, cancel and order all of its runs, whoever else let one join it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.config import from_dict
from core.config.parts import DataConfig, FoldsConfig
from core.data import persons
from core.data.scan import Scan
from core.errors import LabError
from core.jobs import control, halt, queue
from core.jobs.room import forecast
from core.places import lab_folder, runs_folder
from core.plan.again import read_as_before
from core.plan.plan import Plan, check_weights
from core.runs import Run
from core.runs.create import DRAWS, new_id
from core.runs.run import check_id
from core.runs.states import ALIVE, overall
from core.storage import asking, files, locks
from core.studies import record_file, stops
from core.studies.grid import StudyConfig, make_plans, with_whole_paths
from core.studies.record_file import Study, StudyRun, exists, folder_of, load
from core.studies.relocate import where_it_lies


def launch(
    study: StudyConfig, plans: Sequence[Plan], *, study_id: str | None = None, folder: Path | None = None
) -> Study:
    """Record the study, then launch its runs one after another; a run that is refused does not stop the others.

    study_id: made before the click, so that a double click launches once.
    Raises LabError, before anything is queued: 'exists' for one that was launched, 'weights', 'locks', 'read-only'.
    """
    study_id = study_id or _free_id(study.name, folder)
    settings = with_whole_paths(study).model_dump(mode="json")
    return launch_plans(study.name, study.description, plans, study_id, settings=settings, folder=folder)


def _free_id(name: str, folder: Path | None) -> str:
    drawn = [new_id(name) for _ in range(DRAWS)]
    return next((study_id for study_id in drawn if not exists(study_id, folder)), drawn[-1])


def launch_plans(
    name: str,
    description: str,
    plans: Sequence[Plan],
    study_id: str,
    *,
    settings: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> Study:
    """The same of runs that no grid makes. settings: the StudyConfig where there is one, which a study file is of."""
    root = folder or runs_folder()
    locks.check_folder(lab_folder(root))
    for plan in plans:
        check_weights(plan.config)
    forecast.check(list(plans), root)
    study_id = check_id(study_id)
    members = _members(study_id, plans, root)
    with files.written_to(folder_of(root), files.CHECK), record_file.locked(root):
        if (folder_of(root) / f"{study_id}.json").exists():
            raise LabError(f"study '{study_id}' exists already.", "It was launched once; open it.", kind="exists")
        state = persons.together(plan.persons.state for plan in plans)
        by = asking.asker().name
        record = Study(study_id, name, description, time.time(), settings or {}, members, persons=state, by=by)
        record_file.write(record, root)
    return _start(record, dict(zip(record.run_ids, plans, strict=True)), root)


def _members(study_id: str, plans: Sequence[Plan], root: Path, before: Collection[str] = ()) -> list[StudyRun]:
    """The study's further runs, each under an id that is a function of study and place, and that no other run has."""
    members: dict[str, StudyRun] = {}
    for index, plan in enumerate(plans, len(before)):
        name = plan.config.name
        drawn = [_run_id(study_id, f"{index}" + ":again" * draw, name) for draw in range(DRAWS)]
        free = (run_id for run_id in drawn if run_id not in (*before, *members) and not Run(run_id, root).exists())
        run_id = next(free, drawn[-1])
        members[run_id] = StudyRun(run_id, name, plan.config.model_dump(mode="json"))
    return list(members.values())


def _run_id(study_id: str, place: str, name: str) -> str:
    """Four digits are the same for two of some hundred runs whose names differ in no letter of their ids."""
    digest = hashlib.sha256(f"{study_id}\n{place}".encode()).hexdigest()[:4]
    slug = new_id(name)[16:-5]
    return f"{study_id[:15]}-{slug}-{digest}" if study_id[:8].isdigit() else f"{new_id(name)}"


def _start(study: Study, plans: dict[str, Plan], root: Path) -> Study:
    """Launch runs that the record names; a study that is cancelled or deleted meanwhile gets no further ones.

    Where its record cannot be written by the end, why runs were refused stands in what is returned alone.
    """
    refused, was_stopped = {}, stops.watch(study, root)
    for run_id, plan in plans.items():
        if was_stopped():
            break
        try:
            run = control.launch(plan, run_id, root, study=study.id, beside=study.run_ids)
        except LabError as error:
            if error.kind != "exists":
                refused[run_id] = str(error)
            continue
        if was_stopped():  # while this run was being made: the stop has not seen it
            stops.stop_late(study, run, root)

    def noted(record: Study) -> Study:
        return replace(record, refused={**record.refused, **refused})

    try:
        with files.written_to(folder_of(root), files.CHECK):
            return record_file.change(study.id, root, noted)
    except LabError as error:
        if error.kind == "gone":
            queue.release(root, study.id, plans)  # what was held for this launch
            return study
        if error.kind not in ("unreadable", "read-only"):
            raise
        return noted(study)


def folds_of(study: Study, folder: Path | None = None) -> pd.Series:
    """Fold by person over all runs of the study that are there: what a run that joins it has to follow."""
    tables = [run.samples()[["person", "fold"]] for run in present(study, folder)]
    if not tables:
        raise LabError(f"study {study.id}: none of its runs is left.", "Launch a new study.", kind="gone")
    return pd.concat(tables).drop_duplicates("person").set_index("person")["fold"]


def add(study: Study, plan: Plan, scan: Scan, *, run_id: str | None = None, folder: Path | None = None) -> Run:
    """One more run, on the study's frozen folds; people that no run of it knows are assigned, nobody is moved.

    Raises LabError: 'not-yours', 'folds' when it asks for another number of folds, 'exists', and what a launch raises.
    """
    root = folder or runs_folder()
    check_own(study, root)
    locks.check_folder(lab_folder(root))
    plan = joined(study, plan, scan, folder=root)
    check_weights(plan.config)
    with record_file.locked(root):
        before = record_file.fresh(study.id, root)
        (member,) = _members(study.id, [plan], root, before.run_ids)
        member = StudyRun(run_id or member.id, member.name, member.config)
        if Run(member.id, root).exists():
            raise LabError(f"run '{member.id}' exists already.", "It was launched once; open it.", kind="exists")
        if before.paused:
            queue.hold(root, study.id, [member.id])
        runs = {each.id: each for each in before.runs} | {
            member.id: member
        }  # in its place, where it was cut off before
        after = replace(before, runs=[*runs.values()])
        record_file.write(after, root)
    was_stopped = stops.watch(after, root)
    try:
        run = control.launch(plan, member.id, root, study=study.id, beside=before.run_ids)
    except Exception:
        if member.id not in before.run_ids and not Run(member.id, root).exists():
            _take_out(study.id, member.id, root)
        raise
    if was_stopped():  # while the run was being made: the stop has not seen it
        stops.stop_late(after, run, root)
    return run


def _take_out(study_id: str, run_id: str, root: Path) -> None:
    """A run that was refused has not joined: in the record it would be one that is missing, which nobody asked for."""

    def without(record: Study) -> Study:
        queue.let_go(Run(run_id, root))  # and no release, which would end the pause of a study that holds nothing else
        return replace(record, runs=[member for member in record.runs if member.id != run_id])

    try:
        record_file.change(study_id, root, without)
    except LabError as error:  # what refused the run is what a person has to read
        if error.kind == "gone":
            queue.release(root, study_id, [run_id])
    except OSError:
        return


def joined(study: Study, plan: Plan, scan: Scan, *, folder: Path | None = None) -> Plan:
    """The plan with the study's folds."""
    return on_folds(folds_of(study, folder), f"the study '{study.name}'", plan, scan, folder=folder)


def on_folds(people: pd.Series, whose: str, plan: Plan, scan: Scan, *, folder: Path | None = None) -> Plan:
    """The plan with everybody in a given fold; who is new there is assigned. people: fold by person. whose: of whom."""
    count = int(people.max()) + 1
    if plan.config.folds.count != count:
        raise LabError(
            f"folds: {whose} has {count} folds, this run {plan.config.folds.count}.",
            f"Set the number of folds to {count}: only runs on the same folds are compared.",
            kind="folds",
        )
    return make_plans([plan.config], scan, folder=folder, people=people)[0]


def missing(study: Study, folder: Path | None = None) -> list[StudyRun]:
    """Runs without a folder: the launch was cut off before them, they were refused, or somebody deleted them."""
    return [member for member in study.runs if not Run(member.id, folder).exists()]


def launch_missing(study: Study, *, run_ids: Collection[str] | None = None, folder: Path | None = None) -> Study:
    """Launch what is missing, on the folds of the runs that are there. In a paused study it waits with the others.

    run_ids: of those that somebody was shown as missing; what was deleted since then stays deleted. All if None.

    Raises LabError: 'not-yours', as in all that changes a study, and what a scan or a plan raises.
    """
    root = folder or runs_folder()
    check_own(study, root)
    study = load(study.id, root)
    absent = missing(study, root)
    ids = [member.id for member in absent if run_ids is None or member.id in run_ids]
    if not ids:  # another tab has launched them since this one was drawn
        return study
    gone = [where_it_lies(member, study, root) for member in absent]  # all: one may come back from the trash
    people = folds_of(study, root) if len(absent) < len(study.runs) else None
    try:
        plans_of_all = _plans_of(gone, people, root)
    except LabError:
        able = [member for member in gone if member.id in ids or _can_be_planned(member, people, root)]
        plans_of_all = _plans_of(able, people, root)
    plans = {run_id: plans_of_all[run_id] for run_id in ids}

    def begin(record: Study) -> Study:
        if record.paused:
            queue.hold(root, record.id, ids)  # one of them may have been let go before it was deleted
        refused = {run_id: why for run_id, why in record.refused.items() if run_id not in ids}
        return replace(record, refused=refused, cancelled=None)

    return _start(record_file.change(study.id, root, begin), plans, root)


def _plans_of(gone: Sequence[StudyRun], people: pd.Series | None, root: Path) -> dict[str, Plan]:
    """Run id -> plan, in their order: each of its own data settings, as one that joined may have others.

    people: fold by person of the runs that are there; who is new to them stands where the first of these puts them.
    """
    configs = {member.id: from_dict(member.config, member.name, frozen=True) for member in gone}
    alike: dict[tuple[DataConfig, FoldsConfig], list[str]] = {}
    for run_id, config in configs.items():
        alike.setdefault((config.data, config.folds), []).append(run_id)
    readings = {data: read_as_before(data, people) for data in dict.fromkeys(data for data, _ in alike)}
    plans: dict[str, Plan] = {}
    for (data, _), ids in alike.items():
        as_before, scanned = readings[data]
        of_ids = [configs[run_id].model_copy(update={"data": as_before}) for run_id in ids]
        made = make_plans(of_ids, scanned, folder=root, people=people)
        plans |= dict(zip(ids, made, strict=True))
        before = [] if people is None else [people]
        people = pd.concat([*before, *(plan.samples.set_index("person")["fold"] for plan in made)])
        people = people[~people.index.duplicated()]
    return {run_id: plans[run_id] for run_id in configs}


def _can_be_planned(member: StudyRun, people: pd.Series | None, root: Path) -> bool:
    """Whether a run that nobody asks to launch can hold a place in the folds: else it is no business of the others."""
    try:
        _plans_of([member], people, root)
    except LabError:
        return False
    return True


def check_own(study: Study, root: Path) -> None:
    """Raises LabError(kind 'not-yours') where whoever asks may not change the study."""
    with contextlib.suppress(LabError):  # gone or damaged: what was read of it before has to do
        study = load(study.id, root)
    asking.check(study.by, f"study '{study.name}'")


def present(study: Study, folder: Path | None = None) -> list[Run]:
    return [run for run in (Run(run_id, folder) for run_id in study.run_ids) if run.exists()]


def pause(study: Study, folder: Path | None = None) -> Study:
    """No further fold begins, of runs that a launch still makes neither; a fold that trains goes on to its end."""
    root = folder or runs_folder()
    check_own(study, root)
    with record_file.locked(root):
        queue.hold(root, study.id, record_file.fresh(study.id, root).run_ids)
        return load(study.id, root)


def go_on(study: Study, folder: Path | None = None) -> tuple[Study, list[tuple[Run, LabError]]]:
    """End the pause: what it held back may begin, what was stopped stays so. Returns also what was refused, why."""
    root = folder or runs_folder()
    check_own(study, root)
    _release(study.id, root)
    there = present(load(study.id, root), root)
    waiting = [run for run in there if any(state.state == "queued" for state in run.states())]
    return _queued(study, waiting, root, stopped=False)


def resume(
    study: Study, *, run_ids: Collection[str] | None = None, folder: Path | None = None
) -> tuple[Study, list[tuple[Run, LabError]]]:
    """Queue every fold that is neither done nor under way, in the study's order. Returns also what was refused, why.

    In a paused study it waits with the others. run_ids: of those that somebody was shown as stopped; all if None.
    """
    root = folder or runs_folder()
    check_own(study, root)
    chosen = [run for run in present(load(study.id, root), root) if run_ids is None or run.id in run_ids]
    with record_file.locked(root):
        record = record_file.fresh(study.id, root)
        if record.paused:  # one of them may have been let go by name before it was stopped
            queue.hold(
                root, study.id, [run.id for run in chosen if overall(s.state for s in run.states()) not in ALIVE]
            )
    return _queued(study, chosen, root, stopped=True)


def _queued(
    study: Study, runs: Sequence[Run], root: Path, *, stopped: bool
) -> tuple[Study, list[tuple[Run, LabError]]]:
    refused = []
    for run in runs:
        try:
            control.requeue(run, stopped=stopped)
        except LabError as error:
            refused.append((run, error))
    after = _reordered(study.id, root, lambda record: record)
    if not after.paused and len(refused) < len(runs):  # somebody wants that training goes on
        halt.go_on(root)
    control.ensure_workers(root)
    return after, refused


def cancel(study: Study, folder: Path | None = None) -> Study:
    """Stop what trains and what waits; every fold keeps its last checkpoint. A launch that is under way stops too."""
    root = folder or runs_folder()
    check_own(study, root)
    after = record_file.change(study.id, root, lambda record: replace(record, cancelled=time.time()))
    alive = [run for run in present(after, root) if overall(s.state for s in run.states()) in ALIVE]
    for run in alive:  # before any is waited for: who is cut off there leaves none that would train all the same
        control.ask_to_stop(run)
    for run in alive:
        control.stop(run)
    _release(study.id, root)
    return load(study.id, root)


def _release(study_id: str, root: Path) -> None:
    """End a pause, one of version 0.1 too."""
    with record_file.locked(root):
        record_file.write(record_file.fresh(study_id, root), root)
        queue.release(root, study_id)


def move(study: Study, run_id: str, places: int, folder: Path | None = None) -> Study:
    """Let a run train earlier (negative places) or later; changes the study's order and that of what waits."""

    def moved(record: Study) -> Study:
        members = {member.id: member for member in record.runs}
        if run_id not in members:
            raise LabError(f"run '{run_id}' is not in study {study.id}.", "Choose one of its runs.", kind="gone")
        ids = record.run_ids
        at = ids.index(run_id)
        ids.insert(max(0, min(len(ids), at + places)), ids.pop(at))
        return replace(record, runs=[members[each] for each in ids])

    root = folder or runs_folder()
    check_own(study, root)
    return _reordered(study.id, root, moved)


def _reordered(study_id: str, root: Path, changed: Callable[[Study], Study]) -> Study:
    """Change a record, and bring what waits into its order before anybody changes that again."""
    with record_file.locked(root):
        after = changed(record_file.fresh(study_id, root))
        record_file.write(after, root)
        queue.reorder(root, after.run_ids)
    return after


def delete(study: Study, folder: Path | None = None) -> Study | None:
    """Forget which runs belong together; the runs stay. Returns the record, for put_back; None where there was none.

    What waits in a paused study is cancelled: nobody could let it go on any more, and it must not begin by itself.
    """
    root = folder or runs_folder()
    check_own(study, root)
    with record_file.locked(root):
        if not exists(study.id, root):
            return None
        try:
            record = record_file.fresh(study.id, root)
        except LabError:  # damaged: what was read of it before has to do
            record = study
        there = present(record, root)
        held = queue.held_runs(root)
        for run in there:
            if run.id in held:
                control.cancel_waiting(run, stops.DELETED)
        (folder_of(root) / f"{study.id}.json").unlink(missing_ok=True)
        # A run that a launch is making right now stays held until that launch sees that its study is gone.
        queue.release(root, study.id, [run.id for run in there])
    return record


def put_back(record: Study, folder: Path | None = None) -> None:
    """Keep the record of a study that was deleted again, unless it is there; what was cancelled with it stays so."""
    root = folder or runs_folder()
    check_own(record, root)
    with record_file.locked(root):
        if not exists(record.id, root):
            record_file.write(record, root)
