"""List the images of a dataset folder without ever leaving it, and without overlooking one."""

import os
import posixpath
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from core.data.images import SUFFIXES
from core.data.paths import inside
from core.data.pictures import dicom
from core.data.pictures.decoders import DICOM_REMEDY
from core.data.reach import bounds
from core.data.reach.opening import listing
from core.data.readers.attributes import problem
from core.data.readers.reading import Fact, Reading
from core.data.readers.systems import SYSTEM_FILES, SYSTEM_FOLDERS
from core.errors import LabError
from core.text import listed

# Pictures that the lab does not read, by suffix: what they are, and what to do.
OF_CAMERAS = "raw photos of cameras", "Export them as JPEG or PNG."
OTHER_PICTURES = dict.fromkeys(dicom.SUFFIXES, ("DICOM", DICOM_REMEDY))  # where their package is not installed
OTHER_PICTURES |= dict.fromkeys((".nii", ".nii.gz"), ("NIfTI", "Export each slice as PNG."))
OTHER_PICTURES |= dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"), OF_CAMERAS)
OTHER_PICTURES |= dict.fromkeys((".jp2", ".jxl", ".psd", ".svg"), ("other pictures", "Convert them to JPEG or PNG."))
MOST_TIMES = 16  # that one folder is listed, when many links lead to it


@dataclass(frozen=True)
class Tree:
    """Paths are posix and relative to root; what is hidden (.DS_Store, ._x) or a system's own (@eaDir) is left out.

    images: path -> the file it really is; they differ where the path is a link to a file of the same dataset. It is
    absolute where the file lies out of the dataset, behind a link that is followed.
    others: files that are not images. problems: rows for the problems table. facts: what was left out or taken as one.
    """

    root: Path
    images: dict[str, str]
    others: list[str]
    problems: list[dict]
    facts: list[Fact] = field(default_factory=list)

    @cached_property
    def top(self) -> str | None:
        """The lowest folder that holds all photos, "" for the root; None where there is no photo."""
        folders = {path.rpartition("/")[0] for path in self.images}
        return posixpath.commonpath(folders) if folders else None


def list_tree(root: Path, follow_links: bool = False) -> Tree:
    """Walk a folder (root: resolved). A loop of links ends, also where links are followed.

    follow_links: the user's consent to photos behind links to folders, and behind links that lead out of the dataset.
    Raises LabError when the root itself cannot be listed, (kind 'not-allowed') where the lab does not look.
    """
    bounds.check(root)
    walk = _Walk(root, follow_links)
    while walk.folders:
        walk.list_one(*walk.folders.pop())
    tree = walk.tree
    facts = _system_fact(walk.left_out) + _link_facts(walk) + _other_pictures(tree.others)
    return Tree(root, dict(sorted(tree.images.items())), sorted(tree.others), tree.problems, facts)


