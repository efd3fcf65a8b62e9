"""The features painted on the lit head: wrinkles, nose, mouth, eyes, brows, beard."""

import cv2
import numpy as np

from core.demo.canvas import curve, ellipse, mirrored, moved
from core.demo.faces import Head, mix


def draw_features(head: Head) -> None:
    """Everything on the face, in the order in which it overlaps."""
    rng = np.random.default_rng([head.p.texture, 2])
    wrinkles(head, rng)
    if head.m.worn != "right" or head.m.mask is None:  # else nobody sees them
        nose(head)
        mouth(head)
    for sign in (-1, 1):
        eye(head, sign)
    beard(head, np.random.default_rng([head.p.texture, 3]))
    for sign in (-1, 1):
        brow(head, sign, rng)


def crease(head: Head, points, width, strength, count=24) -> None:
    """A line in the skin: dark, with a lit lower edge."""
    line = curve(points, count)
    if strength <= 0.02:
        return
    head.canvas.stroke(line, width, head.dark, strength, width * 0.3, head.inside)
    head.canvas.stroke(moved(line, 0, width * 0.9), width, head.pale, strength * 0.35, width * 0.35, head.inside)


def wrinkles(head: Head, rng) -> None:
    p, worn = head.p, head.p.wear
    tip = 0.43 + p.nose_length
    depth = np.clip(worn - 0.18, 0, 1)
    for row in range(3):
        v = -0.84 + 0.15 * row + rng.uniform(-0.02, 0.02)
        reach = rng.uniform(0.36, 0.56)
        wave = rng.uniform(-0.02, 0.02, 2)
        points = [(-reach, v + 0.05), (-0.2, v + wave[0]), (0.15, v + wave[1]), (reach, v + 0.045)]
        crease(head, points, 0.034, 0.62 * depth)
    for sign in (-1, 1):
        for fan in range(3):
            start = np.array((p.eye_gap + 0.235, -0.04 + 0.045 * fan))
            end = moved(start, 0.15, -0.075 + 0.085 * fan)
            strength = 0.6 * depth + 0.12 * max(head.m.smile, 0) * worn
            crease(head, [start * (sign, 1), (start + end) / 2 * (sign, 1), end * (sign, 1)], 0.024, strength, 10)
        corner = 0.43 + 0.05 * max(head.m.smile, 0)
        fold = [(0.235, tip), (0.34, tip + 0.13), (corner, tip + 0.33), (corner + 0.0, 0.87)]
        strength = 0.03 + 0.55 * np.clip(worn - 0.1, 0, 1) + 0.1 * max(head.m.smile, 0)
        crease(head, [(sign * u, v) for u, v in fold], 0.04, strength)
        bag = [(p.eye_gap - 0.19, 0.075), (p.eye_gap - 0.02, 0.165), (p.eye_gap + 0.17, 0.105)]
        crease(head, [(sign * u, v) for u, v in bag], 0.032, 0.08 + 0.55 * np.clip(worn - 0.2, 0, 1))
        if worn > 0.45:
            marionette = [(corner - 0.04, 0.93), (corner - 0.01, 1.02), (corner - 0.03, 1.13)]
            crease(head, [(sign * u, v) for u, v in marionette], 0.034, 0.65 * (worn - 0.4))
            crease(
                head, [(sign * 0.06, -0.24), (sign * 0.065, -0.32), (sign * 0.05, -0.41)], 0.026, 0.6 * (worn - 0.4), 10
            )
            jowl = [(0.52, 0.82), (0.6, 1.0), (0.55, 1.12)]
            crease(head, [(sign * u, v) for u, v in jowl], 0.05, 0.45 * (worn - 0.4))


def nose(head: Head) -> None:
    c, p = head.canvas, head.p
    tip, wide = 0.43 + p.nose_length, p.nose_width
    c.fill(ellipse(0, tip + 0.13, wide * 0.85, 0.05), head.dark, 0.3, 0.035, head.inside)
    for sign in (-1, 1):
        nostril = [(0.04, tip + 0.085), (wide * 0.5, tip + 0.05), (wide * 0.78, tip + 0.085), (wide * 0.48, tip + 0.11)]
        hole = curve(np.array(nostril) * (sign, 1), 20, closed=True)
        c.fill(hole, head.dark * 0.5, 0.75, 0.012)
        wing = curve(
            np.array([(wide * 0.86, tip - 0.065), (wide * 1.08, tip + 0.03), (wide * 0.92, tip + 0.1)]) * (sign, 1),
            16,
        )
        c.stroke(wing, 0.035, head.dark, 0.5, 0.012)
    c.fill(ellipse(-head.m.light[0] * -0.05, tip - 0.045, 0.04, 0.05), (1, 0.97, 0.93), 0.22, 0.028)


