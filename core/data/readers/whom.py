"""Whom a photo shows, by a folder on its path or one that is called as a person, a pattern on the whole path or a DICOM
file; what these suggest."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.data.persons import KNOWN, units
from core.data.pictures import dicom
from core.data.readers.attributes import problem
from core.data.readers.named.people import Called, persons_called
from core.data.readers.reading import Fact
from core.data.tables.joined import FEWEST
from core.errors import LabError
from core.text import listed, number_of, one_line

LOOKED_AT = 32  # DICOM files, of those of a dataset, before it is suggested that they name their patients


def with_persons(photos: list[dict], data: DataConfig, root: Path) -> tuple[list[dict], list[dict], list[Fact]]:
    """(the photos with the persons that data.persons asks for, problems, facts). For auto as the reader left them, but
    that folders which surely are called as persons tell them where nobody is known and no setting says how.

    root: of the dataset. Raises LabError where a pattern is wanted and none is given.
    """
    if data.persons == "none":
        return [photo | {"person": photo["sample"], "person_known": False} for photo in photos], [], []
    if data.persons == "folder":
        return _by_folder(photos)
    if data.persons == "path":
        return _by_path(photos, data)
    if data.persons == "patient":
        return _by_patient(photos, root)
    trained = [photo for photo in photos if not photo["split"]]
    is_chosen = data.persons == "named"
    nobody = not any(photo["person_known"] for photo in trained)
    aside = [photo for photo in photos if photo["split"]]
    called = persons_called(trained, aside) if is_chosen or nobody else None
    if called and (is_chosen or (called.is_sure and not data.person_pattern and not data.person_column)):
        return _by_name(photos, called, is_chosen=is_chosen)
    if is_chosen:
        raise LabError(
            "persons: no folders are called as persons, or each of them is a class of its own.",
            "Choose another way to tell the persons (data.persons).",
            "persons",
        )
    return photos, [], _suggested_patients(photos, root) or _suggested_names(trained, called) or _suggested(photos)


def _by_folder(photos: list[dict]) -> tuple[list[dict], list[dict], list[Fact]]:
    """The folder below the class, else above it; where a table tells the class, the one that holds the photo."""
    where = _where(photos)
    folder_of = {photo["sample"]: _folder(photo) for photo in photos}
    person_of = {sample: folder for sample, folder in folder_of.items() if folder}
    if not person_of:
        raise LabError(
            f"persons: there is no folder {where}.",
            "Choose another way to tell the persons (data.persons).",
            "persons",
        )
    photos = [
        photo
        | {"person": person_of.get(photo["sample"], photo["sample"]), "person_known": photo["sample"] in person_of}
        for photo in photos
    ]
    classes = defaultdict(set)
    for photo in photos:
        if photo["person_known"] and photo["label"] is not None:
            classes[photo["person"]].add(photo["label"])
    several = [person for person, labels in classes.items() if len(labels) > 1]
    text = f"The folder {where} is the person."
    if several:
        text += (
            f" {listed(several)} {'stand' if len(several) > 1 else 'stands'} in several classes and "
            f"{'count' if len(several) > 1 else 'counts'} as one person each."
        )
    return photos, [], [Fact("persons", text + _outside(len(photos) - len(person_of)), ("persons",))]


def _outside(photos: int) -> str:
    """A sentence on photos in no folder of a person; empty where there are none."""
    lie = "photos lie" if photos > 1 else "photo lies"
    return f" {photos:,} {lie} in no such folder: persons unknown." if photos else ""


def _by_name(photos: list[dict], called: Called, *, is_chosen: bool) -> tuple[list[dict], list[dict], list[Fact]]:
    """The folders that are called as persons. Where nobody chose them, those that are few, or of whom one has a third
    of the photos, or of whom one name stands in several places, are asked about."""
    photos = [
        photo
        | {
            "person": called.person_of.get(photo["sample"], photo["sample"]),
            "person_known": photo["sample"] in called.person_of,
        }
        for photo in photos
    ]
    held = Counter(photo["person"] for photo in photos if photo["person_known"] and not photo["split"])
    (person, most), *_ = held.most_common(1)
    are_few = len(held) < FEWEST or 3 * most >= held.total()
    text = f"By their names the folders {_folders(called)} are persons."
    text += f" {units(len(held), KNOWN)}, of which {one_line(person, 40)} has {number_of(most, 'photo')}." * are_few
    again = _again(called)
    text += again + _outside(len(photos) - len(called.person_of))
    is_asked = not is_chosen and (are_few or bool(again))
    return photos, [], [Fact("persons", text, ("persons", "person_pattern"), is_asked)]


def _folders(called: Called) -> str:
    return listed([f"{person}/" for person in sorted(called.places)])


def _again(called: Called) -> str:
    """Sentences on names that stand in several places, which may be numbers that begin anew in each; empty if none."""
    again = sorted(person for person, above in called.places.items() if len(above) > 1)
    if not again:
        return ""
    below = [f"{'/'.join(above) or '.'}/" for above in sorted(called.places[again[0]])]
    each = "counts as one person" if len(again) == 1 else "count as one person each"
    text = f" {listed(again)} {'stands' if len(again) == 1 else 'stand'} in several places, such as {listed(below)}, "
    text += f"and {each}. If they are others in each, choose the pattern on the whole path for the persons"
    depths = {len(above) for places in called.places.values() for above in places}
    return text + (f": ^({'/'.join(['[^/]+'] * (depths.pop() + 1))})/" if len(depths) == 1 else ".")


def _suggested_names(trained: list[dict], called: Called | None) -> list[Fact]:
    """That folders may be called as persons: of more than the classes, half with several photos, as in _suggested."""
    if called is None:
        return []
    held = Counter(called.person_of[each["sample"]] for each in trained if each["sample"] in called.person_of)
    labels = {each["label"] for each in trained}
    if len(held) <= len(labels) or 2 * sum(number > 1 for number in held.values()) < len(held):
        return []
    text = f"By their names the folders {_folders(called)} may be persons: {len(held):,} hold "
    return [Fact("persons", f"{text}{number_of(held.total(), 'photo')}.", ("persons",), probable=True)]


def _by_path(photos: list[dict], data: DataConfig) -> tuple[list[dict], list[dict], list[Fact]]:
    if not data.person_pattern:
        raise LabError(
            "persons: they are to be found in the path, but no person pattern is given.",
            "Give one, such as ^[^/]+/([^/]+)/ for the second folder (data.person_pattern).",
            "persons",
        )
    named, problems = by_pattern(photos, PersonPattern(data.person_pattern, whole_path=True))
    text = f"The person is what the pattern {data.person_pattern} finds in a photo's path."
    return named, problems, [Fact("persons", one_line(text), ("person_pattern", "persons"))]


def _by_patient(photos: list[dict], root: Path) -> tuple[list[dict], list[dict], list[Fact]]:
    """What each DICOM file says; nobody is known of the other photos."""
    patient_of = {photo["sample"]: _patient(photo, root) for photo in photos}
    patients = {patient for patient in patient_of.values() if patient}
    if not patients:
        raise LabError(
            "persons: no photo is a DICOM file that names its patient.",
            "Choose another way to tell the persons (data.persons).",
            "persons",
        )
    photos = [
        photo
        | {"person": patient_of[photo["sample"]] or photo["sample"], "person_known": bool(patient_of[photo["sample"]])}
        for photo in photos
    ]
    text = "The patient that a DICOM file names (PatientID) is the person."
    if unknown := sum(not patient for patient in patient_of.values()):
        text += f" {unknown:,} {'photos name' if unknown > 1 else 'photo names'} none: persons unknown."
    return photos, [], [Fact("persons", text, ("persons",))]


def _suggested_patients(photos: list[dict], root: Path) -> list[Fact]:
    """That DICOM files may tell the persons, of whom nobody is known; some of them are looked at."""
    files = [photo for photo in photos if photo["sample"].lower().endswith(dicom.SUFFIXES)]
    if any(photo["person_known"] for photo in photos):
        return []
    looked_at = files[:: max(1, -(-len(files) // LOOKED_AT))]
    patients = {patient for photo in looked_at if (patient := _patient(photo, root))}
    if len(patients) < 2:
        return []
    text = (
        f"DICOM files name their patients: {len(patients):,} in {len(looked_at):,} looked at. They may be the persons."
    )
    return [Fact("persons", text, ("persons",), probable=True)]


def _patient(photo: dict, root: Path) -> str | None:
    return dicom.patient(root / photo["real"]) if photo["sample"].lower().endswith(dicom.SUFFIXES) else None


def by_pattern(photos: list[dict], pattern: PersonPattern) -> tuple[list[dict], list[dict]]:
    """(the photos with the persons that a pattern finds, a problem for each to train on in which it finds nothing)."""
    named, problems = [], []
    for photo in photos:
        person = pattern.group(photo["sample"])
        if person is not None:
            named.append(photo | {"person": person, "person_known": True})
        elif photo["split"]:
            named.append(photo)
        else:
            where = "path" if pattern.whole_path else "name"
            text = f"the person pattern {pattern.pattern!r} finds nothing in its {where}"
            remedy = "Correct the pattern or the name, or leave it out."
            problems.append(problem("bad-name", photo["sample"], photo["where"], text, remedy))
    return named, problems


def _suggested(photos: list[dict]) -> list[Fact]:
    """A folder below or above the class that may be the person: more folders than classes, most with some photos."""
    trained = [photo for photo in photos if not photo["split"]]
    folders = Counter((photo["label"], photo["person_folder"]) for photo in trained)
    names = {folder for _, folder in folders}
    labels = {label for label, _ in folders}
    if not trained or None in names or any(photo["person"] != photo["sample"] for photo in trained):
        return []
    if len(names) <= len(labels) or 2 * sum(number > 1 for number in folders.values()) < len(folders):
        return []
    text = (
        f"The folder {_where(trained)} may be the person: {len(names):,} folders such as "
        f"{listed(sorted(names), 3)} hold {len(trained):,} photos."
    )
    return [Fact("persons", text, ("persons",), probable=True)]


def _where(photos: list[dict]) -> str:
    """Which folder may be the person, in words."""
    if any(photo["row"] is not None for photo in photos) or not _are_in_class_folders(photos):
        return "that holds a photo"
    for photo in photos:
        names = photo["sample"].split("/")
        if photo["person_folder"] and photo["label"] in names:
            below = names.index(photo["person_folder"]) > names.index(photo["label"])
            return "between class and photo" if below else "above the class"
    return "next to the class"


def _are_in_class_folders(photos: list[dict]) -> bool:
    """Whether folders name the classes, cat/ or cat_train/, and not the names of photos."""

    def words(text: str) -> str:
        return re.sub(r"[\W_]+", " ", text.casefold()).strip()

    labelled = [photo for photo in photos if photo["label"] is not None]
    return not labelled or any(words(each["label"]) in words(each["sample"].rpartition("/")[0]) for each in labelled)


def _folder(photo: dict) -> str | None:
    """Where a table tells the class, the folder that holds the photo."""
    if photo["row"] is not None:
        return photo["sample"].rpartition("/")[0] or None
    return photo["person_folder"]
