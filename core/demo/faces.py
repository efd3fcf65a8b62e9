"""The head: a smooth relief lit by one lamp gives the soft shading, features are painted on top of it."""

import cv2
import numpy as np

from core.demo.canvas import Canvas, curve, ellipse, mirrored, moved
from core.demo.people import Person, Snapshot

HALF = 2  # the relief is smooth: it is computed at half the working resolution


def mix(a, b, t: float) -> np.ndarray:
    """Colour between a (t = 0) and b (t = 1)."""
    return np.asarray(a, np.float32) * np.float32(1 - t) + np.asarray(b, np.float32) * np.float32(t)


def outline(p: Person) -> np.ndarray:
    """The head's closed outline, (n, 2) face units, ears left out."""
    k = p.face_length
    sag = 0.05 * max(p.wear - 0.35, 0)
    half = [
        (0, -1.47),
        (0.5, -1.37),
        (0.84, -1.02),
        (0.975, -0.5),
        (0.97, 0.0),
        (0.925 + 0.02 * p.cheeks, 0.38 * k),
        (p.jaw + sag + 0.055, 0.78 * k),
        (p.jaw - 0.13 + sag, 1.06 * k),
        (p.chin + 0.13, 1.29 * k),
        (p.chin * 0.62, 1.405 * k),
        (0, 1.425 * k),
    ]
    return curve(mirrored(half), 120, closed=True)


def bump(u, v, cu: float, cv: float, su: float, sv: float):
    """A Gaussian hill, height 1."""
    return np.exp(-(((u - cu) / su) ** 2) - ((v - cv) / sv) ** 2)


def twin(u, v, cu: float, cv: float, su: float, sv: float):
    """The same hill on both sides of the face."""
    return bump(np.abs(u), v, cu, cv, su, sv)


def segment(u, v, start, end, width: float):
    """A soft ridge along a straight line on both sides of the face, height 1."""
    u = np.abs(u)
    du, dv = end[0] - start[0], end[1] - start[1]
    t = np.clip(((u - start[0]) * du + (v - start[1]) * dv) / (du * du + dv * dv), 0, 1)
    return np.exp(-((u - start[0] - t * du) ** 2 + (v - start[1] - t * dv) ** 2) / (width * width))


def face_relief(p: Person, u: np.ndarray, v: np.ndarray, smile: float) -> np.ndarray:
    """Height of the face over the picture plane in face units, at face coordinates u, v (any equal shape)."""
    man, worn = p.masculine, p.wear
    tip = 0.43 + p.nose_length
    z = 1.05 * np.sqrt(np.clip(1.06 - (np.abs(u) / 1.0) ** 2.3 - (np.abs(v + 0.05) / 1.5) ** 2.6, 0.02, None))
    bridge = (
        np.exp(-((u / (0.115 + 0.05 * np.clip(v / tip, 0, 1))) ** 2))
        * np.clip((v + 0.34) / (tip + 0.34), 0, 1) ** 1.5
        * (v < tip + 0.3)
    )
    bridge = bridge / (1 + np.exp(np.clip((v - tip - 0.01) / 0.055, -30, 30)))
    z = z + 0.14 * bridge + 0.095 * bump(u, v, 0, tip - 0.02, 0.72 * p.nose_width, 0.12)
    z += 0.075 * twin(u, v, p.nose_width * 0.84, tip + 0.03, 0.075, 0.075)
    z -= (0.105 + 0.03 * man) * twin(u, v, p.eye_gap - 0.04, -0.11, 0.24, 0.13)
    z += 0.055 * twin(u, v, p.eye_gap, -0.02, 0.17, 0.10)
    z += (0.015 + 0.045 * man) * twin(u, v, 0.36, -0.3, 0.26, 0.07)
    z += (0.05 + 0.04 * p.cheeks + 0.04 * max(smile, 0)) * twin(u, v, 0.55, 0.3, 0.24, 0.17)
    z -= 0.045 * twin(u, v, 0.66, 0.68, 0.17, 0.2)
    z -= 0.05 * twin(u, v, 0.92, -0.35, 0.16, 0.22)
    z += 0.04 * bump(u, v, 0, 0.83, 0.36, 0.2)
    z -= 0.022 * bump(u, v, 0, tip + 0.2, 0.045, 0.08)
    z -= 0.055 * bump(u, v, 0, 1.055, 0.2, 0.055)
    z += (0.06 + 0.03 * man) * bump(u, v, 0, 1.23, 0.2 + 0.4 * p.chin, 0.12)
    fold = 0.004 + 0.055 * worn + 0.012 * max(smile, 0)
    z -= fold * segment(u, v, (0.24, tip + 0.01), (0.45, 0.84), 0.045)
    if worn > 0.3:
        z -= 0.05 * (worn - 0.3) * segment(u, v, (0.44, 0.92), (0.47, 1.14), 0.05)
        z -= 0.055 * (worn - 0.3) * segment(u, v, (0.25, 0.14), (0.47, 0.15), 0.05)
        z += 0.05 * (worn - 0.3) * twin(u, v, 0.6, 1.0, 0.13, 0.14)
        z -= 0.05 * (worn - 0.3) * twin(u, v, 0.6, 0.5, 0.13, 0.18)
    return z


