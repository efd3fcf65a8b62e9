"""The sign in a browser's tab: a ring that fills while something trains, and what became of it."""

from __future__ import annotations

import math
from functools import lru_cache

COLOURS = {  # of states, that read on light and on dark tabs
    "running": "#2f95b8",
    "queued": "#7d8590",
    "done": "#2a9d68",
    "failed": "#d9483b",
    "interrupted": "#c98a00",
    "cancelled": "#c98a00",
}
MARKS = {  # what stands within the ring of 32 x 32
    "done": '<path d="M10 16.5l4.2 4.2L22.3 12" fill="none"',
    "failed": '<path d="M11.5 11.5l9 9m0-9l-9 9" fill="none"',
    "interrupted": '<path d="M12.7 11v10m6.6-10v10" fill="none"',
    "cancelled": '<path d="M11 16h10" fill="none"',
}
RADIUS, STROKE = 13, 5


@lru_cache(maxsize=256)
def favicon(state: str, percent: int) -> str:
    """SVG, 32 x 32. percent: of the ring, 0..100; the ring of what has ended is whole."""
    colour = COLOURS.get(state, COLOURS["queued"])
    share = percent / 100 if state in ("running", "queued") else 1.0
    around = 2 * math.pi * RADIUS
    mark = f'{MARKS[state]} stroke="{colour}" stroke-width="4" stroke-linecap="round"/>' if state in MARKS else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<circle cx="16" cy="16" r="{RADIUS}" fill="none" stroke="{colour}" stroke-opacity=".3" '
        f'stroke-width="{STROKE}"/>'
        f'<circle cx="16" cy="16" r="{RADIUS}" fill="none" stroke="{colour}" stroke-width="{STROKE}" '
        f'stroke-dasharray="{share * around:.1f} {around:.1f}" transform="rotate(-90 16 16)"/>{mark}</svg>'
    )
