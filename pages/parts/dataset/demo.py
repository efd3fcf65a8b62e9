"""Drawing the demo dataset from a page: a process of its own, which goes on while the page is used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, Any

import streamlit as st

from core.places import HOME, demo_folder
from core.text import duration, plain

STATE = "demo_drawing"
PEOPLE = 300
_SCRIPT = """
import sys
from pathlib import Path
from core.demo.dataset import draw_demo
from core.errors import LabError
try:
    draw_demo(Path(sys.argv[1]), people=int(sys.argv[2]), progress=lambda done, total: print(done, total, flush=True))
except LabError as error:
    sys.exit(f"failed {error}")
"""


def demo_is_there() -> bool:
    return (demo_folder() / "train.csv").is_file()


@dataclass
class Drawing:
    process: subprocess.Popen
    output: IO[bytes]
    started: float = field(default_factory=time.monotonic)

    def lines(self) -> list[str]:
        size = os.fstat(self.output.fileno()).st_size
        return os.pread(self.output.fileno(), size, 0).decode("utf-8", "replace").splitlines()

    def progress(self) -> tuple[int, int]:
        """(people drawn, people in all)."""
        done = [line.split() for line in self.lines() if line.replace(" ", "").isdigit()]
        return (int(done[-1][0]), int(done[-1][1])) if done else (0, PEOPLE)

    def stop(self) -> None:
        """Ask as Ctrl-C does, so that it clears its unfinished folder away."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)


def start() -> None:
    output = tempfile.TemporaryFile()  # noqa: SIM115  the process writes into it while the session reads
    st.session_state[STATE] = Drawing(
        subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, str(demo_folder()), str(PEOPLE)],
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ),
        output,
    )


def show(done: Any) -> None:
    """The button, or the progress of a drawing under way. done(): called once it is there."""
    drawing: Drawing | None = st.session_state.get(STATE)
    if drawing is None:
        st.button("Draw the demo dataset", icon=":material/brush:", type="primary", on_click=start)
        st.caption("300 people who do not exist, seven photos each, drawn by code. About a minute, about 100 MB.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _watch(done)
        st.button("Cancel", icon=":material/close:", on_click=_cancel)


@st.fragment(run_every=0.5)
def _watch(done: Any) -> None:
    drawing: Drawing | None = st.session_state.get(STATE)
    if drawing is None:
        return
    code = drawing.process.poll()
    if code is None:
        drawn, total = drawing.progress()
        remaining = ""
        if drawn:
            remaining = f", {duration((time.monotonic() - drawing.started) / drawn * (total - drawn))} left"
        st.progress(drawn / total, text=f"Drawing people: {drawn} of {total}{remaining}")
        return
    del st.session_state[STATE]
    if code == 0:
        done()
    else:
        failures = [line.removeprefix("failed ") for line in drawing.lines() if line.startswith("failed ")]
        st.session_state[f"{STATE}_failed"] = failures[-1] if failures else "demo: the drawing ended early. Try again."
    st.rerun()


def failure() -> str:
    """What the last drawing failed of, told once; as Markdown-safe text."""
    return plain(st.session_state.pop(f"{STATE}_failed", ""))


def _cancel() -> None:
    drawing: Drawing | None = st.session_state.pop(STATE, None)
    if drawing is not None:
        drawing.stop()
