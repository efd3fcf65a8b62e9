"""People told of what has ended: the run, the study that it was the last of, a worker's death, a queue that stopped.

For the process that a worker's messenger starts: it may wait for the network as long as it takes. Each end is told by
one process alone, see core/jobs/alerts/ends.py. Imports no torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core import machine
from core.errors import LabError
from core.jobs import trash
from core.jobs.alerts import addresses, ends, messages, sending
from core.jobs.alerts.addresses import Address
from core.jobs.alerts.shapes import Message
from core.runs import FoldState, Run, deaths
from core.runs.lists.best import among, highest, share_done
from core.runs.lists.index import Listed
from core.studies import record_file
from core.studies.record_file import Study
from core.text import count, number_of, one_line

Sleep = Callable[[float], object]


def tell(root: Path, run: Run | None, *, died: int | None = None, sleep: Sleep = time.sleep) -> None:
    """Tell what is to be told after a fold of this run ended, or its worker died; of the queue alone without a run.

    died: the fold that it trained then. sleep: waits between two attempts at an address.
    Raises LabError as addresses.of_lab; OSErrors pass.
    """
    to = addresses.of_lab(root)
    if (stop := ends.take_stop(root)) is not None:
        _send(root, to, ["queue"], messages.of_stop(root, stop), None, sleep)
    if run is None:
        return
    if died is not None and run.exists():
        _of_death(run, died, to, sleep)
    study = str(messages.summary_of(run).get("study") or "")
    if not run.exists():
        ends.forget(root, ends.RUNS, run.id)
    elif ends.take(root, ends.RUNS, run.id, lambda: ends.over(run.states())):
        states = [_as_asked(run, state) for state in run.states()]
        if events := messages.events_of(states):
            _send(root, to, events, messages.of_run(run, states), run, sleep)
    if study:
        _of_study(root, study, to, sleep)


def _as_asked(run: Run, state: FoldState) -> FoldState:
    """A fold that is cancelled by force says running for the instant between its worker's death and the last word."""
    if state.state == "interrupted" and run.cancel_file(state.fold).exists():
        return replace(state, state="cancelled")
    return state


def _of_death(run: Run, fold: int, to: list[Address], sleep: Sleep) -> None:
    """Where the run is over with it, its end is told instead; where somebody cancelled it, they know."""
    deaths.write_down(run, fold)  # while the kernel's count still tells what it died of
    state = run.fold_state(fold)
    if state.state == "interrupted" and not run.cancel_file(fold).exists() and not ends.over(run.states()):
        message = messages.of_death(run, state)
        _send(run.dir.parent, to, [message.event], message, run, sleep)


def _of_study(root: Path, study_id: str, to: list[Address], sleep: Sleep) -> None:
    try:
        study = record_file.load(study_id, root)
    except LabError as error:
        if error.kind == "unreadable":  # its mark stays, for whoever looks once it is in reach
            raise
        # Deleted or damaged: its runs are told of one by one.
        ends.forget(root, ends.STUDIES, study_id)
        return
    if ends.take(root, ends.STUDIES, study_id, lambda: _is_over(study_id, root)) and not _is_known(study, root):
        _send(root, to, ["study"], _study_message(root, study), None, sleep)


def _is_known(study: Study, root: Path) -> bool:
    """Whether who cancelled a study knows how it ended: nothing of it that began since has come to another end."""
    if study.cancelled is None:
        return False
    there = [run for run in (Run(run_id, root) for run_id in study.run_ids) if run.exists()]
    states = [_as_asked(run, state) for run in there for state in run.states()]
    began = [state for state in states if (state.started or state.ended or 0) > study.cancelled]  # refused, never began
    return all(state.state == "cancelled" for state in began)


def _is_over(study_id: str, root: Path) -> bool:
    """Whether nothing of a study trains, waits or is still to be launched: a run that is not there was refused, lies
    in the trash, or comes yet. Where one was deleted for good or a launch was cut off, the study is never over."""
    try:
        study = record_file.load(study_id, root)
    except LabError:
        return False
    for run in (Run(run_id, root) for run_id in study.run_ids):
        if run.exists():
            if not ends.over(run.states()):
                return False
        elif run.id not in study.refused and not trash.has(run.id, root):
            return study.cancelled is not None
    return True


def _study_message(root: Path, study: Study) -> Message:
    """How its runs ended, and which has the highest mean of those that came furthest, which says nothing by itself."""
    there = [summary for run_id in study.run_ids if (summary := messages.summary_of(Run(run_id, root)))]
    states = [summary["state"] for summary in there]
    done = states.count("done")
    ended = [f"{count(done)} of {number_of(len(study.runs), 'run')} done"]
    ended += [f"{count(states.count(word))} {word}" for word in (*messages.STOPPED, "cancelled") if word in states]
    sentences = [f"{', '.join(ended)}."]
    scored = [entry for summary in there if (entry := Listed(summary, root=root)).scores["best_f1"][2]]
    if len(scored) > 1 and (best := highest(scored)) is not None:
        name, reached = one_line(best.name, messages.LONGEST_NAME), messages.score(best.summary)
        of = among(map(share_done, scored))
        sentences.append(f"{name} has the highest macro F1{of}, {reached}; Compare says whether that counts.")
    elif len(scored) > 1:
        sentences.append("Its runs tell different classes, so none of them has the highest macro F1.")
    name = one_line(study.name, messages.LONGEST_NAME)
    return Message(
        "study",
        f"{name}: the study has ended",
        " ".join(sentences),
        messages.link(root, f"studies?study={study.id}"),
        study=study.id,
        name=name,
        machine=machine.name(),
        when=time.time(),
    )


def _send(root: Path, to: list[Address], events: list[str], message: Message, run: Run | None, sleep: Sleep) -> None:
    """To those that want one of these events; what came of it is in the log of the run or of this process."""
    chosen = [address for address in to if set(events) & set(address.events)]
    for address, outcome in sending.deliver(root, chosen, message, sleep=sleep).items():
        words = f"{address.masked} was {'' if outcome.ok else 'not '}told: {message.title}: {outcome.words}"
        run.log(words) if run is not None else print(words, flush=True)
