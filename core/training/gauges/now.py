"""What this machine does at the moment: its processor, memory and NVIDIA's GPUs, whoever uses them. Imports no torch.

Looked at once for all who ask within BELIEVED seconds; NVML stays open while this process lives, since opening it wakes
a GPU that sleeps.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from core import machine
from core.training.gauges.nvidia import Card, Meter, Nvml, Untold

BELIEVED = 1.5  # seconds
RECENT = 15.0  # seconds: what a processor did since a look that is longer ago says nothing of now


@dataclass(frozen=True)
class GpuNow:
    """uuid: without NVML's prefix. reading: as Meter.read gives it. untold: what its driver does not tell."""

    name: str
    uuid: str
    reading: dict[str, float]
    untold: tuple[str, ...] = ()


@dataclass(frozen=True)
class Now:
    """cpu: percent of all processors since the look before; None in the first after a while. memory: bytes that are
    taken, of memory_total. gpus: NVIDIA's, in NVML's order. untold: why none of them is told; empty where they are."""

    cpu: float | None
    processors: int
    memory: int
    memory_total: int
    gpus: tuple[GpuNow, ...] = ()
    untold: str = ""


@dataclass
class Watch:
    """Looks when it is asked, and keeps what it needs from look to look."""

    newest: Now | None = None
    _when: float = 0.0
    _nvml: Nvml | None = None
    _meters: list[Meter] = field(default_factory=list)
    _slices: dict[str, Meter | None] = field(default_factory=dict)  # by uuid, of GPUs that NVML does not list
    _times: tuple[float, float] | None = None  # busy and all seconds of all processors
    _turns: deque[str] = field(default_factory=lambda: deque(["the one that looks"]))  # empty while somebody does

    def look(self, uuids: Sequence[str] = ()) -> Now | None:
        """uuids: of GPUs that torch names, slices among them, which NVML finds but does not list. None where another
        one has waited for the first look until now: a driver need not answer."""
        try:
            turn = self._turns.pop()
        except IndexError:
            return self.newest
        try:
            if self.newest is None or time.monotonic() - self._when > BELIEVED:
                self.newest, self._when = self._look(uuids), time.monotonic()
        finally:
            self._turns.append(turn)
        return self.newest

    def _look(self, uuids: Sequence[str]) -> Now:
        memory = psutil.virtual_memory()
        gpus, untold = self._gpus(uuids)
        return Now(self._cpu(), machine.processors(), memory.total - memory.available, memory.total, gpus, untold)

    def _cpu(self) -> float | None:
        times = psutil.cpu_times()._asdict()
        every = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)  # which user has already
        idle = times["idle"] + times.get("iowait", 0.0)
        before, self._times = self._times, (every - idle, every)
        if before is None or every <= before[1] or time.monotonic() - self._when > RECENT:
            return None
        return 100 * min(1.0, max(0.0, (self._times[0] - before[0]) / (every - before[1])))

    def _gpus(self, uuids: Sequence[str]) -> tuple[tuple[GpuNow, ...], str]:
        try:
            if self._nvml is None:
                self._nvml = Nvml()
                self._meters = self._nvml.meters()
        except Untold as why:
            self._nvml = None
            return (), str(why)
        whole = [_now(meter) for meter in self._meters]
        for uuid in {*uuids} - {"", *(gpu.uuid for gpu in whole), *self._slices}:
            self._slices[uuid] = None
            with contextlib.suppress(Untold):
                self._slices[uuid] = self._nvml.meter(Card(uuid))
        return (*whole, *(_now(meter) for uuid in uuids if (meter := self._slices.get(uuid)))), ""


def _now(meter: Meter) -> GpuNow:
    reading = meter.read()
    return GpuNow(meter.name(), meter.uuid().partition("-")[2], reading, tuple(meter.untold))


WATCH = Watch()
