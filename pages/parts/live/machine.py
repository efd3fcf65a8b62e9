"""What a run trains on and uses of it: device, precision, threads, memory, GPU and processor, as its workers tell."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from core.runs import Run
from core.runs.use import used
from core.runs.use import words as use_words
from core.storage import files
from core.storage.files import GARBAGE
from core.text import NOTHING, number_of
from pages.parts.run import view

FACTS = ("device", "precision", "threads", "peak_memory")


@lru_cache(maxsize=64)
def _facts(path: Path, mtime_ns: int) -> dict[str, Any]:
    info = files.read_json(path)
    facts = {name: info[name] for name in FACTS if info.get(name) is not None}
    folds = used.of_folds(info)
    return {**facts, used.KEY: folds} if folds else facts


def facts_of(run: Run) -> dict[str, Any]:
    """FACTS of run.json, which a worker adds once it has built its network, and what its folds used (used.of_folds);
    read again only when the file changed."""
    try:
        return _facts(run.info_file, run.info_file.stat().st_mtime_ns)
    except (OSError, *GARBAGE):
        return {}


def machine_html(run: Run, status: view.RunStatus) -> str:
    """HTML of one quiet line beneath the progress; empty before any worker said what it is."""
    words = in_words(facts_of(run), list(status.progress.values()), tells_use=status.everybody)
    return f'<div class="lab-meta lab-num" style="padding-top:.4rem">{escape(words)}</div>' if words else ""


def in_words(facts: dict[str, Any], progress: list[dict[str, Any]], *, tells_use: bool = False) -> str:
    """ "CPU, 2 threads · bfloat16 · holds 640 MB of 12 GB". progress: of the folds that train now; several hold their
    memory together, and the most that may be held is that of the machine. tells_use: what they use of it too, which
    folds with a card say there; once none trains it is told how much all used."""
    words = []
    if device := use_words.device(facts.get("device")):
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
    if not progress:
        words += in_words_of(used.joined(facts.get(used.KEY, {}).values()), facts)
    elif tells_use:
        words += [text for each in progress for text in use_words.now_in_words(each)]
    return " · ".join(words)


def in_words_of(record: used.Record, facts: dict[str, Any]) -> list[str]:
    """How much a run used, less what its other facts say already: on a CPU they know the memory more exactly."""
    told_already = {"held"} if _is_size(facts, "peak_memory") and not record.get("gpu_memory") else set()
    return use_words.in_words({name: entry for name, entry in record.items() if name not in told_already})


def use_html(run: Run) -> str:
    """HTML of a table: what each fold used, and all together; empty where nothing was kept."""
    folds = facts_of(run).get(used.KEY, {})
    if not folds:
        return ""
    rows = {f"fold {fold}": use_words.cells(record) for fold, record in sorted(folds.items())}
    if len(rows) > 1:
        rows["all folds"] = use_words.cells(used.joined(folds.values()))
    columns = list(dict.fromkeys(title for row in rows.values() for title in row))
    head = "".join(f"<th>{escape(title)}</th>" for title in columns)
    body = "".join(
        f"<tr><td>{name}</td>{''.join(f'<td>{escape(row.get(title, NOTHING))}</td>' for title in columns)}</tr>"
        for name, row in rows.items()
    )
    return (
        '<div class="lab-scroll lab-undotted"><table class="lab-table"><thead>'
        f"<tr><th>used while training</th>{head}</tr></thead>"
        f'<tbody>{body}</tbody></table></div><div class="lab-meta">{escape(use_words.NOTE)}</div>'
    )


def _is_size(record: dict[str, Any], name: str) -> bool:
    return isinstance(record.get(name), (int, float)) and record[name] > 0


def _bytes(size: float) -> str:
    """ "640 MB", "1.2 GB", "12 GB"."""
    if size < 1e9:
        return f"{size / 1e6:,.0f} MB"
    return f"{size / 1e9:,.{1 if size < 1e10 else 0}f} GB"
