"""The verb `link`: the link of a lab that is open on this machine, once more."""

from __future__ import annotations

import sys

from core import places
from core.cli.options.runs import RunsOption
from core.storage import lab_file, lab_link


def link(
    runs_dir: RunsOption = None,
) -> None:
    """Print the link of each lab that is open here with these runs, a line each, for the account that started it."""
    root = runs_dir or places.runs_folder()
    open_labs = lab_link.links(root)
    for text in open_labs:
        print(text)
    if not open_labs:
        mode = lab_file.read(root).door.mode
        words = (
            "this account has no lab open on this machine"
            if mode == "alone"
            else f"a lab whose door is {mode} has no link"
        )
        print(f"{words} with the runs of {root}", file=sys.stderr)
