"""Photos and people about which a dataset says two things."""

from collections import defaultdict
from typing import Any

from core.data.readers.attributes import TEST, UNLABELLED, problem
from core.text import in_full, number_of

SPLITS = (TEST, "", UNLABELLED)  # the first one that a file has counts
LABELS = ("label", "mask", "gender", "age")
OF_A_PERSON = ("gender", "age", "label", "race")  # about which photos of one person are expected to agree
MOST_DISAGREE = 0.1  # of the people with several photos; an attribute in which more do is one of photos, as a smile is
FEWEST_DIFFER = 3  # people whose photos differ in label, and half of all: it is one of photos, too
SHOWN = 20


def one_per_file(photos: list[dict]) -> tuple[list[dict], list[dict]]:
    """(photos sorted by sample with each file once, problems).

    A file named twice (two rows, or a link) stays once if both say the same, and is left out if they disagree. One that
    is trained on and in the test set, too, is of the test set alone; one without a label elsewhere has that label.
    """
    files = defaultdict(list)
    for photo in sorted(photos, key=lambda photo: photo["sample"]):
        files[photo["real"]].append(photo)
    unique, problems = [], []
    for same in files.values():
        same.sort(key=lambda photo: (SPLITS.index(photo["split"]), photo["sample"]))
        if not all(photo["split"] == UNLABELLED for photo in same):
            same = [photo for photo in same if photo["split"] != UNLABELLED]
        first = same[0]
        if len(same) > 1:
            wheres = _both(same)
            difference = _difference(same)
            if difference:
                text = f"the same photo has {difference}"
                remedy = "Correct one of them, or leave the photo out."
                problems += [
                    problem("label-conflict", photo["sample"], wheres, text, remedy) for photo in _samples(same)
                ]
                continue
            text = f"the same photo stands there {len(same)} times; it is used once"
            problems.append(problem("duplicate", first["sample"], wheres, text, "Nothing, or remove one.", "warning"))
        unique.append(first)
    return sorted(unique, key=lambda photo: photo["sample"]), problems


def person_conflicts(photos: list[dict]) -> list[dict]:
    """Warnings for people whose photos disagree on gender, on age by more than a year, on race, on the label, or on an
    attribute of the dataset's own on which nearly everybody's photos agree.

    They stay one person, so that all their photos stand in one fold. More than SHOWN people are told in one line, and
    all of them where most people have photos of several labels.
    """
    people = defaultdict(list)
    for photo in photos:
        people[photo["person"]].append(photo)
    disagreements = defaultdict(list)
    own = list(dict.fromkeys(name for photo in photos for name in photo.get("attributes", ())))
    several = {name: 0 for name in (*OF_A_PERSON, *own)}
    for person, same in people.items():
        for name in (*OF_A_PERSON, *own) if len(same) > 1 else ():
            said = [value for photo in same if _known(value := _says(photo, name))]
            values = sorted(set(said))
            several[name] += len(said) > 1
            if len(values) > 1 and not (name == "age" and values[-1] - values[0] <= 1):
                ends = [next(photo for photo in same if _says(photo, name) == end) for end in (values[0], values[-1])]
                disagreements[name].append((person, ends))
    for name in own:
        if len(disagreements[name]) > MOST_DISAGREE * several[name]:
            del disagreements[name]
    problems = []
    if (differ := len(disagreements["label"])) >= FEWEST_DIFFER and 2 * differ > several["label"]:
        _, ends = disagreements.pop("label")[0]
        labels = " and ".join(_show(_says(photo, "label")) for photo in ends)
        text = f"{differ} of {several['label']} people have photos of several classes ({labels}); each stays one person"
        remedy = "Nothing, if a person may be of several classes. Else correct their labels."
        problems.append(problem("label-conflict", ends[1]["sample"], _both(ends), text, remedy, "warning"))
    for name, cases in disagreements.items():
        for person, ends in cases[:SHOWN]:
            both = " and ".join(_show(_says(photo, name)) for photo in ends)
            text = f"person {person!r} has {name} {both}; all photos stay one person"
            remedy = f"Correct the {name}, or nothing if the person's photos really differ in it."
            problems.append(problem("label-conflict", ends[1]["sample"], _both(ends), text, remedy, "warning"))
        if len(cases) > SHOWN:
            text = f"{len(cases) - SHOWN} more people have photos that differ in {name}"
            problems.append(problem("label-conflict", "", "", text, "Nothing, if that is right.", "warning"))
    return problems


