"""A run is trained where who asked for it may look: what a page launched or resumed, no further than the lab's pages.

Who may look where stands in core/data/reach/bounds.py. Imports no torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from core.data.reach import bounds
from core.runs import Run
from core.storage.files import GARBAGE

ASKED_FROM = "asked_from"  # in run.json: a page or the command line; runs of older labs do not say


def note_asked(run: Run) -> None:
    """Remember who asked for a run last, where its run.json can be read: a damaged one is told where it trains."""
    with contextlib.suppress(*GARBAGE):
        if run.info().get(ASKED_FROM) != bounds.asked_from():
            run.update_info(**{ASKED_FROM: bounds.asked_from()})


@contextlib.contextmanager
def held_as_asked(run: Run) -> Iterator[None]:
    """While a run's photos are read to train it. A run that does not say who asked for it is taken for a page's.

    Raises LabError as bounds.of_lab does.
    """
    root = run.dir.parent
    from_command_line = run.info().get(ASKED_FROM) == bounds.COMMAND_LINE
    with bounds.holding(None if from_command_line else bounds.of_lab(root), root):
        yield
