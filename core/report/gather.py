"""A comparison of runs, written up: what was asked, what the numbers say, and how to get them again.

Imports no torch before a network has to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from core.errors import LabError
from core.report import sections
from core.report.blocks import Report
from core.report.findings import SHOWN, compare_runs
from core.report.words import answer
from core.runs import Run
from core.storage.remembered import shared
from core.studies import records


def gather(
    runs: Sequence[Run],
    *,
    title: str = "",
    question: str = "",
    baseline: str | None = None,
    within: float = 0.01,
    maps: bool = False,
    trust: bool = False,
    faces: Sequence[str] = (),
    photos: str = SHOWN,
) -> Report:
    """Read the runs, compare them, and write every section.

    baseline: id of the run that the others are compared with; the first one without it. within: half width of the
    region that counts as the same, a share. maps: show what the networks looked at on the faces (loads them). trust:
    say how far each map is to be trusted (some fifty answers a map). faces: samples to show besides those on which runs
    differ most. photos: shown as they are, blurred (maps of them too), or none, and then no maps.
    Raises LabError when no run is left that can be read; a run that cannot be read, or that tells other classes, is
    named in the report and left out.
    """
    with shared():  # a section looks at the same answers as the one before
        findings = compare_runs(
            runs, baseline=baseline, within=within, maps=maps, trust=trust, faces=faces, photos=photos
        )
        sentences = answer(findings)
        number = len(findings.members)
        return Report(
            title=title.strip() or (findings.baseline.name if number == 1 else f"{number} runs compared"),
            question=question.strip(),
            written=f"{datetime.now():%d %B %Y, %H:%M}",
            sentences=sentences,
            sections=sections.sections(findings, sentences),
        )


def of_names(names: Sequence[str], folder: Path | None = None, **options) -> Report:
    """gather of a study, or of runs; each name is an id. A study brings its own title and question."""
    if len(names) == 1 and (study := _study(names[0], folder)) is not None:
        options |= {"title": options.get("title") or study.name}
        options |= {"question": options.get("question") or study.description}
        names = study.run_ids
    return gather([Run(name, folder) for name in names], **options)


def _study(study_id: str, folder: Path | None) -> records.Study | None:
    try:
        return records.load(study_id, folder)
    except LabError as error:
        if error.kind == "gone":
            return None  # it may be a run
        raise
