"""What a run trains on: device, precision, threads and memory, as its workers tell it."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from core.runs import Run
from core.storage import files
from core.storage.files import GARBAGE
from core.text import number_of
from pages.parts.run import view

FACTS = ("device", "precision", "threads", "peak_memory")


@lru_cache(maxsize=64)
def _facts(path: Path, mtime_ns: int) -> dict[str, Any]:
    info = files.read_json(path)
    return {name: info[name] for name in FACTS if info.get(name) is not None}


def facts_of(run: Run) -> dict[str, Any]:
    """FACTS of run.json, which a worker adds once it has built its network; read again only when the file changed."""
    try:
        return _facts(run.info_file, run.info_file.stat().st_mtime_ns)
    except (OSError, *GARBAGE):
        return {}


def machine_html(run: Run, status: view.RunStatus) -> str:
    """HTML of one quiet line beneath the progress; empty before any worker said what it is."""
    words = in_words(facts_of(run), list(status.progress.values()))
    return f'<div class="lab-meta lab-num" style="padding-top:.4rem">{escape(words)}</div>' if words else ""


def in_words(facts: dict[str, Any], progress: list[dict[str, Any]]) -> str:
    """ "CPU, 2 threads · bfloat16 · holds 640 MB of 12 GB". progress: of the folds that train now; several hold their
    memory together, and the most that may be held is that of the machine."""
    words = []
    if device := re.sub(r"\b1 threads\b", "1 thread", str(facts.get("device") or "")):
        threads = facts.get("threads")
        several = len(progress) > 1 and "thread" in device
        words.append(f"{device} each" if several else device)
        if isinstance(threads, int) and threads and "thread" not in device:
            words.append(number_of(threads, "thread"))
    if precision := facts.get("precision"):
        words.append(str(precision).removeprefix("torch."))
    notes = [worker for each in progress if isinstance(worker := each.get("worker"), dict) and _is_size(worker, "held")]
    if notes:
        held = _bytes(sum(note["held"] for note in notes))
        of = f" of {_bytes(notes[0]['limit'])}" if _is_size(notes[0], "limit") else ""
        words.append(f"holds {held}{of}")
    elif not progress and _is_size(facts, "peak_memory"):
        words.append(f"{_bytes(facts['peak_memory'])} at its peak")
    return " · ".join(words)


def _is_size(record: dict[str, Any], name: str) -> bool:
    return isinstance(record.get(name), (int, float)) and record[name] > 0


def _bytes(size: float) -> str:
    """ "640 MB", "1.2 GB", "12 GB"."""
    if size < 1e9:
        return f"{size / 1e6:,.0f} MB"
    return f"{size / 1e9:,.{1 if size < 1e10 else 0}f} GB"
