"""Hair: an outline filled with light and many strands that follow how the style is combed.

Styles (core/demo/hairstyles.py) depend on the person alone and are combed once; here each photo lights them.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from core.demo.canvas import SHIFT, Canvas
from core.demo.faces import Head, mix
from core.demo.people import Person

LEVELS = 7  # tones of strands, dark to bright


@dataclass(frozen=True)
class Lock:
    """A body of hair: closed outlines, and strands (points one after the other, `ends` where each one ends)."""

    shapes: list[np.ndarray]
    points: np.ndarray
    ends: np.ndarray
    tones: np.ndarray  # 0 .. LEVELS - 1, one a strand
    moves_with_head: bool = True
    dim: float = 1.0
    contrast: float = 0.5
    width: float = 0.012
    soft: float = 0.012
    opacity: float = 1.0
    shine: float = 1.0


@dataclass
class Combed:
    """All locks of one person, and the parting line if the style shows one."""

    behind: list[Lock] = field(default_factory=list)
    front: list[Lock] = field(default_factory=list)
    parting: np.ndarray | None = None


def tint(p: Person) -> np.ndarray:
    """The hair's colour with its grey mixed in."""
    white = np.float32((0.8, 0.79, 0.78))
    return mix(p.hair, mix(white, p.hair, 0.12), 0.92 * p.grey)


def paint(locks: list[Lock], head: Head, body: Canvas) -> None:
    """Paints locks in order, lit by the photo's lamp."""
    if not locks:
        return
    colour = tint(head.p)
    light, gloss = head.hair_light()
    for lock in locks:
        canvas = head.canvas if lock.moves_with_head else body
        h, w = canvas.pixels.shape[:2]
        cover = np.zeros((h, w), np.uint8)
        tone = np.full((h, w), 118, np.uint8)
        for shape in lock.shapes:
            corners = np.round(canvas.pose.project(shape) * (1 << SHIFT)).astype(np.int32)
            cv2.fillPoly(cover, [corners], 255, cv2.LINE_AA, SHIFT)
        thick = max(1, round(lock.width * canvas.pose.scale))
        if len(lock.ends):
            placed = np.round(canvas.pose.project(lock.points) * (1 << SHIFT)).astype(np.int32)
            strands = np.split(placed, lock.ends[:-1])
            for level in (3, 1, 5, 0, 6, 2, 4):
                lines = [strands[i] for i in np.flatnonzero(lock.tones == level)]
                if lines:
                    cv2.polylines(cover, lines, False, 255, thick, cv2.LINE_AA, SHIFT)
                    cv2.polylines(tone, lines, False, 118 + (level - 3) * 36, thick, cv2.LINE_AA, SHIFT)
        rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
        if not len(rows):
            continue
        reach = int(3 * lock.soft * canvas.pose.scale) + 2
        window = np.s_[max(rows[0] - reach, 0) : rows[-1] + reach, max(columns[0] - reach, 0) : columns[-1] + reach]
        alpha = cv2.GaussianBlur(cover[window], (0, 0), max(lock.soft * canvas.pose.scale, 0.4))
        tone = cv2.GaussianBlur(tone[window], (0, 0), 0.008 * canvas.pose.scale + 0.3).astype(np.float32)
        contrast = lock.contrast * (1.1 - 0.65 * float(colour.mean()))  # pale strands would glitter
        shade = (1 + contrast * (tone / 118 - 1)) * np.float32(lock.dim)
        rgb = (light[window] * shade)[..., None] * colour
        rgb += (gloss[window] * shade * np.float32(0.3 * lock.shine))[..., None] * mix(colour, (1, 0.97, 0.92), 0.35)
        if head.p.grey > 0.1:
            silver = np.clip((tone - 150) / 76, 0, 1) * np.float32(0.5 * head.p.grey)
            rgb += (silver * light[window])[..., None] * (np.float32((0.9, 0.9, 0.9)) - rgb)
        canvas.blend(window, alpha.astype(np.float32) * np.float32(1 / 255), np.clip(rgb, 0, 1), lock.opacity)


def paint_parting(line: np.ndarray | None, head: Head) -> None:
    """The thin line of skin where two curtains of hair meet."""
    if line is not None:
        head.canvas.stroke(
            line, 0.024, mix(tint(head.p) * 0.5, head.p.skin * 0.75, 0.5), 0.6, 0.01, start=0.9, end=0.05
        )
