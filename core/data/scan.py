"""A dataset folder becomes a samples table and a problems table."""

import hashlib
import json
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd

from core import places
from core.config.run_config import DataConfig
from core.data.images import NO_END
from core.data.labels.conflicts import copies, one_per_file, person_conflicts
from core.data.paths import followed
from core.data.persons import Persons, persons_of
from core.data.pictures.depth import dataset_bits, scaled_by
from core.data.pictures.depth_facts import depth_facts
from core.data.pictures.photo import BITS, bits_of
from core.data.reach import bounds, opening
from core.data.readers.attributes import problem
from core.data.readers.layouts import READERS, detect, not_read, reader_of
from core.data.readers.reading import Fact
from core.data.readers.set_aside import divided, leaks
from core.data.readers.spelling import one_spelling
from core.data.readers.tree import Tree, left_out_facts, list_tree
from core.data.readers.whom import with_persons
from core.data.tables.table import is_list, is_table
from core.data.values import OWN, Attribute, attributes
from core.data.verify import verify
from core.errors import LabError

COLUMNS = {
    "sample": "object",
    "path": "object",
    "person": "object",
    "person_known": "bool",
    "mask": "object",
    "gender": "object",
    "age": "float64",
    "label": "object",
    "row": "Int64",
    "bytes": "int64",
    "mtime_ns": "int64",
    "hash": "object",  # of its bytes: what a photo is known by; size and time only say when to look again
    "width": "int64",
    "height": "int64",
    BITS: "int64",
}
SOMETIMES = {"race": "object", "given_fold": "Int64"}  # columns of datasets that tell them
PROBLEM_COLUMNS = ["sample", "where", "kind", "problem", "remedy", "severity"]


@dataclass(frozen=True, eq=False)
class Scan:
    """What a dataset holds. A photo is in samples, or it is in problems with the reason. Equal only to itself.

    samples: one row a photo, sorted by sample. problems: severity "error" (the photo is not in samples) or "warning".
    set_aside: photos that are neither trained nor validated on, as samples with a column split (test or unlabelled).
    facts: what was understood, for a person to look at first. tables: of each file of labels its path in the dataset,
    its time and its size, as it was read.
    """

    root: str
    reader: str
    samples: pd.DataFrame
    problems: pd.DataFrame
    seconds: float
    set_aside: pd.DataFrame
    facts: tuple[Fact, ...] = ()
    tables: tuple[tuple[str, int, int], ...] = ()

    @property
    def persons(self) -> Persons:
        """How far it is known whom the photos show."""
        return persons_of(self.samples)

    @property
    def bits(self) -> int:
        """What its photos of more than 8 bits are scaled by; 0 where there is no need."""
        return max(bits_of(self.samples), bits_of(self.set_aside))

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """What the photos are labelled with, each with its values."""
        return attributes(self.samples)


