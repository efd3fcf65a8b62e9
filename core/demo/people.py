"""Who the demo's people are: group quotas, then the looks of each person, then what changes from photo to photo.

Looks follow gender and age on average only: every trait is drawn from how feminine and how old a person *looks*, and
for about one person in eight that differs from what they are. So the task can be learnt, but not perfectly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# (gender, youngest, oldest, share): the study's imbalance, few over 60 and more women than men.
GROUPS = (
    ("female", 18, 29, 0.30),
    ("female", 30, 59, 0.27),
    ("female", 60, 80, 0.05),
    ("male", 18, 29, 0.17),
    ("male", 30, 59, 0.18),
    ("male", 60, 80, 0.03),
)
SHOTS = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")

# Light to deep, sRGB; a person lies between two neighbours.
SKINS = np.array(
    [
        (238, 204, 184),
        (234, 194, 170),
        (226, 184, 154),
        (222, 174, 138),
        (206, 154, 116),
        (186, 132, 95),
        (158, 106, 74),
        (128, 84, 58),
        (108, 71, 51),
        (90, 60, 46),
    ],
    np.float32,
)
HAIRS = {
    "black": (30, 26, 28),
    "espresso": (50, 36, 31),
    "brown": (86, 58, 42),
    "chestnut": (112, 68, 44),
    "auburn": (134, 66, 40),
    "dark blond": (154, 118, 78),
    "blond": (204, 168, 112),
    "copper": (172, 88, 46),
}
CLOTHES = (
    (38, 52, 84),
    (126, 40, 48),
    (46, 84, 78),
    (226, 222, 214),
    (52, 52, 58),
    (182, 138, 96),
    (108, 124, 156),
    (196, 120, 112),
    (92, 108, 78),
    (222, 186, 92),
    (118, 88, 128),
    (170, 186, 196),
)
IRISES = ((70, 44, 28), (88, 58, 34), (60, 38, 28), (104, 92, 58), (92, 116, 96), (96, 132, 160), (120, 140, 152))
MASK_KINDS = {
    "surgical blue": 0.3,
    "surgical white": 0.13,
    "surgical pink": 0.07,
    "respirator": 0.14,
    "cloth black": 0.14,
    "cloth grey": 0.08,
    "dots": 0.07,
    "stripes": 0.07,
}
# Cuts, and how often each is worn by those who wear their hair so.
CROPPED = {"pixie": 0.4, "fringe": 0.2, "side": 0.2, "short": 0.15, "buzz": 0.05}  # women
GROWN = {"shoulder": 0.45, "long": 0.25, "bob": 0.15, "bun": 0.15}  # men
COILY_SHORT = {"buzz": 0.5, "afro": 0.25, "curls": 0.25}
SHORT = {"short": 0.25, "side": 0.27, "quiff": 0.16, "buzz": 0.12, "curls": 0.08, "fringe": 0.08, "shoulder": 0.04}
COILY_LONG = {"afro": 0.3, "long": 0.25, "bun": 0.2, "curls": 0.15, "shoulder": 0.1}
OLDER = {"bob": 0.3, "pixie": 0.2, "shoulder": 0.18, "curls": 0.14, "bun": 0.1, "long": 0.08}
LONG = {"long": 0.36, "bangs": 0.13, "shoulder": 0.18, "bob": 0.13, "bun": 0.07, "ponytail": 0.08, "pixie": 0.05}
BEARDS = {"stubble": 0.42, "moustache": 0.1, "goatee": 0.14, "full": 0.34}


@dataclass(frozen=True)
class Person:
    """A person's lasting looks. Numbers are 0..1 unless said; colours are sRGB 0..1, shape (3,)."""

    gender: str
    age: int
    masculine: float  # how masculine the bones look
    wear: float  # how far the skin has aged
    skin: np.ndarray
    hair: np.ndarray
    grey: float
    style: str
    length: float  # of long hair: how far down it falls, face units below the eyes
    volume: float
    part: float  # -1..1, where the hair parts
    receding: float
    wave: float
    iris: np.ndarray
    jaw: float  # face units, half width at the jaw's corner
    chin: float  # half width of the chin
    face_length: float
    cheeks: float
    eye_size: float
    eye_gap: float
    eye_tilt: float
    brow: float  # thickness
    brow_arch: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lips: float
    lip_paint: np.ndarray | None
    eyeliner: float
    beard: str  # none | stubble | moustache | goatee | full
    glasses: str  # none | round | square | thin
    glasses_colour: np.ndarray
    earrings: str  # none | stud | hoop
    freckles: float
    clothes: np.ndarray
    collar: str
    neck: float  # half width
    shoulders: float
    texture: int  # seed of the strands and freckles, the same on every photo


