"""The verbs of where fold jobs train: `engine`, and the hidden `writer` beside a lab that trains on a cluster."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.cli.options.runs import RunsOption
from core.errors import LabError, in_sentences
from core.jobs import control, elsewhere, halt, queue
from core.text import number_of


def engine(
    choose: Annotated[
        str | None, typer.Option("--choose", help="this-machine, ray, or ray://HOST:10001; kept for this machine.")
    ] = None,
    take_out: Annotated[str | None, typer.Option("--take-out", help="A node that is to begin nothing more.")] = None,
    put_back: Annotated[str | None, typer.Option("--put-back", help="A node that may begin fold jobs again.")] = None,
    desks: Annotated[
        bool, typer.Option("--desks", help="List the desks of this and other labs in the cluster.")
    ] = False,
    forget: Annotated[
        str | None, typer.Option("--forget", help="Remove a desk of a lab that does not come back; --desks names them.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also a desk for which fold jobs train, wait or came back.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Show where fold jobs train: nodes, how many fold jobs at a time, and what trains where."""
    from core.engines import engine as engines

    root = runs_dir or places.runs_folder()
    if desks or forget is not None:
        if (choose, take_out, put_back) != (None, None, None):
            message = "engine: desks are listed or forgotten by themselves, and something else would be changed."
            raise LabError(message, "Type --desks or --forget without --choose, --take-out, --put-back.", kind="config")
        _desks(root, forget, yes=yes, as_json=as_json)
        return
    if choose is not None:
        before = elsewhere.variable(root)
        elsewhere.choose(root, choose)
        if variable := elsewhere.variable(root):
            words = f"kept; it holds once the lab is started without {elsewhere.CHOICE}={variable}, which wins over it"
            print(words, file=sys.stderr)
        elif before:
            words = f"kept; a lab that is open with {elsewhere.CHOICE}={before} goes by that until it is closed"
            print(words, file=sys.stderr)
    for name, use in ((take_out, False), (put_back, True)):
        if name is not None:
            elsewhere.use_node(root, name, use)
    engine = engines.engine_of(root)
    capacity, placed = engine.capacity(), engine.placed()
    if as_json:
        print(json.dumps({"engine": engine.name, **asdict(capacity), "placed": [asdict(job) for job in placed]}))
        return
    at_a_time = number_of(capacity.places, "fold job")
    print(f"{engine.name}: {capacity.busy} of {at_a_time} at a time, {capacity.waiting:,} wait")
    print(f"{'node':<32}{'cores':>7}{'GPUs':>6}{'memory':>10}")
    for node in capacity.nodes:
        print(
            f"{node.name:<32}{node.cores:>7g}{node.gpus:>6g}{node.memory / 1e9:>7.1f} GB"
            + (f"  {node.why}" if node.why else "")
        )
    for job in placed:
        speed = f", {job.speed:.1f} images/s" if job.speed else ""
        print(f"{job.run} fold {job.fold}: on {job.node}{f', {job.device}' if job.device else ''}{speed}")
    for words in (capacity.doing, capacity.trouble):
        if words:
            print(words)
    if any(node.gpus for node in capacity.nodes):
        from core.jobs.pace import sharing
        from core.runs.lists.summaries import summaries

        fit = sharing.fit((summary["id"] for summary in summaries(root)), root)
        if fit is not None:
            print(fit.sentence(engine.to_share(fit.jobs)))
    if (stop := halt.stopped(root)) is not None:
        print(in_sentences(stop.message, stop.remedy))


def _desks(root: Path, forget: str | None, *, yes: bool, as_json: bool) -> None:
    from core.engines.desks import ray_desks

    address = elsewhere.address(root) or elsewhere.report(root).get("address")  # chosen, or where it trained last
    if not address:
        raise LabError(
            "engine: fold jobs train on this machine, where no desk is needed.",
            f"Name the cluster: python -m core engine --choose ray://HOST:10001{places.runs_option(root)}, or "
            "FACET_ENGINE.",
            kind="engine",
        )
    if forget is not None:
        gone = ray_desks.forget(root, address, forget, even_if_it_holds=yes)
        print(json.dumps({"forgotten": asdict(gone)}) if as_json else f"forgotten: {gone}")
        return
    seen = ray_desks.desks(root, address)
    if as_json:
        print(json.dumps({"address": address, "desks": [asdict(desk) | {"in_use": desk.in_use} for desk in seen]}))
        return
    for desk in seen:
        print(f"{desk}{', so it is at work' if desk.in_use else ''}")
    if not seen:
        print(f"no desk stands at {address}")


def writer(
    runs_dir: RunsOption = None, lock: Annotated[int | None, typer.Option("--lock", hidden=True)] = None
) -> None:
    """Hand what waits to the cluster and write what comes back, then leave. The lab starts it by itself."""
    from core.engines import engine as engines
    from core.engines import life, ray_cluster

    root = runs_dir or places.runs_folder()
    with life.locked(root, lock):
        life.serve(root, ray_cluster.connect, engines.demand)
    if next(queue.entries(root, by_itself=True), None) is not None:  # queued while this one left
        control.ensure_workers(root, in_force=True)
