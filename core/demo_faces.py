"""The head: a smooth relief lit by one lamp gives the soft shading, features are painted on top of it."""

import cv2
import numpy as np

from core.demo_canvas import Canvas, Pose, curve, ellipse, head_depth, mirrored
from core.demo_people import Moment, Person

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
    bridge = np.exp(-((u / 0.135) ** 2)) * np.clip((v + 0.34) / (tip + 0.34), 0, 1) ** 1.5 * (v < tip + 0.3)
    bridge = bridge / (1 + np.exp(np.clip((v - tip - 0.02) / 0.045, -30, 30)))
    z = z + 0.15 * bridge + 0.1 * bump(u, v, 0, tip - 0.03, 0.62 * p.nose_width, 0.105)
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
    fold = 0.012 + 0.06 * worn + 0.03 * max(smile, 0)
    z -= fold * segment(u, v, (0.24, tip + 0.01), (0.45, 0.84), 0.045)
    if worn > 0.3:
        z -= 0.05 * (worn - 0.3) * segment(u, v, (0.44, 0.92), (0.47, 1.14), 0.05)
        z -= 0.055 * (worn - 0.3) * segment(u, v, (0.25, 0.14), (0.47, 0.15), 0.05)
        z += 0.05 * (worn - 0.3) * twin(u, v, 0.6, 1.0, 0.13, 0.14)
        z -= 0.05 * (worn - 0.3) * twin(u, v, 0.6, 0.5, 0.13, 0.18)
    return z


