"""The sections of a report, each from what was found to plain blocks. Sentences come from the numbers."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

import pandas as pd

from core import compare_figures as drawings
from core import contrast, report_faces, settings, statistics
from core.config import to_yaml
from core.errors import LabError
from core.members import Member
from core.metrics import mean_and_deviation
from core.report_blocks import Bullets, Code, Figure, Section, Table, Text
from core.report_findings import Findings
from core.report_words import limits
from core.text import NOTHING, count, duration, rate, score, spread


def sections(found: Findings, sentences: Sequence[str]) -> list[Section]:
    parts = [_answer(found, sentences), _data(found), _setup(found), _scores(found), _curves(found)]
    if found.pairs:
        parts.append(_differences(found))
    parts += [
        _classes(found),
        *report_faces.sections(found),
        _cost(found),
        Section("Limits", (Bullets(tuple(limits(found))),)),
    ]
    parts.append(_again(found))
    return [part for part in parts if part.blocks]


def _answer(found: Findings, sentences: Sequence[str]) -> Section:
    warnings = [*found.problems, *(d.warning for d in found.differences if d.warning)]
    blocks = [Bullets(tuple(sentences))]
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
        table = member.samples
        root = about.get("root") or member.config.data.root
        lines = [
            f"{root} ({about.get('reader') or member.config.data.reader}), task {member.config.task.name}: "
            f"{count(len(table))} photos of {count(table['person'].nunique())} people in "
            f"{len(member.class_names)} classes and {table['fold'].nunique()} folds; nobody stands in two folds.",
            f"{count(member.info.get('left_out') or 0)} unreadable or unusable files were left out; "
            f"{count(member.info.get('dropped') or 0)} photos are not in the task.",
        ]
        if corrections := member.info.get("corrections"):
            lines.append(f"{_corrected(corrections)} was applied over the labels of the dataset.")
        blocks += [Text(line) for line in lines]
        blocks.append(_class_counts(member))
    if len(seen) > 1:
        blocks.insert(0, Bullets(("The runs were not trained on the same photos.",), warn=True))
    return Section("Data", tuple(blocks))


def _corrected(corrections: object) -> str:
    if isinstance(corrections, dict) and isinstance(corrections.get("count"), int):
        return f"A file of {count(corrections['count'])} corrections"
    return f"A file of {count(corrections)} corrections" if isinstance(corrections, int) else "A file of corrections"


def _class_counts(member: Member) -> Table:
    groups = member.samples.groupby("class_name")
    photos, people = groups.size(), groups["person"].nunique()
    rows = []
    for name in member.class_names:
        n = int(photos.get(name, 0))
        rows.append((name, count(people.get(name, 0)), count(n), f"{n / max(1, len(member.samples)):.1%}"))
    return Table(("class", "people", "photos", "share of photos"), tuple(rows))


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


def _scores(found: Findings) -> Section:
    rows = []
    for member in found.members:
        cells = [spread(member.scores(m, w).values()) for m in ("f1", "accuracy") for w in ("best", "final")]
        rows.append((found.names[member.id], f"{len(member.done)} of {len(member.states)}", *cells))
    head = ("run", "folds done", "F1 best epoch", "F1 last epoch", "accuracy best epoch", "accuracy last epoch")
    note = "Mean ± deviation over folds (number of folds). F1 is the mean over all classes of the task."
    return Section("Scores", (Table(head, tuple(rows), note),))


def _curves(found: Findings) -> Section:
    lines = []
    for member in found.members:
        table = member.run.all_metrics()
        if len(table):
            lines.append(drawings.Line(member.id, found.names[member.id], found.colours[member.id], table, {}))
    if not lines:
        return Section("Curves", ())
    blocks: list = [
        Figure(drawings.run_curves(lines, "f1"), "Validation F1 by epoch: mean over folds, band: mean ± deviation."),
        Figure(
            drawings.run_curves(lines, "loss", show="both"),
            "Loss by epoch: validation solid with its band, training dashed.",
        ),
    ]
    rows = []
    for line in lines:
        values = drawings.by_epoch(line.metrics, "f1", "validation")
        last = int(values.index.max())
        at = [max(1, round(last * share)) for share in (0.25, 0.5, 0.75, 1)]
        rows.append((line.name, *(f"{_row(values, epoch)} @ {epoch}" for epoch in at)))
    head = ("run", "a quarter", "half", "three quarters", "the last epoch")
    blocks.append(Table(head, tuple(rows), "Validation F1 on the way: mean ± deviation (folds) @ epoch."))
    return Section("Curves", tuple(blocks))


def _row(values: pd.DataFrame, epoch: int) -> str:
    return spread(values.loc[epoch]) if epoch in values.index else NOTHING


def _differences(found: Findings) -> Section:
    base = found.names[found.baseline.id]
    rows = []
    for one in found.differences:
        if one.interval is None:
            rows.append((one.name, *(NOTHING,) * 5, "not paired"))
            continue
        people = one.people
        rows.append(
            (
                one.name,
                _interval(one.interval),
                _p(one.p),
                _interval(one.bootstrap) if one.bootstrap else NOTHING,
                f"{people.only_a} / {people.only_b} (p {_p(people.exact)})" if people else NOTHING,
                str(one.interval.n),
                one.verdict,
            )
        )
    head = ("run", "F1, folds", "p", "F1, people", "people won / lost", "folds", "verdict")
    note = (
        f"Against {base}, in points of F1 with 95% intervals. Folds: corrected resampled t (Nadeau and Bengio 2003), p "
        "corrected for the number of comparisons (Holm). People: bootstrap over people of all out-of-fold predictions. "
        "Won / lost: people of whom the run gets more, or fewer, photos right than the baseline (McNemar, exact)."
    )
    blocks: list = [Table(head, tuple(rows), note)]
    if any(d.interval for d in found.differences):
        figure = drawings.deltas(found.differences, found.colours, within=found.within)
        caption = f"Differences from {base}: a dot a fold, the mean with its interval; grey counts as the same."
        blocks.append(Figure(figure, caption))
    notes = [note for one in found.differences for note in one.notes]
    if notes:
        blocks.append(Bullets(tuple(dict.fromkeys(notes)), warn=True))
    return Section("Differences", tuple(blocks))


def _interval(interval: statistics.Interval) -> str:
    mean = statistics.signed(interval.mean)
    if not interval.known:
        return f"{mean} (no interval)"
    return f"{mean} [{statistics.signed(interval.low)}, {statistics.signed(interval.high)}]"


def _p(p: float) -> str:
    if not math.isfinite(p):
        return NOTHING
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _classes(found: Findings) -> Section:
    try:
        table = contrast.class_scores(found.members)
        parts = contrast.attribute_accuracy(found.members)
    except LabError as error:
        return Section("Classes", (Bullets((str(error),), warn=True),))
    if not table.notna().any(axis=None):
        return Section("Classes", ())
    blocks: list = [Figure(drawings.class_heat(table, found.names), "F1 of each class, all out-of-fold photos pooled.")]
    head = ("class", *(found.names[m.id] for m in found.members))
    blocks.append(
        Table(head, tuple((str(c), *(score(table.at[m.id, c]) for m in found.members)) for c in table.columns))
    )
    if len(parts.columns):
        rows = tuple((str(c), *(score(parts.at[m.id, c]) for m in found.members)) for c in parts.columns)
        blocks.append(Table(("accuracy of", *head[1:]), rows))
    return Section("Classes", tuple(blocks))


def _cost(found: Findings) -> Section:
    rows, points = [], []
    for member in found.members:
        c = found.costs[member.id]
        rows.append(
            (
                found.names[member.id],
                f"{c.size.parameters / 1e6:.1f} M",
                f"{c.size.multiply_adds / 1e9:.2f} G",
                rate(c.training_rate),
                duration(c.epoch_seconds),
                duration(c.seconds),
                f"{c.checkpoint_bytes / 1e6:.1f} MB" if math.isfinite(c.checkpoint_bytes) else NOTHING,
                c.device or NOTHING,
            )
        )
        mean, deviation, folds = mean_and_deviation(member.scores("f1", "best").values())
        if folds:
            name, colour = found.names[member.id], found.colours[member.id]
            points.append(drawings.Point(member.id, name, colour, c.size.multiply_adds / 1e9, mean, deviation))
    head = ("run", "parameters", "multiply-adds", "training", "epoch", "all folds", "checkpoint", "device")
    note = "Multiply-adds are of one image forward; an epoch is training and validation of one fold."
    blocks: list = [Table(head, tuple(rows), note)]
    if len(points) > 1:
        figure = drawings.score_against_cost(points, x_title="multiply-adds per image (G)", y_title="macro F1")
        blocks.append(Figure(figure, "F1 against cost; no other run beats those on the dotted line in both."))
    return Section("Cost", tuple(blocks))


def _again(found: Findings) -> Section:
    versions: dict[str, str] = {}
    for member in found.members:
        versions |= {str(k): str(v) for k, v in (member.info.get("versions") or {}).items()}
    root = (found.baseline.info.get("dataset") or {}).get("root") or found.baseline.config.data.root
    commands, blocks = [], []
    for member in found.members:
        commands.append(f"python -m core train {member.id}.yaml --data {shlex.quote(str(root))}")
    blocks.append(Text("Save a configuration below under its file name, then launch it:"))
    blocks.append(Code("Commands", "\n".join(commands)))
    if versions:
        blocks.append(Table(("library", "version"), tuple(sorted(versions.items())), words=True))
    rows = []
    for member in found.members:
        c, about = member.config, member.info.get("dataset") or {}
        print_ = str(about.get("fingerprint") or NOTHING)[:16]
        rows.append((found.names[member.id], member.id, str(c.training.seed), str(c.folds.seed), print_))
    head = ("run", "id", "seed", "seed of the folds", "fingerprint of the data")
    blocks.append(Table(head, tuple(rows), words=True))
    blocks += [Code(f"{member.id}.yaml", to_yaml(member.config)) for member in found.members]
    return Section("How to reproduce", tuple(blocks))
