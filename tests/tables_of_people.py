"""Datasets as people have them: a table of attributes beside drawn photos."""

from tests.photos import draw

AGES = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"]
RACES = ["East Asian", "Indian", "Black", "White", "Middle Eastern", "Latino_Hispanic", "Southeast Asian"]


def fairface(root, photos=54):
    """Two tables as FairFace has them, with ranges of age in words, races of several words and True or False."""
    number = 0
    for part, share in (("train", 2 / 3), ("val", 1 / 3)):
        lines = ["file,age,gender,race,service_test"]
        for i in range(1, round(photos * share) + 1):
            number += 1
            draw(root / f"{part}/{i}.jpg", (number, 3 * number % 250, 7 * number % 250), size=(64, 64))
            gender, race = ("Male", "Female")[number % 2], RACES[number % 7]
            lines.append(f"{part}/{i}.jpg,{AGES[number // 2 % 9]},{gender},{race},{number % 3 > 0}")
        (root / f"fairface_label_{part}.csv").write_text("\n".join(lines) + "\n")
    return root


def hair(root, photos=48):
    """One table: hair of three colours, smiling or not, a height, and the person, each in two photos."""
    lines = ["image,person,hair,smiling,height_cm"]
    for i in range(photos):
        person = i // 2
        height = 150 + 20 * (person // 3 % 3) + person % 3 + i % 4
        draw(root / f"{i}.jpg", (i, 5 * i % 250, 11 * i % 250), size=(64, 64))
        lines.append(f"{i}.jpg,p{person},{('dark', 'fair', 'red')[person % 3]},{i % 2},{height}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root