def mouth(head: Head) -> None:
    c, p, m = head.canvas, head.p, head.m
    smile = m.smile
    wide, full = p.mouth_width * (1 + 0.16 * smile), p.lips
    v = 0.83 + 0.02 * (p.face_length - 1) * 10
    lift = 0.1 * smile
    gap = 0.115 * m.teeth * max(smile, 0.35)
    corner = (wide, v - lift)
    top = v - 0.078 * full
    middle = [(0.11, v - 0.012 + 0.02 * smile), (0, v + 0.008 + 0.02 * smile), (-0.11, v - 0.012 + 0.02 * smile)]
    peak, dip, slope = top - 0.006, top + 0.016, top + 0.028 - 0.3 * lift
    upper_edge = [(-wide, v - lift), (-0.2, slope), (-0.065, peak), (0, dip), (0.065, peak), (0.2, slope), corner]
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
        low = v + gap * 0.84
        teeth = [(-wide * 0.82, v - 0.9 * lift), (0, v - 0.03), (wide * 0.82, v - 0.9 * lift), (0.2, low), (-0.2, low)]
        teeth = curve(teeth, 30, closed=True)
        white = mix((0.95, 0.93, 0.89), (0.86, 0.8, 0.68), min(p.wear, 1)) * shade
        c.fill(teeth, white, 0.97, 0.006, inside)
        for u in (-0.18, -0.115, -0.055, 0.0, 0.055, 0.115, 0.18):
            c.stroke(np.array([(u, v - 0.05), (u, v + gap)]), 0.01, white * 0.75, 0.45, 0.004, inside)
    c.fill(upper, colour * 0.8 * shade, 0.88, 0.01)
    c.fill(lower, colour * 0.98 * shade, 0.85, 0.013)
    lip = c.mask(lower)
    c.fill(ellipse(0.1 * m.light[0], v + gap + 0.05 * full, wide * 0.4, 0.022 * full), (1, 0.93, 0.9), 0.28, 0.024, lip)
    c.stroke(seam, 0.026, colour * 0.3, 0.8, 0.006, start=0.5, end=0.5)
    if gap > 0.01:
        c.stroke(lower_seam, 0.014, colour * 0.4, 0.5, 0.006)
    c.fill(ellipse(0, bottom + 0.055, 0.19, 0.03), head.dark, 0.3, 0.03, head.inside)
    for sign in (-1, 1):
        c.fill(ellipse(sign * (wide + 0.012), v - lift, 0.03, 0.026, 12), head.dark, 0.32, 0.022)


def eye(head: Head, sign: int) -> None:
    c, p, m = head.canvas, head.p, head.m
    size = p.eye_size
    wide, tall = 0.2 * size, 0.094 * size * (1 - m.blink) * (1 - 0.1 * max(m.smile, 0))
    droop = 0.35 * max(p.wear - 0.3, 0)
    tilt = p.eye_tilt * 0.8

    def place(points):
        points = np.asarray(points, dtype=np.float64) * (wide, tall)
        points[:, 1] -= tilt * points[:, 0]
        return moved(points, p.eye_gap, -0.03) * (sign, 1)

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
    c.fill(shape, head.dark, 0.3, 0.035)
    deep = float(np.clip(0.62 + 0.42 * m.light[2], 0.6, 1.0))
    c.fill(shape, np.float32((0.94, 0.915, 0.89)) * deep)
    inside = c.mask(shape)
    c.fill(place(ellipse(-0.95, 0.2, 0.2, 0.4)), p.skin * np.float32((0.95, 0.66, 0.62)), 0.7, 0.015, inside)
    c.fill(ellipse(sign * (p.eye_gap + wide), -0.03, 0.06, 0.12), head.dark, 0.35, 0.03, inside)
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
    c.fill(np.concatenate([top, moved(top[::-1], 0, 0.07)]), (0.1, 0.06, 0.06), 0.5, 0.022, inside)
    spot = (centre[0] + 0.036 * np.sign(m.light[0]), centre[1] - 0.036)
    c.fill(ellipse(*spot, 0.022, 0.025, 14), (1, 1, 1), 0.95, 0.004, inside)
    c.fill(
        ellipse(centre[0] - 0.04 * np.sign(m.light[0]), centre[1] + 0.04, 0.014, 0.012, 10),
        (1, 1, 1),
        0.35,
        0.006,
        inside,
    )
    crease = curve(place(moved(np.array(upper) * (1.04, 1), 0.02, -0.52 + 0.42 * max(p.wear - 0.2, 0))), 24)
    c.stroke(crease, 0.028, head.dark, 0.62, 0.01)
    c.fill(np.concatenate([top, crease[::-1]]), mix(head.dark, (0.3, 0.2, 0.24), 0.3), 0.12 + 0.22 * p.eyeliner, 0.02)
    lash = np.float32((0.08, 0.055, 0.05))
    line = 0.024 + 0.024 * p.eyeliner
    c.stroke(top, line, lash, 0.7 + 0.3 * p.eyeliner, 0.004, start=0.25, end=0.8)
    c.stroke(low, 0.013, mix(lash, head.dark, 0.5), 0.5 + 0.2 * p.eyeliner, 0.006)
    if p.eyeliner > 0.3:
        hairs = []
        for t in np.linspace(0.45, 1.0, 8):
            root = top[int(t * 27)]
            reach = 0.05 + 0.045 * p.eyeliner * t
            away = np.array((sign * (0.25 + 0.75 * t) * reach, -reach * (1 - 0.35 * t)))
            hairs.append(curve([root, root + away * 0.55 + (0, 0.008), root + away], 6))
        c.lines(hairs, 0.008, lash, 0.75 * p.eyeliner)


