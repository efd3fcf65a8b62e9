"""The verb `doctor`: what of this machine and of the lab's folders could spoil a training."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from core.cli.options.runs import AnyRunsOption
from core.jobs.doctor import examine

SIGNS = {"good": "ok   ", "note": "note ", "fault": "FAULT"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: AnyRunsOption = None,
) -> None:
    """Look at versions, devices, disk, rights, locks, weights and runs; exit with 1 where something is a fault."""
    findings = examine(runs_dir)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            print(f"{SIGNS[finding.verdict]} {finding.subject}: {finding.what}")
            if finding.remedy:
                print(f"      {finding.remedy}")
    if any(finding.verdict == "fault" for finding in findings):
        raise typer.Exit(1)
