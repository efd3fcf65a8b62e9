"""How many fold jobs would fit one GPU, by what those of the newest run that had one each used of it. No torch.

It is what a fold's looks at its GPU leave over: memory by its peak, time by the mean share of the moments in which it
computed. Whether several are faster together nobody has tried by then: what they share more than that, such as the
memory's bandwidth, no look tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.runs import Run
from core.runs.notes import read_notes
from core.runs.use import used, words
from core.storage.files import GARBAGE
from core.text import number_of

LOOKED_AT = 50  # newest runs
LOOKS = 30  # at a GPU, one every other second, below which a run says nothing
GIVEN = 0.9  # of a GPU's memory
MOST = 8


@dataclass(frozen=True)
class Fit:
    """What a run's folds used, each with a GPU to itself. used: mean share of the time, in percent. peak, memory: bytes
    that were held at most, and that there are. jobs: such fold jobs that would fit one GPU, at least 1.
    """

    run: str
    device: str
    used: float
    peak: float
    memory: float
    jobs: int

    def sentence(self, remedy: str) -> str:
        """remedy: what lets so many train, where it is more than one."""
        so = f"{number_of(self.jobs, 'such fold job')} would fit one GPU: {remedy}."
        if self.jobs == 1:
            so = "another one beside it would find too little left."
        device = self.device or "its GPU"
        held = words.of_size(self.peak, self.memory)
        return f"A fold job of {self.run} used {words.percent(self.used)} of {device} and at most {held}; {so}"


def fit(ids: Iterable[str], root: Path) -> Fit | None:
    """By the newest of these runs that tells; None where none does. ids: newest first."""
    for run_id, _ in zip(ids, range(LOOKED_AT), strict=False):
        run = Run(run_id, root)
        try:
            info = run.info()
            record = used.of_run(info)
        except (OSError, LabError, *GARBAGE):
            continue
        gpu, held, memory = record.get("gpu"), record.get("gpu_memory"), record.get("gpu_memory_total", 0)
        if record.get("sharing") != 1 or not gpu or not held or not memory or gpu["looks"] < LOOKS:
            continue
        by_time, by_memory = 100 / max(gpu["mean"], 100 / MOST), GIVEN * memory / max(held["peak"], 1)
        jobs = max(1, min(MOST, int(by_time), int(by_memory)))
        name, device = read_notes(run).name or run.id, words.device(info.get("device"))
        return Fit(name, device, gpu["mean"], held["peak"], memory, jobs)
    return None
