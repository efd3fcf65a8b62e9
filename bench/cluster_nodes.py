"""Real Ray nodes of one core each, all on this machine: how much faster N of them train a study than one does.

A part of `python -m bench.cluster --nodes N`, which needs Ray. Where the machine has fewer cores than nodes, `--share`
holds each node to a part of a core by a control group: slower all, and as independent of each other as with whole ones.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from core import machine
from core.config import from_dict
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.jobs import control, elsewhere, halt, slots
from core.plan.plan import Plan, make_plan
from core.runs import Run

FOLDS = 3
PATIENCE = 120  # seconds in which some fold job trains
PERIOD = 100_000  # microseconds, after which a share of a core is given anew
STORE = 500_000_000  # bytes of a node's object store: some resume points of ResNet-18 (134 MB), as real nodes hold
CONFIG: dict[str, Any] = {
    "name": "nodes",
    "folds": {"count": FOLDS},
    "transforms": [{"name": "Resize", "params": {"height": 64, "width": 64}}, {"name": "Normalize"}],
    "model": {"depth": 18, "init": "scratch"},
    "training": {"device": "cpu", "batch_size": 32},
}
ENVIRONMENT = {
    **{"FACET_ENGINE": "ray", "FACET_SLOTS": "1", "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"},
    "RAY_raylet_start_wait_time_s": "120",  # where others have the cores, a node takes its time to start
}


def check(nodes: int, share: float = 1.0) -> None:
    """Raises SystemExit where the nodes would share cores: the figure would be of the cores then.

    share: of a core that each node has.
    """
    if nodes * share > machine.cores():
        raise SystemExit(
            f"{nodes} nodes of {share:g} core need {nodes * share:g} cores; this machine has {machine.cores()}, "
            "nothing was measured. --share gives each node less than a core."
        )


@contextlib.contextmanager
def groups(count: int, share: float) -> Iterator[list[Path | None]]:
    """So many control groups, each allowed this share of a core; None for each where that is a whole one.

    Raises SystemExit where none can be made.
    """
    if share >= 1:
        yield [None] * count
        return
    own = next(machine.groups("cpu"), None)
    made: list[Path] = []
    try:
        if own is None:
            raise OSError("this process has no control group for processors")
        for index in range(count):
            group = own / f"facet-node-{os.getpid()}-{index}"
            group.mkdir()
            made.append(group)
            quota = round(share * PERIOD)
            if (group / "cpu.max").exists():
                (group / "cpu.max").write_text(f"{quota} {PERIOD}")
            else:
                (group / "cpu.cfs_period_us").write_text(str(PERIOD))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
        yield list(made)
    except OSError as error:
        raise SystemExit(f"A share of a core needs a control group of one's own, as root has: {error}") from error
    finally:
        for group in made:
            with contextlib.suppress(OSError):  # somebody is in it still: it holds nobody back who is not
                group.rmdir()


def join(group: Path | None, node: Any) -> None:
    """Put a node's processes into a group, with those that they start from now on."""
    if group is None:
        return
    own = [info.process.pid for kind in node.all_processes.values() for info in kind]
    inside: set[int] = set()
    while outside := {pid for parent in own for pid in _family(parent)} - inside:
        for pid in outside:
            with contextlib.suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(pid))
        inside |= outside


def _family(pid: int) -> list[int]:
    with contextlib.suppress(psutil.Error):
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return []


def plan_of(data: Path, epochs: int, folds: int = FOLDS) -> Plan:
    """ResNet-18 from scratch at 64 px on drawn faces, `epochs` of adam."""
    phases = [{"optimizer": "adam", "epochs": epochs, "lr_backbone": 1e-3, "lr_head": 1e-3}]
    changes: dict[str, Any] = {"folds": {"count": folds}, "phases": phases, "data": {"root": str(data)}}
    config = from_dict({**CONFIG, **changes, "task": {"name": "gender"}})
    return make_plan(config, scan(config.data))


@contextlib.contextmanager
def cluster(nodes: int, share: float = 1.0) -> Iterator[None]:
    """A head that trains nothing and nodes of one core, or a share of one, while this block lasts; the lab is told
    where they are."""
    from ray.cluster_utils import Cluster

    small = {"include_dashboard": False, "no_monitor": True, "include_log_monitor": False}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 2 * STORE, **small})
    with groups(nodes, share) as theirs:
        try:
            for group in theirs:
                join(group, made.add_node(num_cpus=1, object_store_memory=STORE))
            os.environ["RAY_ADDRESS"] = made.address
            yield
        finally:
            os.environ.pop("RAY_ADDRESS", None)
            made.shutdown()


def time_study(root: Path, first: Plan, plan: Plan, nodes: int, runs: int, share: float = 1.0) -> float:
    """Seconds from the first fold job's start to the last one's end, `runs` runs, on nodes that have torch loaded.

    first: not counted; a run of as many folds as there are nodes, on each of which one of them loads torch. What is
    counted is launched once all of them have ended, so that every node begins with it at the same time.
    """
    slots.write(root, slots.Slots(count=1, threads=1))  # a fold job asks for the cores of a slot
    with cluster(nodes, share):
        _wait([control.launch(first, folder=root)])
        counted = [control.launch(plan, folder=root) for _ in range(runs)]
        _wait(counted)
    states = [state for run in counted for state in run.states()]
    return max(state.ended or 0.0 for state in states) - min(state.started or 0.0 for state in states)


def _wait(runs: list[Run]) -> None:
    """Raises SystemExit when a fold job failed, when the queue was stopped and when no node took one in time."""
    root = runs[0].dir.parent
    patience = time.monotonic() + PATIENCE
    while any(state.state not in ("done", "failed", "cancelled") for run in runs for state in run.states()):
        if (stop := halt.stopped(root)) is not None:
            raise SystemExit(f"{stop.message} {stop.remedy}")
        control.ensure_workers(root)
        if elsewhere.under_way(root):
            patience = time.monotonic() + PATIENCE
        elif time.monotonic() > patience:
            raise SystemExit(elsewhere.report(root).get("trouble") or f"Nothing trained for {PATIENCE} s.")
        time.sleep(0.2)
    for run in runs:
        for state in run.states():
            if state.state != "done":
                raise SystemExit(f"{run.id} fold {state.fold}: {state.state}, {state.reason}")


def measure(top: Path, nodes: int, jobs: int, epochs: int, share: float = 1.0) -> str:
    """What N nodes of one core, or a share of one, gain over one of them, in words."""
    check(nodes, share)
    os.environ.update(ENVIRONMENT)
    runs = -(-jobs // FOLDS)
    draw_demo(top / "demo", people=90)
    plan = plan_of(top / "demo", epochs)
    seconds = {}
    for count in (1, nodes):
        root = top / f"runs-{count}"
        root.mkdir()
        first = plan_of(top / "demo", epochs, folds=max(2, count))
        seconds[count] = time_study(root, first, plan, count, runs, share)
    gain = seconds[1] / seconds[nodes]
    spare = machine.cores() - nodes * share
    size = "one core" if share >= 1 else f"{share:g} of a core"
    return (
        f"{runs * FOLDS} fold jobs: {seconds[1]:.1f} s on one node of {size}, {seconds[nodes]:.1f} s on {nodes}: "
        f"{gain:.2f} times, {gain / nodes:.2f} of {nodes} times; {spare:g} cores were left for head, desk and writer"
    )
