"""Where the heat of two groups of faces lies: mean maps, shares by region with intervals, and the downloads."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data.persons import UNKNOWN, noun, units
from core.inside import picture, regions
from core.inside.cells import Grid, in_words, is_coarse
from core.inside.face_maps import FaceMaps, MapRequest
from core.inside.regions import HeatInterval
from core.runs import Run
from core.text import number_of
from pages.parts.look_inside import canvas, downloads
from pages.parts.shared import badges, theme

if TYPE_CHECKING:
    from core.answers.mistakes import Answers
    from core.inside.attend import Attention

DIFFERENCE = "A minus B"
_CSS = """<style>
.look-shares td, .look-shares th { padding: .22rem .55rem !important; }
.look-shares small { opacity: .7; }
.look-shares b { font-weight: 650; }
</style>"""


@dataclass(frozen=True)
class Group:
    """letter: A or B. mask: (n,) bool, which of the faces that were looked at are in it."""

    letter: str
    name: str
    mask: np.ndarray

    @property
    def title(self) -> str:
        return f"{self.letter}: {self.name}"


def show(run: Run, answers: Answers, attention: Attention, a: Group, b: Group, request: MapRequest) -> None:
    alarms(answers, attention, request.classes)
    means(attention, a, b)
    shares(attention, a, b)
    maps = _mean_maps(attention, a, b)
    downloads.buttons(
        f"means-{run.id[-4:]}",
        lambda: picture.sheet(_as_faces(run, attention, _scaled(maps), request), overlaid=False),
        lambda: picture.arrays(_as_faces(run, attention, maps, request)),
    )


def alarms(answers: Answers, attention: Attention, classes: str) -> None:
    """answers: of the run, of which both groups show some. classes: that the maps explain; only maps of the answers
    themselves tell what an answer was taken from."""
    if classes != "predicted":
        words = "Whether a class is decided by background shows in maps of the predicted class."
        st.html(f'<div class="lab-meta">{words}</div>')
        return
    if not attention.placed:
        return  # the shares below say what to do
    if attention.silent:
        words = f"Whether a class is decided by hair and background cannot be said. {attention.silent}"
        st.html(badges.fault(words, state="interrupted"))
        return
    raised = attention.alarms(answers.table.groupby(["predicted", "right"], observed=True).size().to_dict())
    for alarm in raised:
        st.html(badges.fault(alarm.sentence, "Crop closer, augment the background, or check the photos."))
    if not raised:
        st.html('<div class="lab-meta">No class is decided by hair and background, by the last layer\'s heat.</div>')


def means(attention: Attention, a: Group, b: Group) -> None:
    """Mean maps of both groups and their difference, each layer scaled to its own largest value."""
    theme.heading("Mean maps")
    maps = _mean_maps(attention, a, b)
    scaled = _scaled(maps)
    rows = []
    for group in (a, b):
        facts = [number_of(group.mask.sum(), "photo")]
        if attention.persons != UNKNOWN:
            facts.append(units(len(set(attention.people[group.mask])), attention.persons))
        cells = [canvas.Cell(picture.grey(heat)) for heat in scaled[group.title]]
        rows.append(canvas.Row(group.title, None, cells, facts))
    cells = [
        canvas.Cell(picture.grey(heat, signed=True), f"at most {largest:.2f}")
        for heat, largest in zip(scaled[DIFFERENCE], _largest(maps[DIFFERENCE]), strict=True)
    ]
    rows.append(canvas.Row(DIFFERENCE, None, cells, ["of maps that go from 0 to 1"], rule=True, signed=True))
    style = canvas.Style(overlaid=False, top="largest in its layer", poles=("more in B", "more in A"))
    columns = [canvas.Column(layer, in_words([grid])) for layer, grid in _layers(attention)]
    canvas.draw(columns, rows, style, key="look-means")


def _layers(attention: Attention) -> list[tuple[str, Grid]]:
    return list(zip(attention.layers, attention.grids, strict=True))


def _mean_maps(attention: Attention, a: Group, b: Group) -> dict[str, np.ndarray]:
    """Title -> (layers, h, w): the mean of either group, 0 to 1, and their difference."""
    mean_a, mean_b = attention.mean_map(a.mask), attention.mean_map(b.mask)
    return {a.title: mean_a, b.title: mean_b, DIFFERENCE: mean_a - mean_b}


def _scaled(maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each layer to its own largest value: that of both groups together, and that of their difference."""
    *group_means, difference = maps.values()
    tops = dict.fromkeys(maps, np.nanmax(group_means, axis=(0, 2, 3))) | {DIFFERENCE: _largest(difference)}
    return {title: heat / np.where(tops[title] > 0, tops[title], 1)[:, None, None] for title, heat in maps.items()}


