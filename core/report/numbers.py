"""The sections of a report that are numbers: scores, curves, differences, classes, cost, extras."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go

from core.answers import yes_no_scores
from core.answers.attribute_scores import without_score
from core.answers.yes_no_scores import F1_IN_WORDS
from core.compare import contrast
from core.compare.cost import RunCost
from core.compare.members import ComparedRun
from core.compare.verdict import no_rivals
from core.data import persons
from core.data.tasks import attributes_of
from core.errors import LabError
from core.figures import comparison, comparison_curves
from core.figures.style import FEW_RUNS
from core.plan.folds import absent_classes
from core.predict.extras import words
from core.predict.extras.measured import HELD_OUT, PLACES, Measured, load
from core.predict.extras.ways import EXTRAS
from core.report.blocks import Bullets, Figure, Section, Table
from core.report.findings import Findings
from core.runs import Run, looks, metrics_file
from core.runs.use import words as use_words
from core.stats import paired
from core.stats.metrics import mean_and_deviation
from core.text import NOTHING, duration, rate, score, spread

if TYPE_CHECKING:
    from core.predict.extras.ladder import Ladder

VERDICTS = {
    paired.BETTER: "better",
    paired.WORSE: "worse",
    paired.SAME: "the same",
    paired.UNDECIDED: "not shown to differ",
}


def scores(findings: Findings) -> Section:
    rows = []
    for member in findings.members:
        cells = [spread(member.scores(m, w).values()) for m in ("f1", "accuracy") for w in ("best", "final")]
        rows.append((findings.names[member.id], f"{len(member.done)} of {len(member.states)}", *cells))
    head = ("run", "folds done", "F1 best epoch", "F1 last epoch", "accuracy best epoch", "accuracy last epoch")
    classes = len(findings.baseline.class_names)
    f1 = f"F1 is macro F1 over all {classes} classes of the task"
    f1 = F1_IN_WORDS.removesuffix(".") if findings.baseline.one_by_one else f1
    note = (
        f"Mean ± deviation over folds (number of folds). {f1}; a class of which a fold holds no photo counts 0 in it."
    )
    lacking = _lacking(findings)
    return Section("Scores", (Table(head, tuple(rows), note), *lacking))


def _lacking(findings: Findings) -> list[Table]:
    """Folds that hold no photo of some class, with what their F1 is over the classes that they hold."""
    rows = []
    for member in findings.members:
        for fold, absent in absent_classes(member.samples, member.class_names).items():
            scores_of_fold = [score(member.score(fold, metric, "best")) for metric in ("f1", "f1_present")]
            rows.append((findings.names[member.id], f"{fold}", ", ".join(absent), *scores_of_fold))
    head = ("run", "fold", "classes without a photo", "F1 best epoch", "F1 over the classes present")
    return [Table(head, tuple(rows))] if rows else []


def _with_many_names(figure: go.Figure, names: int) -> go.Figure:
    """The names of many runs beside the curves: beneath them they would take the figure's height."""
    legend = {"orientation": "v", "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"}
    return figure.update_layout(legend=legend, height=max(320, 60 + 20 * names))


def curves(findings: Findings) -> Section:
    histories, older = [], []
    for member in findings.members:
        table = member.run.all_metrics()
        if metrics_file.tells_objective(table, member.config.training):
            older.append(findings.names[member.id])
        if len(table):
            name, colour = findings.names[member.id], findings.colours[member.id]
            histories.append(comparison_curves.RunHistory(member.id, name, colour, table, {}))
    if not histories:
        return Section("Curves", ())
    f1_caption = "Validation F1 by epoch: mean over folds, band: mean ± deviation."
    loss_caption = (
        "Loss (plain cross-entropy) by epoch: validation solid with its band, training dashed. "
        + comparison_curves.loss_words(older)
    )
    side_by_side = len(histories) <= FEW_RUNS
    blocks: list = [
        Figure(figure if side_by_side else _with_many_names(figure, len(histories)), caption, half=side_by_side)
        for figure, caption in (
            (comparison_curves.run_curves(histories, "f1"), f1_caption),
            (comparison_curves.run_curves(histories, "loss", show="both"), loss_caption),
        )
    ]
    rows = []
    for history in histories:
        values = comparison_curves.by_epoch(history.metrics, "f1", "validation")
        last = int(values.index.max())
        at = [max(1, round(last * share)) for share in (0.25, 0.5, 0.75, 1)]
        rows.append((history.name, *(f"{_row(values, epoch)} @ {epoch}" for epoch in at)))
    head = ("run", "a quarter", "half", "three quarters", "the last epoch")
    blocks.append(Table(head, tuple(rows), "Validation F1 on the way: mean ± deviation (folds) @ epoch."))
    return Section("Curves", tuple(blocks))


