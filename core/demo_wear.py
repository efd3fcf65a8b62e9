"""What people wear: clothes, earrings, glasses and the mask."""

import cv2
import numpy as np

from core.demo_canvas import Canvas, curve, ellipse, mirrored
from core.demo_faces import HALF, Head, bump, lit, mix
from core.demo_people import Person

FABRICS = {
    "surgical blue": (0.55, 0.76, 0.88),
    "surgical white": (0.93, 0.94, 0.95),
    "surgical pink": (0.94, 0.72, 0.77),
    "respirator": (0.95, 0.945, 0.93),
    "cloth black": (0.13, 0.13, 0.145),
    "cloth grey": (0.5, 0.52, 0.55),
    "dots": (0.25, 0.34, 0.52),
    "stripes": (0.72, 0.62, 0.5),
}


def clothes(body: Canvas, p: Person, light_x: float) -> None:
    """Shoulders and the collar, up to the picture's lower edge."""
    s = p.shoulders
    h, w = body.pixels.shape[:2]
    x = ((np.arange(w, dtype=np.float32) - body.pose.x) / body.pose.scale)[None, :]
    y = ((np.arange(h, dtype=np.float32) - body.pose.y) / body.pose.scale)[:, None]
    tone = 0.86 + 0.2 * light_x * x / 2 - 0.12 * (np.abs(x) / 2) ** 2 - 0.1 * np.clip(y - 2.3, 0, 1)
    tone = tone + 0.03 * np.sin(x * 3.1 + y * 1.7 + p.texture % 7) * np.clip(y - 2, 0, 1)
    cloth = np.clip(tone, 0.2, 1.1)[..., None] * p.clothes
    depth = {"crew": 2.14, "vee": 2.2, "turtle": 1.5, "blouse": 2.3, "shirt": 2.1, "suit": 2.1}[p.collar]
    n = p.neck
    open_ = {
        "crew": n + 0.16,
        "vee": n + 0.14,
        "turtle": n + 0.05,
        "blouse": n + 0.34,
        "shirt": n + 0.1,
        "suit": n + 0.1,
    }[p.collar]
    rise = {"turtle": 1.52, "blouse": 2.02}.get(p.collar, 1.86)
    bottom = {"vee": 2.75, "blouse": 2.42, "turtle": 1.66, "crew": 2.2, "shirt": 2.5, "suit": 2.5}[p.collar]
    shoulder = curve(
        [(open_, rise), (open_ + 0.25, max(rise + 0.12, 1.95)), (s * 0.68, 2.2), (s * 0.95, 2.5), (s * 1.05, 3.4)], 36
    )
    neckline = curve([(-open_, rise), (-open_ * 0.62, (rise + bottom) / 2 + (0 if p.collar in ("vee", "shirt", "suit") else 0.09)), (0, bottom),
                      (open_ * 0.62, (rise + bottom) / 2 + (0 if p.collar in ("vee", "shirt", "suit") else 0.09)), (open_, rise)], 30)  # fmt: skip
    shape = np.concatenate([neckline[::-1] * (1, 1), (shoulder * (-1, 1)), shoulder[::-1]])
    dark = p.clothes * 0.45
    body.stroke(neckline + (0, -0.03), 0.1, p.skin * np.float32((0.4, 0.28, 0.25)), 0.35, 0.04)
    body.fill(shape, cloth)
    inside = body.mask(shape)
    for sign in (-1, 1):
        for k in range(3):
            fold = curve(
                [
                    (sign * (0.9 + 0.25 * k), 2.35 + 0.1 * k),
                    (sign * (1.0 + 0.22 * k), 2.8),
                    (sign * (0.85 + 0.3 * k), 3.3),
                ],
                16,
            )
            body.stroke(fold, 0.12, dark, 0.28, 0.06, inside)
            body.stroke(fold + (sign * -0.1, 0), 0.08, mix(p.clothes, (1, 1, 1), 0.3), 0.16, 0.05, inside)
    if p.collar in ("crew", "turtle", "vee", "blouse"):
        band = 0.1 if p.collar == "crew" else 0.03
        if p.collar == "turtle":
            for k in range(3):
                roll = neckline + (0, 0.06 + 0.12 * k)
                body.stroke(roll, 0.05, dark, 0.35, 0.03, inside)
        body.stroke(neckline + (0, band), 0.03, dark, 0.5, 0.012, inside)
        body.stroke(neckline + (0, 0.02), 0.02, mix(p.clothes, (1, 1, 1), 0.3), 0.4, 0.008, inside)
        return
    shirt = np.float32((0.93, 0.93, 0.92)) if p.collar == "suit" else mix(p.clothes, (1, 1, 1), 0.06)
    if p.collar == "suit":
        vee = mirrored([(0, 1.9), (open_ + 0.04, rise), (open_ + 0.12, 2.05), (0.28, 3.4), (0, 3.4)])
        body.fill(vee, shirt * 0.92, 1.0, 0.0, inside)
        tie = mirrored([(0, 2.5), (0.1, 2.5), (0.08, 2.66), (0.17, 3.4), (0, 3.4)])
        body.fill(tie, mix(p.clothes[::-1], (0.4, 0.1, 0.15), 0.5), 1.0, 0.004, inside)
        for sign in (-1, 1):
            lapel = np.array(
                [(open_ + 0.1, 1.98), (0.36, 3.4), (0.75, 3.4), (0.95, 2.62), (0.72, 2.55), (0.78, 2.3)]
            ) * (sign, 1)
            body.fill(lapel, p.clothes * 0.9)
            body.lines([np.concatenate([lapel, lapel[:1]])], 0.012, dark, 0.6)
    for sign in (-1, 1):
        flap = np.array(
            [(open_ - 0.05, 1.72), (open_ + 0.1, 1.86), (open_ + 0.14, 2.16), (0.3, 2.62), (0.02, 2.5), (0.3, 2.15)]
        ) * (sign, 1)
        tone = shirt * np.float32(np.clip(0.95 + 0.12 * sign * light_x, 0.7, 1.02))
        body.fill(flap + (0, 0.05), dark, 0.4, 0.05, inside)
        body.fill(flap, tone)
        body.lines([flap[1:5]], 0.012, tone * 0.6, 0.5)


