"""One photo, painted back to front: background, hair behind, neck, clothes, face, glasses, mask, hair in front."""

from functools import lru_cache

import cv2
import numpy as np

from core.demo import wear
from core.demo.canvas import Canvas, Pose
from core.demo.faces import Head, mix
from core.demo.features import draw_features
from core.demo.hair import Combed, paint, paint_parting
from core.demo.people import Person, Snapshot

WIDTH, HEIGHT = 384, 512  # pixels of the finished photo
FACE = 92.0  # pixels of the finished photo per face unit


def draw_photo(p: Person, hair: Combed, m: Snapshot, factor: float = 1.0) -> np.ndarray:
    """RGB uint8 (512, 384, 3). factor: working resolution over finished resolution; more is smoother and slower."""
    w, h = round(WIDTH * factor), round(HEIGHT * factor)
    centre = ((WIDTH / 2 + m.shift[0]) * factor, (242 + m.shift[1]) * factor)
    scale = FACE * factor * m.scale
    pixels = scenery(m, w, h)
    head_canvas = Canvas(pixels, Pose(*centre, scale, m.roll, m.yaw, m.pitch))
    body = Canvas(pixels, Pose(centre[0] - 0.06 * m.yaw * scale, centre[1] - 0.17 * scale, scale, 0.25 * m.roll))
    head = Head(head_canvas, p, m)
    paint(hair.behind, head, body)
    head.neck(body)
    wear.clothes(body, p, m.light[0])
    head.ears()
    wear.earrings(head)
    head.face()
    draw_features(head)
    wear.glasses(head)
    wear.mask(head)
    paint(hair.front, head, body)
    paint_parting(hair.parting, head)
    return finish(pixels, m)


def scenery(m: Snapshot, w: int, h: int) -> np.ndarray:
    """A background out of focus, float32 (h, w, 3)."""
    rng = np.random.default_rng(m.seed)
    sw, sh = w // 4, h // 4
    y, x = np.mgrid[0:sh, 0:sw].astype(np.float32)
    x, y = x / sw, y / sh
    base = m.scene_colour
    glow = np.exp(-(((x - 0.5 - 0.35 * m.light[0]) / 0.5) ** 2) - ((y - 0.35) / 0.5) ** 2)[..., None]
    if m.scene == "studio":
        small = base * (0.62 + 0.5 * glow)
    elif m.scene == "wall":
        small = mix(base, (0.86, 0.84, 0.8), 0.55) * (0.82 + 0.22 * glow)
        small = small * (1 - 0.1 * (y > 0.78))[..., None]
    elif m.scene == "window":
        small = mix(base, (0.6, 0.56, 0.52), 0.4) * np.ones_like(glow)
        left = rng.uniform(-0.1, 0.6)
        for pane in range(2):
            inside = (np.abs(x - left - 0.24 * pane) < 0.11) & (y < rng.uniform(0.6, 0.8))
            small = np.where(inside[..., None], np.float32((0.93, 0.95, 0.97)), small)
    else:
        green = np.float32((0.3, 0.42, 0.26)) if m.scene == "park" else base * 0.45
        sky = np.float32((0.72, 0.8, 0.86)) if m.scene == "park" else base * 0.75
        small = mix(sky, green, 0.0) * (1 - y)[..., None] + green * y[..., None]
        small = np.ascontiguousarray(small)
        tones = np.float32(
            ((0.95, 0.85, 0.6), (0.55, 0.7, 0.4), (0.9, 0.95, 1.0))
            if m.scene == "park"
            else ((1, 0.86, 0.62), (0.98, 0.7, 0.5), (0.7, 0.85, 1))
        )
        for _ in range(34):
            spot = np.zeros((sh, sw), np.float32)
            at = (int(rng.uniform(0, sw) * 16), int(rng.uniform(0, sh * 0.9) * 16))
            cv2.circle(spot, at, int(rng.uniform(3, 10) * sw / 96 * 16), 1.0, -1, cv2.LINE_AA, 4)
            small += spot[..., None] * np.float32(rng.uniform(0.06, 0.3)) * (tones[rng.integers(3)] - small)
    blur = {"window": 4.0, "studio": 1.0, "wall": 2.5}.get(m.scene, 1.6) * sw / 96
    small = cv2.GaussianBlur(small.astype(np.float32), (0, 0), blur)
    return np.clip(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), 0, 1)


@lru_cache(maxsize=1)
def vignette() -> np.ndarray:
    """Brightness over the finished photo, darker towards the corners, float32 (512, 384, 1)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return (1 - 0.28 * ((x / WIDTH - 0.5) ** 2 + (y / HEIGHT - 0.5) ** 2))[..., None] * np.float32(255)


@lru_cache(maxsize=1)
def film() -> np.ndarray:
    """Grain in grey levels, wider than a photo so that each photo takes its own piece, float32 (640, 512, 1)."""
    return np.random.default_rng(0).standard_normal((HEIGHT + 128, WIDTH + 128, 1), np.float32) * np.float32(1.8)


@lru_cache(maxsize=1)
def tone_curve() -> np.ndarray:
    """A soft contrast curve, uint8 (256,)."""
    x = np.linspace(0, 1, 256)
    return np.round(255 * (x + 0.12 * x * (1 - x) * (2 * x - 1))).astype(np.uint8)


def finish(pixels: np.ndarray, m: Snapshot) -> np.ndarray:
    """Colour of the light, vignette, a soft curve, film grain; float32 any size -> uint8 (512, 384, 3)."""
    if pixels.shape[1] != WIDTH:
        pixels = cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    pixels = pixels * vignette()
    pixels *= np.float32((1 + m.warmth, 1, 1 - m.warmth)) * np.float32(m.exposure)
    down, across = m.seed % 128, m.seed // 128 % 128
    pixels += film()[down : down + HEIGHT, across : across + WIDTH]
    return cv2.LUT(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8), tone_curve())