def _row(values: pd.DataFrame, epoch: int) -> str:
    return spread(values.loc[epoch]) if epoch in values.index else NOTHING


def differences(findings: Findings) -> Section:
    """Empty for a run alone."""
    if not findings.differences:
        return Section("Differences", ())
    base = findings.names[findings.baseline.id]
    who = persons.noun(persons.together(difference.persons for difference in findings.differences))
    rows = []
    for difference in findings.differences:
        if difference.interval is None:
            rows.append((difference.name, *(NOTHING,) * 5, "not paired"))
            continue
        people = difference.people
        rows.append(
            (
                difference.name,
                _interval(difference.interval),
                _p(difference.p),
                _interval(difference.bootstrap) if difference.bootstrap else NOTHING,
                f"{people.only_a} / {people.only_b} (p {_p(people.exact)})" if people else NOTHING,
                str(difference.interval.n),
                VERDICTS[difference.verdict],
            )
        )
    head = ("run", "F1, folds", "p", f"F1, {who}", f"{who} won / lost", "folds", "verdict")
    note = (
        f"Against {base}, points of F1 with 95% intervals. What lies within {paired.points(findings.within)} counts "
        "as the same. Folds: corrected resampled t (Nadeau and Bengio 2003), p corrected for the number of comparisons "
        f"(Holm). {who.capitalize()}: bootstrap over {who} of all out-of-fold predictions. {_won_and_lost(who)}"
    )
    blocks: list = [Table(head, tuple(rows), note)]
    if any(d.interval for d in findings.differences):
        figure = comparison.deltas(findings.differences, findings.colours, within=findings.within)
        caption = f"Differences from {base}: a dot a fold, the mean with its interval; grey counts as the same."
        blocks.append(Figure(figure, caption))
    notes = [note for difference in findings.differences for note in difference.notes]
    if notes:
        blocks.append(Bullets(tuple(dict.fromkeys(notes)), warn=True))
    return Section("Differences", tuple(blocks))


def _won_and_lost(who: str) -> str:
    if who == persons.noun(persons.UNKNOWN):
        return "Won / lost: photos that the run alone gets right, or the baseline alone (McNemar, exact)."
    return f"Won / lost: {who} of whom the run gets more, or fewer, photos right than the baseline (McNemar, exact)."


def _interval(interval: paired.Interval) -> str:
    mean = paired.signed(interval.mean)
    if not interval.known:
        return f"{mean} (no interval)"
    return f"{mean} [{paired.signed(interval.low)}, {paired.signed(interval.high)}]"


def _p(p: float) -> str:
    if not math.isfinite(p):
        return NOTHING
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def classes(findings: Findings) -> Section:
    try:
        table = contrast.class_scores(findings.members)
        attributes = contrast.attribute_accuracy(findings.members)
    except LabError as error:
        return Section("Classes", (Bullets((str(error),), warn=True),))
    if not table.notna().any(axis=None):
        return Section("Classes", ())
    one_by_one = findings.baseline.one_by_one
    what = "attribute" if one_by_one else "class"
    blocks: list = [
        Figure(comparison.class_heat(table, findings.names), f"F1 of each {what}, all out-of-fold photos pooled.")
    ]
    head = (what, *(findings.names[m.id] for m in findings.members))
    blocks.append(
        Table(head, tuple((str(c), *(score(table.at[m.id, c]) for m in findings.members)) for c in table.columns))
    )
    if one_by_one:
        blocks += [_of_attributes(member, findings.names[member.id]) for member in findings.members if member.done]
    if len(attributes.columns):
        rows = tuple((str(c), *(score(attributes.at[m.id, c]) for m in findings.members)) for c in attributes.columns)
        left_out = without_score([member.config.task for member in findings.members], attributes.columns)
        blocks.append(Table(("accuracy of", *head[1:]), rows, left_out))
    return Section("Classes", tuple(blocks))


def _of_attributes(member: ComparedRun, name: str) -> Table:
    """What a run reaches in each of its attributes, lowest F1 first."""
    folds = [member.run.predictions(fold, "best") for fold in member.done]
    attribute_names = attributes_of(member.config.task)
    scores = yes_no_scores.of_predictions(pd.concat(folds, ignore_index=True), attribute_names)
    rows = tuple(
        (
            attribute,
            *(score(number) for number in (one.f1, one.f1_yes, one.precision, one.recall, one.accuracy)),
            yes_no_scores.share_of_yes(one.prevalence),
            f"{one.photos:,}",
        )
        for attribute, one in sorted(scores.items(), key=lambda pair: (not pair[1].photos, pair[1].f1))
    )
    head = ("attribute", "F1", "F1 of yes", "precision", "recall", "accuracy", "yes", "photos")
    mean = mean_and_deviation([one.f1_yes for one in scores.values()])[0]
    return Table(head, rows, f"{name}, best epoch, all out-of-fold photos pooled; mean F1 of yes {score(mean)}.")


