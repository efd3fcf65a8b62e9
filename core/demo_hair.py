"""Hair: an outline filled with light and many strands that follow how the style is combed."""

import cv2
import numpy as np

from core.demo_canvas import Canvas, curve, ellipse
from core.demo_faces import Head, head_shell, mix
from core.demo_people import Person

CLOSE = ("short", "side", "quiff", "buzz", "horseshoe", "bald", "pixie", "fringe")
LONG = ("long", "bangs", "shoulder", "bob")


def tint(p: Person) -> np.ndarray:
    """The hair's colour with its grey mixed in."""
    white = np.float32((0.8, 0.79, 0.78))
    return mix(p.hair, mix(white, p.hair, 0.12), 0.92 * p.grey)


class Hair:
    """Paints behind() before the neck and front() over the face; strands come from the person's own texture seed."""

    def __init__(self, head: Head, body: Canvas):
        self.head, self.p, self.canvas, self.body = head, head.p, head.canvas, body
        self.rng = np.random.default_rng([self.p.texture, 1])
        light, gloss = head_shell(self.canvas.pose, head.u, head.v, head.m, 1.2)
        ring = np.exp(-(((head.v + 0.98 - 0.35 * head.u**2) / 0.2) ** 2)) * np.clip(
            0.6 + head.u * head.m.light[0], 0, 1.2
        )
        self.light = head.enlarge(0.32 + 0.78 * light)
        self.gloss = head.enlarge((0.55 * ring + 0.5 * gloss**14).astype(np.float32))
        self.colour = tint(self.p)

    # -- the two painters -----------------------------------------------------------------------------------------

    def mass(self, canvas: Canvas, shape, strands, dim: float = 1.0, contrast: float = 0.5, width: float = 0.012,
             soft: float = 0.012, opacity: float = 1.0, shine: float = 1.0) -> None:  # fmt: skip
        """A body of hair. shape: list of closed outlines; strands: list of (n, 2) lines, drawn in random tones."""
        h, w = canvas.pixels.shape[:2]
        shapes = [s for s in shape]
        cover = np.zeros((h, w), np.uint8)
        tone = np.full((h, w), 118, np.uint8)
        for points in shapes:
            placed = np.round(canvas.pose.project(points) * 16).astype(np.int32)
            cv2.fillPoly(cover, [placed], 255, cv2.LINE_AA, 4)
        thick = max(1, round(width * canvas.pose.scale))
        order = self.rng.integers(0, 7, len(strands))
        for level in (3, 1, 5, 0, 6, 2, 4):
            lines = [
                np.round(canvas.pose.project(s) * 16).astype(np.int32)
                for s, o in zip(strands, order, strict=True)
                if o == level
            ]
            if lines:
                cv2.polylines(cover, lines, False, 255, thick, cv2.LINE_AA, 4)
                cv2.polylines(tone, lines, False, int(118 + (level - 3) * 36), thick, cv2.LINE_AA, 4)
        if soft:
            cover = cv2.GaussianBlur(cover, (0, 0), max(soft * canvas.pose.scale, 0.4))
        tone = cv2.GaussianBlur(tone, (0, 0), 0.008 * canvas.pose.scale + 0.3)
        rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
        if not len(rows):
            return
        window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        shade = 1 + contrast * (tone[window].astype(np.float32) / 118 - 1)
        rgb = (self.light[window] * shade * np.float32(dim))[..., None] * self.colour
        bright = mix(self.colour, (1, 0.97, 0.92), 0.35)
        rgb += (self.gloss[window] * shade * np.float32(0.3 * shine * dim))[..., None] * bright
        if self.p.grey > 0.1:
            silver = np.clip((tone[window].astype(np.float32) - 150) / 76, 0, 1) * np.float32(0.5 * self.p.grey)
            rgb += (silver * self.light[window])[..., None] * (np.float32((0.9, 0.9, 0.9)) - rgb)
        alpha = cover[window].astype(np.float32) * np.float32(opacity / 255)
        region = canvas.pixels[window]
        region += alpha[..., None] * (np.clip(rgb, 0, 1) - region)

    def between(self, inner, outer, count: int, along: bool, wild: float = 0.02, reach=(0.0, 1.0)) -> list[np.ndarray]:
        """Strands in the band between two lines of equal length: along it, or across it from inner to outer."""
        rng, strands = self.rng, []
        inner, outer = np.asarray(inner), np.asarray(outer)
        n = len(inner)
        for _ in range(count):
            if along:
                t = rng.uniform(*reach)
                a, b = sorted(rng.integers(0, n, 2))
                if b - a < 6:
                    a, b = max(0, a - 6), min(n - 1, b + 6)
                drift = np.linspace(rng.normal(0, wild * 2), rng.normal(0, wild * 2), b - a + 1)[:, None]
                line = inner[a : b + 1] + (np.clip(t + drift, -0.03, 1.03)) * (outer - inner)[a : b + 1]
            else:
                i = rng.uniform(0, n - 1)
                j = np.clip(i + rng.normal(0, 3), 0, n - 1)
                t = np.linspace(rng.uniform(-0.05, 0.5), rng.uniform(0.5, 1.04), 9)[:, None]
                k = np.linspace(i, j, 9)
                low, frac = np.floor(k).astype(int), (k % 1)[:, None]
                high = np.minimum(low + 1, n - 1)
                a = inner[low] * (1 - frac) + inner[high] * frac
                b = outer[low] * (1 - frac) + outer[high] * frac
                line = a + t * (b - a)
            strands.append(line + rng.normal(0, wild * 0.25, (1, 2)))
        return strands

    def curls(self, centres, size: float) -> list[np.ndarray]:
        """Little arcs around the given points."""
        strands = []
        for u, v in centres:
            start, sweep = self.rng.uniform(0, 2 * np.pi), self.rng.uniform(2.0, 5.0)
            angle = np.linspace(start, start + sweep, 9)
            radius = size * self.rng.uniform(0.5, 1.2) * np.linspace(1, 0.6, 9)
            strands.append(np.stack([u + radius * np.cos(angle), v + radius * np.sin(angle)], axis=1))
        return strands

    # -- styles ----------------------------------------------------------------------------------------------------

    def behind(self) -> None:
        p = self.p
        if p.style in ("long", "bangs", "shoulder", "bob"):
            end = {"bob": 1.3 + 0.15 * p.volume, "shoulder": 1.75}.get(p.style, p.length)
            wide = 1.13 + 0.12 * p.volume
            flare = 0.12 if p.style != "bob" else 0.1
            half = [(0, -1.66), (0.62, -1.5), (1.02, -1.0), (wide, -0.3), (wide + 0.04, 0.5), (wide + flare, 1.15), (wide + flare * 0.9, end - 0.25),
                    (wide - 0.14, end)]  # fmt: skip
            side = curve(half, 46)
            side = side + self._waves(side)
            left = side * (-1, 1)
            bottom = curve([(wide - 0.14, end), (0.4, end + 0.06), (-0.4, end + 0.06), (-wide + 0.14, end)], 20)
            shape = np.concatenate([side, bottom[1:-1], left[::-1]])
            self.mass(
                self.body,
                [shape],
                self.between(left, side, 230, False, 0.05) + self._falling(left, side, 200),
                dim=0.66,
            )
        elif p.style == "ponytail":
            self.mass(self.body, [ellipse(0.5 * np.sign(p.part + 0.01), -1.42, 0.3, 0.26)], [], dim=0.7)
            tail = curve([(0.85, -0.9), (1.25, -0.2), (1.2, 0.8), (1.0, 1.6)], 30) * (np.sign(p.part + 0.01), 1)
            inner = tail - np.array([(0.26 * np.sign(p.part + 0.01), 0)])
            self.mass(self.body, [np.concatenate([tail, inner[::-1]])], self.between(inner, tail, 120, True), dim=0.75)
        elif p.style == "bun":
            spot = (0.0, -1.74)
            knot = ellipse(*spot, 0.42, 0.34)
            rings = [
                ellipse(spot[0], spot[1], 0.42 * r, 0.34 * r, 20, 0.2)[a : a + 12]
                for r in (0.3, 0.45, 0.6, 0.75, 0.9, 1.0)
                for a in (0, 4, 8)
            ]
            self.mass(self.canvas, [knot], rings * 3, dim=0.85)
        elif p.style in ("afro", "curls"):
            big = (1.42 + 0.2 * p.volume if p.style == "afro" else 1.16 + 0.12 * p.volume) - 0.12 * p.masculine
            low = 0.35 if p.masculine < 0.5 else -0.1
            if p.style == "curls" and p.masculine < 0.5:
                low = 0.9
            self._cloud(big, low, self.canvas, 0.72)

    def front(self) -> None:
        p = self.p
        style = p.style
        if style == "bald":
            return
        if style in ("afro", "curls"):
            self._hairline_curls()
        elif style == "horseshoe":
            self._horseshoe()
        elif style in LONG:
            self._long_front()
        elif style in ("bun", "ponytail"):
            self._pulled_back()
        else:
            self._close_cut()

    def _waves(self, line) -> np.ndarray:
        swing = 0.05 * self.p.wave * np.sin(line[:, 1] * 6 + 1) * np.clip((line[:, 1] + 0.2) * 2, 0, 1)
        return np.stack([swing, np.zeros(len(line))], axis=1)

    def _falling(self, left, right, count) -> list[np.ndarray]:
        """Strands that fall from the crown between two sides."""
        strands = []
        for t in self.rng.uniform(-0.01, 1.01, count):
            line = left * (1 - t) + right * t
            a = self.rng.integers(8, len(line) - 14)
            b = min(len(line), a + self.rng.integers(10, 26))
            strands.append(line[a:b] + self._waves(line[a:b]) * 0.8)
        return strands

    def _hairline(self, count: int, top: float = -0.95, low: float = 0.05, recede: float = 0.0) -> np.ndarray:
        """Where hair begins, from the left sideburn over the forehead to the right one, (count, 2)."""
        m = self.p.masculine
        temple = 0.06 + 0.05 * m + 0.34 * recede
        top = top - 0.3 * recede
        half = [(0, top + 0.05 * m + 0.03), (0.3, top + 0.02), (0.56, top - 0.02 - 0.3 * temple), (0.72 + 0.04 * m, top + 0.2 - 0.55 * temple),
                (0.83, -0.5), (0.86, -0.2), (0.925, low)]  # fmt: skip
        line = curve(half, count // 2 + 1)
        return np.concatenate([(line * (-1, 1))[::-1][:-1], line])

    def _dome(self, count: int, lift: float, side: float, low: float = 0.05) -> np.ndarray:
        """The outer line of short hair, same direction and length as _hairline."""
        half = [
            (0, -1.5 - lift),
            (0.45, -1.43 - lift * 0.95),
            (0.83, -1.12 - lift * 0.6),
            (1.0 + side, -0.62),
            (1.03 + side, -0.2),
            (1.0 + side * 0.3, low),
        ]
        line = curve(half, count // 2 + 1)
        return np.concatenate([(line * (-1, 1))[::-1][:-1], line])

    def _close_cut(self) -> None:
        p, style = self.p, self.p.style
        n = 61
        lift = {"buzz": 0.04, "pixie": 0.17, "quiff": 0.24, "side": 0.16, "fringe": 0.14}.get(
            style, 0.12
        ) + 0.08 * p.volume * (style != "buzz")
        side = 0.03 if style in ("buzz", "quiff", "side", "short") else 0.08
        low = 0.12 if style in ("pixie",) else 0.06
        inner = self._hairline(n, recede=p.receding * 0.9, low=low)
        outer = self._dome(n, lift, side, low)
        if style == "quiff":
            outer[:, 1] -= 0.1 * np.exp(-(((outer[:, 0] - 0.3 * p.part) / 0.4) ** 2))
        shape = [np.concatenate([inner, outer[::-1]])]
        if style == "buzz":
            dots = self.rng.uniform((-1.05, -1.6), (1.05, 0.1), (60, 2))
            del dots
            self.mass(
                self.canvas,
                shape,
                self.between(inner, outer, 260, False, 0.03)[:0],
                soft=0.035,
                opacity=0.8,
                contrast=0.2,
                shine=0.4,
            )
            return
        # Faded sides: the hair by the ears lies flat and lets skin through.
        self.mass(self.canvas, shape, self.between(inner, outer, 120, True, 0.04), dim=0.82, soft=0.02)
        strands = self.between(inner, outer, 260, False, 0.04)
        if style in ("side", "pixie", "fringe"):
            strands += self._sweep(inner, outer, low=(0.02 if style == "side" else 0.24))
        self.mass(self.canvas, [] if style in ("side", "quiff", "short") else [], strands, soft=0.006)

    def _sweep(self, inner, outer, low: float) -> list[np.ndarray]:
        """Locks from the parting over the forehead to the other side."""
        p, rng = self.p, self.rng
        sign = 1.0 if p.part >= 0 else -1.0
        strands = []
        for _ in range(230):
            t = rng.random()
            start = np.array((0.5 * sign + rng.normal(0, 0.05), -1.05 - 0.48 * t))
            end = np.array((-(0.78 + 0.2 * t) * sign + rng.normal(0, 0.04), -0.62 - 0.22 * t + rng.normal(0, 0.04)))
            middle = np.array((-0.2 * sign, -1.02 - 0.66 * t + low * (1 - t)))
            line = curve([start, middle, end], 14)
            a, b = rng.integers(0, 5), rng.integers(9, 15)
            strands.append(line[a:b])
        return strands

    def _long_front(self) -> None:
        p, rng = self.p, self.rng
        end = {"bob": 1.22, "shoulder": 1.66}.get(p.style, p.length - 0.1)
        lift = 0.14 + 0.1 * p.volume
        wide = 1.1 + 0.14 * p.volume
        part = p.part
        for sign in (-1, 1):
            # One curtain on each side of the parting, from the crown down past the cheek.
            root = (part * 0.75, -1.02)
            crown = (part * 0.75, -1.5 - lift)
            face_side = [
                (part * 0.75 * sign, -0.98),
                (0.42 + 0.2 * part * sign, -0.93),
                (0.74, -0.58),
                (0.86, -0.1),
                (0.9, 0.4),
                (0.87, 0.85),
                (0.95, end - 0.3),
                (1.0, end),
            ]
            outer_side = [(part * 0.75 * sign, crown[1]), (0.5, -1.42 - lift * 0.9), (0.9, -1.1 - lift * 0.5), (wide, -0.45), (wide + 0.05, 0.3), (wide + 0.1, 1.0),
                          (wide + 0.12, end - 0.3), (wide + 0.02, end)]  # fmt: skip
            inner, outer = curve(face_side, 60), curve(outer_side, 60)
            inner, outer = inner + self._waves(inner), outer + self._waves(outer)
            inner, outer = inner * (sign, 1), outer * (sign, 1)
            del root
            shape = [np.concatenate([inner, outer[::-1]])]
            self.mass(self.canvas, shape, self.between(inner, outer, 210, True, 0.035), soft=0.014)
        # The parting: a thin dark line where both curtains meet.
        line = curve([(part * 0.75, -1.02), (part * 0.72, -1.25), (part * 0.7, -1.46)], 10)
        self.canvas.stroke(line, 0.03, mix(self.colour * 0.45, self.p.skin * 0.6, 0.3), 0.5, 0.012, start=0.8, end=0.1)
        if p.style == "bangs":
            top = curve([(-0.82, -0.78), (-0.5, -1.28), (0, -1.42), (0.5, -1.28), (0.82, -0.78)], 40)
            tip = curve([(-0.84, -0.3), (-0.42, -0.42), (0, -0.44), (0.42, -0.42), (0.84, -0.3)], 40)
            tip = tip + np.stack([np.zeros(40), rng.normal(0, 0.02, 40)], axis=1)
            self.mass(
                self.canvas, [np.concatenate([top, tip[::-1]])], self.between(tip, top, 260, False, 0.02), soft=0.01
            )

    def _pulled_back(self) -> None:
        p = self.p
        n = 61
        inner = self._hairline(n, top=-0.98, low=-0.02)
        outer = self._dome(n, 0.1 + 0.06 * p.volume, 0.02, -0.1)
        shape = [np.concatenate([inner, outer[::-1]])]
        spot = np.array((0.0, -1.72)) if p.style == "bun" else np.array((0.5 * np.sign(p.part + 0.01), -1.5))
        strands = self.between(inner, outer, 120, False, 0.02)
        for i in self.rng.integers(0, n, 190):
            a = inner[i]
            b = 0.35 * a + 0.65 * spot + self.rng.normal(0, 0.1, 2) * (1, 0.4)
            b[1] = max(b[1], -1.52)
            strands.append(curve([a, (a + outer[i]) / 2, b], 10)[: self.rng.integers(6, 11)])
        self.mass(self.canvas, shape, strands, soft=0.014, contrast=0.42)
        wisps = [
            curve([(s * 0.8, -0.5), (s * 0.9, -0.1), (s * (0.86 + 0.05 * k), 0.35 + 0.1 * k)], 12)
            for s in (-1, 1)
            for k in range(3)
        ]
        if p.style == "ponytail":
            self.canvas.lines(wisps, 0.012, self.colour * 0.8, 0.7)

    def _horseshoe(self) -> None:
        for sign in (-1, 1):
            inner = curve([(0.93, -0.72), (0.88, -0.42), (0.87, -0.15), (0.925, 0.08)], 24) * (sign, 1)
            outer = curve([(0.99, -0.72), (1.06, -0.4), (1.06, -0.1), (0.99, 0.08)], 24) * (sign, 1)
            self.mass(
                self.canvas,
                [np.concatenate([inner, outer[::-1]])],
                self.between(inner, outer, 90, False, 0.04),
                soft=0.03,
                opacity=0.9,
            )
        if self.p.receding < 0.95:
            top = curve([(-0.8, -0.98), (-0.4, -1.24), (0, -1.3), (0.4, -1.24), (0.8, -0.98)], 30)
            crown = curve([(-0.88, -1.0), (-0.5, -1.42), (0, -1.53), (0.5, -1.42), (0.88, -1.0)], 30)
            self.mass(self.canvas, [], self.between(top, crown, 60, False, 0.05), soft=0.012, opacity=0.5)

    def _cloud(self, big: float, low: float, canvas: Canvas, dim: float) -> None:
        """A round body of curls behind the head, reaching down to v = low."""
        rng = self.rng
        centre = -0.35 + 0.25 * (low > 0.5) * low
        angle = np.linspace(0, 2 * np.pi, 46, endpoint=False)
        rim = np.stack([0.92 * big * np.cos(angle), centre + (big * 0.98 + 0.25 * (low > 0.5)) * np.sin(angle)], axis=1)
        rim = rim[rim[:, 1] < low + 0.25]
        blobs = [ellipse(u, v, s, s, 14) for (u, v), s in zip(rim, rng.uniform(0.1, 0.19, len(rim)), strict=True)]
        inner = rng.normal(0, 1, (700, 2))
        inner = inner / np.linalg.norm(inner, axis=1, keepdims=True) * np.sqrt(rng.random((700, 1)))
        inner = inner * (0.95 * big, big * 1.02 + 0.25 * (low > 0.5)) + (0, centre)
        inner = inner[inner[:, 1] < low + 0.3]
        self.mass(
            canvas,
            [np.asarray(rim), *blobs],
            self.curls(inner, 0.075 if self.p.style == "afro" else 0.11),
            dim=dim,
            contrast=0.6,
            width=0.02,
            shine=0.6,
        )

    def _hairline_curls(self) -> None:
        p, rng = self.p, self.rng
        n = 61
        inner = self._hairline(n, recede=p.receding * 0.8, low=0.08)
        outer = self._dome(n, 0.22 + 0.1 * p.volume, 0.1, 0.0)
        t, i = rng.random(620)[:, None], rng.integers(0, n, 620)
        points = inner[i] * (1 - t) + outer[i] * t + rng.normal(0, 0.02, (620, 2))
        size = 0.06 if p.style == "afro" else 0.095
        rim = [
            ellipse(u, v + 0.02, s, s, 12) for (u, v), s in zip(outer[2:-2:2], rng.uniform(0.07, 0.13, 29), strict=True)
        ]
        self.mass(
            self.canvas,
            [np.concatenate([inner, outer[::-1]]), *rim],
            self.curls(points, size),
            contrast=0.6,
            width=0.02,
            shine=0.7,
        )
