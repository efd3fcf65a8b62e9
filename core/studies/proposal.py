"""A recipe proposed from what somebody wants to know, the time for it, the photos and the machine; with its reasons.

A pure function: what is known of the photos and of the machine is handed in. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.augment.preview import crop_effects, fit_crops
from core.config import RunConfig, from_dict
from core.config.recipes import title
from core.studies.shrink import shrink
from core.text import estimate, number_of

Goal = Literal["quick", "best", "study"]
GOALS: tuple[Goal, ...] = ("quick", "best", "study")
MINUTES = (15, 60, 480, None)  # that somebody may have; None for as long as it takes
LARGEST = 1.5  # times the shorter side of a typical photo: larger images of it show nothing more
UNKNOWN_THERE = "How long it takes on the cluster is not known before a fold has ended there."


@dataclass(frozen=True)
class Photos:
    """number: of photos. width, height: pixels of each, shape (n,). rarest: people of the smallest class, or photos
    where persons are unknown; noun: what those are called."""

    number: int
    width: np.ndarray
    height: np.ndarray
    rarest: int
    noun: str = "people"

    @property
    def side(self) -> int:
        """The shorter side of a typical photo, in pixels."""
        return int(np.median(np.minimum(self.width, self.height)))


@dataclass(frozen=True)
class Machine:
    """gpu: its name, empty without one. cores: that this process may use. seconds_of: how long all folds of a
    configuration take, None where nothing like it was measured. has_weights: of a depth, from ImageNet. is_elsewhere:
    fold jobs train on a cluster."""

    gpu: str
    cores: int
    seconds_of: Callable[[RunConfig], float | None]
    has_weights: Callable[[int], bool]
    is_elsewhere: bool = False


@dataclass(frozen=True)
class Proposal:
    """settings: a whole configuration, without a dataset. seconds: of one run. weights: the depth whose ImageNet
    weights it lacks. reasons: a sentence each."""

    recipe: str
    settings: dict[str, Any]
    reasons: list[str]
    seconds: float | None = None
    weights: int | None = None


@dataclass(frozen=True)
class _Rung:
    """A recipe, made as large or long. size: of its images in pixels; epochs in all; None keeps the recipe's."""

    recipe: str
    size: int | None = None
    epochs: int | None = None


QUICK = (_Rung("quick", 128), _Rung("quick", 64), _Rung("quick", 64, 10))
BEST = (_Rung("study"), _Rung("quick", 128, 50), _Rung("quick", 128), _Rung("quick", 64, 50), *QUICK[1:])
LADDERS: dict[Goal, tuple[_Rung, ...]] = {"quick": QUICK, "best": BEST, "study": QUICK}


def propose(
    goal: Goal, minutes: int | None, photos: Photos, machine: Machine, recipes: Mapping[str, RunConfig], runs: int = 1
) -> Proposal:
    """The most ambitious rung of the goal's ladder that fits into the time. runs: among which the time is shared.

    Where nothing was measured, a GPU is trusted with the first rung and a processor with images of 64 px.
    """
    rungs = [rung for rung in LADDERS[goal] if rung.recipe in recipes and not _too_large(rung, photos)]
    limit = None if minutes is None else minutes * 60 / max(1, runs)
    made = [(rung, *_made(rung, photos, recipes)) for rung in rungs]
    timed = [(rung, config, why, machine.seconds_of(config)) for rung, config, why in made]
    fitting = [each for each in timed if _fits(each[0], each[3], limit, machine)]
    rung, config, why, seconds = (fitting or timed[-1:])[0]
    lacks = config.model.init == "imagenet" and not machine.has_weights(config.model.depth)
    reasons = [
        _of_machine(rung, config, machine),
        UNKNOWN_THERE if machine.is_elsewhere else _of_time(seconds, limit, runs, fits=bool(fitting)),
        *why,
        *_of_larger(rung, timed, limit),
    ]
    return Proposal(
        rung.recipe,
        config.model_dump(mode="json"),
        reasons,
        seconds,
        config.model.depth if lacks else None,
    )


def _too_large(rung: _Rung, photos: Photos) -> bool:
    return rung.size is not None and rung.size > 64 and rung.size > LARGEST * photos.side


def _made(rung: _Rung, photos: Photos, recipes: Mapping[str, RunConfig]) -> tuple[RunConfig, list[str]]:
    """The configuration of a rung on these photos, and what was fitted to them, in words."""
    recipe, why = recipes[rung.recipe], []
    data = shrink(recipe.model_dump(mode="json"), size=rung.size, epochs=rung.epochs)
    config = from_dict(data, rung.recipe)
    fitted = fit_crops(config.transforms, photos.width, photos.height)
    if fitted is not None:
        worst = max(crop_effects(config.transforms, photos.width, photos.height), key=lambda effect: effect.padded)
        crop, photo = (f"{w} × {h} px" for w, h in (worst.crop, worst.photo))
        why.append(f"The recipe's crop ({crop}) is larger than your photos ({photo}): it is fitted to them.")
        config = config.model_copy(update={"transforms": fitted})
    if 2 <= photos.rarest < config.folds.count:
        rarest = number_of(photos.rarest, photos.noun.removesuffix("s"), photos.noun)
        why.append(f"The smallest class has {rarest}: as many folds, so that each holds some.")
        config = config.model_copy(update={"folds": config.folds.model_copy(update={"count": photos.rarest})})
    return config, why


def _fits(rung: _Rung, seconds: float | None, limit: float | None, machine: Machine) -> bool:
    if seconds is None:
        return bool(machine.gpu) or (rung.recipe == "quick" and rung.size == 64 and rung.epochs is None)
    return limit is None or seconds <= limit


def _of_machine(rung: _Rung, config: RunConfig, machine: Machine) -> str:
    where = f"{machine.gpu} trains here" if machine.gpu else f"No GPU here, {number_of(machine.cores, 'core')}"
    height, width = config.input_size
    size = f"{width} px" if width == height else f"{width} × {height} px"
    return f"{where}: {title(rung.recipe)} at {size}, {number_of(config.epochs, 'epoch')}."


def _of_time(seconds: float | None, limit: float | None, runs: int, *, fits: bool) -> str:
    each = " a run" if runs > 1 else ""
    if seconds is None:
        return "How long it takes is not known yet: nothing like it was measured on this machine."
    if not fits and limit is not None:
        return f"The smallest takes about {estimate(seconds)}{each}, longer than the {estimate(limit)} you have."
    if limit is None:
        return f"About {estimate(seconds)}{each}."
    return f"About {estimate(seconds)}{each}, within the {estimate(limit)} you have."


def _of_larger(
    chosen: _Rung, timed: list[tuple[_Rung, RunConfig, list[str], float | None]], limit: float | None
) -> list[str]:
    """What the next larger one would take, where time alone speaks against it."""
    before = [each for each in timed if each[0] != chosen][: [each[0] for each in timed].index(chosen)]
    if not before or limit is None or (seconds := before[-1][3]) is None or seconds <= limit:
        return []
    rung, config, _, _ = before[-1]
    return [
        f"Larger would be {title(rung.recipe)} at {config.input_size[1]} px, "
        f"{number_of(config.epochs, 'epoch')}: {estimate(seconds)}."
    ]
