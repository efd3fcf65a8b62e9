"""The reader of UTKFace: ages, genders and races in the names of photos."""

from __future__ import annotations

import re

from core.config.run_config import DataConfig
from core.data.readers.attributes import photo, problem
from core.data.readers.named.pieces import words_around
from core.data.readers.reading import Reading
from core.data.readers.set_aside import parted_by_folders
from core.data.readers.tree import Tree, left_over

_NAME = re.compile(r"(\d{1,3})_(\d)_(\d)_\d{6,}(?!\d)")
_PIECE = {"crop", "cropped"}  # words in the names of the pieces that it comes in, beside part_1
_RACES = ("White", "Black", "Asian", "Indian", "Others")


def is_utkface(tree: Tree) -> bool:
    """Whether more than half of the photos are called so."""
    names = [path.rpartition("/")[2] for path in tree.images]
    return 2 * sum(_NAME.match(name) is not None for name in names) > len(names)


def read_utkface(tree: Tree, data: DataConfig) -> Reading:
    """<age>_<gender: 0 male, 1 female>_<race>_<date and time>... in the file name; no person is known. Of folders those
    of a test set are set aside."""
    photos, problems = [], []
    for path, real in tree.images.items():
        match = _NAME.match(path.rpartition("/")[2])
        if match is None:
            kind, text = "bad-name", "its name is not age_gender_race_time"
        elif int(match[1]) > 120:
            kind, text = "bad-age", f"age {match[1]} is not between 0 and 120"
        elif int(match[2]) > 1:
            kind, text = "bad-gender", f"gender {match[2]} is neither 0 (male) nor 1 (female)"
        elif int(match[3]) >= len(_RACES):
            kind, text = "bad-name", f"race {match[3]} is not between 0 and 4"
        else:
            gender = ("male", "female")[int(match[2])]
            photos.append(photo(path, real, gender=gender, age=float(match[1]), race=_RACES[int(match[3])]))
            continue
        problems.append(problem(kind, path, path, text, "Rename it, or leave it out."))
    return Reading(parted_by_folders(photos), problems + left_over(tree, set(tree.images), ""))


def is_piece_of_utkface(folder: str) -> bool:
    around = words_around(folder)
    return folder.lower().startswith("utkface") or (around is not None and around <= _PIECE)
