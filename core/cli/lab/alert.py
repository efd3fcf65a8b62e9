"""The verbs `alert`, who is told when a run or a study ends, and `tell`, with which a worker's messenger tells it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.cli.options.runs import RunsOption
from core.errors import LabError
from core.jobs.alerts import addresses, ends
from core.jobs.alerts.addresses import EVENTS
from core.text import ago


def alert(
    test: Annotated[bool, typer.Option("--test", help="Send each of them a test now, and say what came back.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """List who is told when a run or a study ends, a line each; with --test exit with 1 where one was not reached."""
    root = runs_dir or places.runs_folder()
    listed = addresses.listed(root)
    if not listed:
        print("nobody is told when a run ends: name an address on the page Settings, or in lab.toml")
    if test:
        _test(root)
        return
    for entry in listed:
        events = "everything" if len(entry.events) == len(EVENTS) else ", ".join(EVENTS[name] for name in entry.events)
        last = f"; {ago(entry.when)} {entry.words}" if entry.when else ""
        print(f"{entry.masked}  {entry.kind}: {events}{last}")


def _test(root: Path) -> None:
    from core.jobs.alerts import sending

    outcomes = sending.deliver(root, addresses.of_lab(root), sending.test_message(root), pauses=())
    for address, outcome in outcomes.items():
        print(f"{address.masked}: {outcome.words}")
    if not all(outcome.ok for outcome in outcomes.values()):
        raise typer.Exit(1)


def tell(
    run_id: Annotated[str | None, typer.Argument(help="The run of which a fold ended.")] = None,
    died: Annotated[int | None, typer.Option("--died", help="The fold that a worker trained when it died.")] = None,
    runs_dir: RunsOption = None,
) -> None:
    """Tell what has ended, once; for the process beside a worker."""
    from core.runs import Run
    from core.studies import telling

    root = runs_dir or places.runs_folder()
    run = None if run_id is None else Run(run_id, root)
    try:
        telling.tell(root, run, died=died)
    except (LabError, OSError) as error:
        if run is not None:
            ends.nobody(run, error)
        print(f"{run_id or 'the queue'}: nobody was told: {error}", file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
