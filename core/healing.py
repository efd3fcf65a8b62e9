"""What a lab that was killed half-way left behind is found again. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from core import deaths, jobs, places, queue, run_index, runs
from core.runs import Run
from core.study_file import honour_old_pauses


def look_after(folder: Path | None = None) -> None:
    """Queue what a lab that was killed in the middle of a launch or a resume left out, and start workers.

    A fold that says queued and has no place in the queue was left out. What the queue holds back stays held back.
    """
    root = folder or places.runs_folder()
    waiting = {(run_id, fold) for _, run_id, fold in queue.places(root)}
    honoured = False
    for summary in run_index.summaries(root):
        for fold in summary.get("folds", ()):
            if fold["state"] == "interrupted":
                deaths.write_down(Run(summary["id"], root), int(fold["fold"]))
        lost = [
            int(fold["fold"])
            for fold in summary.get("folds", ())
            if fold["state"] == "queued" and (summary["id"], int(fold["fold"])) not in waiting
        ]
        if not lost:
            continue
        if not honoured:
            honour_old_pauses(root)
            honoured = True
        _enqueue_again(Run(summary["id"], root), lost)
    jobs.ensure_workers(root)


def _enqueue_again(run: Run, folds: list[int]) -> None:
    """Only what nobody has taken up meanwhile: a worker holds the lock of a fold from its claim on."""
    still = [
        fold
        for fold in folds
        if run.written_state(fold).state == "queued"
        and not run.cancel_file(fold).exists()
        and not runs.is_locked(run.fold_lock(fold))
    ]
    queue.enqueue(run, still)
