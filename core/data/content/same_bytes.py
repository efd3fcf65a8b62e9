"""A photo is known by its content: the hash of its bytes, and who is the same under two names. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import BinaryIO

from core.data.paths import photo_file
from core.data.reach.opening import open_file
from core.errors import LabError

AT_ONCE = 1 << 20  # bytes
File = tuple[str, str, int]  # sample, path, bytes: as in a samples table


def hash_of(file: BinaryIO) -> str:
    """SHA-256 of an open, seekable binary file from where it stands, which is where it is left. Memory stays flat."""
    start, digest = file.tell(), hashlib.sha256()
    while part := file.read(AT_ONCE):
        digest.update(part)
    file.seek(start)
    return digest.hexdigest()


def digest_of(path: str, sample: str) -> str:
    """hash_of a photo of a samples table; "" for one that cannot be read by now or lies outside its dataset."""
    try:
        with open_file(photo_file(path, sample)) as stream:
            return hash_of(stream)
    except (OSError, LabError):  # it is told where the photo is read
        return ""


def twins(trained: Iterable[File], tested: Iterable[File]) -> dict[str, str]:
    """Sample of the test set -> the sample that is trained on, for each that is the same, byte for byte.

    Opens only files of which two have the same size; one that cannot be read by now is like no other.
    """
    trained, tested = list(trained), list(tested)
    sizes = {size for _, _, size in trained} & {size for _, _, size in tested}
    digests: dict[str, str] = {}
    for sample, path, size in trained:
        if size in sizes and (digest := digest_of(path, sample)):
            digests.setdefault(digest, sample)
    same = ((sample, digests.get(digest_of(path, sample))) for sample, path, size in tested if size in sizes)
    return {sample: twin for sample, twin in same if twin is not None}
