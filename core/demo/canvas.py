"""A painter's canvas in face units: soft polygons, tapered strokes, strands, all antialiased.

Face units: the origin lies between the eyes and the nose, half the face is 1 wide, v points down (chin near 1.4).
"""

from dataclasses import dataclass

import cv2
import numpy as np

SHIFT = 4  # fractional bits cv2 takes for sub-pixel corners


@dataclass(frozen=True)
class Pose:
    """Where the head stands on the picture. x, y: centre in pixels; scale: pixels per face unit; roll: radians;
    yaw, pitch: how far (face units) the front of the face moves sideways and down."""

    x: float
    y: float
    scale: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0

    def project(self, points: np.ndarray) -> np.ndarray:
        """Face units (n, 2) -> pixels (n, 2). What stands out of the head (nose) moves most when it turns."""
        points = np.asarray(points, dtype=np.float64)
        depth = head_depth(points[:, 0], points[:, 1])
        u, v = points[:, 0] + self.yaw * depth, points[:, 1] + self.pitch * depth
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return np.stack([self.x + self.scale * (cos * u - sin * v), self.y + self.scale * (sin * u + cos * v)], axis=1)

    def unproject(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel grids -> face units u, v of the same shape, float32 (the turn is undone to first order)."""
        cos, sin = np.float32(np.cos(self.roll) / self.scale), np.float32(np.sin(self.roll) / self.scale)
        dx, dy = (x - self.x).astype(np.float32), (y - self.y).astype(np.float32)
        u, v = cos * dx + sin * dy, cos * dy - sin * dx
        depth = head_depth(u, v)
        return u - np.float32(self.yaw) * depth, v - np.float32(self.pitch) * depth


def head_depth(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Height of the bare head over the picture plane, 0 outside it."""
    return np.sqrt(np.clip(1 - 0.95 * u * u - (v * v) / 2.4, 0, None))


def curve(points, count: int = 48, closed: bool = False) -> np.ndarray:
    """(count, 2) points on the Catmull-Rom spline through `points`."""
    points = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    segments = len(padded) - 3
    t = np.linspace(0, segments, count, endpoint=not closed)
    index = np.minimum(t.astype(int), segments - 1)
    t = (t - index)[:, None]
    a, b, c, d = (padded[index + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def ellipse(u: float, v: float, width: float, height: float, count: int = 32, tilt: float = 0.0) -> np.ndarray:
    """(count, 2) points on an ellipse with the given half axes."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x, y = width * np.cos(angle), height * np.sin(angle)
    return np.stack([u + x * np.cos(tilt) - y * np.sin(tilt), v + x * np.sin(tilt) + y * np.cos(tilt)], axis=1)


def moved(points, u: float = 0.0, v: float = 0.0) -> np.ndarray:
    """The same points, u further right and v further down."""
    return np.asarray(points, dtype=np.float64) + np.array((u, v))


def mirrored(half) -> np.ndarray:
    """Points of the right half (top to bottom) -> a closed outline, left half added."""
    half = np.asarray(half, dtype=np.float64)
    left = half[::-1] * (-1, 1)
    return np.concatenate([half, left[(1 if half[-1, 0] == 0 else 0) : (-1 if half[0, 0] == 0 else None)]])


def taper(line: np.ndarray, width: float, start: float = 0.15, end: float = 0.15) -> np.ndarray:
    """Outline of a brush stroke along `line`: `width` wide in the middle, thinner towards both ends."""
    step = np.gradient(line, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    t = np.linspace(0, 1, len(line))
    profile = np.sin(np.pi * t) ** 0.7
    ends = start * (1 - t) + end * t
    half = (0.5 * width * (ends + (1 - ends) * profile))[:, None]
    return np.concatenate([line + normal * half, (line - normal * half)[::-1]])


class Canvas:
    """RGB float32 picture (h, w, 3), 0..1, painted in face units through `pose`."""

    def __init__(self, pixels: np.ndarray, pose: Pose):
        self.pixels = pixels
        self.pose = pose

    def coverage(self, points, blur: float = 0.0) -> tuple[tuple[slice, slice], np.ndarray] | None:
        """Window and float32 alpha (0..1) of a filled outline; blur: sigma in face units. None if it lies outside."""
        return self._cover([self.pose.project(points)], blur, fill=True)

    def mask(self, points, blur: float = 0.0) -> np.ndarray:
        """The outline's alpha on the whole canvas, float32 (h, w)."""
        full = np.zeros(self.pixels.shape[:2], np.float32)
        if covered := self.coverage(points, blur):
            full[covered[0]] = covered[1]
        return full

    def fill(self, points, color, opacity: float = 1.0, blur: float = 0.0, within: np.ndarray | None = None) -> None:
        """Paints an outline. color: (3,) or a picture (h, w, 3); within: alpha (h, w) that limits it."""
        if covered := self.coverage(points, blur):
            window, alpha = covered
            self.blend(window, alpha, color[window] if np.ndim(color) == 3 else color, opacity, within)

    def stroke(self, line, width: float, color, opacity=1.0, blur=0.0, within=None, start=0.15, end=0.15) -> None:
        """A tapered brush stroke along `line` (already smooth); width in face units."""
        self.fill(taper(np.asarray(line, dtype=np.float64), width, start, end), color, opacity, blur, within)

    def lines(self, lines, width: float, color, opacity: float = 1.0, blur: float = 0.0, within=None) -> None:
        """Many thin lines of one colour at once; lines: list of (n, 2)."""
        if not lines:
            return
        ends = np.cumsum([len(line) for line in lines])[:-1]
        placed = np.split(self.pose.project(np.concatenate(lines)), ends)
        if covered := self._cover(placed, blur, fill=False, width=width):
            self.blend(*covered, color, opacity, within)

    def blend(self, window, alpha: np.ndarray, color, opacity: float = 1.0, within: np.ndarray | None = None) -> None:
        """Paints color, (3,) or of the window's size, where alpha (of the window's size) says."""
        alpha = alpha * np.float32(opacity)
        if within is not None:
            alpha = alpha * within[window]
        region = self.pixels[window]
        region += alpha[..., None] * (np.asarray(color, dtype=np.float32) - region)

    def _cover(self, placed, blur, fill, width=0.0):
        sigma = blur * self.pose.scale
        margin = 3 * sigma + 2 + width * self.pose.scale
        everything = np.concatenate(placed)
        low = np.maximum(np.floor(everything.min(0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(everything.max(0) + margin), self.pixels.shape[1::-1]).astype(int)
        if (high <= low).any():
            return None
        size = high - low
        # A wide blur looks the same when it is made small and enlarged, and costs a sixteenth.
        coarse = 4 if sigma > 5 else 2 if sigma > 2.2 else 1
        alpha = np.zeros((-(-size[1] // coarse), -(-size[0] // coarse)), np.uint8)
        corners = [np.round((p - low) * ((1 << SHIFT) / coarse)).astype(np.int32) for p in placed]
        if fill:
            cv2.fillPoly(alpha, corners, 255, cv2.LINE_AA, SHIFT)
        else:
            thickness = max(1, round(width * self.pose.scale / coarse))
            cv2.polylines(alpha, corners, False, 255, thickness, cv2.LINE_AA, SHIFT)
        if sigma > 0.3:
            alpha = cv2.GaussianBlur(alpha, (0, 0), sigma / coarse)
        if coarse > 1:
            alpha = cv2.resize(alpha, (int(size[0]), int(size[1])), interpolation=cv2.INTER_LINEAR)
        return np.s_[low[1] : high[1], low[0] : high[0]], alpha.astype(np.float32) * np.float32(1 / 255)
