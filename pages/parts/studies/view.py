"""A study at one moment, and its HTML: progress, the matrix of runs and folds, what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from core import places
from core.compare.verdict import Verdict
from core.config import RunConfig, settings
from core.config.names import last_epoch, titles_of
from core.errors import ended, in_sentences
from core.jobs import queue, trash
from core.jobs.pace import ahead
from core.jobs.speed import Step
from core.plan.again import as_photos as as_photos_in_words
from core.runs import Run
from core.runs.colours import colour_of
from core.runs.lists import index
from core.runs.lists.best import among, highest, same_classes, share_done
from core.runs.lists.index import Listed
from core.runs.lists.summaries import what_to_do
from core.runs.states import ALIVE, overall
from core.studies.naming import own_name
from core.studies.records import Study, StudyRun, missing
from core.text import count, duration, number_of, one_line, score, so_far, spread
from pages.parts.run.view import NOT_THROUGH
from pages.parts.shared import badges

SHOWN_FAULTS = 8
MOST_SETTINGS, LONGEST_VALUE = 4, 28  # columns of what differs; letters of a value
PAUSED = '<span class="lab-state"><span class="lab-icon lab-warn" aria-hidden="true">pause_circle</span> paused</span>'


@dataclass(frozen=True)
class Row:
    """One run of the study. folds: as its summary tells them; epochs: of each fold."""

    run: Run
    name: str
    colour: str
    epochs: int
    entry: Listed
    folds: list[dict[str, Any]]
    held: bool = False  # the queue holds it back
    settings: dict[str, Any] = field(default_factory=dict)  # dotted, as index.settings_of gives them
    left: dict[int, float | None] = field(default_factory=dict)  # seconds of each fold that trains or waits

    def number(self, state: str) -> int:
        return sum(fold["state"] == state for fold in self.folds)

    @property
    def waiting(self) -> int:
        return self.number("queued")

    @property
    def stopped(self) -> int:
        return sum(self.number(state) for state in badges.STOPPED)

    @property
    def state(self) -> str:
        return overall(fold["state"] for fold in self.folds)

    def share(self, fold: dict[str, Any]) -> float:
        return 1.0 if fold["state"] == "done" else min(NOT_THROUGH, fold["epoch"] / max(1, self.epochs))

    def seconds_left(self, fold: dict[str, Any]) -> float | None:
        """Of a fold that trains, as it tells, else of its epochs that are to come; None where neither is known."""
        return self.left.get(fold["fold"])

    def scores(self, key: str) -> list[float]:
        """Of the finished folds."""
        return [fold["scores"][key] for fold in self.folds if fold["state"] == "done" and fold.get("scores")]


@dataclass(frozen=True)
class StudyStatus:
    """What the disk says about a study now. broken: runs whose summary cannot be read -> why.

    deleted: ids of the missing runs that lie in the trash -> their names there.
    """

    rows: list[Row]
    missing: list[StudyRun]
    deleted: dict[str, list[str]]
    broken: dict[str, str]
    paused: bool

    def number(self, state: str) -> int:
        return sum(row.number(state) for row in self.rows)

    @property
    def jobs(self) -> int:
        return sum(len(row.folds) for row in self.rows)

    @property
    def done(self) -> int:
        return self.number("done")

    @property
    def waiting(self) -> int:
        return self.number("queued")

    @property
    def running(self) -> int:
        return self.number("running")

    @property
    def stopped(self) -> int:
        return sum(row.stopped for row in self.rows)

    @property
    def active(self) -> bool:
        """Whether anything can change by itself."""
        return bool(self.running or any(row.waiting and not row.held for row in self.rows))

    @property
    def state(self) -> str:
        return overall(row.state for row in self.rows)

    @property
    def share(self) -> float:
        shares = [row.share(fold) for row in self.rows for fold in row.folds]
        return sum(shares) / max(1, len(shares))

    @property
    def signature(self) -> tuple:
        """Changes when the page around the matrix has to change: a state, an order, a run more or less."""
        rows = [(row.run.id, row.held, *(fold["state"] for fold in row.folds)) for row in self.rows]
        return self.paused, len(self.missing), len(self.deleted), *rows

    def seconds_left(self, slots: int) -> float | None:
        """Until all that trains and may begin is through, each fold job in the slot that is free first.

        None where a network was not measured, and a fold of it waits or does not tell its own end yet.
        """
        trains = [(row, fold) for row in self.rows for fold in row.folds if fold["state"] == "running"]
        waits = [(row, fold) for row in self.rows for fold in row.folds if fold["state"] == "queued" and not row.held]
        jobs = [row.seconds_left(fold) for row, fold in (*trains, *waits)]
        seconds = [each for each in jobs if each is not None]
        return max(ahead.free_at([0.0] * max(1, slots, len(trains)), seconds)) if len(seconds) == len(jobs) else None


def read_status(study: Study) -> StudyStatus:
    summaries = {summary["id"]: summary for summary in index.summaries()}
    held = queue.held_runs(places.runs_folder())
    rows, broken = [], {}
    speed_of = ahead.rates()
    for member in study.runs:
        summary = summaries.get(member.id)
        if summary is None:
            continue
        if "unreadable" in summary:
            broken[member.id] = summary["unreadable"]
            continue
        run = Run(member.id)
        colour = colour_of(summary)
        name = own_name(str(summary["name"]), study.name)
        entry = Listed(summary)
        held_back, own = member.id in held, index.settings_of(entry)
        left = {fold["fold"]: _seconds_left(run, fold, summary, speed_of) for fold in summary["folds"]}
        rows.append(Row(run, name, colour, summary["epochs"], entry, summary["folds"], held_back, own, left))
    absent = missing(study)
    deleted = {member.id: names for member in absent if (names := trash.names_of(member.id))}
    return StudyStatus(rows, absent, deleted, broken, study.paused)


def _seconds_left(
    run: Run, fold: dict[str, Any], summary: dict[str, Any], speed_of: Callable[[RunConfig | Step], float | None]
) -> float | None:
    if fold["state"] not in ALIVE:
        return None
    if fold["state"] == "running" and (eta := run.progress(fold["fold"]).get("eta_seconds")) is not None:
        return eta
    return _by_speed(speed_of, run, summary["samples"], len(summary["folds"]), fold["epoch"])


def _by_speed(
    speed_of: Callable[[RunConfig | Step], float | None], run: Run, photos: int, folds: int, behind: int = 0
) -> float | None:
    if (work := ahead.work_of(run, photos)) is None or not (images_per_second := speed_of(work.step)):
        return None
    return work.seconds(photos, folds, images_per_second, behind)


def progress_html(study: Study, status: StudyStatus) -> str:
    """State, fold jobs, time left, above a bar."""
    words = [f"{count(status.done)} of {number_of(status.jobs, 'fold job')} done"]
    for number, what in ((status.running, "running"), (status.waiting, "waiting"), (status.stopped, "stopped")):
        if number:
            words.append(f"{count(number)} {what}")
    if status.paused:
        several = f"{count(status.running)} folds still train to their end"
        train_on = "1 fold still trains to its end" if status.running == 1 else several
        words.append("no further fold begins" + (f", {train_on}" if status.running else ""))
    elif status.active:
        at_once = ahead.places(places.runs_folder())
        seconds = status.seconds_left(at_once) if at_once is not None else None
        if seconds is not None:
            words.append(f"about {duration(seconds)} left")
    state = PAUSED if status.paused else badges.badge(status.state) if status.rows else ""
    tone = "interrupted" if status.paused else status.state
    return (
        f'<div class="lab-line"><span>{state} · {escape(" · ".join(words))}</span>'
        f"<span>{so_far(status.share)}</span></div>{badges.bar(status.share, tone)}"
    )


def best_row(status: StudyStatus) -> Row | None:
    """The run of the highest mean F1 of those that have come furthest; None before two runs have a finished fold, and
    where runs tell different classes."""
    scored = _scored(status)
    top = highest(row.entry for row in scored) if len(scored) > 1 else None
    return next((row for row in scored if row.entry is top), None)


def of_which(status: StudyStatus) -> str:
    """Of which runs best_row is the highest, as words after it; empty where all are as far."""
    return among(share_done(row.entry) for row in _scored(status))


def _scored(status: StudyStatus) -> list[Row]:
    return [row for row in status.rows if row.scores("best_f1")]


def differing(status: StudyStatus) -> list[str]:
    """Dotted settings in which the study's runs are not all the same."""
    keys = settings.differing([row.settings for row in status.rows if row.settings])
    return [key for key in keys if key not in ("name", "description")]