class _Walk:
    """What is still to be listed, and what was seen so far."""

    def __init__(self, root: Path, follow_links: bool):
        self.tree = Tree(root, {}, [], [])
        self.follow_links = follow_links
        # folder, and the real folders in which links were crossed on the way to it, the last one what it really is
        self.folders: list[tuple[str, tuple[Path, ...]]] = [("", ())]
        self.left_out: Counter[tuple[str, bool]] = Counter()  # (name, is a folder) of what systems put there
        self.links: list[str] = []  # followed, or else left alone though they lead to folders or out of the dataset
        self.times: Counter[Path] = Counter()  # how often a folder was reached through links

    def list_one(self, folder: str, trail: tuple[Path, ...]) -> None:
        root = self.tree.root
        try:
            with listing(root / folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    self.look_at(entry, folder, trail)
        except OSError as error:
            if not folder:
                raise LabError(
                    f"dataset {root}: cannot be listed ({error.strerror})", "Check its permissions.", "no-access"
                ) from error
            text = f"the folder cannot be listed ({error.strerror})"
            self.problem("no-access", folder, text, "Check its permissions.")

    def look_at(self, entry: os.DirEntry, folder: str, trail: tuple[Path, ...]) -> None:
        is_link, is_folder = entry.is_symlink(), entry.is_dir(follow_symlinks=False)
        if is_link:
            is_folder = entry.name.lower() in SYSTEM_FOLDERS
        if entry.name.lower() in (SYSTEM_FOLDERS if is_folder else SYSTEM_FILES):
            self.left_out[entry.name, is_folder] += 1
            return
        if entry.name.startswith("."):
            return
        path = f"{folder}/{entry.name}".lstrip("/")
        if is_folder:
            self.folders.append((path, (*trail[:-1], trail[-1] / entry.name) if trail else ()))
        elif self.has_a_name(path):
            if is_link:
                self.add_link(path, trail)
            else:
                self.add_file(path, entry, trail)

    def problem(self, kind: str, path: str, text: str, remedy: str, severity: str = "error") -> None:
        self.tree.problems.append(problem(kind, path, path, text, remedy, severity))

    def has_a_name(self, path: str) -> bool:
        try:
            path.encode()
        except UnicodeEncodeError:
            name = path.encode("utf-8", "backslashreplace").decode()
            self.problem("bad-name", name, "its name is not valid UTF-8", "Rename it (an archive unpacked wrongly?).")
            return False
        return True

    def add_file(self, path: str, entry: os.DirEntry, trail: tuple[Path, ...]) -> None:
        real = _from_root(self.tree.root, trail[-1] / entry.name) if trail else path
        if not entry.is_file(follow_symlinks=False):
            self.no_file(path, "is not a regular file")
        elif _is_image(path):
            self.tree.images[path] = real
        elif not os.path.isabs(real):  # a table out of the dataset is not opened
            self.tree.others.append(path)

    def no_file(self, path: str, text: str) -> None:
        """A pipe, a socket, a device: whoever opened a pipe that is called labels.csv would wait for its other end."""
        self.problem("unreadable", path, text, "Remove it.", "error" if _is_image(path) else "warning")

    def add_link(self, path: str, trail: tuple[Path, ...]) -> None:
        root = self.tree.root
        real = inside(root, path)
        if self.follow_links and (real is None or (root / real).is_dir()):
            self.follow(path, trail)
        elif real is None:
            self.links.append(path)
            remedy = "Agree to follow links (data.follow_links), or copy what it points to into the dataset."
            self.problem("outside", path, "is a link that leads out of the dataset; it is not followed", remedy)
        elif (root / real).is_dir():
            self.links.append(path)
            text = f"is a link to {real or 'the dataset itself'}; photos count once, where they really are"
            self.problem("link", path, text, "Nothing, or remove the link.", "warning")
        elif (root / real).exists() and not (root / real).is_file():
            self.no_file(path, "is a link to what is not a regular file")
        elif not _is_image(path):
            self.tree.others.append(path)
        elif (root / real).is_file():
            self.tree.images[path] = real
        else:
            text = f"is a link to {real}, which is not there"
            self.problem("missing-file", path, text, "Put the file there, or remove the link.")

    def follow(self, path: str, trail: tuple[Path, ...]) -> None:
        """By consent: a link to a folder, or out of the dataset."""
        root = self.tree.root
        target = Path(os.path.realpath(root / path))
        if not bounds.is_allowed(target):
            text = "is a link out of the folders in which this lab looks; it is not followed"
            self.problem(bounds.KIND, path, text, f"Copy what it points to into the dataset. {bounds.remedy()}")
            return
        try:
            mode = os.stat(root / path).st_mode
        except OSError as error:
            text = f"is a link to {target}, which cannot be reached ({error.strerror})"
            self.problem("missing-file", path, text, "Put the file there, or remove the link.")
            return
        crossed = trail or (root / path.rpartition("/")[0],)
        if stat.S_ISDIR(mode):
            if any(place.is_relative_to(target) for place in crossed):
                text = f"is a link back to {_from_root(root, target) or 'the dataset itself'}; the loop ends here"
                self.problem("link", path, text, "Nothing, or remove the link.", "warning")
            elif self.times[target] >= MOST_TIMES:
                text = f"{target} is reached through {MOST_TIMES} links already; this one is not followed"
                self.problem("link", path, text, "Remove links to it, so that its photos have one label.")
            else:
                self.times[target] += 1
                self.links.append(path)
                self.folders.append((path, (*crossed, target)))
        elif not _is_image(path):
            text = "is a link out of the dataset to a file that is no photo; it is not opened"
            self.problem("outside", path, text, "Copy it into the dataset if it is needed.", "warning")
        elif stat.S_ISREG(mode):
            self.links.append(path)
            self.tree.images[path] = _from_root(root, target)
        else:
            self.no_file(path, "is a link to what is not a regular file")


def _is_image(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in SUFFIXES


def _from_root(root: Path, real: Path) -> str:
    """A real path as Tree.images has it: relative to the root, or absolute where it lies outside; "" for the root."""
    if not real.is_relative_to(root):
        return str(real)
    relative = real.relative_to(root).as_posix()
    return "" if relative == "." else relative


def _other_pictures(others: list[str]) -> list[Fact]:
    """One line for each kind of picture that the lab does not read, with the remedy."""
    suffixes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for path in others:
        name = path.rpartition("/")[2].lower()
        suffix = ".nii.gz" if name.endswith(".nii.gz") else PurePosixPath(name).suffix
        if suffix in OTHER_PICTURES:
            suffixes[OTHER_PICTURES[suffix]][suffix] += 1
    return [
        Fact("pictures", f"Not read: {counts.total():,} of {', '.join(sorted(counts))} ({noun}). {remedy}")
        for (noun, remedy), counts in sorted(suffixes.items())
    ]


def _link_facts(walk: _Walk) -> list[Fact]:
    """One line on the links that are followed, or that wait for consent; nothing if there are none."""
    if not walk.links:
        return []
    links, count = sorted(walk.links), len(walk.links)
    names = ", ".join(links[:3]) + (f" and {count - 3:,} more" if count > 3 else "")
    if walk.follow_links:
        outside = sum(os.path.isabs(real) for real in walk.tree.images.values())
        text = f"{count:,} link{'s are' if count > 1 else ' is'} followed ({names}), as you agreed; "
        text += f"{outside:,} photo{'s lie' if outside != 1 else ' lies'} out of the dataset's folder."
    else:
        text = (
            f"{count:,} link{'s are' if count > 1 else ' is'} not followed ({names}): they lead to folders or out of "
        )
        text += "the dataset. Agree to follow links to read the photos behind them."
    return [Fact("links", text, ("follow_links",))]


def _system_fact(left_out: Counter[tuple[str, bool]]) -> list[Fact]:
    """One line on the folders and files of a system that are no part of the dataset; nothing if there are none."""
    parts = []
    for is_folder, noun in ((True, "folder"), (False, "file")):
        names = sorted({name for name, folder in left_out if folder is is_folder})
        count = sum(left_out[name, is_folder] for name in names)
        if names:
            parts.append(f"{count:,} {noun}{'s'[: count > 1]} ({', '.join(names)})")
    if not parts:
        return []
    text = f"Left out, as the storage's or the system's own: {' and '.join(parts)}."
    return [Fact("left-out", text)]


def is_above_photos(path: str, tree: Tree) -> bool:
    """Whether a file lies in the root, or in a folder that holds all photos of the dataset, as at the top of a zip."""
    folder = path.rpartition("/")[0]
    return not folder or tree.top is None or f"{tree.top}/".startswith(f"{folder}/")


def by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """Paths grouped by the folder that holds them; "" is the root."""
    groups = defaultdict(list)
    for path in paths:
        groups[path.rpartition("/")[0]].append(path)
    return groups


def left_over(tree: Tree, used: set[str], why: str) -> list[dict]:
    """A warning for each folder with images that no sample uses, or with other files among its images.

    Where they are images the row says which (pictures) and why, for `left_out_facts`.
    """
    images, unused, others = (by_folder(paths) for paths in (tree.images, tree.images.keys() - used, tree.others))
    warnings = []
    for folder in sorted(images):
        for paths, text in ((unused.get(folder), why), (others.get(folder), "not an image")):
            if paths and set(paths) - used:
                names = [path.rpartition("/")[2] for path in sorted(set(paths) - used)]
                listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
                text = f"{len(names)} file{'s'[: len(names) > 1]} left out, {text}: {listed}"
                row = problem("left-over", folder, f"{folder or '.'}/", text, "Nothing, if that is right.", "warning")
                warnings.append(
                    row | ({"pictures": sorted(set(paths) - used), "why": why} if paths is unused.get(folder) else {})
                )
    return warnings


def left_out_facts(reading: Reading) -> list[Fact]:
    """The pictures that no sample uses, one fact for each reason; none where a reader told it."""
    pictures: dict[str, list[str]] = defaultdict(list)
    if any(fact.kind == "left-out" for fact in reading.facts):
        return []
    for row in reading.problems:
        if row.get("pictures"):
            pictures[row["why"]] += row["pictures"]
    return [
        Fact("left-out", f"Left out: {len(paths):,} picture{'s'[: len(paths) > 1]} {why}: {listed(paths)}.")
        for why, paths in pictures.items()
    ]
