"""Whether the disk has room for what is about to be launched, beside all that waits and trains already. No torch.

What a network takes is known beforehand to a few percent (core/network/room.py). What surely does not fit is refused;
what may not fit is told with its figures.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import places
from core.augment.pipeline import size_of, split_pipeline
from core.config import RunConfig
from core.data.pictures import kept
from core.errors import LabError
from core.jobs import queue
from core.jobs.room import keep
from core.network.room import of_fold
from core.plan.plan import Plan
from core.runs import Run
from core.runs.kept import sizes
from core.runs.lists import index
from core.text import number_of, size

ENDLESS = 10**18  # bytes


@dataclass(frozen=True)
class Forecast:
    """Bytes. stays: weights that are there once all is trained. passing: what comes on top while it trains. promised:
    what fold jobs that wait or train still write. free: on the disk of the runs. pixels: decoded photos, which are not
    made where there is no room. pixels_free: on their disk, and up to their limit. least: what the largest single step
    of it surely needs; spared: resume points, which go when their folds have ended. jobs: fold jobs that wait or train.
    """

    stays: int
    passing: int
    promised: int
    free: int
    pixels: int = 0
    pixels_free: int = 0
    least: int = 0
    spared: int = 0
    jobs: int = 0

    @property
    def needed(self) -> int:
        return self.stays + self.passing

    @property
    def fits(self) -> bool:
        return self.needed + self.promised <= self.free

    @property
    def is_hopeless(self) -> bool:
        """Whether it cannot fit, whatever of what waits or trains now is cancelled or ends."""
        return self.least > self.free + self.spared

    @property
    def pixels_fit(self) -> bool:
        return self.pixels <= self.pixels_free

    @property
    def warning(self) -> str:
        """In sentences what will not fit; empty where all does."""
        sentences = []
        if not self.fits:
            beside = f", and {number_of(self.jobs, 'fold job')} before it {size(self.promised)}" if self.jobs else ""
            sentences.append(
                f"The disk may fill up: this takes {size(self.stays)} and {size(self.passing)} more while it trains"
                f"{beside}; {size(self.free)} are free. A fold that finds no room fails, keeps its resume point and "
                "can be resumed."
            )
        if not self.pixels_fit:
            sentences.append(
                f"The decoded photos take {size(self.pixels)}, for which there is no room: they are decoded anew in "
                "each epoch, which takes longer."
            )
        return " ".join(sentences)


def forecast(plans: Sequence[Plan], root: Path | None = None) -> Forecast:
    """Of runs that are about to be launched together."""
    root = root or places.runs_folder()
    rule, at_once = keep.rule(root), queue.slot_count(root)
    each = [(of_fold(plan.config), folds_of(plan)) for plan in plans]
    weights_kept = {keep.ALL: 2, keep.BEST: 1, keep.RESULTS: 0}[rule]
    stays = sum(room.weights * weights_kept * folds for room, folds in each)
    until_end = max((room.weights * (2 - weights_kept) * folds for room, folds in each), default=0)
    beside = max((room.training * min(at_once, folds) for room, folds in each), default=0)
    if len(plans) > 1:  # folds of several runs train beside each other
        beside = max(room.training for room, _ in each) * min(at_once, sum(folds for _, folds in each))
    least = sum(room.kept * folds for room, folds in each)
    if rule is not keep.ALL:
        least = max((room.kept * folds for room, folds in each), default=0)
    free = free_of(root)
    promised, jobs, spared = _promised(root)
    pixels, pixels_free = _pixels(plans, root, free - stays - until_end - beside - promised)
    return Forecast(stays, until_end + beside, promised, free, pixels, pixels_free, least, spared, jobs)


def check(plans: Sequence[Plan], root: Path | None = None) -> None:
    """Raises LabError(kind 'disk-full') for a launch that surely cannot fit."""
    root = root or places.runs_folder()
    if (ahead := forecast(plans, root)).is_hopeless:
        several = len(plans) > 1
        what = f"these {len(plans):,} runs" if several else "this run"
        # a rule is followed once a run has ended: of several it leaves room for the next
        less = "keep less of each run, " if several and keep.rule(root) is keep.ALL else ""
        raise LabError(
            f"disk full: the weights of {what} take {size(ahead.least)}, and {size(ahead.free)} are free in {root}.",
            f"Free some (page Settings, or python -m core disk{places.runs_option(root)}), {less}or take fewer "
            f"folds{' or runs' * several}.",
            kind="disk-full",
        )


def folds_of(plan: Plan) -> int:
    """Fold jobs of a run."""
    return 1 if plan.config.folds.everybody is not None else plan.config.folds.count


def free_of(folder: Path) -> int:
    """Bytes free on the disk that a folder lies on, or will lie on; of a file system that tells no size, ENDLESS."""
    usage = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists()))
    return usage.free if usage.total else ENDLESS


def _promised(root: Path) -> tuple[int, int, int]:
    """(bytes that fold jobs which wait or train still write and that stay, how many, bytes of their resume points)."""
    waiting = {(run_id, fold) for _, run_id, fold in queue.places(root)}
    promised, jobs, spared = 0, 0, 0
    for summary in index.summaries(root):
        if "unreadable" in summary:
            continue
        folds = [
            fold["fold"]
            for fold in summary["folds"]
            if fold["state"] == "running" or (summary["id"], fold["fold"]) in waiting
        ]
        if not folds:
            continue
        run = Run(summary["id"], root)
        try:
            room = of_fold(run.config())
        except LabError:
            continue
        there = sizes.bytes_of(run)
        of_done = 2 * room.weights * sum(fold["state"] == "done" for fold in summary["folds"])
        promised += max(0, room.kept * len(folds) - max(0, there.best + there.final - of_done))
        jobs += len(folds)
        spared += there.resume
    return promised, jobs, spared


def _pixels(plans: Sequence[Plan], root: Path, free: int) -> tuple[int, int]:
    """(bytes of decoded photos that are not there yet, bytes that there are for them). free: beside the runs."""
    chosen = kept.room_of(root)
    needed = max((_pixels_of(plan.config, plan.photos) for plan in plans), default=0)
    if free >= needed and chosen.limit is None and chosen.folder == kept.usual_folder(root):
        return needed, free
    if all(_are_there(plan, chosen.folder) for plan in plans):
        return 0, free
    room = free if kept.on_one_disk(chosen.folder, root) else free_of(chosen.folder)
    room += sum(pixels.bytes for pixels in kept.kept(chosen.folder) if not pixels.in_use)  # they make room
    return needed, max(0, room if chosen.limit is None else min(room, chosen.limit))


def _pixels_of(config: RunConfig, photos: int) -> int:
    from core.training.pixel_cache import cacheable

    lead = split_pipeline(config.transforms)[0]
    if not cacheable(config.transforms) or (sides := size_of(lead)) is None:
        return 0
    return photos * sides[0] * sides[1] * 3


def _are_there(plan: Plan, folder: Path) -> bool:
    from core.training.pixel_cache import pixels_file

    return pixels_file(folder, plan.samples, plan.config.transforms).exists()
