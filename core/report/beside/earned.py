"""The section of a report on what training earned over the frozen features of the runs' first weights."""

from __future__ import annotations

from core.answers import frozen_features
from core.compare import earned
from core.report.blocks import Bullets, Section, Table
from core.report.findings import Findings
from core.text import spread

TITLE = "What training earned"


def section(findings: Findings) -> Section:
    """Empty where nobody has asked for the baseline of any run."""
    of_runs, problems = earned.of_runs(findings.members, within=findings.within)
    if not of_runs and not problems:
        return Section(TITLE, ())
    name = findings.names
    alone = len(findings.members) == 1
    blocks: list = []
    if of_runs:
        said = tuple(each.sentence if alone else f"{name[each.member.id]}: {each.sentence}" for each in of_runs)
        blocks.append(Bullets(said, tones=tuple(each.difference.verdict for each in of_runs)))
        rows = []
        for each in of_runs:
            of_baseline = [spread(each.baseline.scores(metric).values()) for metric in ("f1", "accuracy")]
            of_run = [spread(each.member.scores(metric, "final").values()) for metric in ("f1", "accuracy")]
            rows.append((name[each.member.id], each.baseline.features, *of_baseline, *of_run))
        head = ("run", "frozen", "their F1", "their accuracy", "F1 last epoch", "accuracy last epoch")
        blocks.append(Table(head, tuple(rows), " ".join(dict.fromkeys(map(_about, of_runs)))))
    notes = [*problems, *(note for each in of_runs for note in frozen_features.notes(each.baseline))]
    if notes:
        blocks.append(Bullets(tuple(dict.fromkeys(notes)), warn=True))
    return Section(TITLE, tuple(blocks))


def _about(each: earned.Earned) -> str:
    metrics = each.member.run.all_metrics()
    return frozen_features.about(each.baseline, float(metrics["seconds"].sum()) if len(metrics) else None)
