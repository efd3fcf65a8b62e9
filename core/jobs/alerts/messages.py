"""The end of a run, a death or a stop of the queue, in the words of the lab's pages. Imports no torch.

They go to other people's machines: what a sentence may name of a dataset stays in the lab.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from core import machine
from core.errors import LabError, in_sentences
from core.jobs import halt
from core.jobs.alerts import addresses
from core.jobs.alerts.shapes import Message
from core.runs import FoldState, Run
from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists.index import Listed
from core.runs.lists.summaries import derived, read_summary
from core.runs.states import overall
from core.text import number_of, one_line, over_folds

WORDS = {  # event -> how a run ended, in a title
    "done": "done",
    "failed": "failed",
    "diverged": "diverged",
    "memory": "stopped for want of memory",
    "interrupted": "interrupted",
}
# Kinds of errors whose sentences name no photo, person, label or folder of a dataset: these are sent as they are.
SENT_WHOLE = ("diverged", "memory", "device", "shared-memory", "disk-full", "checkpoint", "engine", "stopped")
IN_SHORT = {  # what is sent of others, in place of their sentences
    "data-changed": "not all of its photos are those of the launch any more.",
    "data-undecided": "some of its photos have another time than at the launch.",
    "data-moved": "not one of its photos is where it was.",
    "not-allowed": "some of its photos lie where this lab does not look.",
    "missing-file": "a photo is gone.",
    "no-access": "a photo cannot be opened.",
    "truncated": "a photo is cut off.",
    "weights": "the weights that it starts from cannot be used.",
    "unexpected": "an error that nobody foresaw.",
}
MORE = "The lab's pages have the whole sentence, which may name photos and is not sent."
STOPPED = ("failed", "interrupted")
LONGEST_NAME, LONGEST = 80, 900  # characters of a name, and of what is said


def event_of(state: FoldState) -> str:
    """Of a fold that has ended; "" for one that was cancelled, or goes on."""
    if state.state not in STOPPED:
        return "done" if state.state == "done" else ""
    return state.kind if state.kind in ("diverged", "memory") else state.state


def events_of(states: Sequence[FoldState]) -> list[str]:
    """What a run that is over is told as, the first one in its title: of its folds that failed or were interrupted,
    else that it is done; nothing where somebody cancelled it."""
    end = overall(state.state for state in states)
    if end not in (*STOPPED, "done"):
        return []
    return list(dict.fromkeys(event_of(state) for state in states if state.state == end))


def summary_of(run: Run) -> dict:
    """Its summary with states as they are; {} where it cannot be read."""
    summary = read_summary(run.dir)
    return derived(run.dir, summary) if summary is not None and "unreadable" not in summary else {}


def of_run(run: Run, states: Sequence[FoldState]) -> Message:
    """A run that is over. states: of which `events_of` tells something."""
    summary = summary_of(run)
    event = events_of(states)[0]
    done = [state for state in states if state.state == "done"]
    stopped = [state for state in states if state.state in STOPPED]
    sentences = []
    if stopped:
        first = next(state for state in stopped if event_of(state) == event)
        sentences.append(_of_fold(first, len(states)))
        if len(stopped) > 1:
            others = number_of(len(stopped) - 1, "more fold")
            sentences.append(f"{others} did not come to {'its' if len(stopped) == 2 else 'their'} end.")
    if done and summary.get("everybody"):
        sentences.append(f"Trained on everybody: macro F1 {NOT_MEASURED}.")
    elif done and summary:
        sentences.append(f"Macro F1 {score(summary)}.")
    return _about(run, summary, event, f"{_name(run, summary)}: {WORDS[event]}", " ".join(sentences))


def of_death(run: Run, state: FoldState) -> Message:
    """A worker that died in a fold of a run that is not over: others wait. state: of that fold, as it is judged."""
    summary = summary_of(run)
    event = "memory" if state.kind == "memory" else "interrupted"
    waiting = sum(fold["state"] == "queued" for fold in summary.get("folds", ()))
    sentences = [_of_fold(state, len(summary.get("folds", ())))]
    if waiting:
        waits = "waits" if waiting == 1 else "wait"
        sentences.append(f"{number_of(waiting, 'fold')} of it {waits} until a page of the lab is opened.")
    return _about(run, summary, event, f"{_name(run, summary)}: {WORDS[event]}", " ".join(sentences))


def of_stop(root: Path, stop: halt.Stop) -> Message:
    if stop.kind in SENT_WHOLE:
        text = in_sentences(stop.message, stop.remedy)
    elif stop.cause:
        text = f"The queue has stopped. {MORE}"
    else:
        text = in_sentences(stop.message, f"The last one: {_in_short(stop.kind)}")
    text = one_line(text, LONGEST)
    return Message("queue", "The queue has stopped", text, link(root, ""), machine=machine.name(), when=time.time())


def score(summary: dict) -> str:
    """ "0.713 ± 0.012 over 5 folds": macro F1 at the best epochs of the folds that are done, as on every page."""
    return over_folds(*Listed(summary).scores["best_f1"])


def link(root: Path, page: str) -> str:
    """Of a page, where it is known how people reach them; else ""."""
    try:
        pages = addresses.pages_at(root)
    except LabError:
        return ""
    return f"{pages}{page}" if pages else ""


def _of_fold(state: FoldState, folds: int) -> str:
    where = f"Fold {state.fold}: " if folds > 1 else ""
    if state.kind not in SENT_WHOLE:
        return f"{where}{_in_short(state.kind)}"
    return one_line(f"{where}{LabError(state.reason or 'it says no reason.', state.remedy)}", LONGEST)


def _in_short(kind: str) -> str:
    """An error whose sentence may name something of a dataset, without it."""
    return f"{IN_SHORT.get(kind, 'it did not come to its end.')} {MORE}"


def _name(run: Run, summary: dict) -> str:
    return one_line(summary.get("name") or run.id, LONGEST_NAME)


def _about(run: Run, summary: dict, event: str, title: str, text: str) -> Message:
    return Message(
        event,
        title,
        text,
        link(run.dir.parent, f"live?run={run.id}"),
        run=run.id,
        study=str(summary.get("study") or ""),
        name=_name(run, summary),
        machine=machine.name(),
        when=time.time(),
    )
