"""What a fold uses of its machine, in words for pages and reports. Imports no torch.

Readings are of one moment, as progress.json has them under `use`; records have mean and peak, as used.py describes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.runs.use.used import KEY, Record, is_number
from core.storage import files
from core.text import number_of, size

NOTE = (
    "Looked at every other second while it trained; a part that was killed is not in it. Figures of a GPU are of all "
    "that it computes and holds, whoever asked it; those of CPU and memory are of the fold's own processes."
)


def device(recorded: Any) -> str:
    """What a run or a node recorded as its device: older versions wrote "CPU, 1 threads"."""
    return re.sub(r"\b1 threads\b", "1 thread", str(recorded or ""))


def percent(value: float) -> str:
    return f"{value:.0f}%"


def of_size(held: float, total: Any) -> str:
    """ "41.0 of 80.0 GB", "640 MB of 8.0 GB"; without the total where it is not told."""
    if not is_number(total):
        return size(held)
    mine, whole = size(held), size(total)
    return f"{mine.split()[0] if mine.split()[1:] == whole.split()[1:] else mine} of {whole}"


def of_gpu(reading: Mapping[str, Any]) -> list[str]:
    """ "GPU 87%", "41.0 of 80.0 GB", "64 °C": what is told of it."""
    words = [f"GPU {percent(reading['gpu'])}"] if is_number(reading.get("gpu")) else []
    if is_number(reading.get("gpu_memory")):
        words.append(f"{'' if words else 'GPU '}{of_size(reading['gpu_memory'], reading.get('gpu_memory_total'))}")
    if is_number(reading.get("temperature")):
        words.append(f"{'' if words else 'GPU '}{reading['temperature']:.0f} °C")
    return words


def of_cpu(reading: Mapping[str, Any]) -> list[str]:
    """ "CPU 93% of 2 cores"."""
    if not is_number(reading.get("cpu")):
        return []
    cores = f" of {number_of(reading['cores'], 'core')}" if is_number(reading.get("cores")) else ""
    return [f"CPU {percent(reading['cpu'])}{cores}"]


def now_in_words(progress: Mapping[str, Any]) -> list[str]:
    """What a fold's GPU and processor do now. progress: progress.json; empty before the first look."""
    reading = files.table_of(progress.get(KEY))
    return [*of_gpu(reading), *of_cpu(reading)]


def in_words(record: Record) -> list[str]:
    """ "GPU 87% on average, 99% at most", "GPU memory 41.0 of 80.0 GB at most", "64 °C at most", "CPU 93% of 2 cores on
    average", "its processes held 640 MB at most"."""
    words = []
    if entry := record.get("gpu"):
        words.append(f"GPU {percent(entry['mean'])} on average, {percent(entry['peak'])} at most")
    if entry := record.get("gpu_memory"):
        words.append(f"GPU memory {of_size(entry['peak'], record.get('gpu_memory_total'))} at most")
    if entry := record.get("temperature"):
        words.append(f"{entry['peak']:.0f} °C at most")
    if entry := record.get("cpu"):
        words += [f"{text} on average" for text in of_cpu({"cpu": entry["mean"], "cores": record.get("cores")})]
    if entry := record.get("held"):
        words.append(f"its processes held {size(entry['peak'])} at most")
    return words


def cells(record: Record) -> dict[str, str]:
    """Title of a column -> what a record says there; without the columns that it says nothing of."""
    row = {}
    if entry := record.get("gpu"):
        row["GPU use"] = f"{percent(entry['mean'])}, at most {percent(entry['peak'])}"
    if entry := record.get("gpu_memory"):
        row["GPU memory, at most"] = of_size(entry["peak"], record.get("gpu_memory_total"))
    if entry := record.get("temperature"):
        row["GPU temperature, at most"] = f"{entry['peak']:.0f} °C"
    if entry := record.get("cpu"):
        row["CPU use"] = f"{percent(entry['mean'])}, at most {percent(entry['peak'])}"
        if is_number(record.get("cores")):
            row["CPU use"] += f" of {number_of(record['cores'], 'core')}"
    if entry := record.get("held"):
        row["memory of its processes, at most"] = size(entry["peak"])
    if looks := max((record[name]["looks"] for name in ("held", "gpu") if name in record), default=0):
        row["looks"] = f"{looks:,}"
    return row