def brow(head: Head, sign: int, rng) -> None:
    c, p, m = head.canvas, head.p, head.m
    thick, arch = p.brow, p.brow_arch
    lift = -0.015 * m.smile - 0.03 + 0.03 * p.masculine + 0.02 * p.wear
    inner, outer = p.eye_gap - 0.235, p.eye_gap + 0.265
    spine = [
        (inner, -0.3),
        (inner + 0.17, -0.335 - 0.4 * arch),
        (outer - 0.16, -0.345 - 0.75 * arch),
        (outer, -0.265 - 0.2 * arch),
    ]
    spine = moved(curve(spine, 24), 0, lift)
    t = np.linspace(0, 1, 24)[:, None]
    half = 0.5 * thick * (0.75 + 0.45 * np.sin(np.pi * np.clip(t * 1.1, 0, 1))) * (1 - 0.82 * t**2.2) * (0, 1)
    shape = np.concatenate([spine - half, (spine + half)[::-1]]) * (sign, 1)
    colour = mix(mix(p.hair, p.hair * 0.55, 0.65), (0.6, 0.59, 0.58), 0.75 * p.grey**1.5)
    colour = mix(colour, p.skin * 0.45, 0.25)
    c.fill(shape, colour, 0.72, 0.016)
    hairs = []
    for s in rng.uniform(0, 0.95, 40):
        i = int(s * 23)
        root = spine[i] + half[i] * rng.uniform(-0.6, 0.9)
        lean = np.array((0.4 + 0.6 * s, -0.8 + 1.0 * s)) * 0.055 * (0.6 + 0.4 * rng.random())
        hairs.append(np.array([root, root + lean * 0.5, root + lean * (1.0, 0.85)]) * (sign, 1))
    c.lines(hairs, 0.008, colour * 0.7, 0.36)


def beard(head: Head, rng) -> None:
    p, c = head.p, head.canvas
    if p.beard == "none":
        return
    k = p.face_length
    full = p.beard in ("full", "stubble", "shadow")
    colour = mix(p.hair * 0.72, (0.72, 0.71, 0.7), p.grey)
    lip_v, wide = 0.83, p.mouth_width * (1 + 0.16 * head.m.smile)
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
        chin = [
            (0, lip_v + 0.17),
            (0.16, lip_v + 0.16),
            (wide - 0.01, lip_v + 0.02),
            (wide + 0.08, lip_v - 0.02),
            (wide + 0.07, 1.05),
            (0.26, 1.37 * k),
            (0, 1.46 * k),
        ]
        area = np.maximum(area, c.mask(curve(mirrored(chin), 60, closed=True), 0.02))
    moustache = [
        (0, tip + 0.15),
        (0.18, tip + 0.16),
        (wide + 0.04, lip_v - 0.06),
        (wide + 0.07, lip_v + 0.06),
        (wide * 0.9, lip_v - 0.02),
        (0.15, lip_v - 0.075 * p.lips),
        (0, lip_v - 0.06 * p.lips),
    ]
    area = np.maximum(area, c.mask(curve(mirrored(moustache), 60, closed=True), 0.02))
    thick = 0.13 * p.lips
    lips = [
        (-wide, lip_v - 0.04),
        (0, lip_v - 0.65 * thick),
        (wide, lip_v - 0.04),
        (0.2, lip_v + thick),
        (-0.2, lip_v + thick),
    ]
    lips = curve(lips, 40, closed=True)
    area *= 1 - c.mask(lips, 0.012) * 0.95
    within = area * np.maximum(head.inside, cv2.GaussianBlur(head.inside, (0, 0), 0.02 * c.pose.scale))
    if p.beard == "shadow":
        c.blend(np.s_[:, :], within, head.skin * np.float32((0.72, 0.76, 0.8)), 0.5)
        return
    light = np.clip(head.light, 0.3, 1.1)[..., None]
    weak = p.beard == "stubble"
    c.blend(np.s_[:, :], within, colour * light * 0.95, 0.34 if weak else 0.82)
    hairs: dict[int, list] = {0: [], 1: [], 2: []}
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
