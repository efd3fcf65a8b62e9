"""How much of a machine the folds of a run used while they trained: mean and peak, as run.json keeps them. No torch.

run.json has `use`: fold -> a record. A record names what was looked at (MEASURED), each with mean, peak and the number
of looks; `gpu_memory_total` (bytes) and `cores` say of how much, `sharing` how many fold jobs were let onto the GPU.
What nobody could tell is absent, and runs of before have none of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.storage import files

if TYPE_CHECKING:
    from core.runs.run import Run

KEY = "use"
# GPU in percent of the time, its memory in bytes and its temperature in degrees Celsius, all processes together; CPU in
# percent of the cores that the fold may use and memory in bytes, of its processes alone.
MEASURED = ("gpu", "gpu_memory", "temperature", "cpu", "held")
LIMITS = ("gpu_memory_total", "cores", "sharing")
Record = dict[str, Any]


class Totals:
    """The looks at one fold, added up."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float, int]] = {}  # of each: sum, peak, looks
        self._limits: dict[str, float] = {}

    def add(self, reading: Mapping[str, float]) -> None:
        for name in MEASURED:
            if name in reading:
                total, peak, looks = self._sums.get(name, (0.0, -math.inf, 0))
                self._sums[name] = total + reading[name], max(peak, reading[name]), looks + 1
        self._limits |= {name: reading[name] for name in LIMITS if name in reading}

    def record(self) -> Record:
        """{} where there was no look."""
        sums = dict(self._sums)  # a look may still be under way
        measured = {name: _entry(total / looks, peak, looks) for name, (total, peak, looks) in sums.items()}
        return measured | self._limits


def joined(records: Iterable[Record]) -> Record:
    """Several records as one: of the parts of a fold, or of the folds of a run. Means count by looks."""
    parts, whole = list(records), {}
    for name in MEASURED:
        entries = [part[name] for part in parts if name in part]
        if looks := sum(entry["looks"] for entry in entries):
            mean = sum(entry["mean"] * entry["looks"] for entry in entries) / looks
            whole[name] = _entry(mean, max(entry["peak"] for entry in entries), looks)
    for name in LIMITS:
        if limits := [part[name] for part in parts if name in part]:
            whole[name] = max(limits)
    return whole


def of_folds(info: Mapping[str, Any]) -> dict[int, Record]:
    """Fold -> its record, of a run.json; what is damaged is left out."""
    records = {}
    for fold, written in files.table_of(info.get(KEY)).items():
        if fold.isdecimal() and (record := _checked(written)):
            records[int(fold)] = record
    return records


def of_run(info: Mapping[str, Any]) -> Record:
    """All folds together; {} where nothing was kept."""
    return joined(of_folds(info).values())


def keep(run: Run, fold: int, record: Record, *, goes_on: bool) -> None:
    """Write a fold's record into run.json. goes_on: it adds to what was kept of the fold before, else replaces it.

    Nothing is written of a run that was deleted meanwhile: that would make its folder anew.
    """
    if not record or not run.exists():
        return
    with run.written_alone():
        info = run.info()
        before = of_folds(info).get(fold) if goes_on else None
        together = joined([before, record]) if before else record
        files.write_json(run.info_file, {**info, KEY: {**files.table_of(info.get(KEY)), str(fold): together}})


def _entry(mean: float, peak: float, looks: int) -> dict[str, float]:
    return {"mean": round(mean, 1), "peak": round(peak, 1), "looks": looks}


def _checked(written: Any) -> Record:
    record = {}
    for name, value in files.table_of(written).items():
        if name in LIMITS and is_number(value):
            record[name] = value
        elif name in MEASURED and all(is_number(files.table_of(value).get(k)) for k in ("mean", "peak", "looks")):
            record[name] = {key: value[key] for key in ("mean", "peak", "looks")}
    return record


def is_number(value: Any) -> bool:
    """Whether it can be what something measured; files say anything."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