def _largest(difference: np.ndarray) -> np.ndarray:
    """In each layer."""
    return np.nanmax(np.abs(difference), axis=(1, 2))


def _as_faces(run: Run, attention: Attention, maps: dict[str, np.ndarray], request: MapRequest) -> list[FaceMaps]:
    """Maps of groups in the form that single faces have."""
    return [
        FaceMaps(
            run_id=run.key,
            run_name=run.config().name,
            sample=title,
            model="held-out folds",
            fold=None,
            held_out=True,
            layers=attention.layers,
            grids=attention.grids,
            maps=heat,
            photo=None,
            method=request.method,
            signed=title == DIFFERENCE,
            which=request.which,
        )
        for title, heat in maps.items()
    ]


def shares(attention: Attention, a: Group, b: Group) -> None:
    """Share of heat by layer and region, with intervals over people; a difference only where its interval is off 0."""
    theme.heading("Share of heat")
    if not attention.placed:
        st.caption("Place the boxes to have shares by region.")
        return
    share_a, share_b = attention.share_of(a.mask), attention.share_of(b.mask)
    difference = attention.difference(a.mask, b.mask)
    area = attention.area.mean(0)
    lines = []
    for i, (layer, grid) in enumerate(_layers(attention)):
        if is_coarse(grid):
            cells = f"{in_words([grid])}: too few to tell regions apart"
            lines.append(
                f'<tr><td class="lab-left">{escape(layer)}</td><td class="lab-left" colspan="5">{cells}</td></tr>'
            )
            continue
        for r, region in enumerate(regions.REGIONS):
            cells = _share(share_a, i, r) + _share(share_b, i, r) + _gap(difference, i, r)
            head = f'<td class="lab-left">{escape(layer) if r == 0 else ""}</td><td class="lab-left">{region}</td>'
            lines.append(f"<tr>{head}<td>{area[r]:.0%}</td>{cells}</tr>")
    head = (
        '<tr><th>Layer</th><th class="lab-left">Region</th><th>Area</th>'
        f"<th>{escape(a.title)}</th><th>{escape(b.title)}</th><th>{DIFFERENCE}</th></tr>"
    )
    st.html(f'{_CSS}<div class="lab-scroll"><table class="lab-table look-shares">{head}{"".join(lines)}</table></div>')
    st.caption(
        f"Mean share of a map's heat, with the 95 % interval over {noun(attention.persons)} (bootstrap). Area is the "
        "share of the picture: heat that is spread evenly lies there to that share. A difference is bold where its "
        "interval leaves out 0."
    )


def _share(interval: HeatInterval, layer: int, region: int) -> str:
    mean, low, high = _percent(interval, layer, region)
    if np.isnan(mean):
        return "<td>–</td>"
    spread = "" if np.isnan(low) else f" <small>[{low:.0f}, {high:.0f}]</small>"
    return f"<td>{mean:.0f} %{spread}</td>"


def _gap(interval: HeatInterval, layer: int, region: int) -> str:
    mean, low, high = _percent(interval, layer, region)
    if np.isnan(mean):
        return "<td>–</td>"
    points = f"{_signed(mean)} pt"
    if np.isnan(low):
        return f"<td>{points}</td>"
    points = f"<b>{points}</b>" if low > 0 or high < 0 else points
    return f"<td>{points} <small>[{_signed(low)}, {_signed(high)}]</small></td>"


def _percent(interval: HeatInterval, layer: int, region: int) -> list[float]:
    """Mean, low and high end."""
    return [100 * float(ends[layer, region]) for ends in (interval.mean, interval.low, interval.high)]


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-0.0", "+0.0").replace("-", "\N{MINUS SIGN}")