def earrings(head: Head) -> None:
    p, c = head.p, head.canvas
    for sign in (-1, 1):
        u = sign * (1.0 - sign * 0.35 * c.pose.yaw)
        gold = np.float32((0.88, 0.7, 0.36)) if p.texture % 2 else np.float32((0.85, 0.86, 0.88))
        if p.earrings == "hoop":
            ring = ellipse(u, 0.5, 0.09, 0.15)
            c.lines([np.concatenate([ring, ring[:1]])], 0.024, gold * 0.75)
            c.lines([ring[14:24]], 0.014, np.minimum(gold * 1.25, 1), 0.9)
        elif p.earrings == "stud":
            c.fill(ellipse(u, 0.34, 0.038, 0.038, 14), gold * 0.8)
            c.fill(ellipse(u - 0.01, 0.33, 0.014, 0.014, 10), (1, 1, 0.96))


def glasses(head: Head) -> None:
    p, c, m = head.p, head.canvas, head.m
    if p.glasses == "none":
        return
    wide, tall = {"round": (0.285, 0.255), "square": (0.31, 0.22), "thin": (0.3, 0.2)}[p.glasses]
    power = 2.2 if p.glasses == "round" else 3.6
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    rim = np.stack([np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power) * wide,
                    np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power) * tall], axis=1)  # fmt: skip
    rim[:, 0] *= 1 - 0.06 * (rim[:, 1] > 0)
    thick = {"round": 0.036, "square": 0.056, "thin": 0.02}[p.glasses]
    gap = p.eye_gap + 0.015
    for sign in (-1, 1):
        place = rim * (sign, 1) + (sign * gap, -0.01)
        loop = np.concatenate([place, place[:1]])
        c.lines([loop + (0.02 - 0.05 * m.light[0], 0.06)], thick, head.dark, 0.28, 0.025, head.inside)
        inside = c.mask(place)
        c.fill(place, (0.92, 0.96, 1.0), 0.07)
        streak = np.array([(-0.2, 0.3), (-0.06, 0.3), (0.2, -0.3), (0.06, -0.3)]) + (sign * gap + 0.06, 0)
        c.fill(streak, (1, 1, 1), 0.14, 0.02, inside)
        arm = curve([(sign * (gap + wide - 0.01), -0.07), (sign * 0.86, -0.09), (sign * 1.02, -0.06)], 12)
        c.lines([arm], thick * 0.9, p.glasses_colour * 0.8)
        c.lines([loop], thick, p.glasses_colour)
        c.lines([loop[34:50] + (0, -0.004)], thick * 0.35, mix(p.glasses_colour, (1, 1, 1), 0.5), 0.6)
    bridge = curve([(-gap + wide - 0.015, -0.06), (0, -0.11), (gap - wide + 0.015, -0.06)], 14)
    c.lines([bridge], thick * 0.9, p.glasses_colour)


