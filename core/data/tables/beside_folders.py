"""Which of both names the classes: the folders of photos, or a table that names the same photos.

cells_of: photo -> meaning -> cell of the table. folder_of: photo -> the folder that would be its class. nothing: what
says nothing in a cell. All words folded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from core.data.tables.words import says_nothing


def are_other_classes(
    cells_of: Mapping[str, Mapping[str, str]], folder_of: Mapping[str, str], nothing: frozenset[str]
) -> bool:
    """Whether by the table the folders are no classes: fewer than half of its labels are called as a folder is (a
    number: as the photo's own), as what somebody predicted would be. A gender, age or mask alone is no other class; but
    folders of persons are none."""
    folders = set(folder_of.values())
    if labels := _by_folder("label", cells_of, folder_of, nothing):
        alike = [label == folder or (label in folders and not label.isdecimal()) for folder, label in labels]
        return 2 * sum(alike) < len(alike)
    persons, genders = (set(_by_folder(meaning, cells_of, folder_of, nothing)) for meaning in ("person", "gender"))
    hold_one_person, hold_one_gender = (
        Counter(folder for folder, _ in cells) == Counter(folders) for cells in (persons, genders)
    )
    return hold_one_person or (hold_one_gender and len(folders) > len({gender for _, gender in genders}))


def are_the_folders(
    cells_of: Mapping[str, Mapping[str, str]], folder_of: Mapping[str, str], photos: Iterable[str]
) -> bool:
    """Whether the table labels each of these photos as its folder is called."""
    return all(photo in folder_of and cells_of.get(photo, {}).get("label") == folder_of[photo] for photo in photos)


def _by_folder(
    meaning: str, cells_of: Mapping[str, Mapping[str, str]], folder_of: Mapping[str, str], nothing: frozenset[str]
) -> list[tuple[str, str]]:
    """(folder, cell) of each photo that has both."""
    both = ((folder_of[photo], cells.get(meaning, "")) for photo, cells in cells_of.items() if photo in folder_of)
    return [(folder, cell) for folder, cell in both if not says_nothing(cell, nothing)]
