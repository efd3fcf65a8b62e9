"""One run at one moment, and its HTML: progress, folds, failures, table of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from core.config import RunConfig
from core.data.persons import persons_of
from core.data.pictures import kept
from core.errors import LabError
from core.jobs import queue
from core.jobs.pace.ahead import free_at
from core.plan.folds import absent_classes, gaps
from core.runs import FoldState, Run, metrics_file
from core.runs.colours import FOLD_HUES, fold_hue
from core.runs.states import overall
from core.runs.use import words as use_words
from core.runs.use.used import KEY, is_number
from core.storage import files
from core.storage.files import GARBAGE
from core.text import count, duration, number_of, ordinal, rate, score, size, so_far, spread
from pages.parts.hand import results
from pages.parts.run.nodes import node_html
from pages.parts.shared import badges

Version = tuple[tuple[str, int, int, int], ...]  # see metrics_version
WHICH, FOLD_SCORES = ("best", "final"), ("f1", "accuracy", "loss")  # of each fold, as its scores name them
VALIDATION_SHARE = 0.15  # of an epoch's time, for the bar only: a validation image costs no backward pass
NOT_THROUGH = 0.999  # of a fold that trained its last epoch: what is written and scored after it is still to come


@dataclass(frozen=True)
class RunStatus:
    """What the disk says about a run now. progress: fold -> progress.json of the folds that are training."""

    run_id: str
    epochs: int
    folds: list[FoldState]
    progress: dict[int, dict[str, Any]]
    ahead: int  # fold jobs of other runs that wait before this one's first
    paused: bool = False  # what waits is held back, because the run's study is paused
    everybody: bool = False  # one network on all people, which no fold holds out

    @property
    def state(self) -> str:
        return overall(self.fold_states)

    @property
    def active(self) -> bool:
        return self.state in badges.ACTIVE

    @property
    def signature(self) -> tuple:
        """Changes when the page around the ticking part has to change."""
        return self.paused, *self.fold_states

    @property
    def fold_states(self) -> tuple[str, ...]:
        return tuple(fold.state for fold in self.folds)

    @property
    def running(self) -> list[FoldState]:
        return [fold for fold in self.folds if fold.state == "running"]

    def fold_share(self, fold: FoldState) -> float:
        """How much of a fold's work is done, 0..1; 1 only once all of it is."""
        if fold.state == "done":
            return 1.0
        return min(NOT_THROUGH, (fold.epoch + self._epoch_share(fold)) / self.epochs)

    @property
    def share(self) -> float:
        return sum(map(self.fold_share, self.folds)) / max(1, len(self.folds))

    def images_per_second(self, metrics: pd.DataFrame) -> float | None:
        """Training speed over all folds that train now; while one validates, that of its last epoch."""
        rates = []
        for fold, now in self.progress.items():
            speed = now.get("images_per_second")
            if not speed and len(metrics):
                past = metrics[(metrics["fold"] == fold) & (metrics["split"] == "train")]["images_per_second"]
                speed = past.iloc[-1] if len(past) else None
            if speed:
                rates.append(speed)
        return sum(rates) if rates else None

    def seconds_left(self, metrics: pd.DataFrame) -> float | None:
        """To the end of every fold that may begin: what waits takes the places of those that train, as each is free.

        What trains tells its own end; the others, and one that cannot tell yet, take as long as `_epoch_seconds` says.
        None while nothing trains, and where neither says anything.
        """
        waiting = [fold for fold in self.folds if fold.state == "queued" and not self.paused]
        of_epochs = self._epoch_seconds(metrics)
        rests = [self._rest(fold, of_epochs) for fold in (*self.running, *waiting)]
        seconds = [rest for rest in rests if rest is not None]
        if not self.running or len(seconds) < len(rests):
            return None
        places = len(self.running)
        return max(free_at(seconds[:places], seconds[places:]))

    def _eta(self, fold: FoldState) -> float | None:
        """What a fold that trains tells of its end: nothing before its first step, nor before it trains all that it
        will train to its end (see training.train)."""
        return self.progress.get(fold.fold, {}).get("eta_seconds")

    def _rest(self, fold: FoldState, of_epochs: Mapping[int, float]) -> float | None:
        if (eta := self._eta(fold)) is not None or not of_epochs:
            return eta
        later = sum(seconds for epoch, seconds in of_epochs.items() if epoch > fold.epoch)
        return later - self._epoch_share(fold) * of_epochs.get(fold.epoch + 1, 0.0)

    def _epoch_seconds(self, metrics: pd.DataFrame) -> dict[int, float]:
        """Of each epoch of a fold, first to last, as the folds took that are done; while none is, as the one takes that
        is furthest of those that tell their end: its epochs to come are as the last. Empty where none does.

        Not a mean of all: a phase on a frozen backbone has short epochs.
        """
        done = {fold.fold for fold in self.folds if fold.state == "done"}.intersection(metrics.get("fold", ()))
        if done:
            return (metrics[metrics["fold"].isin(done)].groupby("epoch")["seconds"].sum() / len(done)).to_dict()
        telling = [fold for fold in self.running if self._eta(fold) is not None]
        if not telling:
            return {}
        first = max(telling, key=lambda fold: fold.epoch)
        epochs = (metrics[metrics["fold"] == first.fold] if len(metrics) else metrics_of(())).groupby("epoch")
        seconds, phases = epochs["seconds"].sum(), epochs["phase"].first()
        alike = seconds[phases == self.progress[first.fold].get("phase")]
        left = self.epochs - first.epoch - self._epoch_share(first)
        now = alike.mean() if len(alike) else (self._eta(first) or 0.0) / max(VALIDATION_SHARE, left)
        last = int(seconds.index.max()) if len(seconds) else 0
        return {each: seconds.get(each, now if each > last else 0.0) for each in range(1, self.epochs + 1)}

    def _epoch_share(self, fold: FoldState) -> float:
        now = self.progress.get(fold.fold, {})
        if fold.state != "running" or now.get("epoch") != fold.epoch + 1 or not now.get("steps"):
            return 0.0
        within = now.get("step", 0) / now["steps"]
        if now.get("split") == "validation":
            return 1 - VALIDATION_SHARE * (1 - within)
        return (1 - VALIDATION_SHARE) * within