def mask(head: Head) -> None:
    """The mask of this photo, if any: right over nose and chin, or slipped under the nose, or down on the chin."""
    p, c, m = head.p, head.canvas, head.m
    if m.mask is None:
        return
    k, kind = p.face_length, m.mask
    drop = {"right": 0.0, "nose": 0.5, "chin": 0.98}[m.worn]
    squeeze = 1 - 0.32 * (drop > 0.9)
    low = 1.5 * k + 0.05 * (drop > 0) + 0.08 * (drop > 0.9)
    top_v = 0.1 + drop
    cheek = min(p.jaw + 0.2, 0.92)
    tilt = 0.03 * np.sin(m.seed)
    if kind == "respirator":
        half = [(0, top_v - 0.02), (0.14, top_v + 0.03), (0.4, top_v + 0.2 * squeeze), (cheek - 0.02, top_v + 0.42 * squeeze), (cheek - 0.1, max(top_v + 0.42, 0.95 * k)),
                (p.chin + 0.22, low - 0.14), (0.12, low), (0, low)]  # fmt: skip
    else:
        half = [(0, top_v), (0.14, top_v + 0.015), (0.42, top_v + 0.14 * squeeze), (cheek, top_v + 0.2 * squeeze), (cheek - 0.01, top_v + 0.34 * squeeze),
                (p.jaw - 0.02, max(1.0 * k, top_v + 0.35)), (p.chin + 0.2, low - 0.1), (0.16, low), (0, low)]  # fmt: skip
    shape = curve(mirrored(half), 100, closed=True)
    shape[:, 1] += tilt * shape[:, 0]
    u, v = head.u, head.v
    z = 1.12 * np.sqrt(np.clip(1.06 - (np.abs(u) / 1.02) ** 2.2 - ((v - 0.5) / 1.6) ** 2, 0.02, None))
    if drop == 0:
        z = z + 0.2 * bump(u, v, 0, 0.4, 0.2, 0.3) + 0.05 * bump(u, v, 0, 0.2, 0.12, 0.15)
    z = z + 0.1 * bump(u, v, 0, max(0.85, top_v + 0.35), 0.5, 0.35)
    span = low - top_v
    if kind == "respirator":
        z = z + 0.16 * np.exp(-np.abs(u) / 0.13) * bump(u, v, 0, top_v + 0.5, 9, 0.6)
    elif kind.startswith("surgical"):
        rows = (v - top_v - 0.02 * np.cos(u * 2) - tilt * u) / span
        for at in (0.3, 0.46, 0.62):
            edge = np.clip((rows - at) / 0.05, -1, 1)
            z = z + 0.022 * (1 - edge**2) * (np.abs(edge) < 1) * (np.abs(u) < 1)
    else:
        z = z + 0.05 * np.exp(-np.abs(u) / 0.05) * bump(u, v, 0, top_v + 0.45, 9, 0.7)
    rng = np.random.default_rng(m.seed)
    for _ in range(5):  # soft creases that pull towards the loops
        cu, cv, slope = rng.uniform(-0.8, 0.8), rng.uniform(top_v + 0.15, low - 0.1), rng.uniform(-0.6, 0.6)
        z = z + 0.018 * bump(u, v - slope * (u - cu), cu, cv, 0.28, 0.035)
    light, gloss = lit(z.astype(np.float32), HALF / c.pose.scale, m)
    light, gloss = head.enlarge(light), head.enlarge(gloss)
    fabric = (
        np.broadcast_to(np.float32(FABRICS[kind]), c.pixels.shape).copy()
        if kind in ("dots", "stripes")
        else np.float32(FABRICS[kind])
    )
    if kind in ("dots", "stripes"):
        fine_u, fine_v = head.enlarge(u), head.enlarge(v)
        if kind == "dots":
            row = np.floor(fine_v / 0.13)
            du, dv = (fine_u + 0.065 * (row % 2)) % 0.13 - 0.065, fine_v % 0.13 - 0.065
            pattern = np.clip((0.03 - np.sqrt(du * du + dv * dv)) * 90 + 0.5, 0, 1)
        else:
            pattern = np.clip(np.sin(fine_u * 38) * 2.2, 0, 1)
        fabric += pattern[..., None] * (np.float32((0.95, 0.93, 0.9)) - fabric)
    cloth = fabric * (0.12 + 0.92 * light)[..., None] + (0.05 * gloss**6)[..., None]
    # Ear loops, the shadow on the cheeks, then the cloth.
    for sign in (-1, 1):
        for start, end in ((top_v + 0.24 * squeeze, -0.02), (max(0.95 * k, top_v + 0.36), 0.24)):
            loop = curve([(sign * (cheek - 0.04), start), (sign * 0.955, (start + end) / 2), (sign * 1.03, end)], 14)
            c.lines([loop + (0.0, 0.03)], 0.024, head.dark, 0.35, 0.015)
            c.lines(
                [loop], 0.026, np.float32((0.9, 0.9, 0.9)) if "black" not in kind else np.float32((0.16, 0.16, 0.17))
            )
    c.fill(shape + (-0.04 * m.light[0], -0.02), head.dark, 0.35, 0.04)
    c.fill(shape + (-0.05 * m.light[0], 0.05), head.dark * 0.7, 0.4, 0.05)
    c.fill(shape, np.clip(cloth, 0, 1))
    inside = c.mask(shape)
    edge = cv2.GaussianBlur(inside, (0, 0), 0.03 * c.pose.scale)
    c.blend(np.s_[:, :], inside * np.clip(1 - edge, 0, 1), np.float32(FABRICS[kind]) * 0.45, 0.45)
    hem = shape[np.abs(shape[:, 0]) < cheek - 0.08]
    upper = hem[hem[:, 1] < top_v + 0.3]
    upper = upper[np.argsort(upper[:, 0])]
    seam = mix(FABRICS[kind], (0, 0, 0), 0.35)
    if len(upper) > 4:
        c.lines([upper + (0, 0.055)], 0.01, seam, 0.5, within=inside)
