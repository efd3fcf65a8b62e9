"""The words and tables of a comparison, as HTML. Everything foreign is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import pandas as pd

from core.compare.cost import RunCost
from core.compare.members import METRICS, WHICH, ComparedRun
from core.compare.pairs import Difference
from core.config.names import title_of
from core.data import persons
from core.stats import paired
from core.stats.paired import Interval, McNemar
from core.text import NOTHING, count, duration, rate, spread
from pages.parts.shared import badges

_CSS = """<style>
.cmp-says { border-left: 3px solid var(--c); padding: .45rem .9rem .5rem; margin-bottom: .45rem; font-size: 1.06rem;
  border-radius: 0 6px 6px 0; background: color-mix(in srgb, var(--c) 9%, transparent); overflow-wrap: anywhere; }
.cmp-says small { display: block; font-size: .82rem; opacity: .82; margin-top: .1rem; }
.cmp-table td { vertical-align: top; }
.cmp-table td.cmp-wrap { white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
.cmp-rest summary { cursor: pointer; padding: .3rem .2rem .5rem; }
table.lab-table.cmp-few { width: auto; min-width: min(100%, 34rem); }
.lab-table.cmp-few th { white-space: normal; min-width: 5rem; max-width: 13rem; vertical-align: bottom; }
.cmp-few td.cmp-wrap { min-width: 6rem; }
.cmp-base { opacity: .7; font-size: .8rem; margin-left: .4rem; }
</style>"""
FEW = 4  # sentences that are shown whatever they say
TONES = {"better": "good", "worse": "bad", "same": "accent", "undecided": "quiet"}
WORDS = {"better": "better", "worse": "worse", "same": "the same", "undecided": "not shown to differ"}


def style() -> str:
    return _CSS


def sentences(differences: Sequence[Difference]) -> str:
    """What can be said about each run, and the warning of those that are no pair.

    Of many runs, what is claimed stands first and what is not can be unfolded.
    """
    if len(differences) <= FEW:
        return _sentences(differences)
    rest = [each for each in differences if each.verdict == paired.UNDECIDED and not each.warning]
    claims = _sentences([each for each in differences if each not in rest])
    words = f"{count(len(rest))} {'other runs are' if claims else 'runs are'} not shown to be better or worse"
    folded = f'<details class="cmp-rest"><summary>{words}</summary>{_sentences(rest)}</details>' if rest else ""
    return claims + folded


def _sentences(differences: Sequence[Difference]) -> str:
    rows = []
    for difference in differences:
        tone = "warn" if difference.warning else TONES[difference.verdict]
        extra = [difference.warning] if difference.warning else []
        small = "".join(f"<small>{escape(text)}</small>" for text in (*extra, *difference.notes))
        rows.append(f'<div class="cmp-says lab-{tone}" role="status">{escape(difference.sentence)}{small}</div>')
    return "".join(rows)


def scores_table(
    members: Sequence[ComparedRun],
    costs: dict[str, RunCost],
    names: dict[str, str],
    colours: dict[str, str],
    baseline: str,
) -> str:
    """A row a run: F1 and accuracy at best and last epoch over its own finished folds, and what it costs."""
    rows = []
    for member in members:
        cells = "".join(
            f"<td{' class=lab-edge' if metric == 'f1' else ''}>{spread(member.scores(metric, which).values())}</td>"
            for which in WHICH
            for metric in METRICS
        )
        mark = '<span class="cmp-base">baseline</span>' if member.id == baseline else ""
        rows.append(
            f'<tr><td class="cmp-wrap">{badges.dot(colours[member.id])}{escape(names[member.id])}{mark}</td>'
            f"{cells}{_cost_cells(costs.get(member.id))}</tr>"
        )
    head = "<th class='lab-edge'>F1</th><th>accuracy</th>"
    costs_head = "".join(
        f"<th{' class=lab-edge' if not i else ''}>{word}</th>"
        for i, word in enumerate(
            ("parameters", "multiply-adds", "training", "validation", "one epoch", "all folds", "memory", "weights")
        )
    )
    return (
        '<div class="lab-scroll"><table class="lab-table cmp-table"><thead><tr class="lab-group"><td></td>'
        '<th colspan="2" class="lab-edge">best epoch</th><th colspan="2" class="lab-edge">last epoch</th>'
        f'<th colspan="8" class="lab-edge">cost</th></tr><tr><th>run</th>{head}{head}{costs_head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cost_cells(cost: RunCost | None) -> str:
    if cost is None:
        return f'<td class="lab-edge">{NOTHING}</td>' + f"<td>{NOTHING}</td>" * 7
    cells = [
        f"{cost.size.parameters / 1e6:,.1f} M",
        f"{cost.size.multiply_adds / 1e9:,.2f} G",
        rate(cost.training_rate),
        rate(cost.validation_rate),
        duration(cost.epoch_seconds) if not cost.epoch_seconds < 10 else f"{cost.epoch_seconds:.1f} s",
        duration(cost.seconds),
        _megabytes(cost.memory_bytes),
        _megabytes(cost.checkpoint_bytes),
    ]
    return f'<td class="lab-edge">{cells[0]}</td>' + "".join(f"<td>{cell}</td>" for cell in cells[1:])


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.{0 if size >= 1e7 else 1}f} MB" if math.isfinite(size) else NOTHING


def tests_table(differences: Sequence[Difference], colours: dict[str, str]) -> str:
    """Every number behind the sentences. Where persons are unknown, photos are all that can be counted."""
    state = persons.together(each.persons for each in differences)
    by_person = state != persons.UNKNOWN
    rows = []
    for difference in differences:
        if difference.interval is None:
            continue
        rows.append(
            f'<tr><td class="cmp-wrap">{badges.dot(colours[difference.run])}{escape(difference.name)}</td>'
            f'<td class="lab-left">{WORDS[difference.verdict]}</td>'
            f'<td class="lab-edge">{paired.signed(difference.interval.mean)}</td><td>{_ends(difference.interval)}</td>'
            f"<td>{_p(difference.interval.p)}</td><td>{_p(difference.p)}</td>"
            f'<td class="lab-edge">{_ends(difference.bootstrap)}</td>'
            f"{_test_cells(difference.photos, ' class=lab-edge')}"
            f"{_test_cells(difference.people) if by_person else ''}</tr>"
        )
    if not rows:
        return ""
    return (
        '<div class="lab-scroll"><table class="lab-table cmp-table"><thead><tr class="lab-group"><th colspan="2"></th>'
        f'<th colspan="4" class="lab-edge">over folds (points)</th><th class="lab-edge">F1 over {persons.noun(state)} '
        f'(points)</th><th colspan="{4 if by_person else 2}" class="lab-edge">right in one run alone (McNemar, mid-p)'
        "</th></tr>"
        "<tr><th>run</th><th class='lab-left'>verdict</th><th class='lab-edge'>mean</th><th>95% interval</th><th>p</th>"
        "<th>p, corrected</th><th class='lab-edge'>95% interval</th><th class='lab-edge'>photos: run | baseline</th>"
        "<th>p</th>"
        + (f"<th>{persons.noun(state)}: run | baseline</th><th>p</th>" if by_person else "")
        + "</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def about_tests(differences: Sequence[Difference]) -> str:
    """What the numbers over people are, and what they are not where persons are unknown."""
    state = persons.together(each.persons for each in differences)
    who = persons.noun(state)
    drawn = f"F1 over {who}: percentile bootstrap that draws {who}, for these trained networks. "
    by_photo = "McNemar by photo takes photos for independent, which photos of one person are not"
    if state == persons.UNKNOWN:
        return f"{drawn}{by_photo}; {persons.warning(state)[0].lower()}{persons.warning(state)[1:]}"
    return f"{drawn}{by_photo}; by person it does not."


def _ends(interval: Interval | None) -> str:
    if interval is None or not interval.known:
        return NOTHING
    return f"{paired.signed(interval.low)} to {paired.signed(interval.high)}"


def _p(p: float | None) -> str:
    if p is None or not math.isfinite(p):
        return NOTHING
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"


def _test_cells(test: McNemar | None, edge: str = "") -> str:
    return f"<td{edge}>{_counts(test)}</td><td>{_p(test.mid_p if test else None)}</td>"


def _counts(test: McNemar | None) -> str:
    return NOTHING if test is None else f"{count(test.only_a)} | {count(test.only_b)}"


def settings_table(table: pd.DataFrame, names: dict[str, str], colours: dict[str, str]) -> str:
    """Settings as rows, runs as columns. table: from contrast.config_differences."""
    head = "".join(f"<th>{badges.dot(colours[run])}{escape(names[run])}</th>" for run in table.columns)
    rows = "".join(
        f'<tr><td class="cmp-wrap" title="{escape(str(setting), quote=True)}">'
        f"{escape(title_of(str(setting), first=1))}</td>"
        + "".join(f'<td class="cmp-wrap">{escape(str(value))}</td>' for value in row)
        + "</tr>"
        for setting, row in zip(table.index, table.to_numpy(), strict=True)
    )
    return (
        '<div class="lab-scroll"><table class="lab-table cmp-table cmp-few"><thead><tr><th>setting</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def attributes_table(table: pd.DataFrame, names: dict[str, str], colours: dict[str, str]) -> str:
    """Runs as rows, accuracy of each attribute. table: from contrast.attribute_accuracy."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = "".join(
        f'<tr><td class="cmp-wrap">{badges.dot(colours[run])}{escape(names[run])}</td>'
        + "".join(f"<td>{NOTHING if math.isnan(v) else f'{v:.3f}'}</td>" for v in row)
        + "</tr>"
        for run, row in zip(table.index, table.to_numpy(float), strict=True)
    )
    return (
        f'<div class="lab-scroll"><table class="lab-table cmp-table cmp-few"><thead><tr><th>run</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