def read_status(run: Run, config: RunConfig, waiting: Sequence[tuple[str, int]]) -> RunStatus:
    """Read a run's states and progress. waiting: (run id, fold) of all waiting jobs in order."""
    return status_of(run, config.epochs, waiting, everybody=config.folds.everybody is not None)


def status_of(run: Run, epochs: int, waiting: Sequence[tuple[str, int]] = (), *, everybody: bool = False) -> RunStatus:
    """`read_status` for who knows of its configuration what matters here: from its summary."""
    folds = run.states()
    progress = {fold.fold: run.progress(fold.fold) for fold in folds if fold.state == "running"}
    mine = next((place for place, (run_id, _) in enumerate(waiting) if run_id == run.id), 0)
    held = any(fold.state == "queued" for fold in folds) and run.id in queue.held_runs(run.dir.parent)
    return RunStatus(run.id, epochs, folds, progress, mine, held, everybody)


@lru_cache(maxsize=512)
def _parsed(path: str, mtime_ns: int, size: int, fold: int) -> pd.DataFrame:
    return metrics_file.read_metrics(Path(path)).assign(fold=fold)


@lru_cache(maxsize=64)
def _joined(versions: tuple[tuple[str, int, int, int], ...]) -> pd.DataFrame:
    tables = [table for version in versions if len(table := _parsed(*version))]
    columns = ["fold", *metrics_file.METRIC_COLUMNS]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def metrics_version(run: Run, folds: Sequence[int]) -> Version:
    """(file, time, size, fold) of each metrics file there is: the same value means the same numbers."""
    versions = []
    for fold in folds:
        path = run.metrics_file(fold)
        try:
            stat = path.stat()
        except OSError:
            continue
        versions.append((str(path), stat.st_mtime_ns, stat.st_size, fold))
    return tuple(versions)


def metrics_of(version: Version) -> pd.DataFrame:
    """Every fold's metrics with a `fold` column; a file is parsed again only when it changed. Do not modify it."""
    return _joined(version)


def phases_of(config: RunConfig) -> list[tuple[str, int]]:
    return [(phase.optimizer, phase.epochs) for phase in config.phases]


@lru_cache(maxsize=64)
def _doubts(run_dir: str, mtime_ns: int) -> tuple[str, dict[int, list[str]], tuple[str, ...]]:
    run = Run(Path(run_dir).name, Path(run_dir).parent)
    samples, names = run.samples(), [str(name) for name in run.info()["class_names"]]
    return persons_of(samples).warning, absent_classes(samples, names), tuple(gaps(samples, names))


@dataclass(frozen=True)
class Doubts:
    """What a run's folds cannot promise. persons: a sentence, or empty. absent: fold -> its classes without a photo.
    gaps: sentences about folds that hold none or all of a class."""

    persons: str = ""
    absent: dict[int, list[str]] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()


