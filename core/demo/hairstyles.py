"""Hairstyles in face units: outlines, and strands that follow how each style is combed."""

import numpy as np

from core.demo.canvas import curve, ellipse, moved
from core.demo.hair import LEVELS, Combed, Lock
from core.demo.people import Person

POINTS = 61  # along a hairline, ear to ear


def comb(p: Person) -> Combed:
    """The person's hair, ready to be painted on each of their photos."""
    return Barber(p).cut()


def both_sides(half: np.ndarray) -> np.ndarray:
    """A line from the middle to the right ear -> from the left ear to the right one."""
    return np.concatenate([(half * (-1, 1))[::-1][:-1], half])


class Barber:
    """Lays the locks of one person; strands come from the person's own texture seed."""

    def __init__(self, p: Person):
        self.p = p
        self.rng = np.random.default_rng([p.texture, 1])
        self.hair = Combed()
        self.side = 1.0 if p.part >= 0 else -1.0

    def cut(self) -> Combed:
        cuts = {
            "bald": (),
            "horseshoe": (self.horseshoe,),
            "afro": (self.cloud, self.curly_top),
            "curls": (self.cloud, self.curly_top),
            "long": (self.fall, self.curtains),
            "shoulder": (self.fall, self.curtains),
            "bob": (self.fall, self.curtains),
            "bangs": (self.fall, self.curtains, self.bangs),
            "bun": (self.bun, self.pulled_back),
            "ponytail": (self.ponytail, self.pulled_back),
            "buzz": (self.buzz,),
        }
        for step in cuts.get(self.p.style, (self.close_cut,)):
            step()
        return self.hair

    def lay(self, where: list[Lock], shapes, strands, **look) -> None:
        """Add a lock. look: how it shines and moves, as in Lock."""
        where.append(
            Lock(
                shapes=list(shapes),
                points=np.concatenate(strands) if strands else np.zeros((0, 2)),
                ends=np.cumsum([len(s) for s in strands]) if strands else np.zeros(0, int),
                tones=self.rng.integers(0, LEVELS, len(strands)),
                **look,
            )
        )

    # -- strands --------------------------------------------------------------------------------------------------

    def along(self, inner, outer, count: int, wild: float = 0.03) -> list[np.ndarray]:
        """Strands that run along the band between two lines of equal length."""
        n, strands = len(inner), []
        for t in self.rng.uniform(0, 1, count):
            a = int(self.rng.integers(-8, n - 10))
            b = a + int(self.rng.integers(12, 34))
            a, b = max(a, 0), min(b, n)
            drift = np.linspace(*self.rng.normal(0, wild, 2), b - a)[:, None]
            strands.append(inner[a:b] + np.clip(t + drift, 0.0, 1.01) * (outer - inner)[a:b])
        return strands

    def across(self, inner, outer, count: int, wild: float = 0.02, slant: float = 3.0) -> list[np.ndarray]:
        """Strands that run from the inner line towards the outer one."""
        n, strands = len(inner), []
        for i in self.rng.uniform(0, n - 1, count):
            where = np.linspace(i, np.clip(i + self.rng.normal(0, slant), 0, n - 1), 9)
            low, part = np.floor(where).astype(int), (where % 1)[:, None]
            high = np.minimum(low + 1, n - 1)
            a = inner[low] * (1 - part) + inner[high] * part
            b = outer[low] * (1 - part) + outer[high] * part
            t = np.linspace(self.rng.uniform(-0.05, 0.5), self.rng.uniform(0.5, 1.03), 9)[:, None]
            strands.append(a + t * (b - a) + self.rng.normal(0, wild * 0.25, (1, 2)))
        return strands

    def rings(self, centres, size: float) -> list[np.ndarray]:
        """Little arcs around the given points: curls."""
        count = len(centres)
        start = self.rng.uniform(0, 2 * np.pi, (count, 1))
        angle = start + self.rng.uniform(2.0, 5.0, (count, 1)) * np.linspace(0, 1, 9)
        radius = size * self.rng.uniform(0.5, 1.2, (count, 1)) * np.linspace(1, 0.6, 9)
        arcs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2) + np.asarray(centres)[:, None]
        return list(arcs)

    def wavy(self, line: np.ndarray) -> np.ndarray:
        """The same line with the person's waves in it, from the eyes downwards."""
        swing = 0.085 * self.p.wave * np.sin(line[:, 1] * 5.6 + 1) * np.clip(line[:, 1] + 0.3, 0, 1)
        return line + np.stack([swing, np.zeros(len(line))], axis=1)

    # -- lines ----------------------------------------------------------------------------------------------------

    def hairline(self, top: float = -0.95, low: float = 0.05, recede: float = 0.0) -> np.ndarray:
        """Where hair begins, ear over forehead to ear, (POINTS, 2)."""
        m = self.p.masculine
        temple = 0.06 + 0.05 * m + 0.36 * recede
        top = top - 0.3 * recede
        half = [
            (0, top + 0.05 * m + 0.03),
            (0.3, top + 0.02),
            (0.56, top - 0.02 - 0.3 * temple),
            (0.72 + 0.04 * m, top + 0.2 - 0.55 * temple),
            (0.83, -0.5),
            (0.86, -0.2),
            (0.925, low),
        ]
        return both_sides(curve(half, POINTS // 2 + 1))

    def dome(self, lift: float, side: float, low: float = 0.05) -> np.ndarray:
        """The outer line of hair that lies on the skull, matching hairline()."""
        half = [
            (0, -1.5 - lift),
            (0.45, -1.43 - lift * 0.95),
            (0.83, -1.12 - lift * 0.6),
            (1.0 + side, -0.62),
            (1.03 + side, -0.2),
            (1.0 + side * 0.3, low),
        ]
        return both_sides(curve(half, POINTS // 2 + 1))

    # -- short hair -----------------------------------------------------------------------------------------------

    def buzz(self) -> None:
        inner = self.hairline(recede=self.p.receding * 0.9)
        outer = self.dome(0.02, 0.0)
        stubble = self.across(inner, outer, 420, 0.04)
        stubble = [s[:3] for s in stubble]
        shape = np.concatenate([inner, outer[::-1]])
        self.lay(self.hair.front, [shape], [], soft=0.022, opacity=0.82, contrast=0.25, shine=0.5)
        self.lay(self.hair.front, [], stubble, soft=0.01, opacity=0.35, contrast=0.5, shine=0.5)

    def close_cut(self) -> None:
        p, style = self.p, self.p.style
        lift = {"pixie": 0.15, "quiff": 0.22, "side": 0.13, "fringe": 0.13}.get(style, 0.09) + 0.08 * p.volume
        side = 0.1 if style == "pixie" else 0.02
        low = 0.2 if style == "pixie" else 0.02
        inner = self.hairline(recede=p.receding * 0.9, low=low)
        outer = self.dome(lift, side, low)
        if style == "quiff":
            outer[:, 1] -= 0.1 * np.exp(-(((outer[:, 0] - 0.3 * p.part) / 0.45) ** 2))
        shape = np.concatenate([inner, outer[::-1]])
        self.lay(self.hair.front, [shape], self.along(inner, outer, 70), dim=0.72, soft=0.02)
        # The sides are shorn closer than the top, so the lit strands end above the ears.
        top = slice(9, POINTS - 9) if style != "pixie" else slice(2, POINTS - 2)
        strands = self.across(inner[top], outer[top], 330, 0.03, 4.0)
        if style in ("side", "pixie", "fringe"):
            strands += self.swept({"side": 0.0, "fringe": 0.3, "pixie": 0.24}[style])
        self.lay(self.hair.front, [], strands, soft=0.006)

    def swept(self, low: float) -> list[np.ndarray]:
        """Locks from the parting over the forehead to the other side; low: how far they hang."""
        strands, side = [], self.side
        for t in self.rng.random(260):
            start = np.array((0.5 * side + self.rng.normal(0, 0.05), -1.06 - 0.46 * t))
            middle = np.array((-0.2 * side, -1.04 - 0.62 * t + low * (1 - t)))
            end = np.array((-(0.76 + 0.2 * t) * side, -0.64 - 0.22 * t + low * 0.4 * (1 - t)))
            line = curve([start, middle, end + self.rng.normal(0, 0.035, 2)], 14)
            strands.append(line[self.rng.integers(0, 5) : self.rng.integers(9, 15)])
        return strands

    def horseshoe(self) -> None:
        for side in (-1, 1):
            inner = curve([(0.94, -0.78), (0.87, -0.45), (0.86, -0.15), (0.925, 0.08)], 24) * (side, 1)
            outer = curve([(0.97, -0.78), (1.06, -0.42), (1.07, -0.1), (0.99, 0.08)], 24) * (side, 1)
            shape = np.concatenate([inner, outer[::-1]])
            self.lay(self.hair.front, [shape], self.across(inner, outer, 110, 0.04), soft=0.025, opacity=0.92)
        if self.p.receding < 0.93:
            inner = curve([(-0.86, -0.86), (-0.45, -1.3), (0, -1.4), (0.45, -1.3), (0.86, -0.86)], 30)
            outer = curve([(-0.9, -0.95), (-0.5, -1.41), (0, -1.51), (0.5, -1.41), (0.9, -0.95)], 30)
            self.lay(self.hair.front, [], self.across(inner, outer, 110, 0.05, 2.0), soft=0.014, opacity=0.45)

    # -- curls ----------------------------------------------------------------------------------------------------

    def cloud(self) -> None:
        """The round body of curls behind the head."""
        p, rng = self.p, self.rng
        afro, man = p.style == "afro", p.gender == "male"
        big = (1.36 + 0.18 * p.volume if afro else 1.12 + 0.12 * p.volume) - 0.14 * man
        down = 0.0 if man else (0.35 if afro else 0.95)
        stretch = 0.25 * (down > 0.5)
        middle = -0.35 + 0.25 * (down > 0.5) * down
        angle = np.linspace(0, 2 * np.pi, 46, endpoint=False)
        rim = np.stack([0.92 * big * np.cos(angle), middle + (big * 0.98 + stretch) * np.sin(angle)], axis=1)
        rim = rim[rim[:, 1] < down + 0.25]
        blobs = [ellipse(u, v, s, s, 14) for (u, v), s in zip(rim, rng.uniform(0.1, 0.19, len(rim)), strict=True)]
        spots = rng.normal(0, 1, (700, 2))
        spots *= np.sqrt(rng.random((700, 1))) / np.linalg.norm(spots, axis=1, keepdims=True)
        spots = spots * (0.95 * big, big * 1.02 + stretch) + np.array((0, middle))
        spots = spots[spots[:, 1] < down + 0.3]
        curls = self.rings(spots, 0.06 if afro else 0.1)
        self.lay(self.hair.behind, [rim, *blobs], curls, dim=0.74, contrast=0.6, width=0.02, shine=0.5)

    def curly_top(self) -> None:
        p, rng = self.p, self.rng
        afro = p.style == "afro"
        inner = self.hairline(recede=p.receding * 0.8, low=0.08)
        outer = self.dome(0.2 + 0.1 * p.volume, 0.08, 0.0)
        t, i = rng.random((620, 1)), rng.integers(0, POINTS, 620)
        spots = inner[i] * (1 - t) + outer[i] * t + rng.normal(0, 0.02, (620, 2))
        size = 0.05 if afro else 0.085
        sizes = rng.uniform(0.07, 0.13, POINTS)
        rim = [ellipse(outer[k, 0], outer[k, 1] + 0.02, sizes[k], sizes[k], 12) for k in range(2, POINTS - 2, 2)]
        shape = np.concatenate([inner, outer[::-1]])
        self.lay(self.hair.front, [shape, *rim], self.rings(spots, size), contrast=0.6, width=0.02, shine=0.6)

    # -- long hair ------------------------------------------------------------------------------------------------

    def fall(self) -> None:
        """What hangs behind the neck."""
        p = self.p
        end = {"bob": 1.28 + 0.15 * p.volume, "shoulder": 1.8}.get(p.style, p.length)
        wide = 1.05 + 0.12 * p.volume
        tuck = 0.3 if p.style == "bob" else 0.12
        half = [
            (0, -1.46),
            (0.5, -1.34),
            (0.84, -1.0),
            (wide - 0.04, -0.3),
            (wide + 0.03, 0.4),
            (wide + 0.1, 0.4 + 0.55 * (end - 0.4)),
            (wide + 0.06, end - 0.16),
            (wide - tuck, end),
        ]
        right = self.wavy(curve(half, 46))
        left = right * (-1, 1)
        bottom = curve([right[-1], (0.4, end + 0.04), (-0.4, end + 0.04), left[-1]], 20)
        strands = []
        for t in self.rng.uniform(0.0, 1.0, 260):
            line = left * (1 - t) + right * t
            a = int(self.rng.integers(8, 32))
            strands.append(line[a : a + int(self.rng.integers(10, 26))])
        shape = np.concatenate([right, bottom[1:-1], left[::-1]])
        self.lay(self.hair.behind, [shape], strands, moves_with_head=False, dim=0.6, shine=0.4)

    def curtains(self) -> None:
        """One curtain on each side of the parting, from the crown past the cheek."""
        p = self.p
        end = {"bob": 1.22 + 0.15 * p.volume, "shoulder": 1.74}.get(p.style, p.length - 0.1)
        lift, wide, tuck = 0.1 + 0.1 * p.volume, 1.08 + 0.13 * p.volume, 0.2 if p.style == "bob" else 0.08
        for side in (-1, 1):
            root = 0.75 * p.part * side
            face_side = [
                (root, -1.0),
                (0.4 + 0.5 * root, -0.93),
                (0.74, -0.58),
                (0.87, -0.1),
                (0.9, 0.4),
                (0.86, 0.4 + 0.5 * (end - 0.4)),
                (0.84, end - 0.25),
                (0.8, end),
            ]
            far_side = [
                (root, -1.52 - lift),
                (0.5, -1.39 - lift * 0.85),
                (0.86, -1.06 - lift * 0.45),
                (wide, -0.45),
                (wide + 0.04, 0.3),
                (wide + 0.1, 0.3 + 0.55 * (end - 0.3)),
                (wide + 0.08, end - 0.18),
                (wide - tuck, end + 0.04),
            ]
            inner = self.wavy(curve(face_side, 60)) * (side, 1)
            outer = self.wavy(curve(far_side, 60)) * (side, 1)
            tip = curve([inner[-1], (inner[-1] + outer[-1]) / 2 + np.array((0, 0.07)), outer[-1]], 8)
            shape = np.concatenate([inner, tip[1:-1], outer[::-1]])
            self.lay(self.hair.front, [shape], self.along(inner, outer, 300), soft=0.012)
        self.hair.parting = curve([(p.part * 0.75, -1.02), (p.part * 0.72, -1.25), (p.part * 0.7, -1.46)], 10)

    def bangs(self) -> None:
        top = curve([(-0.82, -0.78), (-0.5, -1.26), (0, -1.4), (0.5, -1.26), (0.82, -0.78)], 40)
        tip = curve([(-0.85, -0.26), (-0.42, -0.4), (0, -0.43), (0.42, -0.4), (0.85, -0.26)], 40)
        tip = tip + np.stack([np.zeros(40), self.rng.normal(0, 0.018, 40)], axis=1)
        self.lay(self.hair.front, [np.concatenate([top, tip[::-1]])], self.across(tip, top, 300, 0.02), soft=0.008)
        self.hair.parting = None

    def bun(self) -> None:
        knot = np.array((0.0, -1.7))
        turns = []
        for radius in np.repeat((0.3, 0.45, 0.6, 0.75, 0.9, 0.98), 9):
            turn = ellipse(*knot, 0.42 * radius, 0.33 * radius, 24, 0.2)
            turns.append(np.roll(turn, self.rng.integers(24), axis=0)[:12])
        self.lay(self.hair.behind, [ellipse(*knot, 0.42, 0.33)], turns, dim=0.85)

    def ponytail(self) -> None:
        side = self.side
        tail = curve([(0.8, -0.95), (1.26, -0.3), (1.24, 0.7), (0.95, 1.7)], 40) * (side, 1)
        inner = curve([(0.6, -0.9), (0.95, -0.3), (0.9, 0.7), (0.8, 1.5)], 40) * (side, 1)
        shape = np.concatenate([self.wavy(tail), self.wavy(inner)[::-1]])
        self.lay(
            self.hair.behind,
            [shape],
            self.along(self.wavy(inner), self.wavy(tail), 160),
            moves_with_head=False,
            dim=0.75,
        )

    def pulled_back(self) -> None:
        p = self.p
        inner, outer = self.hairline(top=-0.98, low=-0.02), self.dome(0.06 + 0.06 * p.volume, 0.0, -0.1)
        goal = np.array((0.0, -1.66)) if p.style == "bun" else np.array((0.55 * self.side, -1.5))
        strands = []
        for i in self.rng.integers(0, POINTS, 330):
            root = inner[i]
            far = 0.35 * root + 0.65 * goal + self.rng.normal(0, 0.1, 2) * (1, 0.4)
            far[1] = max(far[1], -1.5)
            strands.append(curve([root, (root + outer[i]) / 2, far], 10)[: self.rng.integers(6, 11)])
        shape = np.concatenate([inner, outer[::-1]])
        self.lay(self.hair.front, [shape], strands, soft=0.014, contrast=0.42)
        if p.style == "ponytail":
            wisp = curve([(0.8, -0.5), (0.9, -0.1), (0.86, 0.35)], 12)
            wisps = [moved(wisp, 0.02 * k, 0.04 * k) * (side, 1) for side in (-1, 1) for k in range(3)]
            self.lay(self.hair.front, [], wisps, soft=0.008, opacity=0.8)
