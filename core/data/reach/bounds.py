"""Where this process may look for datasets: anywhere, or in some folders alone. Opens nothing, imports no torch.

What is held to stands in the environment, so that a process that is started from here (a worker, a loader of batches)
looks no further by itself. Who holds: the lab's pages, and a worker that trains what they launched. The command line is
whoever has the account; it looks where that account may.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from core import places
from core.errors import LabError
from core.storage import lab_file
from core.text import listed

GIVEN = "FACET_LOOKS_IN"
KIND = "not-allowed"  # of the LabError
ASK = "Ask who runs the lab to add the folder to lab.toml ([data] folders)."
PAGE, COMMAND_LINE = "page", "command line"  # who asked for a run
_ANYWHERE = "anywhere"


class Allowed(NamedTuple):
    """folders: those that were named for datasets. own: of the lab, where the demo and unpacked zips lie. All real
    paths: no link leads out of one."""

    folders: tuple[str, ...]
    own: tuple[str, ...]


def allowed() -> Allowed | None:
    """None where this process may look anywhere."""
    text = os.environ.get(GIVEN, _ANYWHERE)
    return None if text == _ANYWHERE else _read(text)


def hold(folders: Sequence[str | Path] | None, runs: Path | None = None) -> None:
    """From now on this process, and all that it starts, looks in these folders and the lab's own alone; None: anywhere,
    as far as the lab is concerned.

    folders: absolute; a link among them is followed now. runs: runs_folder() if None.
    """
    text = _ANYWHERE
    if folders is not None:
        own = (places.demo_folder(), places.datasets_folder(runs))
        text = json.dumps([[os.path.realpath(folder) for folder in each] for each in (folders, own)])
    if os.environ.get(GIVEN) != text:  # seldom: libraries of other threads read the environment
        os.environ[GIVEN] = text


@contextlib.contextmanager
def holding(folders: Sequence[str | Path] | None, runs: Path | None = None) -> Iterator[None]:
    """`hold` for a while. For a process that does one thing at a time: it holds for all its threads."""
    before = os.environ.get(GIVEN)
    hold(folders, runs)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(GIVEN, None)
        else:
            os.environ[GIVEN] = before


def of_lab(runs: Path | None = None) -> tuple[Path, ...] | None:
    """The folders that lab.toml names for datasets. Where it names none: None, for anywhere, in a lab of one person; of
    one that is shared no folder, so that it has its own places alone. Raises LabError as lab_file.read does.
    """
    settings = lab_file.read(runs)
    return () if settings.data.folders is None and settings.door.mode != "alone" else settings.data.folders


def hold_page(runs: Path | None = None) -> bool:
    """Hold the process that draws the lab's pages to the folders of the lab, as lab.toml has them now. Whether they are
    others than before, so that what was drawn of photos is to be forgotten.

    Raises LabError as lab_file.read does; then it looks in the lab's own places alone until the file is mended.
    """
    before = os.environ.get(GIVEN)
    try:
        hold(of_lab(runs), runs)
    except LabError:
        hold((), runs)
        raise
    return before not in (None, os.environ[GIVEN])


def asked_from() -> str:
    """PAGE where this process draws the lab's pages or was started by one that does, else COMMAND_LINE."""
    return PAGE if GIVEN in os.environ else COMMAND_LINE


def may_look(path: str | Path) -> bool:
    """Whether a file or folder, links resolved, lies where this process may look."""
    held_to = allowed()
    if held_to is None:
        return True
    try:
        return _is_in(os.path.realpath(path), held_to)
    except (OSError, ValueError):  # a NUL in the name, a loop of links that the system refuses
        return False


def check(path: str | Path) -> Path:
    """The path, with links resolved where not every place is allowed. Raises LabError(kind KIND) outside.

    Nothing is said of what lies there, or whether anything does.
    """
    held_to = allowed()
    if held_to is None:
        return Path(path)
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):
        raise refusal(path) from None
    if not _is_in(real, held_to):
        raise refusal(path)
    return Path(real)


def typed(path: str | Path) -> Path:
    """A path as a person typed it, with ~ for home, absolute, its links resolved. Raises LabError as `check`; (kind
    'missing') for what cannot be a path.
    """
    try:
        whole = os.path.expanduser(str(path))
        check(whole)
        return Path(os.path.realpath(whole))
    except (OSError, ValueError) as error:
        raise LabError(f"{path!r} cannot be a path ({error}).", "Check the spelling.", "missing") from error


def is_allowed(real: str | Path) -> bool:
    """`may_look` for a path in which every link is resolved already."""
    held_to = allowed()
    return held_to is None or _is_in(str(real), held_to)


def refusal(path: str | Path) -> LabError:
    """That a path is not opened, where one may look, and who can change it."""
    return LabError(f"{path}: lies where this lab does not look for datasets; it is not opened.", remedy(), KIND)


def told() -> str:
    """Where the lab looks, for who chooses a dataset; "" where it looks anywhere."""
    held_to = allowed()
    if held_to is None:
        return ""
    if held_to.folders:
        return f"This lab looks for datasets in {listed(list(held_to.folders))}; it has the demo and dropped zips, too."
    text = "lab.toml names no folders of datasets, so this lab opens the demo and zips that are dropped here. "
    return text + "Who runs the lab can add folders ([data] folders)."


def remedy() -> str:
    """What to do where a folder is refused. One sentence, or two."""
    held_to = allowed()
    ask = "or ask who runs the lab to add the folder to lab.toml ([data] folders)."
    if held_to is None or not held_to.folders:
        return f"Take the demo or drop a zip, {ask}"
    return f"Choose a folder in {listed(list(held_to.folders))}, take the demo or drop a zip, {ask}"


@lru_cache(maxsize=8)
def _read(text: str) -> Allowed:
    """What is no list of folders allows none."""
    try:
        folders, own = json.loads(text)
        return Allowed(tuple(map(str, folders)), tuple(map(str, own)))
    except (ValueError, TypeError):
        return Allowed((), ())


def _is_in(real: str, held_to: Allowed) -> bool:
    return any(real == root or real.startswith(root.rstrip("/") + "/") for each in held_to for root in each)
