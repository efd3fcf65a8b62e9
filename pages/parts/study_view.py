"""One study at one moment, and its HTML: a matrix of runs x folds with what each reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core import runs
from core.attribute_scores import JointScore
from core.runs import FoldState, Run
from core.study_records import Study
from core.text import count, duration, score, spread
from pages.parts import states

_CSS = """<style>
.lab-matrix { border-collapse: separate; border-spacing: 4px; width: 100%; font-size: .86rem;
  font-variant-numeric: tabular-nums; }
.lab-matrix th { font-weight: 500; opacity: .7; text-align: left; padding: .1rem .4rem; white-space: nowrap; }
.lab-matrix td { padding: .35rem .55rem; white-space: nowrap; }
.lab-matrix td.lab-cell { border-radius: 5px; min-width: 84px; position: relative; overflow: hidden;
  background: color-mix(in srgb, var(--c) 12%, transparent); border-left: 3px solid var(--c); }
.lab-matrix td.lab-cell .lab-fill { position: absolute; left: 0; bottom: 0; height: 3px; background: var(--c); }
.lab-matrix td.lab-name { max-width: 360px; overflow: hidden; text-overflow: ellipsis; padding-left: .2rem; }
.lab-matrix a { color: inherit; } .lab-matrix .lab-meta { font-size: .8rem; }
</style>"""


@dataclass(frozen=True)
class Row:
    """A run of the study now. folds: empty for a run without a folder. epochs: of one fold."""

    id: str
    name: str
    folds: list[FoldState]
    epochs: int
    note: str = ""

    @property
    def state(self) -> str:
        return runs.overall(fold.state for fold in self.folds) if self.folds else "unreadable"


def look(study: Study) -> list[Row]:
    rows = []
    for member in study.runs:
        run = Run(member.id)
        epochs = sum(phase["epochs"] for phase in member.config["phases"])
        if run.exists():
            rows.append(Row(member.id, member.name, run.states(), epochs))
        else:
            why = study.refused.get(member.id) or "no folder: its launch was cut off, or it was deleted"
            rows.append(Row(member.id, member.name, [], epochs, why))
    return rows


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Fold jobs by state."""
    found: dict[str, int] = {}
    for row in rows:
        for fold in row.folds:
            found[fold.state] = found.get(fold.state, 0) + 1
    return found


def headline_html(study: Study, rows: Sequence[Row]) -> str:
    found = counts(rows)
    total = sum(found.values())
    done = found.get("done", 0)
    share = 100 * done / max(1, total)
    words = " · ".join(f"{count(n)} {state}" for state, n in found.items() if state != "done")
    spent = sum((f.ended or 0) - (f.started or 0) for r in rows for f in r.folds if f.state == "done" and f.started)
    left = f'<span class="lab-state">{states.icon("queued")} paused: what trains goes on, nothing new begins</span> · '
    tone = "good" if done == total else "accent"
    return (
        f'<div class="lab-line"><span>{left if study.paused else ""}{count(done)} of {count(total)} fold jobs done'
        f"{' · ' + words if words else ''}{' · trained for ' + duration(spent) if spent else ''}</span>"
        f'<span>{share:.0f}%</span></div><div class="lab-bar lab-{tone}"><div style="width:{share:.1f}%"></div></div>'
    )


def matrix_html(rows: Sequence[Row], paused: bool) -> str:
    """Runs as rows, folds as columns: state as a tint and an icon, best F1 so far, epochs as a line at the foot."""
    folds = max((len(row.folds) for row in rows), default=0)
    heads = "".join(f"<th>fold {k}</th>" for k in range(folds))
    body = "".join(_row_html(row, folds, paused) for row in rows)
    return (
        f'{_CSS}<div class="lab-scroll"><table class="lab-matrix"><thead><tr><th>run</th>{heads}'
        f"<th>best F1</th><th>final F1</th><th>best accuracy</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row_html(row: Row, folds: int, paused: bool) -> str:
    name = f'<td class="lab-name" title="{escape(row.name)}">'
    if not row.folds:
        return (
            f'<tr>{name}{escape(row.name)}</td><td colspan="{folds + 3}" class="lab-meta">{escape(row.note)}</td></tr>'
        )
    name += f'<a href="/live?run={row.id}" target="_self">{escape(row.name)}</a></td>'
    cells = "".join(_cell_html(fold, row.epochs, paused) for fold in row.folds)
    cells += "<td></td>" * (folds - len(row.folds))
    done = [fold.scores or {} for fold in row.folds if fold.state == "done"]
    means = "".join(f"<td>{spread(s.get(k) for s in done)}</td>" for k in ("best_f1", "final_f1", "best_accuracy"))
    return f"<tr>{name}{cells}{means}</tr>"


def _cell_html(fold: FoldState, epochs: int, paused: bool) -> str:
    word, _, tone = (states.STATES.get(fold.state) or states.STATES["unreadable"])[1], 0, _tone(fold.state)
    shown = "paused" if paused and fold.state == "queued" else word
    best = score((fold.scores or {}).get("best_f1")) if fold.scores else ""
    share = 100 if fold.state == "done" else 100 * min(1.0, fold.epoch / max(1, epochs))
    tip = f"{shown}, epoch {fold.epoch} of {epochs}" + (f": {fold.reason}" if fold.reason else "")
    text = best if best else f'<span class="lab-meta">{shown}</span>'
    return (
        f'<td class="lab-cell lab-{tone}" title="{escape(tip)}">{states.icon(fold.state)} {text}'
        f'<span class="lab-fill" style="width:{share:.0f}%"></span></td>'
    )


def _tone(state: str) -> str:
    return (states.STATES.get(state) or states.STATES["unreadable"])[2]


def together_html(names: Sequence[str], scores: Sequence[JointScore]) -> str:
    """Networks of one attribute each, scored on the joint classes as if they were one."""
    f1, right = spread(s.f1 for s in scores), spread(s.accuracy for s in scores)
    return (
        f'<div class="lab-line"><span>{escape(" + ".join(names))}, together on the joint classes</span>'
        f"<span>best F1 {f1} · accuracy {right}</span></div>"
    )
