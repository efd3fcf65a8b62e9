"""The same recipe, smaller: fewer epochs and smaller images, so that a machine without a GPU can try a whole study."""

from __future__ import annotations

import copy
from typing import Any

PIXELS = ("hole_height_range", "hole_width_range")  # parameters of transforms that count pixels of the resized image


def shrink(data: dict[str, Any], *, size: int | None = None, epochs: int | None = None) -> dict[str, Any]:
    """A copy of a configuration dict with images of `size` pixels (the shorter side) and `epochs` epochs in all.

    What counts pixels after the last Resize is scaled with it; phases keep their shares of the epochs, at least one
    each; warm-up and steps keep their share of a phase. A configuration without a Resize keeps its size.
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
    params = transforms[places[-1]]["params"]
    factor = size / min(params["height"], params["width"])
    for side in ("height", "width"):
        params[side] = max(1, round(params[side] * factor))
    for transform in transforms[places[-1] + 1 :]:
        for name in PIXELS:
            if name in transform.get("params", {}):
                transform["params"][name] = [max(1, round(value * factor)) for value in transform["params"][name]]


def _shorten(phases: list[dict[str, Any]], epochs: int) -> None:
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
