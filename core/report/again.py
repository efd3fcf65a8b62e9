"""How to get the runs of a report again: commands, the files that they read, and the folders that they need.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.compare.members import ComparedRun
from core.config import RunConfig, to_yaml
from core.data.labels import corrections
from core.errors import LabError
from core.export.facts import without_places
from core.network import weights
from core.plan.folds import assign_folds, given_folds
from core.report.blocks import Block, Bullets, Code, Section, Table, Text
from core.report.findings import Findings
from core.studies import as_file, grid, records
from core.studies.grid import StudyConfig
from core.text import NOTHING, count


@dataclass
class _Steps:
    """commands: in their order. files: name -> text of what they read. notes: what has to be there before.
    folders: where a dataset lies -> what stands for that in the commands; a report is read elsewhere, and a path of
    this machine is nobody's business there. whole: id of a run that does not split itself -> its study, None where no
    study makes it. own: first weights of the runs. first_weights: these, and those that their studies name, so that
    files of one name stay apart."""

    commands: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)
    whole: dict[str, StudyConfig | None] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    first_weights: set[str] = field(default_factory=set)


def section(findings: Findings) -> Section:
    steps = _Steps()
    roots = list(dict.fromkeys(member.config.data.root for member in findings.members))
    steps.folders = {root: "FOLDER" if len(roots) == 1 else f"FOLDER_{n}" for n, root in enumerate(roots, 1)}
    for member in findings.members:
        if not (member.config.model.parent or _splits_itself(member)):
            steps.whole[member.id] = _study_of(member)
    steps.own = {weights.whole(member.config.model.init) for member in findings.members}
    steps.first_weights = steps.own.union(*(grid.first_weights(study) for study in steps.whole.values() if study))
    for member in findings.members:
        _add(steps, member, findings.names[member.id])
    blocks: list[Block] = [
        Text(
            "Save what a command names from below under its file name, put the folder of the dataset in place of "
            f"{' and '.join(_standing(steps))}, then run the commands in their order:"
        ),
        Code("Commands", "\n".join(dict.fromkeys(steps.commands))),
    ]
    if steps.notes:
        blocks.append(Bullets(tuple(dict.fromkeys(steps.notes))))
    if versions := versions_of(findings):
        written = tuple((library, _in_words(whose)) for library, whose in sorted(versions.items()))
        blocks.append(Table(("library", "version"), written, words=True))
    rows = []
    for member in findings.members:
        config, dataset = member.config, member.info.get("dataset") or {}
        fingerprint = str(dataset.get("fingerprint") or NOTHING)[:16]
        split = f"{config.folds.count} folds, seed {config.folds.seed}"
        split = f"the dataset's own {config.folds.count} folds" if config.folds.given else split
        rows.append((findings.names[member.id], member.id, str(config.training.seed), split, fingerprint))
    head = ("run", "id", "seed", "split", "fingerprint of the data")
    blocks.append(Table(head, tuple(rows), words=True))
    blocks += [Code(name, text) for name, text in steps.files.items()]
    return Section("How to reproduce", tuple(blocks))


def versions_of(findings: Findings) -> dict[str, dict[str, list[str]]]:
    """Library -> its version at a run's launch -> names of the runs with it; what a run does not tell is not there."""
    versions: dict[str, dict[str, list[str]]] = {}
    for member in findings.members:
        for library, version in (member.info.get("versions") or {}).items():
            versions.setdefault(str(library), {}).setdefault(str(version), []).append(findings.names[member.id])
    return versions


def _in_words(whose: dict[str, list[str]]) -> str:
    """ "2.14.1", or "2.14.0 (A); 2.14.1 (B, C)". whose: version -> names of runs."""
    if len(whose) == 1:
        return next(iter(whose))
    return "; ".join(f"{version} ({', '.join(names)})" for version, names in sorted(whose.items()))


def name_of(config: RunConfig) -> str:
    """What a report calls a dataset: the name of its folder, not where that lies."""
    return Path(config.data.root).name or "the dataset"


def first_weights_of(member: ComparedRun) -> str:
    """What a report calls a run's first weights: a file by its name, and by what it held where that is known."""
    digest = _digest(member)
    return weights.without_place(member.config.model.init) + (f", SHA-256 {digest[:16]}" if digest else "")


