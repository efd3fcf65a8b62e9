"""What a server counts, as Prometheus reads it. Source: Prometheus' text exposition format 0.0.4."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PHOTOS = (1, 2, 4, 8, 16, 32, 64, 128)


class Histogram:
    """Counts below limits. limits: upper ends, both included, in ascending order."""

    def __init__(self, limits: Sequence[float]) -> None:
        self.limits, self.counts, self.sum = limits, [0] * (len(limits) + 1), 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.limits, value)] += 1
        self.sum += value

    def lines(self, name: str) -> list[str]:
        below, lines = 0, []
        for limit, number in zip([*map(str, self.limits), "+Inf"], self.counts, strict=True):
            below += number
            lines.append(f'{name}_bucket{{le="{limit}"}} {below}')
        return [*lines, f"{name}_sum {self.sum:g}", f"{name}_count {below}"]


class Counters:
    """requests: (path, status) -> how many. photos: outcome -> how many. waiting: photos admitted, not yet answered.
    held: bytes of bodies that are read or wait."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.photos: Counter[str] = Counter()
        self.seconds, self.passes = Histogram(SECONDS), Histogram(PHOTOS)
        self.waiting = self.held = 0

    def text(self) -> str:
        lines = _about("facet_requests_total", "counter", "Requests by path and status.")
        lines += [
            f'facet_requests_total{{path="{path}",status="{status}"}} {number}'
            for (path, status), number in sorted(self.requests.items())
        ]
        lines += _about("facet_photos_total", "counter", "Photos by what became of them.")
        lines += [f'facet_photos_total{{outcome="{name}"}} {n}' for name, n in sorted(self.photos.items())]
        lines += _about("facet_waiting_photos", "gauge", "Photos admitted and not yet answered.")
        lines += [f"facet_waiting_photos {self.waiting}"]
        lines += _about("facet_held_bytes", "gauge", "Bytes of bodies that are read or wait.")
        lines += [f"facet_held_bytes {self.held}"]
        lines += _about("facet_predict_seconds", "histogram", "From a request to its answer, POST /predict.")
        lines += self.seconds.lines("facet_predict_seconds")
        lines += _about("facet_pass_photos", "histogram", "Photos that shared a pass.")
        lines += self.passes.lines("facet_pass_photos")
        return "\n".join(lines) + "\n"


def _about(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