def copies(photos: list[dict]) -> list[dict]:
    """Two warnings at most, about photos of different people that are the same, byte by byte: those that are labelled
    otherwise, and the others. A photo without a hash, before it is read, is no copy."""
    files = defaultdict(list)
    for photo in photos:
        if photo.get("hash"):
            files[photo["hash"]].append(photo)
    groups = [group for group in files.values() if len({photo["person"] for photo in group}) > 1]
    judged = [(group, *_first_that_differ(group)) for group in groups]
    problems = []
    for kind in ("label-conflict", "copy"):
        cases = [(group, pair, differ) for group, pair, differ in judged if bool(differ) == (kind == "label-conflict")]
        if not cases:
            continue
        _, (first, second), differ = cases[0]
        text = f"{number_of(sum(len(group) for group, *_ in cases), 'photo')} are the same as another, byte by byte"
        if differ:
            text += f", and labelled otherwise: {first['sample']} is {second['sample']} ({differ})"
            remedy = "Correct the labels, or leave the copies out."
        else:
            text += f", and may stand in different folds: {first['sample']} is {second['sample']}"
            remedy = "Leave the copies out, or make them one person; else what is trained on is validated on, too."
        problems.append(problem(kind, second["sample"], _both([first, second]), text, remedy, "warning"))
    return problems


def _first_that_differ(same: list[dict]) -> tuple[list[dict], str]:
    """(two photos, what their labels differ in, such as "label cat and dog"); any two and "" where nothing does."""
    own = (name for photo in same for name in photo.get("attributes", ()))
    for name in dict.fromkeys((*LABELS, *own)):
        first, *others = [photo for photo in same if _known(_says(photo, name))] or same
        for other in others:
            values = [_says(first, name), _says(other, name)]
            if all(map(_known, values)) and values[0] != values[1]:
                return [first, other], f"{name} {_show(values[0])} and {_show(values[1])}"
    return same[:2], ""


def _difference(same: list[dict]) -> str:
    """What photos of one file disagree in, such as "gender female and male"; "" if in nothing."""
    own = list(dict.fromkeys(name for photo in same for name in photo["attributes"]))
    for name in (*LABELS, *own, "person"):
        if name in own:
            values = {photo["attributes"].get(name) for photo in same}
        elif name == "person":  # a photo without a known person is its own, by its name
            values = {photo["person"] for photo in same if photo["person"] != photo["sample"]}
        else:
            values = {photo[name] if _known(photo[name]) else None for photo in same}
        if len(values) > 1:
            return f"{name} {' and '.join(sorted(map(_show, values)))}"
    return ""


def _says(photo: dict, name: str) -> Any:
    """What a photo says of an attribute, one of the dataset's own or any other."""
    own = photo.get("attributes", {})
    return own[name] if name in own else photo.get(name)


def _known(value: object) -> bool:
    return value is not None and value == value  # NaN is the one value that differs from itself


def _show(value: object) -> str:
    return "unknown" if value is None else in_full(value) if isinstance(value, float) else str(value)


def _samples(same: list[dict]) -> list[dict]:
    return list({photo["sample"]: photo for photo in same}.values())


def _both(same: list[dict]) -> str:
    """ "train.csv row 3 and row 9", or the two paths."""
    first, *rest = dict.fromkeys(photo["where"] for photo in same)
    name = first.rpartition(" row ")[0]
    if name:
        rest = [where.removeprefix(f"{name} ") for where in rest]
    return " and ".join([first, *rest])