def doubts_of(run: Run) -> Doubts:
    """From the frozen samples, read once; nothing for a run that is damaged, which says so itself."""
    try:
        return Doubts(*_doubts(str(run.dir), (run.samples_file).stat().st_mtime_ns))
    except (LabError, OSError, *GARBAGE):
        return Doubts()


def doubts_html(doubts: Doubts) -> str:
    """Each doubt as an amber line; empty where there is none."""
    return "".join(badges.fault(line, state="interrupted") for line in (doubts.persons, *doubts.gaps) if line)


def decoding_of(run: Run) -> str:
    """Why photos are decoded anew in each epoch, in a sentence; empty where they are kept as pixels."""
    try:
        why = run.info().get(kept.DECODED_ANEW)
    except (LabError, OSError, *GARBAGE):
        return ""
    return f"Photos are decoded anew in each epoch, which takes longer: {why}" if isinstance(why, str) and why else ""


def progress_html(status: RunStatus, metrics: pd.DataFrame) -> str:
    """State, fold n of k, epoch, speed and time left, above a bar."""
    words = []
    total = len(status.folds)
    done = sum(fold.state == "done" for fold in status.folds)
    done_in_words = f"{done} of {number_of(total, 'fold')} done"
    for fold in status.running[:1]:
        now = status.progress[fold.fold]
        alone = len(status.running) == 1
        if not status.everybody:
            words.append(f"fold {fold.fold}, the {ordinal(done + 1)} of {total}" if alone else done_in_words)
        if now.get("epoch"):
            words.append(f"epoch {now['epoch']} / {status.epochs}")
        else:
            words.append(_stage(now))
    if not status.running:
        trained = f"epoch {status.folds[0].epoch} / {status.epochs}"
        words.append(trained if status.everybody else done_in_words)
    if status.paused:
        words.append("paused with its study: no further fold begins")
    elif status.state == "queued":
        before = f"{number_of(status.ahead, 'fold job')} {'waits' if status.ahead == 1 else 'wait'}"
        words.append(f"{before} before it" if status.ahead else "next in the queue")
    if speed := status.images_per_second(metrics):
        words.append(rate(speed))
    seconds = status.seconds_left(metrics) if status.active else None
    if seconds is not None:
        words.append(f"{duration(seconds)} left")
    if not status.active and len(metrics):
        spent = results.trained(results.of_states(status.run_id, status.folds))
        words.append(f"{spent} of training" if status.everybody else f"all folds together trained for {spent}")
    line = " · ".join(map(escape, words))
    return (
        f'<div class="lab-line"><span>{badges.badge(status.state)} · {line}</span>'
        f"<span>{so_far(status.share)}</span></div>{badges.bar(status.share, status.state)}"
    )


def absence_mark(absent: Sequence[str]) -> str:
    """HTML beside a fold that holds no photo of some class; empty for one that holds all."""
    if not absent:
        return ""
    words = f"no '{absent[0]}'" if len(absent) == 1 else f"{len(absent)} classes absent"
    title = escape(f"No photo of {', '.join(absent)}", quote=True)
    return f' <span class="lab-absent lab-warn" title="{title}">{escape(words)}</span>'


