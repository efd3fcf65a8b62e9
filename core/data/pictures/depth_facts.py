"""What is told, and asked, of a dataset's photos of more than 8 bits and of its DICOM pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.pictures import dicom
from core.data.pictures.depth import FULL, Depth, dataset_bits
from core.data.readers.reading import Fact
from core.text import listed


def depth_facts(photos: Sequence[tuple[str, Depth]], chosen: int | None) -> list[Fact]:
    """What is done with photos of more than 8 bits; a few that need far more than the others are asked about.

    photos: (sample, what it holds) of a dataset.
    """
    integer = [(sample, depth) for sample, depth in photos if depth.kind in ("grey", "colour")]
    floats = [(sample, depth) for sample, depth in photos if depth.kind == "float"]
    depths = [depth for _, depth in photos]
    bits, facts = dataset_bits(depths, chosen), []
    needed = dataset_bits(depths, None)
    counted = [depth.bits for depth in depths if depth.bits]
    white = 2**bits - 1
    if integer:
        peak = max(depth.high for _, depth in integer)
        text = f"{_photos(len(integer), 'of 16 bits')}: the largest value is {peak:,.0f}"
        if chosen:
            text += f"; all are scaled by {bits} bits, as you set, so {white:,} is white."
        else:
            text += f", which needs {needed} bits; all are scaled by these, so {white:,} is white."
        facts.append(Fact("pictures", text, ("bits",)))
    if floats:
        beyond = [depth for _, depth in floats if depth.bits]
        text = f"{_photos(len(floats), 'of floating-point values')}: "
        if not beyond:
            text += "1 is white."
        elif len(beyond) == len(floats):
            text += f"{white:,} is white."
        else:
            text += f"1 is white where no value is above 1, {white:,} in the other {len(beyond):,}."
        facts.append(Fact("pictures", text, ("bits",)))
    usual = int(np.median(counted)) if counted else 0
    if not chosen and usual and needed - usual >= 2:
        far = [sample for sample, depth in photos if depth.bits > usual + 1]
        text = (
            f"{listed(far)} {'need' if len(far) > 1 else 'needs'} up to {needed} bits, the usual photo only {usual}: "
        )
        text += f"scaled by {needed}, the others come out {2 ** (needed - usual):,} times darker. If those few are the "
        text += f"odd ones, set the bits to {usual}."
        facts.append(Fact("pictures", text, ("bits",), probable=True))
    if chosen and (cut := [sample for sample, depth in photos if depth.bits > chosen]):
        text = f"Values above {white:,} come out white: {_have(cut)} some."
        facts.append(Fact("pictures", text, ("bits",)))
    if below := [sample for sample, depth in photos if depth.low < 0]:
        low = min(depth.low for depth in depths)
        text = f"Values below 0 (down to {low:,.6g}) come out black: {_have(below)} some."
        facts.append(Fact("pictures", text))
    if above := [sample for sample, depth in photos if depth.high >= 2**FULL]:
        text = f"Values above {2**FULL - 1:,} come out white: {_have(above)} some."
        facts.append(Fact("pictures", text))
    return facts + _dicom_facts(photos)


def _dicom_facts(photos: Sequence[tuple[str, Depth]]) -> list[Fact]:
    """What of several that a DICOM file holds is seen."""
    of = {
        remark: [sample for sample, depth in photos if remark in depth.remarks.split()]
        for remark in (dicom.WINDOW, dicom.NO_WINDOW, dicom.FRAMES)
    }
    facts = []
    if seen := of[dicom.WINDOW]:
        facts.append(f"{_photos(len(seen), 'of DICOM')}: seen through the window that {_each(seen)} file names.")
    if plain := of[dicom.NO_WINDOW]:
        text = (
            f"{_photos(len(plain), 'of DICOM')} without a window ({listed(plain)}): the whole range of values is seen."
        )
        facts.append(text)
    if several := of[dicom.FRAMES]:
        facts.append(f"Of several frames the first is taken: {listed(several)}.")
    return [Fact("pictures", text) for text in facts]


def _each(samples: list[str]) -> str:
    return "each" if len(samples) > 1 else "its"


def _have(samples: list[str]) -> str:
    return f"{listed(samples)} {'have' if len(samples) > 1 else 'has'}"


def _photos(n: int, what: str) -> str:
    return f"1 photo {what}" if n == 1 else f"{n:,} photos {what}"