@dataclass(frozen=True)
class Snapshot:
    """What one photo changes: pose, expression, light, background, mask."""

    shift: tuple[float, float]  # pixels of a 384 wide photo
    scale: float
    roll: float
    yaw: float
    pitch: float
    smile: float
    teeth: float
    blink: float
    gaze: float
    light: tuple[float, float, float]  # direction towards the lamp, unit length
    ambient: float
    warmth: float
    exposure: float
    scene: str
    scene_colour: np.ndarray
    seed: int
    mask: str | None
    worn: str  # right | nose | chin


def quotas(people: int) -> list[int]:
    """People per group of GROUPS, adding up to `people`: by share, but no group below min(5, people // 8)."""
    least = min(5, people // 8)
    exact = np.array([share for *_, share in GROUPS]) * people
    counts = np.maximum(np.floor(exact).astype(int), least)
    while counts.sum() < people:
        counts[np.argmax(exact - counts)] += 1
    while counts.sum() > people:
        counts[np.argmax(np.where(counts > least, counts - exact, -np.inf))] -= 1
    return counts.tolist()


def cast(people: int, seed: int) -> list[tuple[str, int]]:
    """(gender, age) of each person, groups by quota, ages spread over each group, order shuffled."""
    rng = np.random.default_rng([seed, people, 7])
    persons = []
    for (gender, youngest, oldest, _), count in zip(GROUPS, quotas(people), strict=True):
        spread = (np.arange(count) + rng.random(count)) / max(count, 1)
        if youngest >= 60:
            spread = spread**1.4  # fewer of the very old
        elif youngest < 30:
            spread = spread**1.5  # students rather than people of 29
        else:
            spread = 0.15 * spread + 0.85 * spread**0.6  # middle-aged rather than people of 31
        ages = youngest + np.floor(spread * (oldest + 1 - youngest)).astype(int)
        persons += [(gender, int(age)) for age in ages]
    return [persons[i] for i in rng.permutation(len(persons))]


def one_of(rng: np.random.Generator, chances: Mapping[str, float]) -> str:
    """A name, drawn by its chance; chances sum to 1."""
    return str(rng.choice(list(chances), p=list(chances.values())))


def draw_person(rng: np.random.Generator, gender: str, age: int) -> Person:
    """The looks of one person, drawn around what is usual for how feminine and how old they look."""
    masculine = float(np.clip(rng.normal(0.82 if gender == "male" else 0.16, 0.13), 0, 1))
    cue = masculine  # of hair, make-up and beard
    if rng.random() < 0.12:
        masculine = float(np.clip(0.5 + rng.normal(0, 0.12), 0, 1))
    if rng.random() < 0.10:
        cue = 1 - cue
    looks_old = age + rng.normal(0, 3)
    if rng.random() < 0.10:
        looks_old += rng.choice((-1, 1)) * rng.uniform(7, 14)
    looks_old = float(np.clip(looks_old, 17, 88))
    wear = float(np.clip((looks_old - 25) / 45, 0, 1.15))
    man = gender == "male"
    short = rng.random() < 1 / (1 + np.exp(-12 * (cue - 0.5)))  # cut like most men's hair

    depth = rng.beta(1.1, 1.5) * (len(SKINS) - 1.001)
    skin = SKINS[int(depth)] + (depth % 1) * (SKINS[int(depth) + 1] - SKINS[int(depth)])
    skin = np.clip(skin + rng.normal(0, 3, 3), 0, 255) / 255
    if depth > 5.2:
        hair = one_of(rng, {"black": 0.7, "espresso": 0.3})
    elif depth > 2.8:
        hair = one_of(rng, {"black": 0.36, "espresso": 0.34, "brown": 0.2, "chestnut": 0.1})
    else:
        hair = str(rng.choice(list(HAIRS), p=[0.1, 0.18, 0.2, 0.13, 0.08, 0.14, 0.12, 0.05]))
    grey = float(np.clip((looks_old - 36) / 24 + rng.normal(0, 0.2), 0, 1)) if looks_old > 32 else 0.0
    if not man and rng.random() < 0.2:
        grey *= 0.15  # dyed
    receding = float(np.clip((looks_old - 24) / 42 + rng.normal(-0.1, 0.3), 0, 1)) if man else 0.0

    coily = depth > 5.0 and rng.random() < 0.6
    if short and not man:
        style = one_of(rng, CROPPED)
    elif man and not short:
        style = one_of(rng, GROWN)
    elif man:
        if receding > 0.78 and rng.random() < 0.75:
            style = "horseshoe" if rng.random() < 0.65 else "bald"
        else:
            style = one_of(rng, COILY_SHORT if coily else SHORT)
    else:
        style = one_of(rng, COILY_LONG if coily else OLDER if looks_old > 52 else LONG)

    beard = "none"
    if man and looks_old > 20 and rng.random() < 0.62:
        beard = one_of(rng, BEARDS)
    elif man:
        beard = "shadow"
    made_up = (not man) and rng.random() < 0.6
    paint = None
    if made_up:
        paint = (
            np.array(((176, 52, 62), (196, 92, 96), (158, 60, 78), (204, 110, 104))[rng.integers(4)], np.float32) / 255
        )
    spectacled = rng.random() < 0.08 + 0.5 * wear
    frame = np.array(
        ((28, 26, 28), (74, 46, 30), (150, 122, 70), (96, 30, 40), (60, 74, 96))[rng.integers(5)], np.float32
    )
    eye = rng.integers(3) if depth > 3.5 or hair in ("black", "espresso") else rng.integers(len(IRISES))
    normal = rng.normal
    return Person(
        gender=gender,
        age=age,
        masculine=masculine,
        wear=wear,
        skin=skin.astype(np.float32),
        hair=np.clip(np.array(HAIRS[hair], np.float32) + normal(0, 4) + normal(0, 1, 3), 0, 255).astype(np.float32)
        / 255,
        grey=grey,
        style=style,
        length=float(rng.uniform(1.9, 3.0)),
        volume=float(np.clip(normal(0.5, 0.2) - 0.15 * wear, 0.1, 1)),
        part=float(rng.choice((-1, 1)) * rng.uniform(0.1, 0.55)) if rng.random() < 0.8 else 0.0,
        receding=receding,
        wave=float(rng.random() ** 1.3),
        iris=np.array(IRISES[eye], np.float32) / 255,
        jaw=float(np.clip(0.705 + 0.125 * masculine + normal(0, 0.03), 0.66, 0.9)),
        chin=float(np.clip(0.18 + 0.11 * masculine + normal(0, 0.03), 0.13, 0.36)),
        face_length=float(np.clip(normal(1.0 + 0.04 * (masculine - 0.5), 0.03), 0.93, 1.08)),
        cheeks=float(rng.random()),
        eye_size=float(np.clip(normal(1.09 - 0.17 * masculine - 0.08 * wear, 0.06), 0.8, 1.22)),
        eye_gap=float(np.clip(normal(0.405, 0.014), 0.375, 0.435)),
        eye_tilt=float(normal(0.05 - 0.05 * wear, 0.05)),
        brow=float(np.clip(normal(0.075 + 0.055 * masculine, 0.013), 0.06, 0.155)),
        brow_arch=float(np.clip(normal(0.075 - 0.05 * masculine, 0.02), 0.01, 0.12)),
        nose_width=float(np.clip(normal(0.165 + 0.045 * masculine + 0.005 * depth, 0.014), 0.15, 0.27)),
        nose_length=float(normal(0.02 + 0.04 * masculine + 0.02 * wear, 0.03)),
        mouth_width=float(np.clip(normal(0.345, 0.025), 0.29, 0.41)),
        lips=float(np.clip(normal(1.12 - 0.38 * masculine - 0.3 * wear + 0.03 * depth, 0.12), 0.4, 1.4)),
        lip_paint=paint,
        eyeliner=float(np.clip(normal(0.75 if made_up else 0.25, 0.15), 0, 1)) * (0.2 if man else 1.0),
        beard=beard,
        glasses=str(rng.choice(["round", "square", "thin"])) if spectacled else "none",
        glasses_colour=frame / 255,
        earrings=str(rng.choice(["stud", "hoop"])) if not man and rng.random() < 0.5 else "none",
        freckles=float(rng.random()) if depth < 3 and rng.random() < 0.25 else 0.0,
        clothes=np.array(CLOTHES[rng.integers(len(CLOTHES))], np.float32) / 255,
        collar=str(
            rng.choice(["shirt", "crew", "turtle", "suit"] if man else ["crew", "vee", "turtle", "blouse", "shirt"])
        ),
        neck=float(0.47 + 0.13 * masculine + normal(0, 0.02)),
        shoulders=float(1.95 + 0.4 * masculine + normal(0, 0.08)),
        texture=int(rng.integers(1 << 31)),
    )


def draw_snapshot(rng: np.random.Generator, shot: str) -> Snapshot:
    """What is particular to one photo; shot: one of SHOTS."""
    azimuth, height = rng.uniform(-0.85, 0.85), rng.uniform(0.25, 0.75)
    light = np.array([np.sin(azimuth), -height, np.cos(azimuth) * 0.9])
    hue = rng.random()
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hue + np.array([0, 0.33, 0.67])))
    colour = rng.uniform(0.35, 0.8) * (1 - 0.45 * (1 - wheel) * rng.uniform(0.2, 0.9))
    return Snapshot(
        shift=(float(np.clip(rng.normal(0, 5), -11, 11)), float(np.clip(rng.normal(0, 5), -11, 11))),
        scale=float(rng.uniform(0.95, 1.05)),
        roll=float(rng.normal(0, 0.035)),
        yaw=float(np.clip(rng.normal(0, 0.08), -0.17, 0.17)),
        pitch=float(np.clip(rng.normal(0, 0.04), -0.08, 0.08)),
        smile=float(np.clip(rng.normal(0.58, 0.3), -0.05, 0.95)),
        teeth=float(rng.uniform(0.6, 1)) if rng.random() < 0.35 else 0.0,
        blink=float(rng.uniform(0, 0.22)),
        gaze=float(rng.normal(0, 0.12)),
        light=tuple((light / np.linalg.norm(light)).tolist()),
        ambient=float(rng.uniform(0.36, 0.52)),
        warmth=float(rng.normal(0, 0.035)),
        exposure=float(np.clip(rng.normal(1.0, 0.06), 0.86, 1.12)),
        scene=str(rng.choice(["studio", "bokeh", "wall", "window", "park"])),
        scene_colour=colour.astype(np.float32),
        seed=int(rng.integers(1 << 31)),
        mask=None if shot == "normal" else one_of(rng, MASK_KINDS),
        worn=one_of(rng, {"nose": 0.6, "chin": 0.4}) if shot == "incorrect_mask" else "right",
    )
