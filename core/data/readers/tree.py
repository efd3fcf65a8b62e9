"""List the images of a dataset folder without ever leaving it, and without overlooking one."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.data.images import SUFFIXES
from core.data.paths import inside
from core.data.readers.attributes import problem
from core.data.readers.reading import Fact, Reading
from core.errors import LabError

# What network storage, operating systems, archives and editors put beside photos: thumbnails, bins, copies.
SYSTEM_FOLDERS = {"@eadir", "@recycle", "@recently-snapshot", "@tmp", "@__thumb", "#recycle", "#snapshot"}
SYSTEM_FOLDERS |= {"__macosx", ".thumbnails", "lost+found", "$recycle.bin", "recycler", "system volume information"}
SYSTEM_FOLDERS |= {".git", ".ipynb_checkpoints", ".trashes", ".spotlight-v100", ".fseventsd", "__pycache__"}
SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Tree:
    """Paths are posix and relative to root; what is hidden (.DS_Store, ._x) or a system's own (@eaDir) is left out.

    images: path -> the file it really is; they differ where the path is a link to a file of the same dataset.
    others: files that are not images. problems: rows for the problems table. facts: what was left out or taken as one.
    """

    root: Path
    images: dict[str, str]
    others: list[str]
    problems: list[dict]
    facts: list[Fact] = field(default_factory=list)


def list_tree(root: Path) -> Tree:
    """Walk a folder (root: resolved). Links to folders are not followed, so a loop of links cannot catch it.

    Raises LabError when the root itself cannot be listed.
    """
    tree = Tree(root, {}, [], [])
    folders = [""]
    left_out: Counter[tuple[str, bool]] = Counter()  # (name, is a folder) of what systems put there
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not folder:
                raise LabError(
                    f"dataset {root}: cannot be listed ({error.strerror})", "Check its permissions.", "no-access"
                ) from error
            text = f"the folder cannot be listed ({error.strerror})"
            tree.problems.append(problem("no-access", folder, folder, text, "Check its permissions."))
            continue
        for entry in listed:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.lower() in (SYSTEM_FOLDERS if is_folder else SYSTEM_FILES):
                left_out[entry.name, is_folder] += 1
                continue
            if entry.name.startswith("."):
                continue
            path = f"{folder}/{entry.name}".lstrip("/")
            if is_folder:
                folders.append(path)
            else:
                _add_file(tree, path, entry)
    facts = _system_fact(left_out)
    return Tree(root, dict(sorted(tree.images.items())), sorted(tree.others), tree.problems, facts)


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


def _add_file(tree: Tree, path: str, entry: os.DirEntry) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        name = path.encode("utf-8", "backslashreplace").decode()
        text = "its name is not valid UTF-8"
        tree.problems.append(problem("bad-name", name, name, text, "Rename it (often an archive unpacked wrongly)."))
        return
    is_image = PurePosixPath(path).suffix.lower() in SUFFIXES
    if entry.is_symlink():
        _add_link(tree, path, is_image)
    elif not is_image:
        tree.others.append(path)
    elif entry.is_file(follow_symlinks=False):
        tree.images[path] = path
    else:
        tree.problems.append(problem("unreadable", path, path, "is not a regular file", "Remove it."))


def _add_link(tree: Tree, path: str, is_image: bool) -> None:
    real = inside(tree.root, path)
    if real is None:
        text = "is a link that leads out of the dataset; it is not followed"
        tree.problems.append(problem("outside", path, path, text, "Copy what it points to into the dataset."))
    elif (tree.root / real).is_dir():
        text = f"is a link to {real or 'the dataset itself'}; photos count once, where they really are"
        tree.problems.append(problem("link", path, path, text, "Nothing, or remove the link.", "warning"))
    elif not is_image:
        tree.others.append(path)
    elif (tree.root / real).is_file():
        tree.images[path] = real
    else:
        text = f"is a link to {real}, which is not there"
        tree.problems.append(problem("missing-file", path, path, text, "Put the file there, or remove the link."))


def by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """Paths grouped by the folder that holds them; "" is the root."""
    groups = defaultdict(list)
    for path in paths:
        groups[path.rpartition("/")[0]].append(path)
    return groups


def left_over(tree: Tree, used: set[str], why: str) -> list[dict]:
    """A warning for each folder with images that no sample uses, or with other files among its images.

    Where they are images the row says how many (pictures) and why, for `left_out_facts`.
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
                warnings.append(row | ({"pictures": len(names), "why": why} if paths is unused.get(folder) else {}))
    return warnings


def left_out_facts(reading: Reading) -> list[Fact]:
    """The pictures that no sample uses, one fact for each reason; none where a reader told it."""
    pictures: dict[str, int] = defaultdict(int)
    if any(fact.kind == "left-out" for fact in reading.facts):
        return []
    for row in reading.problems:
        if row.get("pictures"):
            pictures[row["why"]] += row["pictures"]
    return [Fact("left-out", f"Left out: {n:,} picture{'s'[: n > 1]} {why}.") for why, n in pictures.items()]