def star_html(status: StudyStatus, best: Row, verdict: Verdict | None) -> str:
    """What marks the highest mean, with what it is worth. best: as best_row. verdict: over all runs, once there is
    one."""
    of = of_which(status)
    if verdict is not None and verdict.kind == "best" and verdict.top == best.run.id and not verdict.apart:
        worth = f"Highest mean F1{of}, and shown to be better than every other run of the study."
    elif verdict is not None:
        worth = f"Highest mean F1{of}, not shown to be better than every other run of the study."
    elif status.active:
        worth = f"Highest mean F1{of or ' over the folds finished so far'}; nothing is tested before the runs end."
    else:
        worth = f"Highest mean F1{of}, which does not show it to be better: Compare tests it."
    words = escape(worth, quote=True)
    return f'<span class="lab-icon lab-good" role="img" aria-label="{words}" title="{words}">star</span> '


def matrix_html(status: StudyStatus, verdict: Verdict | None = None) -> str:
    """Runs as rows; what differs between them, then the folds as columns: state, epoch and best F1; then mean ±
    deviation over the finished folds, the highest mean marked. verdict: over all runs, once there is one.
    """
    differ = differing(status)
    columns, best_of_all = differ[:MOST_SETTINGS], best_row(status)
    folds = sorted({int(fold["fold"]) for row in status.rows for fold in row.folds})
    body = []
    for row in status.rows:
        by_fold = {int(fold["fold"]): fold for fold in row.folds}
        cells = "".join(f'<td class="lab-spare">{_cell(row, by_fold.get(fold))}</td>' for fold in folds)
        star = star_html(status, row, verdict) if row is best_of_all else ""
        values = "".join(f'<td class="lab-left">{escape(_value(row.settings.get(key)))}</td>' for key in columns)
        means = "".join(
            f'<td class="lab-edge">{star if which == "best" else ""}{spread(row.scores(f"{which}_f1"))}</td>'
            f"<td class='lab-spare'>{spread(row.scores(f'{which}_accuracy'))}</td>"
            for which in ("best", "final")
        )
        name = (
            f'<td>{badges.dot(row.colour)}<a href="live?run={escape(row.run.id)}" target="_self">'
            f"{escape(row.name)}</a></td>"
        )
        body.append(f"<tr>{name}{values}{cells}{means}</tr>")
    tasks_note = ""
    if not same_classes(row.entry for row in status.rows):
        tasks_note = (
            " Runs of different tasks tell different classes: those that can be joined into one answer are scored "
            "beneath, on the same joint classes, once each has a finished fold."
            if len({row.entry.summary["task"] for row in status.rows}) > 1
            else " Its runs tell different classes, so none of them has the highest F1."
        )
    heads = "".join(
        f'<th class="lab-left" title="{escape(key, quote=True)}">{escape(title)}</th>'
        for key, title in titles_of(columns).items()
    ) + "".join(f'<th class="lab-spare">fold {fold}</th>' for fold in folds)
    if more := len(differ) - len(columns):
        tasks_note += f" {count(more)} more setting{'s differ' if more > 1 else ' differs'}: see Compare."
    pair = "<th class='lab-edge'>F1</th><th class='lab-spare'>accuracy</th>"
    best = "best F1" if all(row.state == "done" for row in status.rows) else "best F1 so far"
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead>'
        f'<tr class="lab-group"><td colspan="{1 + len(columns)}"></td>'
        f'<th class="lab-spare" colspan="{len(folds)}">{best}</th>'
        '<th class="lab-edge">best epoch</th><td class="lab-spare"></td>'
        '<th class="lab-edge">last epoch</th><td class="lab-spare"></td></tr>'
        f"<tr><th>run</th>{heads}{pair}{pair}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        '<div class="lab-meta">Mean ± deviation over the finished folds, their number in brackets. F1 is macro F1. The '
        "best epoch is chosen on the validation fold itself, which flatters; "
        f"{last_epoch(row.settings.get('training.early_stopping') for row in status.rows)}.{tasks_note}</div>"
    )


