"""The section of a report about test photos: how often they were looked at, and what was seen. Imports no torch."""

from __future__ import annotations

from core.answers import ensemble_scores
from core.answers.ensemble_scores import NO_CHOICE, EnsembleScores
from core.errors import LabError
from core.plan import apart
from core.report.blocks import Block, Bullets, Section, Table
from core.report.findings import Findings
from core.runs import looks
from core.stats.paired import Interval
from core.text import NOTHING, count, score, spread


def section(findings: Findings) -> Section:
    """Empty where no run has test photos. A report shows what somebody has seen already, and counts no look."""
    rows, notes = [], []
    for member in findings.members:
        if not member.run.test_file.is_file():
            continue
        name = findings.names[member.id]
        try:
            photos, seen = member.run.test_photos(), len(looks.times(member.run))
            through_others = looks.others([member.run])
            scores = ensemble_scores.load(member.run) if seen else None
        except LabError as error:
            notes.append(f"{name}: {error}")
            continue
        looked_at = looks.words(seen, through_others)
        rows.append((name, count(0 if photos is None else len(photos)), looked_at, *_cells(scores)))
        sentences = apart.sentences(member.info.get("test"))[1:]
        sentences += [sentence for sentence in (scores.about, scores.lacking) if sentence] if scores else []
        notes += [sentence if len(findings.members) == 1 else f"{name}: {sentence}" for sentence in sentences]
    blocks: list[Block] = []
    if rows:
        head = ("run", "photos", "looks", "F1 ensemble", "accuracy ensemble", "F1 folds alone")
        words = (
            "Photos that no fold was trained or validated on, scored by the mean of all folds' probabilities, [95% "
            f"interval]; folds alone: mean ± deviation (folds). This report counts no look. {NO_CHOICE}"
        )
        blocks.append(Table(head, tuple(rows), words))
    if notes:
        blocks.append(Bullets(tuple(dict.fromkeys(notes)), warn=True))
    return Section("Test set", tuple(blocks))


def _cells(scores: EnsembleScores | None) -> tuple[str, str, str]:
    if scores is None:
        return NOTHING, NOTHING, NOTHING
    return _told(scores.f1), _told(scores.accuracy), spread(fold.f1 for fold in scores.folds)


def _told(interval: Interval) -> str:
    ends = f" [{score(interval.low)}, {score(interval.high)}]" if interval.known else ""
    return f"{score(interval.mean)}{ends}"
