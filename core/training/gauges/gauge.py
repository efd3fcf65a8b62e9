"""Looks beside a fold while it trains: at its GPU, and at what its process and those that it started use. No torch.

A thread of its own looks every other second: no step waits for a look, nor does the fold's end. What it sees
draws nothing and changes nothing of the fold.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType

import psutil

from core import machine
from core.runs.use.used import Totals
from core.text import listed
from core.training.gauges.nvidia import Card, Meter, Nvml, Untold

PERIOD = 2.0  # seconds between two looks
PATIENCE = 1.0  # seconds for a look that is under way as the fold ends; a driver that does not answer is left alone


class Family:
    """This process and those that it started: how much they compute and hold."""

    def __init__(self) -> None:
        self.members: dict[int, tuple[psutil.Process, float]] = {}  # by pid, with the seconds computed until now
        self.asked = time.perf_counter()
        self._spent()

    def read(self) -> dict[str, float]:
        """cpu: percent of the cores that the process may use, since the look before. cores: how many these are.
        held: bytes, without the files that are mapped."""
        spent, before = self._spent(), self.asked
        self.asked = time.perf_counter()
        cores = machine.cores()
        held = machine.held_by(process for process, _ in self.members.values())
        reading = {"cores": float(cores), "held": float(held)}
        if (passed := self.asked - before) > 0:
            reading["cpu"] = 100 * spent / passed / cores
        return reading

    def _spent(self) -> float:
        """Seconds that its members computed since the look before; of a new member all."""
        total, members = 0.0, {}
        for process in machine.family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                seconds = times.user + times.system
                total += max(0.0, seconds - self.members.get(process.pid, (process, 0.0))[1])
                members[process.pid] = process, seconds
        self.members = members
        return total


class Gauge:
    """Looks while its block lasts. latest: what the newest look saw, {} before the first. totals: of all looks.

    card: the fold's GPU if it is NVIDIA's. tell: gets a sentence where something cannot be told, once.
    """

    def __init__(self, card: Card | None, tell: Callable[[str], None], period: float | None = None) -> None:
        self.card, self.tell, self.period = card, tell, PERIOD if period is None else period
        self.latest: dict[str, float] = {}
        self.totals = Totals()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="gauge", daemon=True)

    def __enter__(self) -> Gauge:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _live(self) -> None:
        try:
            with contextlib.ExitStack() as open_until_the_end:
                self._look_until_the_end(open_until_the_end)
        except Exception as error:  # whatever a driver or a system does: a training is worth more than its figures
            self.tell(f"its use of the machine is not looked at any more: {type(error).__name__}: {error}")

    def _look_until_the_end(self, stack: contextlib.ExitStack) -> None:
        family, meter, is_over, is_first = Family(), self._meter(stack), False, True
        while not is_over:
            is_over = self._over.wait(self.period)
            if is_over and not is_first:
                return
            reading = family.read() | (meter.read() if meter else {})
            if is_first and meter and meter.untold:
                self.tell(f"not told by this driver: {listed(meter.untold)} of the GPU.")
            self.totals.add(reading)
            self.latest, is_first = reading, False

    def _meter(self, stack: contextlib.ExitStack) -> Meter | None:
        if self.card is None:
            return None
        try:
            nvml = Nvml()
            stack.callback(nvml.close)
            return nvml.meter(self.card)
        except Untold as why:
            self.tell(f"use, memory and temperature of the GPU are not told: {why}.")
            return None
