"""A run is trained where who asked for it may look: what a page launched or resumed, no further than the lab's pages.

Who may look where stands in core/data/reach/bounds.py. Imports no torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.data.reach import bounds
from core.errors import LabError
from core.runs import Run
from core.storage import files, lab_file
from core.storage.files import GARBAGE

ASKED_FROM = "asked_from"  # in run.json: a page or the command line; runs of older labs do not say
LET_GO_ON = "Correct it, then let the queue go on."  # of a lab.toml for which the queue has stopped


def note_asked(run: Run) -> None:
    """Remember who asked for a run last, in its run.json: a damaged one is told where it trains.

    Raises LabError: 'unreadable' for one that is out of reach or gone, 'locked'; OSError where it cannot be written.
    """
    with contextlib.suppress(*GARBAGE):
        try:
            before = run.info().get(ASKED_FROM)
        except OSError as error:
            what = f"{run.id}: {run.info_file.name} cannot be read ({error.strerror}); it says who asked for the run."
            remedy = files.CHECK if files.out_of_reach(error) else "Copy it back from a backup."
            raise LabError(what, remedy, kind="unreadable") from error
        if before != bounds.asked_from():
            run.update_info(**{ASKED_FROM: bounds.asked_from()})


@contextlib.contextmanager
def held_as_asked(run: Run) -> Iterator[None]:
    """While a run's photos are read to train it. A run that does not say who asked for it is taken for a page's.

    Raises LabError as bounds.of_lab does.
    """
    with bounds.holding(_folders(run), run.dir.parent):
        yield


def broken_lab_file(run: Run) -> LabError | None:
    """What is wrong with lab.toml, where that leaves open what may be read to train a run: no fault of the run's."""
    try:
        _folders(run)
    except LabError as error:
        return error if error.kind == lab_file.KIND else None
    except (OSError, *GARBAGE):  # of the run's own files, which its training tells
        return None
    return None


def _folders(run: Run) -> tuple[Path, ...] | None:
    from_command_line = run.info().get(ASKED_FROM) == bounds.COMMAND_LINE
    return None if from_command_line else bounds.of_lab(run.dir.parent)