def lit(z: np.ndarray, pixel: float, snapshot: Snapshot, strength: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Relief -> (soft light 0..1.2, gloss 0..1). pixel: size of one grid cell in face units."""
    gy, gx = np.gradient(z, pixel)
    gx, gy = gx * strength, gy * strength
    norm = 1 / np.sqrt(1 + gx * gx + gy * gy)
    lx, ly, lz = snapshot.light
    diffuse = (-gx * lx - gy * ly + lz) * norm
    fill = (gx * lx * 0.6 + 0.75) * norm  # a weak second lamp from the other side keeps the shadows open
    wrapped = np.clip((diffuse + 0.3) / 1.3, 0, 1)
    light = snapshot.ambient * (0.62 + 0.38 * norm) + (1.02 - snapshot.ambient) * wrapped + 0.08 * np.clip(fill, 0, 1)
    hx, hy, hz = lx, ly, lz + 1
    half = 1 / np.sqrt(hx * hx + hy * hy + hz * hz)
    gloss = np.clip((-gx * hx - gy * hy + hz) * half * norm, 0, 1)
    return light.astype(np.float32), gloss.astype(np.float32)


class Head:
    """The lit skin of one photo and the places where features go.

    skin: (h, w, 3) float32, the whole canvas in lit skin; light: (h, w) float32 the same without colour.
    """

    def __init__(self, canvas: Canvas, p: Person, m: Snapshot):
        self.canvas, self.p, self.m = canvas, p, m
        h, w = canvas.pixels.shape[:2]
        pose = canvas.pose
        reach = pose.scale * np.array((1.3, 1.75))
        left, top = (int(max(0, c - r)) for c, r in zip((pose.x, pose.y), reach, strict=True))
        right, bottom = min(w, int(pose.x + reach[0])), min(h, int(pose.y + reach[1]))
        self.window = np.s_[top:bottom, left:right]
        y, x = np.mgrid[top:bottom:HALF, left:right:HALF].astype(np.float32) + np.float32((HALF - 1) / 2)
        self.u, self.v = pose.unproject(x, y)
        z = face_relief(p, self.u, self.v, m.smile)
        light, gloss = lit(z, HALF / pose.scale, m)
        hollow = np.clip((cv2.GaussianBlur(z, (0, 0), 0.13 * pose.scale / HALF) - z) * 3.2, -0.1, 0.35)
        light = light * (1 - np.clip(hollow, -0.06, 0.35))
        self.light = self.enlarge(light)
        self.skin = self.enlarge(self._skin(light, gloss))

    def enlarge(self, small: np.ndarray) -> np.ndarray:
        """A map on the head's half-size grid -> the whole canvas, 0 away from the head."""
        rows, columns = self.window
        size = (columns.stop - columns.start, rows.stop - rows.start)
        full = np.zeros((*self.canvas.pixels.shape[:2], *small.shape[2:]), np.float32)
        full[self.window] = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        return full

    def _skin(self, light, gloss) -> np.ndarray:
        p, u, v = self.p, self.u, self.v
        deep = 1 - float(p.skin.mean())
        red = 0.75 * twin(u, v, 0.56, 0.33, 0.26, 0.22) + 0.5 * bump(u, v, 0, 0.45, 0.17, 0.13)
        red += 0.25 * bump(u, v, 0, 1.25, 0.25, 0.15)
        red *= 0.75 + 0.25 * (1 - p.masculine) + 0.3 * max(self.m.smile, 0)
        blush = np.stack([0.045 * red, -0.085 * red, -0.075 * red], axis=-1) * (1.15 - deep)
        lids = twin(u, v, p.eye_gap, -0.1, 0.22, 0.1)[..., None] * np.float32((0.03, 0.06, 0.055))
        under = twin(u, v, p.eye_gap - 0.03, 0.11, 0.17, 0.055)[..., None]
        under = under * np.float32((0.06, 0.075, 0.05)) * (0.35 + p.wear)
        albedo = p.skin * (1 + 0.9 * blush) + 0.35 * blush - lids * p.skin - under * p.skin
        # Light that passes under the skin: shadows turn warm before they turn dark.
        shade = np.stack([light**0.86, light**1.08, light**1.18], axis=-1)
        shine = (0.11 + 0.13 * deep) * gloss**26 + 0.06 * gloss**7
        shine = shine * (1 - 0.35 * p.wear)
        rgb = albedo * shade * (0.98 + 0.12 * deep) + shine[..., None] * np.float32((1.0, 0.97, 0.92))
        # Bright skin keeps its colour: a shoulder instead of clipping.
        return np.where(rgb > 0.8, 0.8 + 0.19 * np.tanh((rgb - 0.8) / 0.19), rgb).clip(0, 1).astype(np.float32)

    # -- what is painted, back to front -------------------------------------------------------------------------

    def neck(self, body: Canvas) -> None:
        p = self.p
        n = p.neck
        shape = [(n + 0.03, 0.7), (n, 1.35), (n + 0.03, 1.7), (n + 0.3, 1.98), (1.1, 2.3), (0.6, 2.9), (0, 3.1)]
        half = curve(shape, 40)
        points = np.concatenate([half, half[::-1] * (-1, 1)])
        side = self.m.light[0]
        h, w = body.pixels.shape[:2]
        x = ((np.arange(w, dtype=np.float32) - body.pose.x) / body.pose.scale)[None, :]
        round_ = np.sqrt(np.clip(1 - (x / (n + 0.32)) ** 2, 0.05, 1))
        tone = np.clip((0.5 + 0.3 * round_ + 0.28 * side * x) * 1.02, 0.25, 1.0)
        tone = np.stack([tone**0.9, tone**1.1, tone**1.18], axis=-1) * p.skin
        body.fill(points, np.broadcast_to(tone, (h, w, 3)))
        inside = body.mask(points)
        dark = p.skin * np.float32((0.42, 0.3, 0.27))
        shift = -0.18 * side
        shadow = outline(p)
        shadow = shadow[shadow[:, 1] > 0.2]
        body.fill(moved(shadow * (0.98, 1), shift, 0.22), dark, 0.55, 0.1, inside)
        body.fill(moved(shadow * (0.9, 1), shift / 2, 0.08), dark, 0.5, 0.05, inside)
        for sign in (-1, 1):  # the two tendons that make a neck a neck
            line = curve([(sign * n * 0.8, 1.35), (sign * n * 0.52, 1.75), (sign * 0.12, 2.12)], 20)
            body.stroke(line, 0.06, dark, 0.16 + 0.2 * p.wear, 0.03, inside)
            bone = curve([(sign * 0.1, 2.14), (sign * 0.5, 2.08), (sign * 0.95, 2.06)], 20)
            body.stroke(bone, 0.06, dark, 0.2, 0.03, inside)

    def ears(self) -> None:
        c, p, side = self.canvas, self.p, self.m.light[0]
        for sign in (-1, 1):
            size = 1 + 0.12 * p.wear + 0.06 * p.masculine
            shift = -0.35 * self.canvas.pose.yaw
            ear = np.array(
                [(0.9, -0.2), (1.03, -0.26), (1.13, -0.18), (1.12, 0.02), (1.06, 0.2), (0.99, 0.33), (0.9, 0.3)]
            )
            ear = curve(moved(moved(ear, -0.95, -0.05) * size, 0.95 + sign * shift, 0.05), 40, closed=True) * (sign, 1)
            glow = np.clip(0.74 + 0.3 * sign * side, 0.4, 1.02)
            tone = p.skin * np.float32((1.0 * glow**0.85, 0.9 * glow, 0.86 * glow))
            c.fill(ear, tone)
            inside = c.mask(ear)
            dark = tone * np.float32((0.6, 0.46, 0.42))
            rim = curve(
                np.array([(0.96, -0.14), (1.04, -0.18), (1.08, -0.08), (1.06, 0.04), (1.0, 0.14)]) * (sign, 1), 24
            )
            c.stroke(rim, 0.06, dark, 0.6, 0.012, inside)
            c.fill(ellipse(sign * 0.99, 0.06, 0.045, 0.1), dark, 0.6, 0.03, inside)

    def face(self) -> None:
        c, p = self.canvas, self.p
        shape = outline(p)
        self.inside = c.mask(shape)
        c.fill(shape, self.skin)
        rng = np.random.default_rng(p.texture)
        if p.freckles:
            spots = moved(rng.normal(0, 1, (70, 2)) * (0.42, 0.13), 0, 0.2)
            for (u, v), size in zip(spots, rng.uniform(0.006, 0.015, 70), strict=True):
                c.fill(ellipse(u, v, size, size, 8), p.skin * np.float32((0.78, 0.6, 0.5)), 0.4 * p.freckles, 0.008)
        if p.wear > 0.75:
            for u, v in rng.uniform((-0.75, -0.9), (0.75, 0.7), (7, 2)):
                c.fill(ellipse(u, v, 0.035, 0.028, 10), p.skin * np.float32((0.75, 0.6, 0.5)), 0.3, 0.015, self.inside)

    def hair_light(self) -> tuple[np.ndarray, np.ndarray]:
        """Light and gloss (h, w) on hair: a smooth shell around the skull that hangs straight down below the eyes."""
        h, w = self.canvas.pixels.shape[:2]
        y, x = np.mgrid[0:h:4, 0:w:4].astype(np.float32) + np.float32(1.5)
        u, v = self.canvas.pose.unproject(x, y)
        hanging = np.where(v > -0.1, -0.1 + 0.2 * (v + 0.1), v)
        z = 1.15 * np.sqrt(np.clip(1.02 - 0.9 * (u / 1.25) ** 2 - ((hanging + 0.1) / 1.95) ** 2, 0.01, None))
        light, gloss = lit(z, 4 / self.canvas.pose.scale, self.m)
        ring = np.exp(-(((v + 1.0 - 0.4 * u**2) / 0.2) ** 2)) * np.clip(0.6 + u * self.m.light[0], 0, 1.2)
        maps = 0.44 + 0.8 * light, (0.7 * ring + 0.45 * gloss**14).astype(np.float32)
        return tuple(cv2.resize(part, (w, h), interpolation=cv2.INTER_LINEAR) for part in maps)

    @property
    def dark(self) -> np.ndarray:
        return self.p.skin * np.float32((0.55, 0.38, 0.33))

    @property
    def pale(self) -> np.ndarray:
        return mix(self.p.skin, (1, 0.95, 0.9), 0.25)
