"""Each attribute's own scores beneath a run's table: the same joint predictions, read one attribute at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from core.answers.attribute_scores import AttributeScore, score_run
from core.errors import LabError
from core.runs import Run
from core.storage.files import GARBAGE
from core.text import spread

KINDS = ("best", "final")


def scores_of(run: Run, done: Sequence[int]) -> dict[str, list[AttributeScore]] | str:
    """'best' and 'final' scores of the finished folds; the reason, as a sentence, when predictions are gone."""
    try:
        versions = tuple(run.predictions_file(fold, kind).stat().st_mtime_ns for fold in sorted(done) for kind in KINDS)
        return _scores(str(run.dir), versions)
    except LabError as error:
        return str(error)
    except (OSError, *GARBAGE):
        return f"{run.id}: predictions of a finished fold are gone or damaged, so attributes have no scores."


@lru_cache(maxsize=64)
def _scores(run_dir: str, versions: tuple[int, ...]) -> dict[str, list[AttributeScore]]:
    run = Run(Path(run_dir).name, Path(run_dir).parent)
    return {kind: score_run(run, kind) for kind in KINDS}


def table_html(scores: dict[str, list[AttributeScore]]) -> str:
    """Attributes as rows; accuracy and macro F1 of the best and the last epoch, mean ± deviation over folds."""
    rows = []
    for attribute in dict.fromkeys(score.attribute for score in scores["best"]):
        cells = ""
        for kind in KINDS:
            of_attribute = [score for score in scores[kind] if score.attribute == attribute]
            f1, right = spread(score.f1 for score in of_attribute), spread(score.accuracy for score in of_attribute)
            cells += f'<td class="lab-edge">{f1}</td><td>{right}</td>'
        rows.append(f"<tr><td>{escape(attribute)}</td>{cells}</tr>")
    if not rows:
        return ""
    names = "<th class='lab-edge'>F1</th><th>accuracy</th>"
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead><tr class="lab-group"><th></th>'
        '<th colspan="2" class="lab-edge">best epoch</th><th colspan="2" class="lab-edge">last epoch</th></tr>'
        f"<tr><th>attribute</th>{names}{names}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
