"""The desk in the cluster: it owns what waits and trains there, so that the lab may be closed and come back.

One desk serves one lab. It begins the oldest job where there is room, gives each attempt a number, refuses what an
older attempt sends, begins a fold anew elsewhere when its node falls silent, and keeps what comes back until the writer
beside the lab has it on its disk. Knows nothing of Ray: whoever makes it hands it `Hands`. Imports no torch.
"""

from __future__ import annotations

import secrets
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.engines.cluster import Hands
from core.engines.parcel import FoldJob, Key, Node, Parcel

SILENCE = 60.0  # seconds without a word after which an attempt is given up
UNHEARD = 5  # silences after which an attempt that never began is begun elsewhere; each further time twice as many ...
MOST_PATIENCE = 8  # ... up to so many times the first
AVOIDED = 60.0  # seconds for which nothing begins on a node that fell silent, at least
MOST_LOSSES = 5  # losses of a fold without an epoch between them after which it is not begun again
BUDGET = 20_000_000_000  # bytes that wait for the writer, above which nothing more is begun
PART = 256_000_000  # bytes of files in one answer to the writer, at least one parcel


@dataclass
class Attempt:
    """A fold job under way. since: when it was given to the cluster. heard: when its node was last heard, None before
    it ever was. node: facts of it.
    """

    job: FoldJob
    number: int
    task: Any
    losses: int
    since: float
    heard: float | None = None
    node: dict[str, Any] | None = None


