"""What people wear: clothes, earrings, glasses and the mask."""

import cv2
import numpy as np

from core.demo.canvas import Canvas, Pose, curve, ellipse, mirrored, moved
from core.demo.faces import HALF, Head, bump, lit, mix, outline
from core.demo.people import Person

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
    x = ((np.arange(0, w, 4, dtype=np.float32) + 1.5 - body.pose.x) / body.pose.scale)[None, :]
    y = ((np.arange(0, h, 4, dtype=np.float32) + 1.5 - body.pose.y) / body.pose.scale)[:, None]
    tone = 0.86 + 0.2 * light_x * x / 2 - 0.12 * (np.abs(x) / 2) ** 2 - 0.1 * np.clip(y - 2.3, 0, 1)
    tone = tone + 0.03 * np.sin(x * 3.1 + y * 1.7 + p.texture % 7) * np.clip(y - 2, 0, 1)
    cloth = np.clip(tone, 0.2, 1.1)[..., None] * p.clothes
    cloth = cv2.resize(cloth.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
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
    middle = (rise + bottom) / 2 + (0 if p.collar in ("vee", "shirt", "suit") else 0.09)
    neckline = [(-open_, rise), (-open_ * 0.62, middle), (0, bottom), (open_ * 0.62, middle), (open_, rise)]
    neckline = curve(neckline, 30)
    shape = np.concatenate([neckline[::-1] * (1, 1), (shoulder * (-1, 1)), shoulder[::-1]])
    dark = p.clothes * 0.45
    body.stroke(moved(neckline, 0, -0.03), 0.1, p.skin * np.float32((0.4, 0.28, 0.25)), 0.35, 0.04)
    body.fill(shape, cloth)
    inside = body.mask(shape)
    for sign in (-1, 1):
        for k in range(2):
            fold = curve(
                [(sign * (1.25 + 0.2 * k), 2.5), (sign * (1.02 + 0.25 * k), 2.85), (sign * (0.95 + 0.3 * k), 3.4)], 16
            )
            body.stroke(fold, 0.16, dark, 0.22, 0.08, inside)
            body.stroke(moved(fold, sign * -0.14, 0), 0.12, mix(p.clothes, (1, 1, 1), 0.3), 0.1, 0.07, inside)
    if p.collar in ("crew", "turtle", "vee", "blouse"):
        band = 0.1 if p.collar == "crew" else 0.03
        if p.collar == "turtle":
            for k in range(3):
                roll = moved(neckline, 0, 0.06 + 0.12 * k)
                body.stroke(roll, 0.05, dark, 0.35, 0.03, inside)
        body.stroke(moved(neckline, 0, band), 0.03, dark, 0.5, 0.012, inside)
        body.stroke(moved(neckline, 0, 0.02), 0.02, mix(p.clothes, (1, 1, 1), 0.3), 0.4, 0.008, inside)
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
        body.fill(moved(flap, 0, 0.05), dark, 0.4, 0.05, inside)
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
    p, m = head.p, head.m
    if p.glasses == "none":
        return
    # Glasses are stiff: they turn with the face as one piece.
    pose = head.canvas.pose
    ahead = pose.project(np.array([(0.0, 0.0)]))[0]
    c = Canvas(head.canvas.pixels, Pose(ahead[0], ahead[1], pose.scale, pose.roll))
    wide, tall = {"round": (0.285, 0.255), "square": (0.31, 0.22), "thin": (0.3, 0.2)}[p.glasses]
    power = 2.2 if p.glasses == "round" else 3.6
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    across, down = np.cos(angle), np.sin(angle)  # a superellipse: the higher its power, the squarer
    across, down = (np.sign(wave) * np.abs(wave) ** (2 / power) for wave in (across, down))
    rim = np.stack([across * wide, down * tall], axis=1)
    rim[:, 0] *= 1 - 0.06 * (rim[:, 1] > 0)
    thick = {"round": 0.036, "square": 0.056, "thin": 0.02}[p.glasses]
    gap = p.eye_gap + 0.015
    for sign in (-1, 1):
        place = moved(rim * (sign, 1), sign * gap, -0.01)
        loop = np.concatenate([place, place[:1]])
        c.lines([moved(loop, 0.02 - 0.05 * m.light[0], 0.06)], thick, head.dark, 0.28, 0.025, head.inside)
        inside = c.mask(place)
        c.fill(place, (0.92, 0.96, 1.0), 0.07)
        streak = np.array([(-0.2, 0.3), (-0.06, 0.3), (0.2, -0.3), (0.06, -0.3)]) + np.array((sign * gap + 0.06, 0))
        c.fill(streak, (1, 1, 1), 0.14, 0.02, inside)
        arm = curve([(sign * (gap + wide - 0.01), -0.07), (sign * 0.86, -0.09), (sign * 1.02, -0.06)], 12)
        c.lines([arm], thick * 0.9, p.glasses_colour * 0.8)
        c.lines([loop], thick, p.glasses_colour)
        c.lines([moved(loop[34:50], 0, -0.004)], thick * 0.35, mix(p.glasses_colour, (1, 1, 1), 0.5), 0.6)
    bridge = curve([(-gap + wide - 0.015, -0.06), (0, -0.11), (gap - wide + 0.015, -0.06)], 14)
    c.lines([bridge], thick * 0.9, p.glasses_colour)


def mask(head: Head) -> None:
    """The mask of this photo, if any: right over nose and chin, or slipped under the nose, or down on the chin."""
    p, c, m = head.p, head.canvas, head.m
    if m.mask is None:
        return
    drop = {"right": 0.0, "nose": 0.5, "chin": 0.95}[m.worn]
    top, low = 0.1 + drop, 1.5 * p.face_length + 0.05 * (drop > 0)
    face = outline(p)
    face = face[(face[:, 0] > 0) & (face[:, 1] > -0.3)]
    face = face[np.argsort(face[:, 1])]

    def edge(v: float) -> float:
        return float(np.interp(v, face[:, 1], face[:, 0]))

    upper, lower = min(top + 0.2, 1.14), min(max(top + 0.62, 0.86), 1.24)
    peak = 0.03 if m.mask == "respirator" else 0.0
    half = [
        (0, top - peak),
        (0.14, top + 0.015),
        (0.4, top + 0.13 - 0.05 * (drop > 0.9)),
        (edge(upper) - 0.015, upper),
        (edge((upper + lower) / 2) + 0.01, (upper + lower) / 2),
        (edge(lower) + 0.015, lower),
        (p.chin + 0.22, low - 0.12),
        (0.16, low - 0.005),
        (0, low),
    ]
    shape = curve(mirrored(half), 100, closed=True)
    shape[:, 1] += 0.02 * np.sin(m.seed) * shape[:, 0]
    loop_colour = np.float32((0.17, 0.17, 0.18)) if "black" in m.mask else np.float32((0.88, 0.88, 0.88))
    for side in (-1, 1):
        for start, end in ((upper + 0.03, -0.03), (lower - 0.03, 0.26)):
            middle = (start + end) / 2
            if start - end < 0.08:
                continue
            loop = [(edge(start) - 0.04, start), (edge(middle) - 0.035, middle), (0.955, end)]
            loop = curve(loop, 14) * (side, 1)
            c.lines([moved(loop, 0.0, 0.025)], 0.02, head.dark, 0.4, 0.012)
            c.lines([loop], 0.018, loop_colour * np.float32(0.85 + 0.15 * side * m.light[0]))
    c.fill(moved(shape, -0.05 * m.light[0], 0.03), head.dark * 0.75, 0.5, 0.045)
    light = head.enlarge(lit(mask_relief(head, top, low), HALF / c.pose.scale, m)[0])
    window, alpha = c.coverage(shape)
    # Seen from the front the cloth turns away near its rim.
    rim = cv2.GaussianBlur(alpha, (0, 0), 0.035 * c.pose.scale)
    shade = (0.14 + 0.92 * light[window]) * (0.6 + 0.4 * np.clip(1.15 * rim, 0, 1))
    cloth = fabric(head, window) * shade[..., None]
    c.blend(window, alpha, np.clip(cloth, 0, 1))
    hem = shape[(shape[:, 1] < upper - 0.02) & (np.abs(shape[:, 0]) < edge(upper) - 0.05)]
    hem = hem[np.argsort(hem[:, 0])]
    if len(hem) > 4:
        c.lines([moved(hem, 0, 0.05)], 0.01, mix(FABRICS[m.mask], (0, 0, 0), 0.4), 0.4)


def mask_relief(head: Head, top: float, low: float) -> np.ndarray:
    """Height of the mask's cloth on the head's grid: nose, chin, pleats or seam, and a few creases."""
    m, u, v = head.m, head.u, head.v
    z = 1.12 * np.sqrt(np.clip(1.06 - (np.abs(u) / 1.02) ** 2.2 - ((v - 0.5) / 1.6) ** 2, 0.02, None))
    z = z + 0.1 * bump(u, v, 0, max(0.85, top + 0.35), 0.5, 0.35)
    if m.worn == "right":
        z = z + 0.17 * bump(u, v, 0, 0.4, 0.22, 0.3) + 0.04 * bump(u, v, 0, 0.2, 0.12, 0.15)
    if m.mask.startswith("surgical"):
        rows = (v - top - 0.02 * np.cos(u * 2)) / (low - top)
        for at in (0.3, 0.46, 0.62):
            pleat = (rows - at) / 0.05
            z = z + 0.022 * np.clip(1 - pleat**2, 0, None)
    else:
        seam, height = (0.13, 0.13) if m.mask == "respirator" else (0.06, 0.035)
        z = z + height * np.exp(-np.sqrt(u * u + 0.0012) / seam) * np.exp(-(((v - top - 0.5) / 0.6) ** 2))
    rng = np.random.default_rng(m.seed)
    for _ in range(6):
        cu, cv, slope = rng.uniform(-0.8, 0.8), rng.uniform(top + 0.15, low - 0.1), rng.uniform(-0.6, 0.6)
        z = z + 0.016 * bump(u, v - slope * (u - cu), cu, cv, 0.28, 0.04)
    return z.astype(np.float32)


def fabric(head: Head, window) -> np.ndarray:
    """The cloth's own colour: (3,), or (h, w, 3) over the window where it has a pattern."""
    kind = head.m.mask
    plain = np.float32(FABRICS[kind])
    if kind == "dots":
        u, v = head.enlarge(head.u)[window], head.enlarge(head.v)[window]
        du, dv = (u + 0.065 * (np.floor(v / 0.13) % 2)) % 0.13 - 0.065, v % 0.13 - 0.065
        pattern = np.clip((0.03 - np.sqrt(du * du + dv * dv)) * 90 + 0.5, 0, 1)
    elif kind == "stripes":
        pattern = np.clip(np.sin(head.enlarge(head.u)[window] * 38) * 2.2, 0, 1)
    else:
        return plain
    return plain + pattern[..., None] * (np.float32((0.95, 0.93, 0.9)) - plain)
