"""How many pixels a photo may have: as core/data/pictures/limit.py has it, without the settings of a machine's lab."""

from __future__ import annotations

import os

from core.errors import LabError

USUAL, LEAST, MOST = 256, 64, 4096  # megapixels of a JPEG, which can be decoded at reduced size; of others a quarter
GIVEN = "FACET_MEGAPIXELS"


def check_size(width: int, height: int, *, reducible: bool = False) -> None:
    """Raises LabError(kind 'bomb') for a photo with more pixels than are read; its header says how many.

    reducible: a JPEG, which is decoded at a half, a quarter or an eighth of its width and height.
    """
    text = os.environ.get(GIVEN, "")
    limit = int(text) if text.isdecimal() and LEAST <= int(text) <= MOST else USUAL
    share = 1 if reducible else 4
    if width * height > limit * 1_000_000 // share:
        text = f"its header says {width} x {height} pixels; the limit is {limit // share:,} million"
        text += "" if reducible else " (four times as many in a JPEG)"
        raise LabError(text, f"Make it smaller, or raise {GIVEN} (now {limit:,} megapixels).", "bomb")