class Desk:
    """The desk of one lab; every method may be called from any thread."""

    def __init__(
        self,
        hands: Hands,
        *,
        silence: float = SILENCE,
        budget: int = BUDGET,
        lab: str = "",
        code: str = "",
        runs: str = "",
        clock: Callable[[], float] = time.monotonic,
    ):
        """lab: whose desk this is, as people would call it. code: a digest of the code with which it trains. runs: what
        a command that somebody is told to type beside the lab ends with (places.runs_option)."""
        self.id, self.lab, self.code, self.runs = secrets.token_hex(8), lab, code, runs
        self.hands, self.silence, self.budget, self.clock = hands, silence, budget, clock
        self.writer = ""
        self.asked = clock()  # when a writer last asked for what is new
        self.waiting: dict[Key, FoldJob] = {}  # in order
        self.again: dict[Key, tuple[FoldJob, int]] = {}  # lost, with their number of losses; before all that waits
        self.running: dict[Key, Attempt] = {}
        self.leaving: list[tuple[Any, float]] = []  # tasks of attempts that are over, whose cores Ray has not back yet
        self.last: dict[Key, int] = {}  # the highest attempt of each fold that was ever begun
        self.created: dict[Key, float] = {}  # of each fold that was ever begun, as its job had it
        self.blobs: dict[str, list[Any]] = {}
        self.fresh: dict[Key, Parcel] = {}  # what the writer has not been given; files as (handle, bytes)
        self.sent: dict[Key, Parcel] = {}  # what it has been given and not confirmed
        self.batch = 0
        self.newest: dict[Key, dict[str, tuple[Any, int]]] = {}  # files of each fold under way, to begin it anew with
        self.unheard: dict[Key, int] = {}  # how often in a row attempts of a fold did not begin
        self.unkept: set[Key] = set()  # folds whose files only the lab has any more
        self.unused: dict[str, str] = {}  # node -> why it is out of use
        self.fault = ""  # what keeps the desk from looking after anything, as long as it does
        self.names: dict[str, str] = {}  # node -> what people call it, of every node that was ever seen
        self.silent: dict[str, float] = {}  # node -> since when it is avoided, since an attempt on it fell silent
        self.refused: dict[tuple[Key, int], int] = {}
        self.refusals: list[tuple[Key, str]] = []  # lines for the logs of runs
        self.lock = threading.RLock()

    # for the writer beside the lab
    def hello(self, writer: str) -> dict[str, Any]:
        """A writer begins; what an older one asks is refused from now on. Returns the desk and what it has.

        jobs: (run, fold, attempt) of what trains, is to be begun anew, or has news that no writer confirmed.
        created: of the run of each, and of what waits, where its job has it.
        """
        with self.lock:
            self.writer, self.asked = writer, self.clock()
            self._unsend()
            keys = {**self.running, **self.again, **self.fresh}
            created = {key: self.created.get(key, 0.0) for key in keys}
            created |= {key: job.created for key, job in self.waiting.items()}
            return {
                "desk": self.id,
                "code": self.code,
                "jobs": [(*key, self.last.get(key, 0)) for key in keys],
                "created": {key: when for key, when in created.items() if when},
            }

    def missing(self, writer: str, blobs: Iterable[str]) -> list[str] | None:
        """The blobs that the desk does not hold; None for a writer that was succeeded."""
        with self.lock:
            return None if writer != self.writer else [blob for blob in blobs if blob not in self.blobs]

    def keep(self, writer: str, blob: str, part: int, parts: int, content: bytes) -> bool:
        """One part of a blob, in order; it is held once it is whole."""
        handle = self.hands.keep(content)
        with self.lock:
            if writer != self.writer:
                return False
            parts_so_far = self.blobs.setdefault(f"{blob} …", [])
            del parts_so_far[part:]
            parts_so_far.append(handle)
            if len(parts_so_far) == parts:
                self.blobs[blob] = self.blobs.pop(f"{blob} …")
            return True

    def arrange(self, writer: str, jobs: Sequence[FoldJob], keep: Sequence[str] = ()) -> list[Key] | None:
        """What is to wait here from now on, in this order; what waited and is not among it is withdrawn.

        keep: blobs that are needed soon. Returns the jobs that were left out since a part of them is missing, which the
        writer has to send again; None for a writer that was succeeded.
        """
        with self.lock:
            if writer != self.writer:
                return None
            self.waiting, lacking = {}, []
            for job in jobs:
                if job.key in self.running or job.key in self.again:
                    attempt = self.running.get(job.key)
                    if attempt is None or job.attempt <= attempt.number:
                        continue
                    self._stop(job.key)
                if all(blob in self.blobs for blob in job.blobs):
                    self.waiting[job.key] = job
                else:
                    lacking.append(job.key)
            self._forget_blobs(keep)
            return lacking

    def take(self, writer: str, confirmed: int, most: int = PART) -> dict[str, Any] | None:
        """What is new, as a numbered batch of parcels. confirmed: the last batch that is whole on the lab's disk."""
        with self.lock:
            if writer != self.writer:
                return None
            self.asked = self.clock()
            if confirmed == self.batch:
                self.sent.clear()
            else:
                self._unsend()
            size = 0
            for key in list(self.fresh):
                parcel = self.fresh[key]
                size += sum(length for _, length in parcel.files.values())
                if self.sent and size > most:
                    break
                self.sent[key] = self.fresh.pop(key)
            self.batch += 1
            refusals, self.refusals = self.refusals, []
            batch, parcels = self.batch, [replace(parcel, files=dict(parcel.files)) for parcel in self.sent.values()]
        for parcel in parcels:
            parcel.files = {name: self.hands.content(handle) for name, (handle, _) in parcel.files.items()}
        return {"batch": batch, "parcels": parcels, "refused": refusals}

    def cancel(self, writer: str, key: Key) -> bool:
        """Stop a fold wherever it stands, and forget what came of it."""
        with self.lock:
            if writer != self.writer:
                return False
            self.waiting.pop(key, None)
            self.again.pop(key, None)
            self._stop(key)
            for table in (self.fresh, self.sent, self.newest, self.unheard):
                table.pop(key, None)
            return True

    def use(self, writer: str, node: str, why: str) -> bool:
        """Take a node out of use (why: what people read of it), or into use again (why empty). What trains goes on."""
        with self.lock:
            if why:
                self.unused[node] = why
            else:
                self.unused.pop(node, None)
            return writer == self.writer

    def status(self) -> dict[str, Any]:
        """nodes (with the jobs that train there), places, waiting, and whether the writer is waited for (full).

        Also what keeps it from looking after them (fault), whose desk it is (lab), seconds since its writer asked
        (asked), folds that train or are to begin anew (training), and of which something was not collected.
        """
        nodes = self.hands.nodes()
        with self.lock:
            jobs = [(key, attempt) for key, attempt in self.running.items() if attempt.node]
            rows = [
                asdict(replace(node, why=self.unused.get(node.id, "")))
                | {"jobs": [list(key) for key, attempt in jobs if (attempt.node or {}).get("id") == node.id]}
                for node in nodes
            ]
            return {
                "nodes": rows,
                "places": self._places(nodes, None),
                "waiting": len(self.waiting),
                "full": self._full(),
                "fault": self.fault,
                "lab": self.lab,
                "asked": self.clock() - self.asked,
                "training": len(self.running) + len(self.again),
                "uncollected": len({*self.fresh, *self.sent}),
            }

    # for nodes
    def begun(self, key: Key, attempt: int, node: dict[str, Any]) -> bool:
        """An attempt begins to train; False where it may not."""
        with self.lock:
            if (current := self._current(key, attempt)) is None:
                return False
            current.node = node | {"name": self._name(node)}
            self._news(Parcel(*key, attempt, node=current.node))
            return True

    def beat(self, key: Key, attempt: int, progress: dict[str, Any] | None = None) -> bool:
        """An attempt lives; False where it is to stop."""
        with self.lock:
            if self._current(key, attempt) is None:
                return False
            if progress:
                self._news(Parcel(*key, attempt, progress=progress))
            return True

    def ship(self, parcel: Parcel) -> bool:
        """What an attempt wrote, whole; False where it is refused."""
        files = {name: (self.hands.keep(content), len(content)) for name, content in parcel.files.items()}
        with self.lock:
            current = self._current(parcel.key, parcel.attempt)
            if current is None:
                return False
            self.newest.setdefault(parcel.key, {}).update(files)
            if parcel.state.get("epoch"):
                current.losses = 0
            self._news(replace(parcel, files=dict(files)))
            if parcel.end:
                self._leave(self.running.pop(parcel.key))
                self.newest.pop(parcel.key, None)
                self.unkept.discard(parcel.key)
            return True

    def unfit(self, key: Key, attempt: int, node: str, why: str) -> bool:
        """A node cannot train: it is taken out of use, and the job goes elsewhere, or waits where there is no other.

        why: what the node is or lacks and what to do there, as a sentence that its name begins.
        """
        with self.lock:
            current = self._current(key, attempt)
            if current is None:
                return False
            name = self._name({"id": node})
            again = f"python -m core engine --put-back {shlex.quote(name)}{self.runs}"
            self.unused[node] = f"{name} {why}, then: {again}"
            current.node = {"id": node, "name": name}
            self._lose(key, f"it {why}", count=False)
            return True

    def look_after(self) -> None:
        """A tick; what goes wrong with it is told with the status until one goes well."""
        try:
            self.tick()
            self.fault = ""
        except Exception as error:  # a node that leaves while it is asked: the next look sees it gone
            self.fault = f"{type(error).__name__}: {error}"
            print(f"desk: {self.fault}", file=sys.stderr, flush=True)

    def rest(self, seconds: float) -> None:
        """Until the next tick: as soon as a task ends, so that its place is not empty for long, and at most so long."""
        with self.lock:
            tasks = [*(attempt.task for attempt in self.running.values()), *(task for task, _ in self.leaving)]
        self.hands.wait([] if self.fault else tasks, seconds)

    def tick(self) -> None:
        """Look after what trains, and begin what waits. To be called a few times a second."""
        with self.lock:
            tasks = {key: attempt.task for key, attempt in self.running.items()}
            leaving = [task for task, _ in self.leaving]
        asked = [*tasks.values(), *leaving]
        faults = dict(self.hands.ended(asked)) if asked else {}
        nodes = self.hands.nodes()
        with self.lock:
            self.names |= {node.id: node.name for node in nodes}
            now = self.clock()
            for key, task in tasks.items():
                attempt = self.running.get(key)
                if attempt is None or attempt.task != task:
                    continue
                if task in faults:
                    self._lose(key, faults[task] or "its process ended without a word")
                elif attempt.heard is not None and now - attempt.heard > self.silence:
                    self.hands.stop(task)
                    self.silent[str((attempt.node or {}).get("id"))] = now
                    self._lose(key, f"nothing was heard of it for {self.silence:.0f} s")
                elif attempt.heard is None and now - attempt.since > self._patience(key):
                    self.hands.stop(task)
                    words = f"it did not begin for {self._patience(key):.0f} s"
                    self.unheard[key] = self.unheard.get(key, 0) + 1
                    self._lose(key, words, count=False)
            self.leaving = [
                (task, since) for task, since in self.leaving if task not in faults and now - since <= self.silence
            ]
            self._forget_newest()
            full = self._full()
            while not full and (self.again or self.waiting):
                key = next(iter(self.again or self.waiting))
                job, losses = self.again[key] if key in self.again else (self.waiting[key], 0)
                if len(self.running) + len(self.leaving) >= self._places(nodes, job):
                    break
                self._begin(job, losses)

    # inside
    def _patience(self, key: Key) -> float:
        """Seconds in which an attempt has to begin: where every node is slow, none would be given the time it needs."""
        return UNHEARD * self.silence * min(2.0 ** self.unheard.get(key, 0), MOST_PATIENCE)

    def _current(self, key: Key, number: int) -> Attempt | None:
        """The attempt, if it is the one that may write; what another one sends is refused and counted."""
        current = self.running.get(key)
        if current is not None and current.number == number:
            current.heard = self.clock()
            self.unheard.pop(key, None)
            return current
        times = self.refused[key, number] = self.refused.get((key, number), 0) + 1
        if times == 1 and len(self.refusals) < 1000:
            words = f"fold {key[1]}: refused what attempt {number} sent; the newest is {self.last.get(key, 0)}"
            self.refusals.append((key, words))
        return None

    def _name(self, node: dict[str, Any]) -> str:
        """As the list of nodes has it, which tells machines of one name apart."""
        return self.names.get(str(node.get("id"))) or str(node.get("name") or "a node")

    def _news(self, parcel: Parcel) -> None:
        if parcel.key in self.fresh:
            self.fresh[parcel.key].add(parcel)
        else:
            self.fresh[parcel.key] = parcel

    def _unsend(self) -> None:
        """What was given and not confirmed is given again, beneath what is newer."""
        for key, parcel in self.sent.items():
            if key in self.fresh:
                parcel.add(self.fresh[key])
            self.fresh[key] = parcel
        self.sent = {}

    def _begin(self, job: FoldJob, losses: int) -> None:
        number = max(job.attempt, self.last.get(job.key, 0) + 1)
        job = replace(job, attempt=number)
        task = self.hands.start(job, {blob: self.blobs[blob] for blob in job.blobs}, sorted(self._avoided()))
        self.again.pop(job.key, None)  # only now: what cannot be begun waits on
        self.waiting.pop(job.key, None)
        self.last[job.key], self.created[job.key] = number, job.created
        self.running[job.key] = Attempt(job, number, task, losses, self.clock())

    def _stop(self, key: Key) -> None:
        if (attempt := self.running.pop(key, None)) is not None:
            self.hands.stop(attempt.task)
            self._leave(attempt)

    def _leave(self, attempt: Attempt) -> None:
        """An attempt is over and its process not yet free: what began now would begin beside it, in another process."""
        self.leaving.append((attempt.task, self.clock()))

    def _lose(self, key: Key, why: str, *, count: bool = True) -> None:
        """An attempt is over without an end: the fold begins anew where its newest resume point left it."""
        attempt = self.running.pop(key)
        where = (attempt.node or {}).get("name") or "a node"
        words = f"fold {key[1]}: attempt {attempt.number} on {where} was lost: {why}\n"
        losses = attempt.losses + count
        if losses > MOST_LOSSES:
            state = {
                "state": "failed",
                "kind": "lost",
                "reason": f"lost: {losses} attempts in a row ended before an epoch, the last one since {why}.",
                "remedy": "Look at the nodes of the cluster, then resume.",
            }
            self._news(Parcel(*key, attempt.number, state=state, log=words, end="over"))
            self.newest.pop(key, None)
            return
        if key in self.unkept:
            self.unkept.discard(key)
            self.newest.pop(key, None)
            self._news(Parcel(*key, attempt.number, log=words, end="lost"))
            return
        files = dict(attempt.job.files)
        for name, (handle, _) in self.newest.get(key, {}).items():
            blob = f"newest of {key[0]}, fold {key[1]}: {name}"
            self.blobs[blob] = [handle]
            files[f"{key[0]}/folds/{key[1]}/{name}"] = blob
        self.again[key] = replace(attempt.job, files=files), losses
        self._news(Parcel(*key, attempt.number, log=words))

    def _places(self, nodes: Sequence[Node], job: FoldJob | None) -> int:
        """How many such jobs train at a time."""
        if job is None:
            job = next(iter(self.waiting.values()), None) or next((a.job for a in self.running.values()), None)
        cores, gpus = (max(1, job.cores), job.gpus) if job else (1, 0.0)
        avoided = self._avoided()
        used = [node for node in nodes if node.id not in avoided]
        return sum(
            min(int(node.cores // cores), int(node.gpus / gpus + 1e-9)) if gpus else int(node.cores // cores)
            for node in used
        )

    def _avoided(self) -> set[str]:
        """Nodes out of use, and those that fell silent lately: what they were given would never begin."""
        now = self.clock()
        return {
            *self.unused,
            *(node for node, since in self.silent.items() if now - since < max(AVOIDED, 2 * self.silence)),
        }

    def _full(self) -> bool:
        undelivered = [*self.fresh.values(), *self.sent.values()]
        return sum(length for parcel in undelivered for _, length in parcel.files.values()) > self.budget

    def _forget_newest(self) -> None:
        """Of the files that the lab has on its disk too, those of the fewest folds that keep within the budget."""
        total = sum(length for files in self.newest.values() for _, length in files.values())
        for key in list(self.newest):
            if total <= self.budget:
                return
            if key not in self.fresh and key not in self.sent:
                total -= sum(length for _, length in self.newest.pop(key).values())
                self.unkept.add(key)

    def _forget_blobs(self, keep: Sequence[str]) -> None:
        jobs = [
            *self.waiting.values(),
            *(job for job, _ in self.again.values()),
            *(a.job for a in self.running.values()),
        ]
        needed = {*keep, *(f"{blob} …" for blob in keep)}.union(*(job.blobs for job in jobs))
        self.blobs = {blob: handles for blob, handles in self.blobs.items() if blob in needed}