def costs(findings: Findings) -> Section:
    rows, points, apart = [], [], no_rivals(findings.members)
    for member in findings.members:
        name, cost = findings.names[member.id], findings.costs[member.id]
        rows.append({"run": name, **_cost_cells(cost)})
        mean, deviation, folds = mean_and_deviation(member.scores("f1", "best").values())
        if folds:
            multiply_adds = cost.size.multiply_adds / 1e9
            colour, why = findings.colours[member.id], apart.get(member.id, "")
            points.append(comparison.CostPoint(member.id, name, colour, multiply_adds, mean, deviation, why))
    note = (
        "Multiply-adds are of one image forward. Inference is measured while validating, with reading. An epoch is "
        "training and validation of one fold; memory is the most that training a fold held."
    )
    blocks: list = [Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), note)]
    blocks += _use(findings)
    if len(points) > 1:
        figure = comparison.score_against_cost(points, x_title="multiply-adds per image (G)", y_title="macro F1")
        blocks.append(Figure(figure, f"F1 against cost. {comparison.front_words(points)}"))
    return Section("Cost", tuple(blocks))


def _use(findings: Findings) -> list[Table]:
    """What each run used of its machine; nothing where no run kept it, as those of before."""
    rows = [(findings.names[each.id], use_words.cells(findings.costs[each.id].use)) for each in findings.members]
    columns = list(dict.fromkeys(title for _, row in rows for title in row))
    lines = tuple((name, *(row.get(title, NOTHING) for title in columns)) for name, row in rows)
    return [Table(("used while training", *columns), lines, use_words.NOTE)] if columns else []


def extras(findings: Findings) -> Section:
    """What somebody has measured already of test sets (whose look was counted then) and of held-out photos."""
    blocks: list = []
    for place in PLACES:
        runs = [member.run for member in findings.members if place == HELD_OUT or _looked_at(member.run)]
        kept = [measured for run in runs if (measured := load(run, place)) is not None]
        for of_some in _told_together(kept):
            rows = [
                (
                    words.name(rung, of_some),
                    words.f1(rung),
                    words.difference(rung.over) if rung.over else "",
                    words.seconds(rung.seconds),
                    words.times(of_some.times(rung)) if rung.over else "",
                )
                for rung in of_some.rungs
            ]
            head = ("way to answer", "F1 [95%]", "over the step before", "100 photos", "times")
            said = f"{words.about(of_some)} {words.cost(of_some)}"
            blocks += [Bullets(tuple(words.verdicts(of_some))), Table(head, tuple(rows), said)]
            if notes := words.notes(of_some):
                blocks.append(Bullets(tuple(notes), warn=True))
    return Section("What extras bring and cost", tuple(blocks))


def _looked_at(run: Run) -> bool:
    try:
        return bool(looks.times(run))
    except LabError:  # the section of the test set says what is wrong
        return False


def _told_together(kept: list[Measured]) -> list[Ladder]:
    """All runs together where they can be, else each alone."""
    from core.predict.extras.ladder import ladder

    together = [each.with_extras(set(EXTRAS).intersection(*(other.answers for other in kept))) for each in kept]
    try:
        return [ladder(together)] if kept else []
    except LabError:
        return [ladder([each]) for each in kept]


def _cost_cells(cost: RunCost) -> dict[str, str]:
    """Title of a column -> what a run has in it."""
    return {
        "parameters": f"{cost.size.parameters / 1e6:.1f} M",
        "multiply-adds": f"{cost.size.multiply_adds / 1e9:.2f} G",
        "training": rate(cost.training_rate),
        "inference": rate(cost.validation_rate),
        "epoch": f"{cost.epoch_seconds:.1f} s" if cost.epoch_seconds < 10 else duration(cost.epoch_seconds),
        "all folds": duration(cost.seconds),
        "memory": f"{cost.memory_bytes / 1e6:,.0f} MB" if math.isfinite(cost.memory_bytes) else NOTHING,
        "weights": f"{cost.checkpoint_bytes / 1e6:.1f} MB" if math.isfinite(cost.checkpoint_bytes) else NOTHING,
        "device": cost.device or NOTHING,
    }
