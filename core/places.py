"""Where the lab keeps its things. Imports no torch."""

from __future__ import annotations

import os
from pathlib import Path


def runs_folder() -> Path:
    """The folder of all runs: FACET_RUNS if set, else runs/ beside app.py."""
    return Path(os.environ.get("FACET_RUNS") or Path(__file__).parents[1] / "runs").resolve()
