"""What the networks looked at, for the faces of a report. Imports torch only when a map is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.data.thumbnails import blurred, small_jpeg
from core.errors import LabError
from core.inside.cells import Grid, drawn, grids_of
from core.inside.picture import lut, overlay
from core.runs import Run

LAYER = "layer4"
OPACITY = 0.75


@dataclass(frozen=True, eq=False)
class RunMaps:
    """What one run looked at. jpegs: sample -> the face under its map. missing: why there are none, else empty.
    grids: how many cells its maps have, rows and columns, each size once. trust: sample -> how far to trust its map, in
    a word, and what that rests on; where it was measured."""

    jpegs: dict[str, bytes] = field(default_factory=dict)
    missing: str = ""
    grids: tuple[Grid, ...] = ()
    trust: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


def maps_of(run: Run, samples: Sequence[str], side: int, *, trusted: bool = False, blur: bool = False) -> RunMaps:
    """GradCAM of the last layer for the predicted class, from the fold that held the person out, at its best epoch.

    side: of the picture, px. trusted: measure how far to trust each map, which costs some fifty answers a map.
    blur: the photo beneath each map. A checkpoint or a photo that is gone costs the maps of this run, not the report.
    """
    from core.inside import fold_models
    from core.inside.maps import held_out_maps
    from core.inside.trust import check

    samples, jpegs = list(dict.fromkeys(samples)), {}
    grids: dict[Grid, None] = {}
    trust: dict[str, tuple[str, tuple[str, ...]]] = {}
    colours = lut("inferno")
    try:
        for positions, maps in held_out_maps(run, samples, layers=(LAYER,)):
            grids[grids_of(maps)[0]] = None
            names = [samples[position] for position in positions]
            for name, face, heat in zip(names, fold_models.faces(run, names), drawn(maps)[:, 0], strict=True):
                beneath = blurred(face, max(face.shape[:2])) if blur else face
                jpegs[name] = small_jpeg(overlay(beneath, heat, colours, OPACITY), side)
        for name in jpegs if trusted else ():
            (of_map,) = check(run, fold_models.held_out_fold(run, name), name, layers=(LAYER,))
            trust[name] = of_map.verdict, of_map.figures
    except LabError as error:
        return RunMaps(missing=str(error))
    return RunMaps(jpegs, grids=tuple(grids), trust=trust)
