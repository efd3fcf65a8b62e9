"""What the networks looked at, for the faces of a report. Imports torch only when a map is made."""

from __future__ import annotations

from collections.abc import Sequence

from core.data.thumbnails import small_jpeg
from core.errors import LabError
from core.inside.picture import lut, overlay
from core.runs import Run

LAYER = "layer4"
OPACITY = 0.75


def pictures(run: Run, samples: Sequence[str], side: int) -> tuple[dict[str, bytes], str]:
    """(sample -> JPEG of the face under its map, why there are none).

    The map is GradCAM of the last layer for the predicted class, from the fold that held the person out, at its best
    epoch. side: of the picture, px. A checkpoint or a photo that is gone costs the maps of this run, not the report.
    """
    from core.inside import fold_models
    from core.inside import maps as gradcam

    wanted, found = list(dict.fromkeys(samples)), {}
    table = lut("inferno")
    try:
        for positions, maps in gradcam.held_out_maps(run, wanted, layers=(LAYER,)):
            names = [wanted[position] for position in positions]
            for name, face, heat in zip(names, fold_models.faces(run, names), maps.maps[:, 0], strict=True):
                found[name] = small_jpeg(overlay(face, heat, table, OPACITY), side)
    except LabError as error:
        return {}, str(error)
    return found, ""
