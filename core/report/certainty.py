"""The section of a report about how sure the runs may be believed to be. Imports no torch."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.answers import certainty, certainty_words, together
from core.answers.certainty import ACCURACY, ALPHA, Certainty, Question
from core.answers.certainty_words import interval, percent
from core.compare.members import ComparedRun
from core.data import persons
from core.data.tasks import attributes_of
from core.errors import LabError
from core.figures import certainty as figures
from core.report.blocks import Block, Bullets, Figure, Section, Table
from core.report.findings import Findings
from core.text import NOTHING, count, score

if TYPE_CHECKING:
    from core.answers.together import Together
    from core.stats.paired import Interval

FIGURES = 4  # runs with a reliability diagram; nobody reads forty of them


def section(findings: Findings) -> Section:
    """A row a run; of a run alone also each class, and what it means in sentences. Empty before a fold is done."""
    sure: list[tuple[ComparedRun, Certainty]] = []
    notes = []
    for member in findings.members:
        if not member.done:
            continue
        if member.one_by_one:
            first = shlex.quote(f"{member.id}:{attributes_of(member.config.task)[0]}")
            of_one = f"python -m core certainty {first}"
            words = "it tells attributes one by one and is judged for one at a time, on its page or with"
            notes.append(f"{findings.names[member.id]}: {words} {of_one}.")
            continue
        try:
            sure.append((member, certainty.load(member.run)))
        except LabError as error:
            notes.append(f"{findings.names[member.id]}: {error}")
    blocks: list[Block] = []
    if sure:
        rows = tuple((findings.names[member.id], *_cells(of_run)) for member, of_run in sure)
        head = (
            "run",
            "calibration error",
            "with temperature",
            "AURC",
            f"answered for {ACCURACY:.0%} right",
            f"in sets of {1 - ALPHA:.0%}",
            "their size",
        )
        over = persons.noun(persons.together(of_run.persons.state for _, of_run in sure))
        words = (
            f"From out-of-fold answers, [95% interval] over {over}. Temperature and sets are judged with what the "
            "other folds say. AURC: mean share wrong when the surest are answered first. Answered: share of photos "
            "sure enough for so many to be right. In sets: photos whose set holds the true class; size: classes in it."
        )
        blocks.append(Table(head, rows, words))
    for member, of_run in sure[:FIGURES]:
        figure = figures.reliability(of_run.before.reliability, of_run.after.reliability if of_run.after else None)
        caption = (
            f"{findings.names[member.id]}: what the networks promise, and what they keep; photos of each bin below."
        )
        blocks.append(Figure(figure, caption, half=True))
    if len(findings.members) == 1 and sure:
        test = None
        try:
            test = together.load(sure[0][0].run, sure[0][1])
        except LabError as error:  # about the test set alone
            notes.append(str(error))
        blocks += _alone(sure[0][1], test)
    if notes:
        blocks.append(Bullets(tuple(notes), warn=True))
    return Section("How sure", tuple(blocks))


def _cells(sure: Certainty) -> tuple[str, ...]:
    promise, summary = sure.promise(), sure.sets()
    return (
        interval(sure.before.error),
        interval(sure.after.error) if sure.after else NOTHING,
        score(sure.risk.area),
        f"{promise.coverage:.1%}" if promise else "no promise",
        percent(summary.coverage) if summary else NOTHING,
        f"{summary.size:.2f}" if summary else NOTHING,
    )


def _alone(sure: Certainty, test: Together | None) -> list[Block]:
    sentences = (
        certainty_words.trust(sure),
        certainty_words.temperature(sure),
        certainty_words.together(test) if test else certainty_words.mean_of_folds(sure),
        certainty_words.threshold(sure, ACCURACY, sure.promise()),
        certainty_words.sets(sure.sets(), sure),
        certainty_words.offsets(sure),
    )
    blocks: list[Block] = [Bullets(sentences), *(_classes(question) for question in sure.questions)]
    if sure.doubts:
        blocks.append(Bullets(tuple(sure.doubts), warn=True))
    return blocks


def _classes(question: Question) -> Table:
    head = (question.attribute or "class", "photos", "precision", "recall", "F1", "ROC area", "PR area")
    rows = [
        (
            line.name,
            count(line.photos),
            *map(_short, (line.precision, line.recall, line.f1, line.auc, line.average_precision)),
        )
        for line in question.lines
    ]
    rows.append(("mean of all", count(len(question.labels)), *map(_short, question.macro), "", ""))
    return Table(head, tuple(rows))


def _short(of: Interval) -> str:
    """As `interval`, with ends that leave room for five of them in a row."""
    return f"{score(of.mean)} [{of.low:.2f}, {of.high:.2f}]" if of.known else score(of.mean)
