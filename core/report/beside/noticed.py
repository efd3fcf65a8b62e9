"""The section of a report on what the lab noticed in each run: the findings of its page, in the same words."""

from __future__ import annotations

import contextlib

from core.answers import mistakes, outcome
from core.answers.noticed import Noticed, noticed
from core.compare.members import ComparedRun
from core.errors import LabError
from core.report.blocks import Bullets, Section
from core.report.findings import Findings

TITLE = "What stands out"


def section(findings: Findings) -> Section:
    """Empty where nothing does."""
    alone = len(findings.members) == 1
    lines = []
    for member in findings.members:
        for each in _of(member):
            whose = "" if alone else f"{findings.names[member.id]}: "
            lines.append(f"{whose}{each.title}: {each.words}.")
    return Section(TITLE, (Bullets(tuple(lines), warn=True),) if lines else ())


def _of(member: ComparedRun) -> list[Noticed]:
    about = None
    if not member.one_by_one and member.done:
        with contextlib.suppress(LabError):  # the sections of classes and faces say what is wrong with its answers
            about = outcome.outcome(mistakes.load_answers(member.run, folds=member.done))
    metrics = member.run.all_metrics()
    metrics = metrics[metrics["fold"].isin(member.done)]
    overfit = outcome.overfits(metrics) if len(metrics) else None
    return noticed(about, overfit, member.scores("f1", "best"), member.scores("f1_present", "best"))
