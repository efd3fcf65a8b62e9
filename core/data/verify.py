"""Read every photo once, on all cores: its hash, and whether it can be decoded; remember what unchanged files are."""

import contextlib
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import starmap
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pandas as pd
import pyarrow as pa

from core import machine
from core.data.content.same_bytes import hash_of
from core.data.images import photo_fault
from core.data.pictures.depth import Depth
from core.data.pictures.limit import megapixels
from core.errors import LabError
from core.storage.files import write_whole

RULES = 4  # raised when load_image judges differently: remembered verdicts of older rules are forgotten
CHUNK = 16  # photos handed to a thread at once, at most
KEY = ["path", "bytes", "mtime_ns"]
CTIME = "ctime_ns"  # beside them: two files of one size and time may have changed places since
File = tuple[str, int, int]


class Verdict(NamedTuple):
    """width, height: pixels, upright. kind, problem, remedy: the fault, "" where there is none. hash: of its bytes, ""
    where they cannot be read. The others: Depth.
    """

    width: int
    height: int
    kind: str
    problem: str
    remedy: str
    hash: str = ""
    depth: str = ""
    low: float = 0.0
    high: float = 0.0
    remarks: str = ""

    @property
    def deep(self) -> Depth:
        return Depth(self.depth, self.low, self.high, self.remarks)


VERDICT = list(Verdict._fields)


def verify(
    files: list[File],
    *,
    ctimes: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    memory: Path | None = None,
    decodes: bool = True,
) -> list[Verdict]:
    """The verdict on each file, given as (absolute path, bytes, mtime_ns), in order.

    Decoding releases the interpreter lock, so threads use every core; pixels are dropped at once.
    memory: a parquet file of verdicts; a file of the same path, size and time is not decoded again.
    ctimes: ctime_ns of each. One that is remembered with another is read again, and decoded only if its bytes are not
    the same; an inode's number would not do, since exFAT numbers anew at each mount. None goes by size and time alone.
    decodes: False goes by headers where nothing is remembered, as photo_fault does; what they say is not remembered.
    """
    remembered, changed = _recall(memory)
    now = dict(zip(files, ctimes, strict=True)) if ctimes is not None else {}
    todo = [file for file in files if file not in remembered or now.get(file, changed[file]) != changed[file]]
    fresh: dict[File, Verdict] = {}
    pool = ThreadPoolExecutor(threads or machine.cores())
    reported = 0.0
    step = max(1, min(CHUNK, len(todo) // 1000))  # handing over one by one costs time, too
    chunks = [todo[start : start + step] for start in range(0, len(todo), step)]
    try:
        judge = functools.partial(_judge_all, remembered=remembered, decodes=decodes)
        for chunk, verdicts in zip(chunks, pool.map(judge, chunks), strict=True):
            fresh.update(zip(chunk, verdicts, strict=True))
            if progress and time.monotonic() - reported >= 0.1:
                reported = time.monotonic()
                progress(len(files) - len(todo) + len(fresh), len(files))
        if progress:
            progress(len(files), len(files))
    finally:  # also when progress raises, which cancels: what is known by then need not be decoded again
        pool.shutdown(cancel_futures=True)
        # What a header says is not remembered, but that a file is the one that was decoded once is.
        kept = {file: verdict for file, verdict in fresh.items() if decodes or verdict is remembered.get(file)}
        if memory and kept:
            _remember(memory, remembered, kept, changed | {file: now[file] for file in kept if file in now})
    remembered.update(fresh)
    return [remembered[file] for file in files]


def _judge_all(files: list[File], remembered: Mapping[File, Verdict], decodes: bool) -> list[Verdict]:
    return [
        _judge_again(file, before, decodes) if (before := remembered.get(file)) else _judge(file, decodes)
        for file in files
    ]


def _judge_again(file: File, before: Verdict, decodes: bool) -> Verdict:
    """before: of a file of the same size and time, which holds if the bytes are the same."""
    by_header = _judge(file, decodes=False)
    same = by_header.hash != "" and by_header.hash == before.hash
    return before if same else _judge(file, decodes) if decodes else by_header


def _judge(file: File, decodes: bool) -> Verdict:
    digest = ""

    def look(opened: BinaryIO) -> None:
        nonlocal digest
        with contextlib.suppress(OSError):  # of a disk that fails: decoding says so
            digest = hash_of(opened)

    width, height, fault, deep = photo_fault(file[0], look, decodes=decodes)
    kind, text, remedy = (fault.kind, fault.message, fault.remedy) if fault else ("", "", "")
    return Verdict(width, height, kind, text, remedy, digest, deep.kind, deep.low, deep.high, deep.remarks)


def _rules() -> int:
    """With the limit, since what is too large under one is not under another."""
    return RULES * 10_000 + megapixels()


def _recall(memory: Path | None) -> tuple[dict[File, Verdict], dict[File, int]]:
    """What is remembered of files, and the ctime_ns that they had; 0 where an older lab did not keep it."""
    if memory is None or not memory.is_file():
        return {}, {}
    try:
        table = pd.read_parquet(memory)
        table = table[table["rules"] == _rules()]
        keys, verdicts = (list(zip(*(table[name].tolist() for name in names), strict=True)) for names in (KEY, VERDICT))
        ctimes = table[CTIME].tolist() if CTIME in table else [0] * len(table)
        return dict(zip(keys, starmap(Verdict, verdicts), strict=True)), dict(zip(keys, ctimes, strict=True))
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return {}, {}  # only a memory: a damaged one is written anew


def _remember(memory: Path, remembered: dict, fresh: dict, ctimes: Mapping[File, int]) -> None:
    paths = {path for path, _, _ in fresh}
    verdicts = {file: verdict for file, verdict in remembered.items() if file[0] not in paths}
    # Rights, presence and installed packages change without changing a file's size or time.
    passing = ("no-access", "missing-file", "heic", "dicom")
    verdicts |= {file: verdict for file, verdict in fresh.items() if verdict[2] not in passing}
    rows = [(*file, *verdict, ctimes.get(file, 0)) for file, verdict in verdicts.items()]
    table = pd.DataFrame(rows, columns=[*KEY, *VERDICT, CTIME])
    with contextlib.suppress(OSError, LabError):  # a scan is no worse for not being remembered
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_whole(memory, lambda stream: table.assign(rules=_rules()).to_parquet(stream, index=False))