def lit(z: np.ndarray, pixel: float, moment: Moment, strength: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Relief -> (soft light 0..1.2, gloss 0..1). pixel: size of one grid cell in face units."""
    gy, gx = np.gradient(z, pixel)
    gx, gy = gx * strength, gy * strength
    norm = 1 / np.sqrt(1 + gx * gx + gy * gy)
    lx, ly, lz = moment.light
    diffuse = (-gx * lx - gy * ly + lz) * norm
    fill = (gx * lx * 0.6 + 0.75) * norm  # a weak second lamp from the other side keeps the shadows open
    wrapped = np.clip((diffuse + 0.3) / 1.3, 0, 1)
    light = moment.ambient * (0.62 + 0.38 * norm) + (1.02 - moment.ambient) * wrapped + 0.08 * np.clip(fill, 0, 1)
    hx, hy, hz = lx, ly, lz + 1
    half = 1 / np.sqrt(hx * hx + hy * hy + hz * hz)
    gloss = np.clip((-gx * hx - gy * hy + hz) * half * norm, 0, 1)
    return light.astype(np.float32), gloss.astype(np.float32)


class Head:
    """The lit skin of one photo and the places where features go.

    skin: (h, w, 3) float32, the whole canvas in lit skin; light: (h, w) float32 the same without colour.
    """

    def __init__(self, canvas: Canvas, p: Person, m: Moment):
        self.canvas, self.p, self.m = canvas, p, m
        h, w = canvas.pixels.shape[:2]
        pose = canvas.pose
        y, x = np.mgrid[0:h:HALF, 0:w:HALF].astype(np.float32) + (HALF - 1) / 2
        self.u, self.v = pose.unproject(x, y)
        z = face_relief(p, self.u, self.v, m.smile)
        light, gloss = lit(z, HALF / pose.scale, m)
        hollow = np.clip((cv2.GaussianBlur(z, (0, 0), 0.13 * pose.scale / HALF) - z) * 3.2, -0.1, 0.35)
        light = light * (1 - np.clip(hollow, -0.06, 0.35))
        self.small_light = light
        self.light = self.enlarge(light)
        self.skin = self.enlarge(self._skin(light, gloss))

    def enlarge(self, small: np.ndarray) -> np.ndarray:
        h, w = self.canvas.pixels.shape[:2]
        return cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)

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
        return np.clip(albedo * shade * 1.06 + shine[..., None] * np.float32((1.0, 0.97, 0.92)), 0, 1).astype(
            np.float32
        )

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
        body.fill(shadow * (0.98, 1) + (shift, 0.22), dark, 0.55, 0.1, inside)
        body.fill(shadow * (0.9, 1) + (shift / 2, 0.08), dark, 0.5, 0.05, inside)
        for sign in (-1, 1):  # the two tendons that make a neck a neck
            line = curve([(sign * n * 0.8, 1.35), (sign * n * 0.52, 1.75), (sign * 0.12, 2.12)], 20)
            body.stroke(line, 0.06, dark, 0.16 + 0.2 * p.wear, 0.03, inside)
            bone = curve([(sign * 0.1, 2.14), (sign * 0.5, 2.08), (sign * 0.95, 2.06)], 20)
            body.stroke(bone, 0.06, dark, 0.2, 0.03, inside)

    def ears(self) -> None:
        c, p, side = self.canvas, self.p, self.m.light[0]
        for sign in (-1, 1):
            size = 1 + 0.12 * p.wear + 0.06 * p.masculine
            shift = -sign * 0.0 + self.pose_yaw * -0.35
            ear = np.array(
                [(0.9, -0.2), (1.03, -0.26), (1.13, -0.18), (1.12, 0.02), (1.06, 0.2), (0.99, 0.33), (0.9, 0.3)]
            )
            ear = curve((ear - (0.95, 0.05)) * (size, size) + (0.95 + sign * shift, 0.05), 40, closed=True) * (sign, 1)
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

    @property
    def pose_yaw(self) -> float:
        return self.canvas.pose.yaw

    def face(self) -> None:
        c, p = self.canvas, self.p
        shape = outline(p)
        self.inside = c.mask(shape)
        c.fill(shape, self.skin)
        rng = np.random.default_rng(p.texture)
        if p.freckles:
            spots = rng.normal(0, 1, (70, 2)) * (0.42, 0.13) + (0, 0.2)
            for (u, v), size in zip(spots, rng.uniform(0.009, 0.02, 70), strict=True):
                c.fill(ellipse(u, v, size, size, 8), p.skin * np.float32((0.72, 0.55, 0.45)), 0.55 * p.freckles, 0.008)
        if p.wear > 0.75:
            for u, v in rng.uniform((-0.75, -0.9), (0.75, 0.7), (7, 2)):
                c.fill(ellipse(u, v, 0.035, 0.028, 10), p.skin * np.float32((0.75, 0.6, 0.5)), 0.3, 0.015, self.inside)
        self._wrinkles(rng)
        self._nose()
        self._mouth()
        for sign in (-1, 1):
            self._eye(sign)
        self._beard(rng)
        for sign in (-1, 1):
            self._brow(sign, rng)

    def _crease(self, points, width, strength, count=24) -> None:
        """A line in the skin: dark, with a lit lower edge."""
        line = curve(points, count)
        if strength <= 0.02:
            return
        self.canvas.stroke(line, width, self.dark, strength, width * 0.3, self.inside)
        self.canvas.stroke(line + (0, width * 0.9), width, self.pale, strength * 0.35, width * 0.35, self.inside)

    @property
    def dark(self) -> np.ndarray:
        return self.p.skin * np.float32((0.55, 0.38, 0.33))

    @property
    def pale(self) -> np.ndarray:
        return mix(self.p.skin, (1, 0.95, 0.9), 0.25)

    def _wrinkles(self, rng) -> None:
        p, worn = self.p, self.p.wear
        tip = 0.43 + p.nose_length
        depth = np.clip(worn - 0.18, 0, 1)
        for row in range(3):
            v = -0.84 + 0.15 * row + rng.uniform(-0.02, 0.02)
            reach = rng.uniform(0.36, 0.56)
            wave = rng.uniform(-0.02, 0.02, 2)
            points = [(-reach, v + 0.05), (-0.2, v + wave[0]), (0.15, v + wave[1]), (reach, v + 0.045)]
            self._crease(points, 0.034, 0.62 * depth)
        for sign in (-1, 1):
            for fan in range(3):
                start = np.array((p.eye_gap + 0.235, -0.04 + 0.045 * fan))
                end = start + (0.15, -0.075 + 0.085 * fan)
                strength = 0.6 * depth + 0.12 * max(self.m.smile, 0) * worn
                self._crease([start * (sign, 1), (start + end) / 2 * (sign, 1), end * (sign, 1)], 0.024, strength, 10)
            corner = 0.43 + 0.05 * max(self.m.smile, 0)
            fold = [(0.235, tip), (0.34, tip + 0.13), (corner, tip + 0.33), (corner + 0.0, 0.87)]
            strength = 0.07 + 0.55 * np.clip(worn - 0.1, 0, 1) + 0.15 * max(self.m.smile, 0)
            self._crease([(sign * u, v) for u, v in fold], 0.04, strength)
            bag = [(p.eye_gap - 0.19, 0.075), (p.eye_gap - 0.02, 0.165), (p.eye_gap + 0.17, 0.105)]
            self._crease([(sign * u, v) for u, v in bag], 0.032, 0.08 + 0.55 * np.clip(worn - 0.2, 0, 1))
            if worn > 0.45:
                marionette = [(corner - 0.04, 0.93), (corner - 0.01, 1.02), (corner - 0.03, 1.13)]
                self._crease([(sign * u, v) for u, v in marionette], 0.034, 0.65 * (worn - 0.4))
                self._crease(
                    [(sign * 0.06, -0.24), (sign * 0.065, -0.32), (sign * 0.05, -0.41)], 0.026, 0.6 * (worn - 0.4), 10
                )
                jowl = [(0.52, 0.82), (0.6, 1.0), (0.55, 1.12)]
                self._crease([(sign * u, v) for u, v in jowl], 0.05, 0.45 * (worn - 0.4))

    def _nose(self) -> None:
        c, p = self.canvas, self.p
        tip, wide = 0.43 + p.nose_length, p.nose_width
        c.fill(ellipse(0, tip + 0.13, wide * 0.85, 0.05), self.dark, 0.3, 0.035, self.inside)
        for sign in (-1, 1):
            hole = curve(np.array([(0.04, tip + 0.085), (wide * 0.5, tip + 0.05), (wide * 0.78, tip + 0.085),
                                   (wide * 0.48, tip + 0.11)]) * (sign, 1), 20, closed=True)  # fmt: skip
            c.fill(hole, self.dark * 0.5, 0.75, 0.012)
            wing = curve(
                np.array([(wide * 0.86, tip - 0.065), (wide * 1.08, tip + 0.03), (wide * 0.92, tip + 0.1)]) * (sign, 1),
                16,
            )
            c.stroke(wing, 0.035, self.dark, 0.5, 0.012)
        c.fill(ellipse(-self.m.light[0] * -0.05, tip - 0.045, 0.04, 0.05), (1, 0.97, 0.93), 0.22, 0.028)

    def _mouth(self) -> None:
        c, p, m = self.canvas, self.p, self.m
        smile = m.smile
        wide, full = p.mouth_width * (1 + 0.16 * smile), p.lips
        v = 0.83 + 0.02 * (p.face_length - 1) * 10
        lift = 0.075 * smile
        gap = 0.085 * m.teeth * max(smile, 0.3)
        corner = (wide, v - lift)
        top = v - 0.078 * full
        middle = [(0.11, v - 0.012 + 0.02 * smile), (0, v + 0.008 + 0.02 * smile), (-0.11, v - 0.012 + 0.02 * smile)]
        upper_edge = [(-wide, v - lift), (-0.2, top + 0.028 - 0.3 * lift), (-0.065, top - 0.006), (0, top + 0.016),
                      (0.065, top - 0.006), (0.2, top + 0.028 - 0.3 * lift), corner]  # fmt: skip
        seam = curve([(-wide, v - lift), (-0.2, v - 0.25 * lift), *middle[::-1], (0.2, v - 0.25 * lift), corner], 40)
        lower_seam = seam + np.array([(0, 1)]) * (gap * (1 - (seam[:, :1] / wide) ** 2))
        bottom = v + gap + 0.105 * full + 0.02 * smile
        lower_edge = curve([(-wide, v - lift), (-0.22, bottom - 0.03), (0, bottom), (0.22, bottom - 0.03), corner], 36)
        natural = p.skin * np.float32((0.86, 0.58, 0.56)) + np.float32((0.03, 0.0, 0.01))
        natural = mix(natural, p.skin, 0.25 * p.masculine + 0.12 * p.wear)
        colour = natural if p.lip_paint is None else mix(natural, p.lip_paint, 0.72)
        shade = float(np.clip(0.72 + 0.28 * m.light[2], 0.6, 1.05))
        upper = np.concatenate([curve(upper_edge, 40), seam[::-1]])
        lower = np.concatenate([lower_seam, lower_edge[::-1]])
        if gap > 0.01:
            hole = np.concatenate([seam, lower_seam[::-1]])
            c.fill(hole, (0.2, 0.07, 0.07))
            inside = c.mask(hole)
            teeth = curve([(-wide * 0.8, v - lift), (0, v - 0.02), (wide * 0.8, v - lift), (0.2, v + gap * 0.86), (-0.2, v + gap * 0.86)],
                          30, closed=True)  # fmt: skip
            white = mix((0.95, 0.93, 0.89), (0.86, 0.8, 0.68), min(p.wear, 1)) * shade
            c.fill(teeth, white, 0.97, 0.006, inside)
            for u in (-0.18, -0.115, -0.055, 0.0, 0.055, 0.115, 0.18):
                c.stroke(np.array([(u, v - 0.05), (u, v + gap)]), 0.01, white * 0.75, 0.45, 0.004, inside)
        c.fill(upper, colour * 0.8 * shade, 0.88, 0.01)
        c.fill(lower, colour * 0.98 * shade, 0.85, 0.013)
        lip = c.mask(lower)
        c.fill(
            ellipse(0.1 * m.light[0], v + gap + 0.05 * full, wide * 0.4, 0.022 * full), (1, 0.93, 0.9), 0.28, 0.024, lip
        )
        c.stroke(seam, 0.026, colour * 0.3, 0.8, 0.006, start=0.5, end=0.5)
        if gap > 0.01:
            c.stroke(lower_seam, 0.014, colour * 0.4, 0.5, 0.006)
        c.fill(ellipse(0, bottom + 0.055, 0.19, 0.03), self.dark, 0.3, 0.03, self.inside)
        for sign in (-1, 1):
            c.fill(ellipse(sign * (wide + 0.015), v - lift, 0.024, 0.024, 12), self.dark, 0.5, 0.018)

    def _eye(self, sign: int) -> None:
        c, p, m = self.canvas, self.p, self.m
        size = p.eye_size
        wide, tall = 0.2 * size, 0.094 * size * (1 - m.blink) * (1 - 0.1 * max(m.smile, 0))
        droop = 0.35 * max(p.wear - 0.3, 0)
        tilt = p.eye_tilt * 0.8

        def place(points):
            points = np.asarray(points, dtype=np.float64) * (wide, tall)
            points[:, 1] -= tilt * points[:, 0]
            return (points + (p.eye_gap, -0.03)) * (sign, 1)

        upper = [
            (-1.02, 0.25),
            (-0.62, -0.62),
            (-0.1, -1.12),
            (0.45, -0.98 + droop),
            (0.86, -0.3 + 0.6 * droop),
            (1.04, 0.12),
        ]
        lower = [(1.04, 0.12), (0.6, 0.62), (0.05, 0.82), (-0.55, 0.6), (-1.02, 0.25)]
        top, low = curve(place(upper), 28), curve(place(lower), 24)
        shape = np.concatenate([top, low[1:-1]])
        c.fill(shape, self.dark, 0.3, 0.035)
        deep = float(np.clip(0.62 + 0.42 * m.light[2], 0.6, 1.0))
        c.fill(shape, np.float32((0.94, 0.915, 0.89)) * deep)
        inside = c.mask(shape)
        c.fill(place(ellipse(-0.95, 0.2, 0.2, 0.4)), p.skin * np.float32((0.95, 0.66, 0.62)), 0.7, 0.015, inside)
        c.fill(ellipse(sign * (p.eye_gap + wide), -0.03, 0.06, 0.12), self.dark, 0.35, 0.03, inside)
        radius = 0.099 * size**0.5
        centre = (sign * p.eye_gap + m.gaze * 0.3 * wide, -0.045)
        c.fill(ellipse(*centre, radius * 1.02, radius * 1.02), p.iris * 0.35, 0.96, 0.006, inside)
        c.fill(ellipse(centre[0], centre[1] + 0.006, radius * 0.84, radius * 0.84), p.iris * 1.0, 0.95, 0.012, inside)
        c.fill(
            ellipse(centre[0] - sign * 0.0, centre[1] + 0.04, radius * 0.6, radius * 0.42),
            p.iris * 1.7 + 0.06,
            0.55,
            0.02,
            inside,
        )
        c.fill(ellipse(*centre, radius * 0.43, radius * 0.43, 20), (0.03, 0.025, 0.03), 1.0, 0.004, inside)
        c.fill(np.concatenate([top, top[::-1] + (0, 0.07)]), (0.1, 0.06, 0.06), 0.5, 0.022, inside)
        spot = (centre[0] + 0.036 * np.sign(m.light[0]), centre[1] - 0.036)
        c.fill(ellipse(*spot, 0.022, 0.025, 14), (1, 1, 1), 0.95, 0.004, inside)
        c.fill(
            ellipse(centre[0] - 0.04 * np.sign(m.light[0]), centre[1] + 0.04, 0.014, 0.012, 10),
            (1, 1, 1),
            0.35,
            0.006,
            inside,
        )
        crease = curve(place(np.array(upper) * (1.04, 1) + (0.02, -0.52 + 0.42 * max(p.wear - 0.2, 0))), 24)
        c.stroke(crease, 0.028, self.dark, 0.62, 0.01)
        c.fill(
            np.concatenate([top, crease[::-1]]), mix(self.dark, (0.3, 0.2, 0.24), 0.3), 0.12 + 0.22 * p.eyeliner, 0.02
        )
        lash = np.float32((0.08, 0.055, 0.05))
        line = 0.024 + 0.024 * p.eyeliner
        c.stroke(top, line, lash, 0.7 + 0.3 * p.eyeliner, 0.004, start=0.25, end=0.8)
        c.stroke(low, 0.013, mix(lash, self.dark, 0.5), 0.5 + 0.2 * p.eyeliner, 0.006)
        if p.eyeliner > 0.3:
            hairs = []
            for t in np.linspace(0.45, 1.0, 8):
                root = top[int(t * 27)]
                reach = 0.05 + 0.045 * p.eyeliner * t
                away = np.array((sign * (0.25 + 0.75 * t) * reach, -reach * (1 - 0.35 * t)))
                hairs.append(curve([root, root + away * 0.55 + (0, 0.008), root + away], 6))
            c.lines(hairs, 0.008, lash, 0.75 * p.eyeliner)

    def _brow(self, sign: int, rng) -> None:
        c, p, m = self.canvas, self.p, self.m
        thick, arch = p.brow, p.brow_arch
        lift = -0.015 * m.smile - 0.02 + 0.035 * p.masculine + 0.02 * p.wear
        inner, outer = p.eye_gap - 0.245, p.eye_gap + 0.265
        spine = curve([(inner, -0.285), (inner + 0.16, -0.315 - 0.55 * arch), (outer - 0.15, -0.325 - arch),
                       (outer, -0.25 - 0.25 * arch)], 24) + (0, lift)  # fmt: skip
        t = np.linspace(0, 1, 24)[:, None]
        half = 0.5 * thick * (0.75 + 0.45 * np.sin(np.pi * np.clip(t * 1.1, 0, 1))) * (1 - 0.82 * t**2.2) * (0, 1)
        shape = np.concatenate([spine - half, (spine + half)[::-1]]) * (sign, 1)
        colour = mix(mix(p.hair, p.hair * 0.55, 0.65), (0.6, 0.59, 0.58), 0.75 * p.grey**1.5)
        colour = mix(colour, p.skin * 0.45, 0.2)
        c.fill(shape, colour, 0.62, 0.022)
        hairs = []
        for s in rng.uniform(0, 0.97, 44):
            i = int(s * 23)
            root = spine[i] + half[i] * rng.uniform(-0.9, 1.0)
            reach = 0.075 * (0.6 + 0.4 * rng.random())
            lean = np.array((0.35 + 0.65 * s, -0.9 + 1.1 * s)) * reach
            hairs.append(
                curve([root * (sign, 1), (root + lean * 0.5) * (sign, 1), (root + lean * (1.0, 0.85)) * (sign, 1)], 5)
            )
        c.lines(hairs, 0.008, colour * 0.75, 0.6)

    def _beard(self, rng) -> None:
        p, c = self.p, self.canvas
        if p.beard == "none":
            return
        k = p.face_length
        full = p.beard in ("full", "stubble", "shadow")
        colour = mix(p.hair * 0.72, (0.72, 0.71, 0.7), p.grey)
        lip_v, wide = 0.83, p.mouth_width * (1 + 0.16 * self.m.smile)
        tip = 0.43 + p.nose_length
        area = np.zeros(c.pixels.shape[:2], np.float32)
        if full:
            jaw = [
                (0.99, -0.05),
                (0.97, 0.3),
                (p.jaw + 0.09, 0.8 * k),
                (p.jaw - 0.08, 1.1 * k),
                (p.chin + 0.13, 1.34 * k),
                (0, 1.47 * k),
            ]
            inner = [(0, tip + 0.34), (0.3, tip + 0.3), (0.48, 0.72), (0.64, 0.52), (0.8, 0.28), (0.88, -0.05)]
            side = np.concatenate([curve(jaw, 30), curve(inner, 24)])
            area = np.maximum(area, c.mask(side, 0.03))
            area = np.maximum(area, c.mask(side * (-1, 1), 0.03))
        if p.beard == "goatee":
            chin = mirrored([(0, lip_v + 0.17), (0.16, lip_v + 0.16), (wide - 0.01, lip_v + 0.02), (wide + 0.08, lip_v - 0.02),
                             (wide + 0.07, 1.05), (0.26, 1.37 * k), (0, 1.46 * k)])  # fmt: skip
            area = np.maximum(area, c.mask(curve(chin, 60, closed=True), 0.02))
        moustache = mirrored([(0, tip + 0.15), (0.18, tip + 0.16), (wide + 0.04, lip_v - 0.06), (wide + 0.07, lip_v + 0.06),
                              (wide * 0.9, lip_v - 0.02), (0.15, lip_v - 0.075 * p.lips), (0, lip_v - 0.06 * p.lips)])  # fmt: skip
        area = np.maximum(area, c.mask(curve(moustache, 60, closed=True), 0.02))
        lips = curve([(-wide, lip_v - 0.04), (0, lip_v - 0.085 * p.lips), (wide, lip_v - 0.04), (0.2, lip_v + 0.13 * p.lips),
                      (-0.2, lip_v + 0.13 * p.lips)], 40, closed=True)  # fmt: skip
        area *= 1 - c.mask(lips, 0.012) * 0.95
        within = area * np.maximum(self.inside, cv2.GaussianBlur(self.inside, (0, 0), 0.02 * c.pose.scale))
        if p.beard == "shadow":
            c.blend(np.s_[:, :], within, self.skin * np.float32((0.72, 0.76, 0.8)), 0.5)
            return
        light = np.clip(self.light, 0.3, 1.1)[..., None]
        weak = p.beard == "stubble"
        c.blend(np.s_[:, :], within, colour * light * 0.95, 0.34 if weak else 0.82)
        hairs = {0: [], 1: [], 2: []}
        for u, v in rng.uniform((-1.0, -0.05), (1.0, 1.5), (520 if weak else 700, 2)):
            reach = 0.022 if weak else rng.uniform(0.06, 0.12)
            lean = np.array((u * 0.55 + rng.normal(0, 0.25), 0.85))
            hairs[int(rng.integers(3))].append(np.array([(u, v), (u, v) + lean * reach]))
        for level, lines in hairs.items():
            c.lines(
                lines,
                0.006,
                mix(colour * (0.6 + 0.45 * level), (0.9, 0.89, 0.87), 0.5 * p.grey * (level == 2)),
                0.4 if weak else 0.5,
                within=within,
            )


def head_shell(pose: Pose, u, v, m: Moment, spread: float):
    """Light on a smooth shell around the skull (hair), same grid as u, v."""
    z = np.sqrt(np.clip(1.02 - (u / spread) ** 2 * 0.9 - ((v + 0.1) / (1.62 * spread)) ** 2, 0.01, None))
    return lit(1.15 * z, HALF / pose.scale, m)


__all__ = ["Head", "bump", "head_depth", "head_shell", "mix", "outline", "twin"]