def scan(
    data: DataConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    memory: Path | None = None,
    labels_read: Callable[[Scan], None] | None = None,
    runs: Path | None = None,
) -> Scan:
    """Read a dataset's labels and decode each photo once, or look at its header alone (data.decode).

    progress(done, total): photos, called at most ten times a second and at the end; what it raises ends the scan.
    threads: all cores if None. memory: a file in which verdicts on unchanged photos are kept between scans.
    labels_read(scan): called before any photo is opened, with what is understood by then; widths and heights are 0.
    runs: the folder of the runs that it is for, where that is not the lab's; a zip is to be unpacked for these.
    Raises LabError if the folder is missing, holds no images or has no layout that a reader knows, or lies where the
    lab does not look (kind 'not-allowed').
    """
    started = time.monotonic()
    tree = list_tree(_root(data.root, runs), data.follow_links)
    if not data.follow_links:
        _check_links(tree)
    if not tree.images and not tree.problems:
        others = [fact.text for fact in tree.facts if fact.kind == "pictures"]
        text = " ".join([f"dataset {tree.root}: no images in this folder{'.' if others else ''}", *others])
        raise LabError(text.removesuffix("."), "Choose the folder that holds them.", "empty")
    reader = reader_of(tree, data)
    # Before any of them is read: what is saved from here on is another one. Who chose a file that is not called as
    # tables are, or is hidden, has it looked at afterwards.
    stamps = {path: _stamp(tree.root, path) for path in tree.others if is_table(path) or is_list(path)}
    reading = READERS[reader](tree, data)
    tables = tuple((path, *(stamps.get(path) or _stamp(tree.root, path))) for path in reading.tables)
    photos, parts = divided(reading.photos, data)
    photos, nameless, persons = with_persons(photos, data, tree.root)
    unread = not_read(tree, data, reader, replace(reading, photos=photos))
    photos, spellings = one_spelling(photos)
    photos, twice = one_per_file(photos)
    photos, left_out = _fewer_people(photos, data.max_people)
    problems = tree.problems + reading.problems + nameless + twice + left_out

    present, ctimes = [], []
    for photo in photos:
        photo["path"] = str(tree.root / photo["sample"])
        if os.path.isabs(photo["real"]):  # behind a link out of the dataset, by consent
            photo["path"] = followed(tree.root, photo["sample"])
        try:
            status = os.stat(photo["path"])
        except OSError as error:
            text = f"is gone or cannot be looked at ({error.strerror})"
            problems.append(problem("missing-file", photo["sample"], photo["where"], text, "Scan again."))
            continue
        photo |= {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
        present.append(photo)
        ctimes.append(status.st_ctime_ns)

    def made(good: list[dict], problems: list[dict], facts: Sequence[Fact], *, ends: bool = True) -> Scan:
        """The scan of these photos. ends: nothing comes after it, so that the search for leaks is worth its time."""
        trained = [photo for photo in good if not photo["split"]]
        aside = [photo for photo in good if photo["split"]]
        problems = problems + person_conflicts(trained) + copies(trained) + (leaks(trained, aside) if ends else [])
        table = pd.DataFrame(problems, columns=PROBLEM_COLUMNS).astype("str")
        set_aside = _table(aside).assign(split=pd.Series([photo["split"] for photo in aside], dtype="object"))
        readers = (*tree.facts, *reading.facts, *unread, *parts, *persons, *spellings, *left_out_facts(reading))
        return Scan(
            root=str(tree.root),
            reader=reader,
            samples=_table(trained),
            problems=table.sort_values("severity", kind="stable", ignore_index=True),  # errors first
            seconds=time.monotonic() - started,
            set_aside=set_aside,
            facts=(*readers, *facts),
            tables=tables,
        )

    if labels_read:
        unseen = {"width": 0, "height": 0, BITS: 0}
        labels_read(made([photo | unseen for photo in present], problems, [], ends=False))
    decodes = data.decode == "before"
    files = [(photo["path"], photo["bytes"], photo["mtime_ns"]) for photo in present]
    good, endless = [], []  # endless: samples of photos that lack their end
    verdicts = verify(files, ctimes=ctimes, progress=progress, threads=threads, memory=memory, decodes=decodes)
    for photo, verdict in zip(present, verdicts, strict=True):
        kind, sample = verdict.kind, photo["sample"]
        if kind == NO_END:
            endless.append(sample)
        if kind and (kind != NO_END or data.truncated != "keep"):
            kind = "truncated" if kind == NO_END else kind
            problems.append(problem(kind, sample, sample, verdict.problem, verdict.remedy))
        else:
            size = {"width": verdict.width, "height": verdict.height}
            good.append(photo | size | {"hash": verdict.hash, "depth": verdict.deep})
    bits = dataset_bits([photo["depth"] for photo in good], data.bits)
    for photo in good:
        photo[BITS] = scaled_by(photo["depth"], bits)
    pictures = depth_facts([(photo["sample"], photo["depth"]) for photo in good], data.bits)
    later = [] if decodes else [_undecoded_fact(len(good))]
    return made(good, problems, [*later, *_endless_facts(endless, data), *pictures])


def labels_changed(scan: Scan) -> bool:
    """Whether a table of labels is another file by now than the one that was read, or is gone."""
    return any(_stamp(Path(scan.root), path) != tuple(stamp) for path, *stamp in scan.tables)


def _stamp(root: Path, path: str) -> tuple[int, int]:
    """Time and size of a file of a dataset; zeros where it cannot be looked at."""
    try:
        now = os.stat(root / path)
    except OSError:
        return 0, 0
    return now.st_mtime_ns, now.st_size


def detect_reader(root: str | Path) -> str:
    """mask, utkface, names, folders or csv. Raises LabError if the folder has none of these layouts."""
    return detect(list_tree(_root(root)))


def _endless_facts(samples: list[str], data: DataConfig) -> list[Fact]:
    """One line on JPEGs that lack only their end; nothing if there are none."""
    if not samples:
        return []
    count, named = len(samples), ", ".join(samples[:3]) + (", ..." if len(samples) > 3 else "")
    text = f"{count:,} JPEG{'s lack' if count > 1 else ' lacks'} the end of the file ({named}): "
    if data.truncated == "keep":
        text += "used as they are, as you agreed."
    else:
        text += "refused until you agree to use such photos as they are, since nearly all of their pixels are there."
    return [Fact("pictures", text, ("truncated",))]


def _undecoded_fact(photos: int) -> Fact:
    """That photos are known by their headers alone, and what a bad one does then."""
    number = "1 photo is" if photos == 1 else f"{photos:,} photos are"
    text = f"{number} known by the header alone: decoding is left to the first epoch, where a bad photo stops its fold "
    return Fact("pictures", f"{text}and is named.", ("decode",))


def _check_links(tree: Tree) -> None:
    """Raises LabError(kind 'links') for a folder in which there is nothing but links that wait for consent."""
    waiting = [fact for fact in tree.facts if fact.kind == "links"]
    if waiting and not tree.images and any(row["kind"] in ("outside", "link") for row in tree.problems):
        raise LabError(
            f"dataset {tree.root}: no images but those behind links. {waiting[0].text}",
            "Set data.follow_links, or copy the photos into the dataset.",
            "links",
        )


def _root(root: str | Path, runs: Path | None = None) -> Path:
    if not str(root).strip():
        raise LabError("dataset: no folder is given", "Enter the folder that holds the photos.", "missing")
    bounds.typed(root)
    path = Path(os.path.expanduser(str(root)))
    if path.is_file() and path.suffix.lower() == ".zip":
        unpack = f"python -m core unpack {shlex.quote(str(root))}{places.runs_option(runs or places.runs_folder())}"
        remedy = f"Drop it into the Launch page, or unpack it with: {unpack}"
        raise LabError(f"dataset {path}: is a zip", remedy, "missing")
    if path.is_file():
        raise LabError(f"dataset {path}: is a file", f"Enter its folder, {path.parent}.", "missing")
    if not path.is_dir():
        near = opening.alike(path, most=1)
        remedy = f"Check the spelling: did you mean {near[0]}?" if near else "Check the spelling."
        raise LabError(f"dataset {path}: there is no such folder", remedy, "missing")
    return path.resolve()


def _fewer_people(photos: list[dict], most: int | None) -> tuple[list[dict], list[dict]]:
    """The photos of at most so many people: the same ones each time, each kind of person in its share.

    Photos that are set aside stay and do not count.
    """
    everything = photos
    photos = [photo for photo in everything if not photo["split"]]
    kinds = {photo["person"]: (photo["label"], photo["gender"], photo["age"] // 30) for photo in photos}
    if most is None or len(kinds) <= most:
        return everything, []
    people = pd.DataFrame({"person": list(kinds), "kind": [str(kind) for kind in kinds.values()]})
    people["draw"] = [hashlib.sha256(person.encode()).hexdigest() for person in people["person"]]
    people = people.sort_values("draw")
    rank = people.groupby("kind").cumcount() + 0.5
    people["share"] = rank / people.groupby("kind")["person"].transform("size")
    chosen = set(people.sort_values(["share", "draw"])["person"][:most])
    used = [photo for photo in photos if photo["person"] in chosen]
    aside = [photo for photo in everything if photo["split"]]
    who = persons_of(pd.DataFrame(photos)).noun
    text = f"{most} of {len(kinds)} {who} are used ({len(used)} of {len(photos)} photos), as max_people says"
    return used + aside, [problem("max-people", "", "", text, "Nothing, or clear max_people.", "warning")]


def _table(photos: list[dict]) -> pd.DataFrame:
    columns = {}
    for name, kind in (COLUMNS | SOMETIMES).items():
        values = [photo.get(name) for photo in photos]
        if name in COLUMNS or any(value is not None for value in values):
            columns[name] = pd.Series(values, dtype=kind)
    for name in dict.fromkeys(name for photo in photos for name in photo["attributes"]):
        values = [photo["attributes"].get(name) for photo in photos]
        is_number = all(value is None or isinstance(value, float) for value in values)
        columns[OWN + name] = pd.Series(values, dtype="float64" if is_number else "object")
    return pd.DataFrame(columns)


def fingerprint(samples: pd.DataFrame, attributes: Sequence[str] = (), by: Literal["hash", "mtime_ns"] = "hash") -> str:
    """sha256 of what a training depends on: each sample, its file's size and content, its person and its labels, and
    the bits by which deep photos are scaled, where there are some.

    attributes: the columns of the dataset's own attributes that the classes are made of. by: mtime_ns goes by the
    files' times in place of their content, as runs of older labs did, which kept no hash. The same before and after the
    table went through a file; independent of the order of rows and of the root.
    """
    names = ["sample", "bytes", by, "person", "mask", "gender", "age", "label", *attributes]
    names += [BITS] if samples[BITS].any() else []
    columns = [samples[name].astype("object").where(samples[name].notna(), None).tolist() for name in names]
    digest = hashlib.sha256()
    for row in sorted(zip(*columns, strict=True), key=lambda row: row[0]):
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()
