"""How many fold jobs train at a time on a CPU, and with how many threads each: a setting of the lab. No torch.

How many really do is told by queue.slot_count alone: FACET_SLOTS and GPUs win over the setting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import machine
from core.errors import LabError
from core.storage import machine_settings

MOST = 64  # slots
MEMORY_OF_TWO = 12e9  # bytes


def default_count() -> int:
    """Two where two cores and the memory for two trainings are there, else one.

    bench/slots.py, on two cores: two fold jobs of one thread train 1.23 times as many images a second as one of two
    threads with the recipe quick, 1.04 times with the study's 224 px.
    """
    return 2 if machine.cores() >= 2 and machine.memory() >= MEMORY_OF_TWO else 1


@dataclass(frozen=True)
class Slots:
    """count: CPU slots. threads: of each slot; None shares the cores out evenly."""

    count: int = field(default_factory=default_count)
    threads: int | None = None


def forced() -> int | None:
    """FACET_SLOTS, which wins over the setting; None when it is not set or no number."""
    text = os.environ.get("FACET_SLOTS", "")
    return int(text) if text.isdecimal() and int(text) else None


def read(root: Path) -> Slots:
    """The setting, whatever wins over it; the default where settings.json is absent or unreadable."""
    try:
        settings = machine_settings.read(root)
        count = settings["cpu_slots"] if "cpu_slots" in settings else default_count()
        return check(count, settings.get("threads_per_slot"))
    except (OSError, ValueError, TypeError, LabError):
        return Slots()


def check(count: Any, threads: Any) -> Slots:
    """Raises LabError naming what does not fit."""
    for name, value in (("slots", count), ("threads of a slot", 1 if threads is None else threads)):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
            raise LabError(f"settings: {name} must be a whole number from 1 to {MOST}, found {value!r}.", kind="config")
    return Slots(count, threads)


def write(root: Path, slots: Slots) -> None:
    """Keep the setting; other settings in the file stay. Workers take it up with their next fold job.

    Raises LabError: 'not-yours', 'config', and as files.change_json does.
    """
    checked = check(slots.count, slots.threads)
    machine_settings.change(root, cpu_slots=checked.count, threads_per_slot=checked.threads)