def _value(value: Any) -> str:
    return "–" if value is None or value == "" else one_line(value, LONGEST_VALUE)


def _cell(row: Row, fold: dict[str, Any] | None) -> str:
    if fold is None:
        return "–"
    state = fold["state"]
    _, word, _ = badges.state_badge(state)
    held = row.held and state == "queued"
    icon = badges.icon("interrupted" if held else state)
    word = "paused" if held else word
    best = (fold.get("scores") or {}).get("best_f1")
    text = score(best) if best is not None else word
    title = f"fold {fold['fold']}: {word}, epoch {fold['epoch']} of {row.epochs}"
    epoch = f' <span class="lab-meta">{fold["epoch"]}/{row.epochs}</span>' if state != "done" and fold["epoch"] else ""
    return f'<span class="lab-state" title="{escape(title)}">{icon} {text}{epoch}</span>'


def as_photos(study: Study, status: StudyStatus) -> str:
    """What is said of runs that were launched after the others, since when the dataset names persons; else empty."""
    asked = {member.id: (member.config.get("data") or {}).get("persons", "auto") for member in study.runs}
    of_rows = (
        as_photos_in_words(asked[row.run.id], row.settings.get("data.persons"), "the runs before", "the study")
        for row in status.rows
    )
    return next(filter(None, of_rows), "")


def faults_html(study: Study, status: StudyStatus) -> str:
    """What failed, was refused or cannot be read, and what to do."""
    faults = [badges.fault(why, "", run_id) for run_id, why in study.refused.items()]
    faults += [
        badges.fault(ended(why), what_to_do(Run(run_id)), run_id, "unreadable") for run_id, why in status.broken.items()
    ]
    for row in status.rows:
        for fold in row.folds:
            if fold["state"] == "failed":
                why = fold.get("reason") or "It stopped without a reason."
                remedy = row.run.written_state(int(fold["fold"])).remedy
                place = f"{row.name}, fold {fold['fold']}:"
                remedy = in_sentences(remedy, "The other runs go on; it is tried again with the stopped folds.")
                faults.append(badges.fault(why, remedy, place))
    more = len(faults) - SHOWN_FAULTS
    return "".join(faults[:SHOWN_FAULTS]) + (f'<div class="lab-meta">and {count(more)} more</div>' if more > 0 else "")
