"""The same recipe, smaller: fewer epochs and smaller images, so that a machine without a GPU can try a whole study."""

from __future__ import annotations

import copy
from typing import Any

from core.config.parts import PhaseConfig
from core.config.transforms import SIZED, TRANSFORMS, Param, check_params, default_params

COUNTED = ("epochs", "schedule_epochs", "step_epochs", "warmup_epochs")  # settings of a phase that count epochs


def shrink(data: dict[str, Any], *, size: int | None = None, epochs: int | None = None) -> dict[str, Any]:
    """A copy of a configuration dict with images of `size` pixels (the shorter side) and `epochs` epochs in all.

    The size is that of what the network gets, so of a crop behind the last Resize where there is one. What counts
    pixels from there on (crops, holes, blurs) is scaled with it, within what the lab accepts; what it would not accept
    anyway stays as it is, so that from_dict names it. Phases keep their shares of the epochs, at least one each;
    warm-up and steps keep their share of a phase. A configuration without a Resize keeps its size.

    Raises ArithmeticError, KeyError, TypeError or ValueError for epochs or sizes that no recipe can have:
    from_dict names them.
    """
    smaller = copy.deepcopy(data)
    if size is not None:
        _resize(smaller["transforms"], size)
    if epochs is not None:
        _shorten(smaller["phases"], epochs)
    return smaller


def _resize(transforms: list[dict[str, Any]], size: int) -> None:
    places = [i for i, t in enumerate(transforms) if t["name"] == "Resize" and t.get("enabled", True)]
    if not places:
        return
    from_there = transforms[places[-1] :]
    for transform in from_there:
        transform["params"] = default_params(transform["name"]) | (transform.get("params") or {})
    sized = [t["params"] for t in from_there if t["name"] in SIZED and t.get("enabled", True)]
    factor = size / min(sized[-1]["height"], sized[-1]["width"])
    for transform in from_there:
        params = transform["params"]
        for name, param in TRANSFORMS[transform["name"]].params.items():
            if param.unit != "px" or not _is_accepted(transform["name"], name, params[name]):
                continue
            if isinstance(params[name], list):
                params[name] = [_scaled(value, factor, param) for value in params[name]]
            else:
                params[name] = max(1, round(params[name] * factor))


def _is_accepted(transform: str, name: str, value: Any) -> bool:
    try:
        check_params(transform, {name: value})
    except ValueError:
        return False
    return True


def _scaled(value: float, factor: float, param: Param) -> float:
    """An end of a range, as its parameter takes it."""
    if param.odd:
        scaled: float = 2 * round((value * factor - 1) / 2) + 1
    else:
        scaled = round(value * factor) if param.kind == "int range" else round(value * factor, 3)
    return min(max(scaled, param.low), param.high)


def _shorten(phases: list[dict[str, Any]], epochs: int) -> None:
    for phase in phases:  # what a phase refuses of these must not come out as one that fits
        PhaseConfig.model_validate({key: phase[key] for key in COUNTED if key in phase}, strict=True)
    total = sum(phase["epochs"] for phase in phases)
    epochs = max(epochs, len(phases))
    exact = [phase["epochs"] * epochs / total for phase in phases]
    counts = [max(1, int(share)) for share in exact]
    while sum(counts) < epochs:
        counts[max(range(len(counts)), key=lambda i: exact[i] - counts[i])] += 1
    while sum(counts) > epochs:
        counts[max((i for i in range(len(counts)) if counts[i] > 1), key=lambda i: counts[i] - exact[i])] -= 1
    for phase, count in zip(phases, counts, strict=True):
        share = count / phase["epochs"]
        phase["epochs"] = count
        if phase.get("schedule_epochs"):
            phase["schedule_epochs"] = max(count, round(phase["schedule_epochs"] * share))
        if phase.get("warmup_epochs"):
            phase["warmup_epochs"] = round(phase["warmup_epochs"] * share, 3)
        if "step_epochs" in phase:
            phase["step_epochs"] = max(1, round(phase["step_epochs"] * share))
