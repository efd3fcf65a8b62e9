"""The sections of a report in their order, and those that are words: answer, data, setup, how to reproduce."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.compare import contrast
from core.compare.members import ComparedRun
from core.config import settings
from core.data.persons import KNOWN, UNKNOWN, units
from core.figures.dataset import class_bars
from core.plan.folds import absence, absent_classes, audit
from core.report import again, faces, numbers
from core.report.blocks import Bullets, Figure, Section, Table, Text
from core.report.findings import Findings
from core.report.words import limits
from core.text import count


def sections(found: Findings, sentences: Sequence[str]) -> list[Section]:
    parts = [
        _answer(found, sentences),
        _data(found),
        _setup(found),
        numbers.scores(found),
        numbers.curves(found),
        numbers.differences(found),
        numbers.classes(found),
        faces.section(found),
        numbers.costs(found),
        Section("Limits", (Bullets(tuple(limits(found))),)),
        again.section(found),
    ]
    return [part for part in parts if part.blocks]


def _answer(found: Findings, sentences: Sequence[str]) -> Section:
    warnings = [*found.problems, *(d.warning for d in found.differences if d.warning)]
    verdicts = {d.sentence: d.verdict for d in found.differences if not d.warning}
    blocks = [Bullets(tuple(sentences), tones=tuple(verdicts.get(sentence, "") for sentence in sentences))]
    return Section("Answer", (*blocks, Bullets(tuple(dict.fromkeys(warnings)), warn=True)) if warnings else (*blocks,))


def _data(found: Findings) -> Section:
    blocks: list = []
    seen: set[str] = set()
    for member in found.members:
        about = member.info.get("dataset") or {}
        key = f"{about.get('fingerprint')} {member.config.task.name}"
        if key in seen:
            continue
        seen.add(key)
        counts = _class_counts(member)
        blocks += [Text(line) for line in (_dataset_line(member), _left_out(member.info))]
        blocks.append(Figure(class_bars(counts), f"Photos of each class in {member.config.task.name}."))
        shown = ["people", "photos"] if "people" in counts else ["photos"]
        rows = tuple((str(n), *(count(r[c]) for c in shown), f"{r['share']:.1%}") for n, r in counts.iterrows())
        blocks.append(Table(("class", *shown, "share of photos"), rows))
    doubts = ["The runs were not trained on the same photos."] if len(seen) > 1 else []
    doubts += dict.fromkeys(member.persons.warning for member in found.members if member.persons.warning)
    doubts += _absences(found)
    blocks += [Text(line) for line in _corrected(found)]
    return Section("Data", (Bullets(tuple(doubts), warn=True), *blocks) if doubts else tuple(blocks))


def _dataset_line(member: ComparedRun) -> str:
    about, table, persons = member.info.get("dataset") or {}, member.samples, member.persons
    whose = f" of {units(persons.people, persons.state)}" if persons.state != UNKNOWN else ""
    leaks = audit(table)
    kept = "; nobody stands in two folds" if persons.are_known and not leaks else ""
    kept = f"; {units(len(leaks), KNOWN)} in more than one fold" if leaks else kept
    return (
        f"{about.get('root') or member.config.data.root} ({about.get('reader') or member.config.data.reader}), task "
        f"{member.config.task.name}: {count(len(table))} photos{whose} in {len(member.class_names)} classes and "
        f"{table['fold'].nunique()} folds{kept}."
    )


def _absences(found: Findings) -> list[str]:
    """Folds without a photo of some class, each said once with the runs whose folds they are."""
    whose: dict[str, list[str]] = {}
    for member in found.members:
        classes = len(member.class_names)
        for fold, absent in absent_classes(member.samples, member.class_names).items():
            whose.setdefault(absence(fold, absent, classes), []).append(found.names[member.id])
    every = len(found.members)
    return [line if len(names) == every else f"{', '.join(names)}: {line}" for line, names in whose.items()]


def _left_out(info: dict) -> str:
    """What of the dataset the runs did not use."""
    bad, other = int(info.get("left_out") or 0), int(info.get("dropped") or 0)
    if not bad and not other:
        return "No file was left out."
    parts = [f"{count(bad)} unreadable or unusable files were left out"] if bad else []
    parts += [f"{count(other)} photos of the dataset are not in the task"] if other else []
    return "; ".join(parts).capitalize() + "."


def _corrected(found: Findings) -> list[str]:
    """How many label corrections each run was frozen with; nothing where none was used."""
    used = {found.names[member.id]: again.corrections_of(member) for member in found.members}
    if set(used.values()) == {0}:
        return []
    said = {
        name: "an unreadable file of label corrections" if n is None else _corrections(n) for name, n in used.items()
    }
    if len(set(said.values())) == 1:
        whose = "The run" if len(said) == 1 else "Every run"
        return [f"{whose} used {next(iter(said.values()))}, laid over the labels of the dataset."]
    return [f"Laid over the labels of the dataset: {'; '.join(f'{name} used {told}' for name, told in said.items())}."]


def _corrections(n: int) -> str:
    return f"{count(n) if n else 'no'} label correction{'' if n == 1 else 's'}"


def _class_counts(member: ComparedRun) -> pd.DataFrame:
    """Index class in the order of the task; columns people (where they are known), photos, share (of the photos)."""
    groups = member.samples.groupby("class_name")
    table = pd.DataFrame({"people": groups["person"].nunique(), "photos": groups.size()})
    table = table.reindex(list(member.class_names)).fillna(0).astype(int)
    table = table.drop(columns="people") if member.persons.state == UNKNOWN else table
    return table.assign(share=table["photos"] / max(1, len(member.samples)))


def _setup(found: Findings) -> Section:
    base = found.baseline.config
    flat = {m.id: settings.flat(m.config) for m in found.members}
    blocks: list = [
        Text(
            f"{found.names[found.baseline.id]}: ResNet-{base.model.depth} from {base.model.init}, "
            f"{settings.phases_line(base)}, batch {base.training.batch_size}, label smoothing "
            f"{base.training.label_smoothing:g}, mixing {base.mix.method}, "
            f"{base.input_size[1]} x {base.input_size[0]} px, {base.folds.count} folds."
        ),
        Text(f"Its augmentation: {flat[found.baseline.id]['transforms']}."),
    ]
    if len(found.members) > 1:
        differ = contrast.config_differences(found.members)
        rows = tuple((str(key), *(str(values[m.id]) for m in found.members)) for key, values in differ.iterrows())
        head = ("setting", *(found.names[m.id] for m in found.members))
        if rows:
            blocks.append(Table(head, rows, "Only the settings that differ; all others are the same.", words=True))
        else:
            blocks.append(Text("No setting differs between the runs."))
    return Section("Setup", tuple(blocks))
