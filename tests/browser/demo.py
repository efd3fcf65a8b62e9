"""The demo dataset for labs of browser tests: its people, table and folders, with blots of colour instead of faces.

Painting the faces takes two cores fourteen seconds; tests/demo and the command's own test look at those.
"""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from core.demo.people import SHOTS, cast
from core.demo.photo import HEIGHT, WIDTH

PEOPLE = 40  # the fewest for which the five default folds have someone of each class
BLOTS = (8, 6)  # rows, columns of a photo


def draw_blots(root: Path) -> None:
    """PEOPLE x 7 photos and train.csv below a new folder; no photo is another's copy."""
    rng = np.random.default_rng(0)
    with open(root / "train.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "gender", "race", "age", "path"])
        for number, (gender, age) in enumerate(cast(PEOPLE, seed=0), start=1):
            path = f"{number:06d}_{gender}_{age}"
            (root / "images" / path).mkdir(parents=True)
            table.writerow([f"{number:06d}", gender, "synthetic", age, path])
            person = rng.normal((60 + 2 * age, 110, 150 if gender == "male" else 90), 25, (*BLOTS, 3))
            for shot in SHOTS:
                blots = np.clip(person + rng.normal(0, 25, person.shape), 0, 255).astype(np.uint8)
                photo = cv2.resize(blots, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
                cv2.imwrite(str(root / "images" / path / f"{shot}.jpg"), photo)
