"""Learning rates of a run, step by step, as its configuration says them: known before the first step. No torch."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.config import RunConfig
from core.figures import style
from core.figures.style import INK

POINTS = 1500  # of a line; a screen has no more
RISE_OF_ONE_CYCLE = 0.3  # of its phase


def learning_rates(
    config: RunConfig, steps: int, *, run_colour: str, reached: float | None = None
) -> list[tuple[str, go.Figure]]:
    """(title, figure) of head and backbone, or of both in one where they are the same; linear axes.

    steps: of an epoch. reached: epochs that are trained, for a line where training is; None where it has ended.
    x is in epochs: a step stands where the epoch has got to when it is done, so that an epoch ends at its number.
    """
    at, epoch, within, phase = _steps(config, steps)
    before = np.concatenate([[0], np.cumsum([each.epochs for each in config.phases])])[phase]
    factor = np.array(
        [
            config.learning_rate_factor(int(p), int((e - 1 - b) * steps + w), steps)
            for p, e, b, w in zip(phase, epoch, before, within, strict=True)
        ]
    )
    rates = {
        part: factor * np.array([getattr(each, f"lr_{part}") for each in config.phases])[phase]
        for part in ("head", "backbone")
    }
    titles = {"head": "Learning rate of the head", "backbone": "Learning rate of the backbone"}
    if np.array_equal(rates["head"], rates["backbone"]):
        titles = {"head": "Learning rate"}
    positions = np.stack([epoch, within + 1], axis=1).astype(np.int32)
    marks = _marks(config, run_colour, reached)
    pad = 0.01 * config.epochs
    figures = []
    for part, title in titles.items():
        line = style.line(
            at.astype(np.float32),
            rates[part].astype(np.float32),
            run_colour,
            width=2,
            name=part,
            showlegend=False,
            customdata=positions,
            hovertemplate=f"epoch %{{customdata[0]}}, step %{{customdata[1]}} of {steps}: %{{y:.3g}}<extra></extra>",
        )
        top = float(rates[part].max()) or 1.0
        y = {**style.axis("", (-0.03 * top, 1.16 * top)), "exponentformat": "e", "nticks": 5}
        x = style.epoch_axis(config.epochs, (-pad, config.epochs + pad))
        figures.append((title, style.figure([line], {**style.layout(x, y), "uirevision": "keep", **marks})))
    return figures


def _steps(config: RunConfig, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(epochs done after it, epoch, step in it, phase) of steps over the whole run: each phase's first and last, and
    enough between them."""
    ends = np.cumsum([phase.epochs for phase in config.phases]) * steps
    total = int(ends[-1])
    spread = np.linspace(0, total - 1, min(total, POINTS)).round()
    number = np.unique(np.concatenate([spread, [0], ends - 1, ends[:-1]]).astype(np.int64))
    return (number + 1) / steps, number // steps + 1, number % steps, np.searchsorted(ends, number, side="right")


def _marks(config: RunConfig, run_colour: str, reached: float | None) -> dict[str, list]:
    """Warm-ups as tints, borders between phases with their names, and where training is, as layout."""
    shapes, notes, before = [], [], 0
    for phase in config.phases:
        rise = RISE_OF_ONE_CYCLE * phase.scheduled if phase.schedule == "one-cycle" else phase.warmup_epochs
        if rise := min(float(rise), phase.epochs):
            shapes.append(
                {
                    **{"type": "rect", "x0": before, "x1": before + rise, "y0": 0, "y1": 1, "yref": "paper"},
                    **{"fillcolor": style.tinted(run_colour, 0.1), "line": {"width": 0}, "layer": "below"},
                }
            )
            low = {"y": 0.02, "yanchor": "bottom", "xanchor": "left"}
            notes.append({**style.top_note(before + rise, "warm-up", font={"size": 10}), **low})
        if before:
            shapes.append(style.upright(before, INK, dash="dot"))
        if len(config.phases) > 1:
            name = f"{phase.optimizer}, {phase.schedule}"
            notes.append(style.top_note(before, name, xanchor="left", font={"size": 10}))
        before += phase.epochs
    if reached is not None:
        shapes.append(style.upright(reached, run_colour, width=1.5))
        notes.append(style.top_note(reached, "now", xanchor="right", font={"size": 10, "color": run_colour}))
    return {"shapes": shapes, "annotations": notes}