def folds_html(status: RunStatus, absent: Mapping[int, Sequence[str]], colour: str) -> str:
    """A small card per fold: state, epoch, step, best F1. absent: fold -> classes of which it holds no photo.

    colour: of the run.
    """
    cards = []
    for fold in status.folds:
        best = f"F1 {score(fold.scores['best_f1'])}" if fold.scores else ""
        dot = badges.dot(fold_hue(colour, fold.fold), hollow=fold.fold // FOLD_HUES % 2 == 1)
        cards.append(
            f'<div class="lab-fold"><div><b>{dot}fold {fold.fold}</b>{badges.badge(fold.state)}</div>'
            f'<div class="lab-line" style="margin:0;font-size:inherit"><span class="lab-meta">'
            f"{escape(_where(status, fold))}{absence_mark(absent.get(fold.fold, ()))}</span><span>{best}</span></div>"
            f"{badges.bar(status.fold_share(fold), fold.state)}"
            f"{node_html(fold, status.progress.get(fold.fold, {}))}{_use_html(status, fold)}</div>"
        )
    return f'<div class="lab-folds">{"".join(cards)}</div>'


def _use_html(status: RunStatus, fold: FoldState) -> str:
    """What a fold that trains uses of its machine; empty before its first look. Its memory too where others train
    beside it: what they hold together stands above."""
    now = status.progress.get(fold.fold, {})
    words = use_words.now_in_words(now)
    held = files.table_of(now.get(KEY)).get("held")
    if words and len(status.running) > 1 and is_number(held):
        words.append(f"holds {size(held)}")
    return f'<div class="lab-meta">{escape(" · ".join(words))}</div>' if words else ""


def failures_html(folds: Sequence[FoldState]) -> str:
    """What happened, where and what to do, for folds that failed, were interrupted, or cancelled for a reason.

    Folds to which the same happened at the same epoch are told together.
    """
    alike: dict[tuple[str, str, int, str], list[int]] = {}
    for fold in folds:
        if fold.state in ("failed", "interrupted") or (fold.state == "cancelled" and fold.reason):
            reason = fold.reason or "It stopped without a reason."
            remedy = fold.remedy or "Resume goes on from its last checkpoint."
            alike.setdefault((reason, remedy, fold.epoch, fold.state), []).append(fold.fold)
    faults = []
    for (reason, remedy, epoch, state), numbers in alike.items():
        where = f"fold{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
        faults.append(badges.fault(reason, remedy, f"{where}, after epoch {epoch}:" if epoch else f"{where}:", state))
    return "".join(faults)


def table_html(folds: Sequence[FoldState], metrics: pd.DataFrame, absent: Mapping[int, Sequence[str]]) -> str:
    """Folds with their best and last epoch side by side, and mean ± deviation over the finished ones.

    absent: fold -> classes of which it holds no photo.
    """
    seconds = metrics.groupby("fold")["seconds"].sum() if len(metrics) else {}
    rows = []
    for fold in folds:
        scores = fold.scores or {}
        at = f' <span class="lab-meta">@ {fold.best_epoch}</span>' if fold.best_epoch else ""
        spent = duration(seconds[fold.fold]) if fold.fold in seconds else "–"
        best, last = ([score(scores.get(f"{which}_{metric}")) for metric in FOLD_SCORES] for which in WHICH)
        mark = absence_mark(absent.get(fold.fold, ()))
        if mark and scores.get("best_f1_present") is not None:
            at += f'<br><span class="lab-meta">{score(scores["best_f1_present"])} over those present</span>'
        rows.append(
            f'<tr><td>fold {fold.fold}{mark}</td><td class="lab-left">{badges.badge(fold.state)}</td>'
            f"<td>{fold.epoch}</td>"
            f'<td class="lab-edge">{best[0]}{at}</td><td>{best[1]}</td><td>{best[2]}</td>'
            f'<td class="lab-edge">{last[0]}</td><td>{last[1]}</td><td>{last[2]}</td>'
            f'<td class="lab-edge">{spent}</td></tr>'
        )
    means = [
        spread((fold.scores or {}).get(f"{which}_{metric}") for fold in folds if fold.state == "done")
        for which in WHICH
        for metric in FOLD_SCORES
    ]
    total = results.trained(results.of_states("", folds))
    edges = (' class="lab-edge"', "", "") * len(WHICH)
    rows.append(
        '<tr class="lab-total"><td colspan="3">mean ± deviation (finished folds)</td>'
        + "".join(f"<td{edge}>{mean}</td>" for edge, mean in zip(edges, means, strict=True))
        + f'<td class="lab-edge"><span class="lab-meta">sum</span> {total}</td></tr>'
    )
    names = "<th class='lab-edge'>F1</th><th>accuracy</th><th>loss</th>"
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead><tr class="lab-group"><th colspan="3"></th>'
        '<th colspan="3" class="lab-edge">best epoch</th><th colspan="3" class="lab-edge">last epoch</th>'
        '<th class="lab-edge"></th></tr><tr><th>fold</th><th class="lab-left">state</th><th>epochs</th>'
        f'{names}{names}<th class="lab-edge">time</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _stage(now: dict[str, Any]) -> str:
    if not now.get("stage"):
        return "starting"
    of_steps = f" {count(now.get('step', 0))} / {count(now['steps'])}" if now.get("steps") else ""
    return now["stage"] + of_steps


def _where(status: RunStatus, fold: FoldState) -> str:
    if fold.state == "running":
        now = status.progress.get(fold.fold, {})
        if not now.get("epoch"):
            return _stage(now)
        step = (
            f" · {'check' if now.get('split') == 'validation' else 'step'} {now.get('step', 0)} / {now.get('steps', 0)}"
        )
        return f"epoch {now['epoch']} / {status.epochs}{step}"
    if fold.state == "queued" and not fold.epoch:
        return "paused" if status.paused else "waits"
    return f"epoch {fold.epoch} / {status.epochs}"
