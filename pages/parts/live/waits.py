"""The time before a run's first epoch: what happens by name, instead of figures that have nothing to show yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from core import places
from core.errors import LabError
from core.jobs import elsewhere, halt
from core.text import count
from pages.parts.run import view
from pages.parts.shared import badges

DECODING, NETWORK = "decoding photos", "building the network"  # stages that a fold job tells of
STYLE = """<style>
.lab-waits { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .5rem 1.4rem;
  padding: .9rem 1rem 1rem; border-radius: 8px;
  background: color-mix(in srgb, currentColor 4%, transparent); }
.lab-waits > div { min-width: 0; font-size: .93rem;
  color: color-mix(in srgb, currentColor 74%, transparent); }
.lab-waits > div.lab-now { color: inherit; font-weight: 600; }
.lab-waits .lab-meta { display: block; color: inherit; min-height: 1.3em; font-weight: 400;
  font-variant-numeric: tabular-nums; }
.lab-waits .lab-bar { height: 4px; margin-top: .3rem; }
.lab-waits .lab-now .lab-icon { display: inline-block; animation: lab-breathe 1.6s ease-in-out infinite; }
@keyframes lab-breathe { 50% { opacity: .35; } }
@media (prefers-reduced-motion: reduce) { .lab-waits .lab-icon { animation: none !important; } }
</style>"""


@dataclass(frozen=True)
class Stage:
    """A step before the first epoch is through. share: of it, 0..1; None where nobody counts."""

    title: str
    words: str = ""
    share: float | None = None


def stages(status: view.RunStatus, photos: int) -> tuple[list[Stage], int]:
    """(the steps in their order, which one is under way), of the fold that is furthest. photos: of the run."""
    now = max(_told(status), key=_place, default=None)
    place = 0 if now is None else _place(now)
    photos_word = "Decoding photos" if place == 2 else "Photos"
    steps = [
        Stage("Its turn in the queue", _turn(status) if now is None else ""),
        Stage("Loading PyTorch", "some seconds" if place == 1 else ""),
        Stage(photos_word, f"{count(photos)}, once for all folds" if place < 2 else ""),
        Stage("Building the network"),
        Stage("First epoch", "then the curves begin" if place < 4 else ""),
    ]
    if now is not None and place in (2, 4):
        done, of = now.get("step", 0), now.get("steps", 0)
        kind = "step " if place == 4 else ""
        if now.get("split") == "validation":
            kind = "held-out batch "
        words = f"{kind}{count(done)} of {count(of)}"
        steps[place] = Stage(steps[place].title, words, done / of if of else None)
    return steps, place


def waits_html(status: view.RunStatus, photos: int) -> str:
    """HTML in the place of the curves of a run that has none. photos: of the run."""
    if not status.active:
        return '<div class="lab-meta">No epoch was trained to its end, so there is no curve.</div>'
    steps, place = stages(status, photos)
    rows = []
    for number, stage in enumerate(steps):
        icon, tone = ("check_circle", "good") if number < place else ("circle", "quiet")
        if number == place:
            icon, tone = ("schedule", "quiet") if not status.running else ("progress_activity", "accent")
        attributes = ' class="lab-now" aria-current="step"' if number == place else ""
        bar = badges.bar(stage.share) if stage.share is not None else ""
        rows.append(
            f'<div role="listitem"{attributes}><span class="lab-icon lab-{tone}" aria-hidden="true">{icon}</span> '
            f"{escape(stage.title)}"
            f'<span class="lab-meta">{escape(stage.words)}</span>{bar}</div>'
        )
    return f'<div class="lab-waits" role="list" aria-label="Before the first epoch">{"".join(rows)}</div>'


def _told(status: view.RunStatus) -> list[dict[str, Any]]:
    return [status.progress.get(fold.fold, {}) for fold in status.running]


def _place(progress: Mapping[str, Any]) -> int:
    """Of the step that a fold job is in; one that tells nothing yet loads what it needs."""
    if progress.get("epoch"):
        return 4
    return {DECODING: 2, NETWORK: 3}.get(progress.get("stage", ""), 1)


def _turn(status: view.RunStatus) -> str:
    if status.paused:
        return "paused with its study"
    root = places.runs_folder()
    if halt.stopped(root) is not None:
        return "the queue is stopped"  # the page's head says why, and lets it go on
    if status.ahead:
        return "1 fold job before it" if status.ahead == 1 else f"{count(status.ahead)} fold jobs before it"
    try:
        begins_there = elsewhere.address(root) is not None
    except LabError:  # the setting names no place, as the page's head says
        begins_there = False
    if begins_there:
        trouble = elsewhere.waits_for(root) or elsewhere.report(root).get("trouble")
        return str(trouble or "next; the cluster begins it")
    return "next; a worker starts"
