"""The writer beside the lab: hands what waits to a cluster, and writes what comes back into the run folders.

One process a runs folder and machine. It holds the lock of every fold that trains on the cluster, so that nobody else
writes there, and dies as a worker dies: the operating system frees its locks, and the next one finds at the desk what
trains and what came back meanwhile. Imports no torch before photos have to be decoded, and no ray.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.engines import pack, taken
from core.engines.cluster import BY_HAND, Cluster, Demand, DeskEmpty, DeskFault, DeskGone, Gone, Succeeded, no_place
from core.engines.parcel import FoldJob, Key, Parcel
from core.errors import LabError
from core.jobs import elsewhere, fold_job, halt, queue, reach, turns
from core.jobs.alerts.line import Line
from core.jobs.room import keep
from core.runs import Run
from core.runs.states import ALIVE
from core.storage import files, lab_file
from core.storage.files import GARBAGE

AHEAD = 200  # fold jobs that wait at the desk, so that the cluster is busy while the lab is closed
TOLD = 2.0  # seconds between two reports, if nothing has changed
PACKING = "beside the lab"  # where fold jobs are packed: a slot that counts for itself
OUTDATED = (
    "The desk in the cluster is of another version of this lab: what trains there goes on to its end with the code of "
    "that version, and what waits begins after that."
)


@dataclass
class Held:
    """A fold that trains on the cluster. lock: of the fold, held. again: it has to be sent anew."""

    run: Run
    fold: int
    lock: FileLock
    attempt: int
    node: dict[str, Any]
    again: bool = False


class Writer:
    """Rounds between a runs folder and a cluster, until nothing waits and nothing trains."""

    def __init__(
        self,
        root: Path,
        cluster: Cluster,
        address: str,
        demand: Callable[[Path, int, str], Demand],
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.root, self.cluster, self.address, self.clock = root, cluster, address, clock
        self.token, self.desk = secrets.token_hex(8), ""
        self.outdated = False  # the desk is of another version of the lab
        self.held: dict[Key, Held] = {}
        self.packed: dict[Key, FoldJob] = {}
        self.unwritten: set[Key] = set()  # folds that have failed, which no disk had room to say
        self.passed_over: set[Key] = set()  # folds whose lock or files cannot be opened, once that was said
        self.arranged: list[tuple[Key, int]] | None = None
        self.batch = 0
        self.parcels: list[Parcel] = []  # of that batch, not written yet
        self.status: dict[str, Any] = {}
        self.trouble = ""
        self.told = -1e9
        self.packer = pack.Packer(root, cluster, self.token, demand)
        self.put_back: set[str] = set()  # nodes put back by hand, where that could not be struck off the wishes
        self.line = Line(root)
        self.queue = queue.Reader(root, clock)

    # the life of a writer
    def greet(self) -> None:
        """Take over from whoever wrote before: go on with what trains and is ours, stop what is not."""
        greeting = self.cluster.hello(self.token)
        if self.desk and greeting["desk"] != self.desk:  # a new desk: what trained has to be sent anew
            for held in self.held.values():
                held.again = True
        self.desk, self.arranged, self.batch, self.parcels, self.packed = greeting["desk"], None, 0, [], {}
        self.outdated = greeting.get("code") != self.cluster.code
        self.packer.connect(self.cluster)
        created = greeting.get("created", {})  # older desks do not say
        others = {key for key, when in created.items() if key not in self.held and self._is_another(key, when)}
        for key in others:
            self.cluster.cancel(self.token, key)
        for run_id, fold, attempt in greeting["jobs"]:
            if (run_id, fold) in self.held.keys() | others:
                continue
            state = self._state(run_id, fold)
            mine = state is not None and (state.worker or {}).get("desk") == self.desk
            if mine and state.state == "queued":  # resumed while no writer knew that it trains on
                self.parcels.append(Parcel(run_id, fold, state.worker.get("attempt", attempt), node=state.worker))
                continue
            if mine and state.state == "running" and self._hold(run_id, fold, attempt, state.worker):
                continue
            if state is None or state.state != "queued":
                self.cluster.cancel(self.token, (run_id, fold))
        for key in elsewhere.under_way(self.root):
            state = self._state(*key)
            trained = state is not None and state.state == "running" and "desk" in (state.worker or {})
            if trained and key not in self.held:
                why = "The cluster ended while nobody collected what it trained."
                self._interrupted(Run(key[0], self.root), key[1], why)
        self.status = self.cluster.status()
        self.tell()

    def _is_another(self, key: Key, created: float) -> bool:
        """Whether a run that was launched later has the id of the one of which the desk has something."""
        with contextlib.suppress(OSError, LabError, *GARBAGE):  # what cannot be read says nothing
            return Run(key[0], self.root).info().get("created") not in (None, created)
        return False

    def round(self) -> bool:
        """One look at everything. Returns whether anything trains, waits or is on its way."""
        self._watch()
        self._receive()
        self._use_nodes()  # before anything can begin on one that is not to be used
        waiting = self._offer()
        if self.clock() - self.told > TOLD:
            self.status = self.cluster.status()
            self.tell()
        return bool(self.held or waiting or self.packer.under_way)

    def _use_nodes(self) -> None:
        """Nodes that people took out of use, or put back; a wish to put one back holds once."""
        wishes = elsewhere.wishes(self.root)
        for node in self.status["nodes"]:
            wish = wishes.get(node["name"])
            if wish == "out" and not node["why"]:
                node["why"] = BY_HAND
            elif wish == "in" and node["why"] and node["id"] not in self.put_back:
                if not elsewhere.forget_wish(self.root, node["name"]):
                    self.put_back.add(node["id"])
                node["why"] = ""
            else:
                if wish != "in":
                    self.put_back.discard(node["id"])
                continue
            self.cluster.use(self.token, node["id"], node["why"])

    def give_up(self, why: str) -> None:
        """The cluster is gone: what trained there is interrupted, and says why."""
        for held in list(self.held.values()):
            self._interrupted(held.run, held.fold, why)
            self._let_go(held)
            self.line.ended(held.run)
        self.tell()

    def _interrupted(self, run: Run, fold: int, why: str) -> None:
        with contextlib.suppress(OSError, LabError):
            state = run.state_in_reach(fold)
            remedy = f"Resume goes on after epoch {state.epoch}, there once it is back, or on this machine."
            run.write_state(replace(state, kind="stopped", reason=why, remedy=remedy))
        run.log(f"fold {fold}: {why}")

    def close(self) -> None:
        """Before the process ends: no thread packs any longer."""
        self.packer.close()
        self.line.close()

    # what comes back
    def _receive(self) -> None:
        if not self.parcels:
            answer = self.cluster.take(self.token, self.batch)
            self.batch, self.parcels = answer["batch"], answer["parcels"]
            for (run_id, _), words in answer["refused"]:
                if (run := Run(run_id, self.root)).exists():
                    run.log(words)
        while self.parcels:
            parcel = self.parcels[0]
            try:
                self._write(parcel)
            except (OSError, LabError) as error:
                # Nothing is lost: it stays in the cluster until there is room. What trains goes on.
                self._say(f"{error} What the cluster trains waits there, and is written as soon as it can be.")
                return
            # It may be gone already: a fold that is dropped takes its own away, and what is first then is another's.
            self.parcels = [other for other in self.parcels if other is not parcel]
        if not self.unwritten:
            self._say("")

    def _write(self, parcel: Parcel) -> None:
        held = self.held.get(parcel.key)
        if held is None:
            if not self._take_up(parcel):
                return
            held = self.held[parcel.key]
        elif parcel.attempt < held.attempt:
            held.run.log(
                f"fold {held.fold}: refused what attempt {parcel.attempt} sent; attempt {held.attempt} has the fold"
            )
            return
        if parcel.node:
            self._begun(held, parcel.attempt, parcel.node)
            parcel.node = None  # it begins once, however often what follows is tried until there is room for it
        if not held.run.exists():
            self._drop(held)
            return
        taken.write(held.run, parcel)
        if parcel.end == "lost":
            held.again = True
        elif parcel.end == "over":
            self._over(held, parcel)

    def _take_up(self, parcel: Parcel) -> bool:
        """Hold a fold that began on the cluster; False, and it is stopped there, where it may not."""
        state = self._state(*parcel.key)
        # Of an attempt that began before somebody queued the fold anew, which goes on from what lies here.
        cut_off = parcel.node is None and bool(parcel.state or parcel.progress or parcel.files)
        waits = state is not None and state.state in ALIVE and self.queue.stands(*parcel.key)
        mine = state is not None and state.state == "running" and (state.worker or {}).get("desk") == self.desk
        may_begin = (mine or (waits and not cut_off)) and parcel.run not in queue.held_runs(self.root)
        if may_begin and self._hold(*parcel.key, parcel.attempt, parcel.node or {}):
            return True
        self.cluster.cancel(self.token, parcel.key)
        self.packed.pop(parcel.key, None)
        self.arranged = None
        return False

    def _hold(self, run_id: str, fold: int, attempt: int, node: dict[str, Any]) -> bool:
        run = Run(run_id, self.root)
        lock = run.fold_lock(fold)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            return False  # a worker on this machine has it
        except OSError as error:
            run.log(f"fold {fold}: cannot be locked: {error}")
            return False
        if run.written_state(fold).state not in ALIVE or run.cancel_file(fold).exists():
            lock.release()
            return False
        self.held[run_id, fold] = Held(run, fold, lock, attempt, node)
        self.line.watch(run)  # the end is told by who saw it, whoever saw the beginning
        return True

    def _begun(self, held: Held, attempt: int, node: dict[str, Any]) -> None:
        held.attempt, held.node, held.again = attempt, node, False
        begins = "begins" if taken.note_attempt(held.run, held.fold, attempt, node) else "is still"
        self.tell()  # before the state says running: who finds it so after a kill looks here
        worker = {key: node.get(key) for key in ("name", "device", "memory", "cores")}
        fold_job.begin(held.run, held.fold, {**worker, "engine": self.address, "desk": self.desk, "attempt": attempt})
        self.packed.pop((held.run.id, held.fold), None)
        queue.remove(held.run, [held.fold])
        turns.took_one(held.run)
        epoch = held.run.written_state(held.fold).epoch
        held.run.sweep(held.fold)
        held.run.log(f"fold {held.fold}: attempt {attempt} {begins} on {node.get('name')}, {epoch} epochs done before")

    def _over(self, held: Held, parcel: Parcel) -> None:
        fold_job.forget_resume_point(held.run, held.fold)
        self._let_go(held)
        keep.follow_rule(held.run)
        lasted = parcel.state.get("lasted", math.inf if parcel.state.get("epoch") else 0.0)  # older nodes do not say
        halt.ended(self.root, str(held.node.get("name")), held.run.id, held.fold, parcel.state, lasted)
        self.line.ended(held.run)

    def _let_go(self, held: Held) -> None:
        self.held.pop((held.run.id, held.fold), None)
        self.packed.pop((held.run.id, held.fold), None)
        held.lock.release()
        self.told = -1e9

    def _drop(self, held: Held) -> None:
        """Stop a fold in the cluster and let go of it; what still comes of it is refused."""
        self.cluster.cancel(self.token, (held.run.id, held.fold))
        self.parcels = [parcel for parcel in self.parcels if parcel.key != (held.run.id, held.fold)]
        self._let_go(held)

    def _watch(self) -> None:
        """Folds that somebody cancelled, or whose run was deleted."""
        for held in list(self.held.values()):
            if held.run.config_file.exists() and not held.run.cancel_file(held.fold).exists():
                continue
            if held.run.exists():
                self._finish(held.run, held.fold, {"state": "cancelled"})
            self._drop(held)
            self.line.ended(held.run)

    def _finish(self, run: Run, fold: int, end: dict[str, Any]) -> bool:
        """`fold_job.finish`; False, and it is said, where the disk beside the lab has no room for it."""
        try:
            fold_job.finish(run, fold, end)
        except (OSError, LabError) as error:
            self._say(f"{run.id}, fold {fold}: {end['state']}, which could not be written: {error}")
            return False
        return True

    # what goes there
    def _offer(self) -> bool:
        """Let the desk hold what waits here, in the order of the queue. Returns whether anything waits."""
        self._collect()  # first: it may stop the queue
        keys = [key for key, held in self.held.items() if held.again]
        if halt.stopped(self.root) is None and elsewhere.in_force(self.root) == self.address:
            entries = self.queue.entries()[:AHEAD]
            keys += [(run_id, fold) for _, run_id, fold in entries if (run_id, fold) not in self.held]
        self.unwritten &= set(keys)
        self.packer.keep_to(keys)  # not to what is held back, nor to what the queue stopped with
        if self.outdated:
            self._outlast(keys)
            return bool(keys)
        self.packed = {key: self.packed[key] for key in keys if key in self.packed}
        unpacked = (key for key in keys if key not in self.packed and self._is_due(key))
        first, gpu_nodes = None, sum(1 for node in self.status.get("nodes", []) if node["gpus"])
        for key in itertools.islice(unpacked, pack.AT_ONCE):
            first = first or key
            self.packer.begin(key, gpu_nodes)
        ready = itertools.takewhile(lambda key: key != first, keys)  # what waits behind it has to wait here
        self._arrange([self.packed[key] for key in ready if key in self.packed])
        return bool(keys)

    def _outlast(self, keys: list[Key]) -> None:
        """Nothing more begins at a desk of another version; one of this version follows once it has nothing left."""
        self._arrange([])
        if keys and all(held.again for held in self.held.values()):
            status = self.cluster.status()
            if not status.get("training") and not status.get("uncollected"):
                raise DeskEmpty("it is of another version of the lab")

    def _arrange(self, jobs: list[FoldJob]) -> None:
        """Let these wait at the desk. What it lacks something for is packed again: it lets go of what is held back."""
        order = [(job.key, job.attempt) for job in jobs]
        if order == self.arranged:
            return
        soon = self.packer.sent.union(*(job.blobs for job in self.packed.values()))
        lacking = self.cluster.arrange(self.token, jobs, sorted(soon))
        self.arranged = order if not lacking else None
        for key in lacking:
            self.packed.pop(key, None)

    def _is_due(self, key: Key) -> bool:
        """Whether a job of the queue may go to the desk; one that a worker here trains is left to it.

        The place of a job that has ended, or whose run is gone, is given up: who was killed before that left it.
        """
        run, fold = Run(key[0], self.root), key[1]
        if key in self.held:
            return True
        if not run.exists() or not run.fold_dir(fold).is_dir():
            queue.remove(run, [fold])
            return False
        try:
            with run.fold_lock(fold).acquire(timeout=0):
                is_due = run.state_in_reach(fold).state in ALIVE and not run.cancel_file(fold).exists()
                if not is_due:
                    queue.remove(run, [fold])
                else:
                    taken.attempts_in_reach(run, fold)  # it would be packed in vain, and what waits behind it waits on
                return is_due
        except Timeout:
            return False
        except OSError as error:  # no word about the job: it keeps its place
            if key not in self.passed_over:
                self.passed_over.add(key)
                run.log(f"fold {fold}: cannot be locked or read and waits on: {error}")
            return False

    def _collect(self) -> None:
        """What the packer has finished; what cannot be packed has failed, as it would have on this machine.

        Once the queue has stopped what waits keeps its place, whatever became of it.
        """
        for key, future in self.packer.finished():
            try:
                self.packed[key] = future.result()
                halt.ended_well(self.root, PACKING)
            except LabError as error:
                if error.kind == lab_file.KIND:  # no word about the job: it keeps its place
                    self._stop(error.message, reach.LET_GO_ON, error.kind)
                elif isinstance(error, DeskFault):
                    if not self.packer.is_outlived(future):
                        self._stop(error.message, error.remedy, error.kind)
                elif error.kind != taken.OUT_OF_REACH and self._may_fail(key):
                    self._fail(key, {"reason": error.message, "remedy": error.remedy, "kind": error.kind})
            except Exception as error:
                if self.packer.is_outlived(future):
                    continue
                if isinstance(error, (Gone, DeskGone, Succeeded)):
                    raise
                if self._may_fail(key):
                    self._fail(key, fold_job.explain(error, Run(key[0], self.root)))

    def _may_fail(self, key: Key) -> bool:
        return key in self.held or halt.stopped(self.root) is None

    def _stop(self, cause: str, remedy: str, kind: str) -> None:
        """Stop the queue, which is told once, and let what trains go on."""
        if halt.stopped(self.root) is None:
            halt.stop(self.root, cause, remedy, kind)
            self.line.stopped()

    def _fail(self, key: Key, why: dict[str, str]) -> None:
        run, fold = Run(key[0], self.root), key[1]
        if (held := self.held.get(key)) is None and (not run.exists() or not self._hold(*key, 0, {})):
            queue.remove(run, [fold])
            return
        if not self._finish(run, fold, {"state": "failed", **why}):
            self.unwritten.add(key)  # it waits on: it is packed once more, and fails until there is room to say so
            if held is None:
                self._let_go(self.held[key])
            return
        queue.remove(run, [fold])
        self._let_go(held or self.held[key])
        halt.ended(self.root, PACKING, run.id, fold, why, 0.0)
        self.line.ended(run)

    # what people are told
    def _state(self, run_id: str, fold: int):
        run = Run(run_id, self.root)
        return run.written_state(fold) if run.exists() and run.fold_dir(fold).is_dir() else None

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble:
                with contextlib.suppress(OSError):  # its log may lie on the disk that is full
                    print(trouble, file=sys.stderr, flush=True)
            self.tell()

    def tell(self) -> None:
        """Write down what pages and commands tell of the cluster. A courtesy, but for who comes after a kill."""
        self.told = self.clock()
        under_way = [
            {"run": held.run.id, "fold": held.fold, "attempt": held.attempt, "node": held.node.get("name")}
            for held in self.held.values()
        ]
        unplaced = no_place(self.status, next(iter(self.packed.values()), None))
        report = {"address": self.address, "when": time.time(), **self.status, "under_way": under_way}
        fault = f"The desk in the cluster cannot work: {fault}" if (fault := self.status.get("fault")) else ""
        outdated = OUTDATED if self.outdated else ""
        report |= {"doing": self.packer.doing, "trouble": self.trouble or fault or outdated or unplaced}
        with contextlib.suppress(OSError, LabError):
            elsewhere.report_file(self.root).parent.mkdir(parents=True, exist_ok=True)
            files.write_json(elsewhere.report_file(self.root), report, durable=False)
