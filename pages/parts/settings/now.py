"""What this machine does at the moment, looked at while the page is open: processor, memory, each GPU."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from core import machine
from core.jobs import gpus
from core.jobs.gpus import Gpu
from core.runs.use import words
from core.runs.use.used import is_number
from core.text import listed, number_of, size
from core.training.gauges.now import WATCH, GpuNow, Now
from pages.parts.shared import badges
from pages.parts.tab import out_of_reach, ticking

TICK = 2.0  # seconds, of a page that is open alone
UNTOLD = "use, memory and temperature are not told"
OTHERS = f"{UNTOLD}: only NVIDIA's GPUs can be asked"
_STYLE = """<style>
.lab-machine { display: grid; grid-template-columns: minmax(0, max-content) minmax(60px, 160px) minmax(0, 1fr);
  gap: .35rem 1rem; align-items: center; font-size: .93rem; font-variant-numeric: tabular-nums; }
.lab-machine > * { overflow-wrap: anywhere; }
@media (max-width: 500px) { .lab-machine { grid-template-columns: 1fr; gap: .15rem; }
  .lab-machine > :nth-child(3n) { padding-bottom: .5rem; } }
</style>"""


def section(root: Path) -> None:
    st.fragment(out_of_reach.noticed(_draw), run_every=ticking.every(TICK))(root)


def _draw(root: Path) -> None:
    usable = gpus.listed(root)
    now = WATCH.look([gpu.uuid for gpu in usable])
    if now is None:
        st.caption("The driver of a GPU has not answered yet.")
        return
    st.html(_STYLE + now_html(now, usable))


def now_html(now: Now, usable: list[Gpu]) -> str:
    """HTML of a row for processor, memory and each GPU. usable: the GPUs that fold jobs train on, in torch's order."""
    cpu = (
        "being looked at"
        if now.cpu is None
        else f"{words.percent(now.cpu)} of {number_of(now.processors, 'processor')}"
    )
    if machine.cores() < now.processors:
        cpu += f"; the lab may use {number_of(machine.cores(), 'core')}"
    memory = f"{words.of_size(now.memory, now.memory_total)} taken"
    if machine.is_limited():
        memory += f"; the lab may use {size(machine.memory())}"
    rows = [
        _row("Processor", (now.cpu or 0.0) / 100, cpu),
        _row("Memory", now.memory / max(1, now.memory_total), memory),
    ]
    return f'<div class="lab-machine lab-undotted">{"".join([*rows, *_gpu_rows(now, usable)])}</div>'


def _gpu_rows(now: Now, usable: list[Gpu]) -> list[str]:
    by_uuid = {gpu.uuid: gpu for gpu in now.gpus}
    rows = []
    for index, gpu in enumerate(usable):
        name = f"GPU {index}, {gpu.name}"
        if (seen := by_uuid.pop(gpu.uuid, None)) is not None:
            rows.append(_row(name, _share(seen), _in_words(seen)))
        elif gpu.name.startswith(("AMD", "Radeon")):
            rows.append(_row(name, None, OTHERS))
        else:
            rows.append(_row(name, None, f"{UNTOLD}: {now.untold or 'NVML does not find it'}"))
    rows += [_row(f"{gpu.name}, not the lab's", _share(gpu), _in_words(gpu)) for gpu in by_uuid.values()]
    return rows


def _share(gpu: GpuNow) -> float | None:
    return gpu.reading["gpu"] / 100 if is_number(gpu.reading.get("gpu")) else None


def _in_words(gpu: GpuNow) -> str:
    lines = [text.removeprefix("GPU ") for text in words.of_gpu(gpu.reading)]
    if gpu.untold:
        lines.append(f"{listed(gpu.untold)} not told by this driver")
    return " · ".join(lines) or "nothing is told at the moment"


def _row(name: str, share: float | None, text: str) -> str:
    bar = "<span></span>" if share is None else badges.bar(share, name=f"{name}: in use")
    return f"<span>{escape(name)}</span>{bar}<span>{escape(text)}</span>"
