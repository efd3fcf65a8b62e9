"""The sections of a report in their order, and those that are words: answer, data, setup, how to reproduce."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.compare import contrast
from core.compare.members import ComparedRun
from core.config import settings
from core.config.names import title_of
from core.config.run_config import TaskConfig
from core.data.counts import class_counts
from core.data.persons import KNOWN, UNKNOWN, units
from core.data.pictures.photo import BITS, bits_of
from core.data.tasks import not_used
from core.data.yes_no import pairs
from core.figures.dataset import class_bars
from core.network import weights
from core.plan.folds import audit, gaps
from core.report import again, apart, certainty, faces, groups, numbers
from core.report.beside import earned, noticed
from core.report.blocks import Bullets, Figure, Section, Table, Text
from core.report.findings import Findings
from core.report.words import limits
from core.runs.owners import owner
from core.storage import asking
from core.text import count, number_of


def sections(findings: Findings, sentences: Sequence[str]) -> list[Section]:
    parts = [
        _answer(findings, sentences),
        _data(findings),
        _setup(findings),
        numbers.scores(findings),
        noticed.section(findings),
        numbers.curves(findings),
        numbers.differences(findings),
        earned.section(findings),
        numbers.classes(findings),
        groups.section(findings),
        certainty.section(findings),
        apart.section(findings),
        faces.section(findings),
        numbers.costs(findings),
        numbers.extras(findings),
        Section("Limits", (Bullets(tuple(limits(findings))),)),
        again.section(findings),
    ]
    return [part for part in parts if part.blocks]


def _answer(findings: Findings, sentences: Sequence[str]) -> Section:
    warnings = [*findings.problems, *(d.warning for d in findings.differences if d.warning)]
    verdicts = {d.sentence: d.verdict for d in findings.differences if not d.warning}
    blocks = [Bullets(tuple(sentences), tones=tuple(verdicts.get(sentence, "") for sentence in sentences))]
    return Section("Answer", (*blocks, Bullets(tuple(dict.fromkeys(warnings)), warn=True)) if warnings else (*blocks,))


def _data(findings: Findings) -> Section:
    blocks: list = []
    seen: set[str] = set()
    datasets = [member.info.get("dataset") or {} for member in findings.members]
    by_content = all("fingerprint_by_time" in dataset for dataset in datasets)
    for member, dataset in zip(findings.members, datasets, strict=True):
        digest = (
            dataset.get("fingerprint") if by_content else dataset.get("fingerprint_by_time", dataset.get("fingerprint"))
        )
        key = f"{digest} {member.config.task.title}"
        if key in seen:
            continue
        seen.add(key)
        blocks += [Text(line) for line in (_dataset_line(member), _left_out(member.info, member.config.task))]
        if member.one_by_one:
            blocks += _attributes(member)
            continue
        counts = _class_counts(member)
        blocks.append(Figure(class_bars(counts), f"Photos of each class in {member.config.task.title}."))
        counted = ["people", "photos"] if "people" in counts else ["photos"]
        rows = tuple((str(n), *(count(r[c]) for c in counted), f"{r['share']:.1%}") for n, r in counts.iterrows())
        blocks.append(Table(("class", *counted, "share of photos"), rows))
    doubts = ["The runs were not trained on the same photos."] if len(seen) > 1 else []
    doubts += dict.fromkeys(member.persons.warning for member in findings.members if member.persons.warning)
    doubts += _absences(findings)
    blocks += [Text(line) for line in _corrected(findings)]
    return Section("Data", (Bullets(tuple(doubts), warn=True), *blocks) if doubts else tuple(blocks))


def _attributes(member: ComparedRun) -> list:
    """Photos of each attribute that is told by itself."""
    counts = class_counts(member.samples, list(member.class_names))
    yes = counts[[name.endswith(" yes") for name in counts.index]]
    by_person = member.persons.are_known
    rows = tuple(
        (str(name), *(count(int(row[c])) for c in ("yes", "no", "not told")), f"{row['share']:.1%}")
        + ((count(int(row["people yes"])),) if by_person else ())
        for name, row in pairs.counts(member.samples).iterrows()
    )
    head = ("attribute", "yes", "no", "not told", "share of yes", *(("people yes",) if by_person else ()))
    return [Figure(class_bars(yes), "Photos that are yes of each attribute."), Table(head, rows)]


def _dataset_line(member: ComparedRun) -> str:
    table, persons, task = member.samples, member.persons, member.config.task.title
    root, reader = again.name_of(member.config), member.config.data.reader
    whose = f" of {units(persons.people, persons.state)}" if persons.state != UNKNOWN else ""
    leaks = audit(table)
    classes = pairs.in_words(member.class_names, member.one_by_one)
    apart = "; nobody stands in two folds" if persons.are_known and not leaks else ""
    apart = f"; {units(len(leaks), KNOWN)} in more than one fold" if leaks else apart
    deep = int((table[BITS] > 0).sum())
    scaled = f" {count(deep)} of them hold more than 8 bits and are scaled by {bits_of(table)}." if deep else ""
    return (
        f"{root} ({reader}), task {task}: {count(len(table))} photos{whose} in {classes} and "
        f"{table['fold'].nunique()} folds{apart}.{scaled}"
    )


def _absences(findings: Findings) -> list[str]:
    """Folds without a photo of some class, or with all of one, each said once with the runs whose folds they are."""
    whose: dict[str, list[str]] = {}
    for member in findings.members:
        for line in gaps(member.samples, member.class_names):
            whose.setdefault(line, []).append(findings.names[member.id])
    every = len(findings.members)
    return [line if len(names) == every else f"{', '.join(names)}: {line}" for line, names in whose.items()]


def _left_out(info: dict, task: TaskConfig) -> str:
    """What of the dataset the runs did not use."""
    unusable, off_task = int(info.get("left_out") or 0), int(info.get("dropped") or 0)
    if not unusable and not off_task:
        return "No file was left out."
    were = "was" if unusable == 1 else "were"
    parts = [f"{number_of(unusable, 'unreadable or unusable file')} {were} left out."] if unusable else []
    parts += [f"{not_used(off_task, task)}."] if off_task else []
    return " ".join(parts)


def _corrected(findings: Findings) -> list[str]:
    """How many label corrections each run was frozen with; nothing where none was used."""
    counts = {findings.names[member.id]: again.corrections_of(member) for member in findings.members}
    distinct = set(counts.values())
    if distinct == {0}:
        return []
    if len(distinct) == 1:
        whose = "The run" if len(counts) == 1 else "Every run"
        return [f"{whose} used {_corrections(distinct.pop())}, laid over the labels of the dataset."]
    each = "; ".join(f"{name} used {_corrections(number)}" for name, number in counts.items())
    return [f"Laid over the labels of the dataset: {each}."]


def _corrections(number: int | None) -> str:
    """number: None where the file that holds them is damaged."""
    if number is None:
        return "an unreadable file of label corrections"
    return f"{count(number) if number else 'no'} label correction{'' if number == 1 else 's'}"


def _class_counts(member: ComparedRun) -> pd.DataFrame:
    """Index class in the order of the task; columns people (where they are known), photos, share (of the photos)."""
    groups = member.samples.groupby("class_name")
    table = pd.DataFrame({"people": groups["person"].nunique(), "photos": groups.size()})
    table = table.reindex(list(member.class_names)).fillna(0).astype(int)
    table = table.drop(columns="people") if member.persons.state == UNKNOWN else table
    return table.assign(share=table["photos"] / max(1, len(member.samples)))


def _setup(findings: Findings) -> Section:
    base = findings.baseline.config
    flat = {m.id: settings.flat(m.config) for m in findings.members}
    blocks: list = [
        Text(
            f"{findings.names[findings.baseline.id]}: ResNet-{base.model.depth} from "
            f"{weights.without_place(base.model.init)}, {settings.phases_line(base)}, "
            f"batch {base.training.batch_size}, label smoothing {base.training.label_smoothing:g}, "
            f"mixing {base.mix.method}, {base.input_size[1]} x {base.input_size[0]} px, {base.folds.count} folds."
        ),
        Text(f"Its augmentation: {flat[findings.baseline.id]['transforms']}."),
    ]
    if len(findings.members) > 1:
        differ = contrast.config_differences(findings.members)
        if "data.root" in differ.index:  # a path of this machine is nobody's business where the report is read
            differ.loc["data.root"] = [again.name_of(m.config) for m in findings.members]
        if "model.init" in differ.index:
            differ.loc["model.init"] = [again.first_weights_of(m) for m in findings.members]
        differ = differ[differ.nunique(axis=1) > 1]
        rows = tuple(
            (title_of(str(key), first=1), *(str(values[m.id]) for m in findings.members))
            for key, values in differ.iterrows()
        )
        head = ("setting", *(findings.names[m.id] for m in findings.members))
        if rows:
            blocks.append(Table(head, rows, "Only the settings that differ; all others are the same.", words=True))
        else:
            blocks.append(Text("No setting differs between the runs."))
    if line := _launched(findings):
        blocks.append(Text(line))
    return Section("Setup", tuple(blocks))


def _launched(findings: Findings) -> str:
    """Who launched which runs; empty where that is one person alone, or not known of any."""
    theirs: dict[str, list[str]] = {}
    for member in findings.members:
        theirs.setdefault(owner.told(member.info), []).append(findings.names[member.id])
    named = [person for person in theirs if person]
    if not named or (len(named) == 1 and not asking.asker().shared):
        return ""
    if len(theirs) == 1:
        return f"Launched by {named[0]}."
    parts = [f"{', '.join(names)} by {person or 'nobody known'}" for person, names in theirs.items()]
    return f"Launched: {'; '.join(parts)}."