def _digest(member: ComparedRun) -> str:
    """The SHA-256 of the file of first weights; "" where there is none, and of an old run that was never begun."""
    weights = member.info.get("weights")
    if member.config.model.file is None or not isinstance(weights, dict):
        return ""
    return str(weights.get("sha256") or "")


def _standing(steps: _Steps) -> list[str]:
    """ "FOLDER (faces)": what stands for a dataset in the commands, and its name."""
    return [f"{stands_for} ({Path(root).name})" for root, stands_for in steps.folders.items()]


def _add(steps: _Steps, member: ComparedRun, name: str) -> None:
    config = member.run.config()  # under its own name: a report shortens those of a study
    folder = steps.folders[member.config.data.root]
    own_yaml = to_yaml(without_places(config, steps.first_weights))
    if used := corrections_of(member):
        steps.notes.append(
            f"{name} used {count(used)} label correction{'' if used == 1 else 's'}: on another machine, take in "
            f"runs/{member.id}/corrections.csv on the page Data, under Corrections, first."
        )
    if config.model.file:
        digest = _digest(member)
        held = f" (SHA-256 {digest})" if digest else ""
        steps.notes.append(f"{name} starts from the weights file {_put(config.model.init, steps, held)}")
    if config.model.parent:
        steps.notes.append(
            f"{name} starts from the {config.model.init_checkpoint} weights of run {config.model.parent} and keeps its "
            f"folds: the folder runs/{config.model.parent} has to be there, with its weights."
        )
    elif member.id in steps.whole:
        if study := steps.whole[member.id]:
            study_id = str(member.info["study"])
            yes = " --yes" if grid.size(study) > grid.ASK_ABOVE else ""
            steps.files[f"{study_id}.yaml"] = grid.to_yaml(grid.without_places(study, steps.first_weights))
            steps.commands.append(f"python -m core study {study_id}.yaml --data {folder}{yes}")
            for init in sorted(set(map(weights.whole, grid.first_weights(study))) - steps.own):
                if init.startswith("file:"):
                    steps.notes.append(f"{study_id}.yaml names the weights file {_put(init, steps)}")
            steps.notes.append(
                f"{name} stands on the folds of its study, which another run of it split: the study is launched whole."
            )
            return
        steps.files[f"{member.id}.yaml"] = own_yaml
        steps.commands.append(f"python -m core train {member.id}.yaml --data {folder} --folds-of {member.id}")
        steps.notes.append(
            f"{name} stands on folds that its configuration alone does not make: the folder runs/{member.id} has to be "
            "there, whose samples.parquet holds them."
        )
        return
    steps.files[f"{member.id}.yaml"] = own_yaml
    steps.commands.append(f"python -m core train {member.id}.yaml --data {folder}")


def _put(init: str, steps: _Steps, held: str = "") -> str:
    """Where a file of first weights has to be. held: what is known of what it held."""
    path = weights.without_place(init, steps.first_weights).removeprefix("file:")
    return f"{path}{held}: put it at this path below the folder where the commands are run first."


def corrections_of(member: ComparedRun) -> int | None:
    """How many label corrections a run was frozen with; None where their file is damaged."""
    try:
        in_file = len(corrections.read(member.run.corrections_file))
    except LabError:
        return None
    in_info = member.info.get("corrections")
    return in_file or (len(in_info) if isinstance(in_info, list) else 0)


def _splits_itself(member: ComparedRun) -> bool:
    """Whether number of folds and seed, or the dataset, alone make the folds that were frozen: tried out, not
    assumed."""
    folds = member.config.folds
    table = member.samples
    if not member.one_by_one:
        table = table.assign(y=table["class_name"].map(list(member.class_names).index))
    try:
        if folds.given:
            frozen = member.run.samples()
            return bool((given_folds(frozen, folds.count) == frozen["fold"].to_numpy()).all())
        return bool((assign_folds(table, folds.count, folds.seed) == table["fold"].to_numpy()).all())
    except LabError:
        return False  # a class has fewer people than folds, or a photo has none: somebody else split it


def _study_of(member: ComparedRun) -> StudyConfig | None:
    """The study that makes this run, as a file; None where its record is gone or no longer makes the same runs.

    A run that was added to a study later is not in its grid, and a recipe may have been changed since.
    """
    try:
        record = records.load(str(member.info.get("study") or ""), member.run.dir.parent)
    except LabError:
        return None
    file = as_file.as_launched(record)
    return file.study if file is not None and member.id in file.run_ids else None
