"""What a run leaves on disk, and lists of thousands of runs. Imports no torch."""

from core.runs.run import Run
from core.runs.states import FoldState

__all__ = ["FoldState", "Run"]
