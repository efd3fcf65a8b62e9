"""A process that outlives whoever started it. Imports no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from core import machine, places


def start(verb: str, *words: str, root: Path, **options: Any) -> subprocess.Popen:
    """`python -m core VERB ...` in a session of its own, without a terminal, its output in the lab's worker.log.

    options: of Popen, such as the descriptors that it inherits.
    """
    lab = places.lab_folder(root)
    lab.mkdir(parents=True, exist_ok=True)
    with open(lab / "worker.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "core", verb, *words],
            cwd=places.HOME,
            env=machine.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **options,
        )
