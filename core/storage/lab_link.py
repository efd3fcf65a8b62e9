"""The link with which one enters a lab that is open, kept where only the account that started it can read it.

A file per lab in the machine's own folder, with mode 0600, and a lock beside it that the lab holds as long as it lives:
a link whose lock is free is of a lab that is gone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from core import places
from core.storage import files, locks


def _folder(runs: Path | None) -> Path:
    return places.machine_folder(runs) / "links"


@contextlib.contextmanager
def kept(link: str, runs: Path | None = None) -> Iterator[Path]:
    """Keep a link as long as this block lasts; yields its file. Raises OSError or LabError where it is not written."""
    folder = _folder(runs)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_the_gone(folder)
    path = folder / f"{secrets.token_hex(4)}.txt"
    own = locks.lock(path.with_suffix(".lock"), timeout=0)
    with own:
        try:
            files.write_text(path, link, private=True)
            yield path
        finally:
            with contextlib.suppress(OSError):  # whoever cleared the folder was first
                path.unlink()
    with contextlib.suppress(OSError):
        path.with_suffix(".lock").unlink()


def links(runs: Path | None = None) -> list[str]:
    """The links of the labs that are open on this machine with these runs and that this account may read."""
    texts = []
    for path in sorted(_folder(runs).glob("*.txt")):
        with contextlib.suppress(OSError):
            if locks.is_held(path.with_suffix(".lock")):
                texts.append(path.read_text("utf-8"))
    return texts


def _forget_the_gone(folder: Path) -> None:
    """What a lab that was killed left behind."""
    for path in folder.glob("*.txt"):
        if not locks.is_held(path.with_suffix(".lock")):
            with contextlib.suppress(OSError):
                os.unlink(path)
                os.unlink(path.with_suffix(".lock"))
