"""A cluster inside the test: a desk whose tasks are threads, so that everything but Ray itself is the real thing."""

import pickle
import threading

from core.engines import node as trainer
from core.engines.cluster import Demand, Succeeded
from core.engines.desk import Desk
from core.engines.parcel import Node


class Threads:
    """Hands of a desk: each attempt is a thread of this process, begun when `run_one` says so."""

    def __init__(self, nodes=1):
        self.rows = [Node(f"n{index}", f"node {index}", 1) for index in range(nodes)]
        self.started, self.over, self.stopped, self.desk = [], [], [], None
        self.contents = 0

    def keep(self, content):
        self.contents += 1
        return bytes(content)

    def content(self, handle):
        return handle

    def start(self, job, blobs, avoid):
        task = f"task {len(self.started)}"
        usable = [row for row in self.rows if row.id not in avoid]
        self.started.append((task, job, {name: list(parts) for name, parts in blobs.items()}, usable[0]))
        return task

    def stop(self, task):
        self.stopped.append(task)

    def ended(self, tasks):
        ended, self.over = [pair for pair in self.over if pair[0] in tasks], []
        return ended + [(task, "cancelled") for task in self.stopped if task in tasks]

    def nodes(self):
        return self.rows

    def train(self, place=-1, line=None):
        """Run one started attempt in this thread to its end. line: the desk as its node reaches it.

        Returns whether its process would end then, since it may be in pieces.
        """
        task, job, blobs, row = self.started[place]
        job, desk = pickle.loads(pickle.dumps(job)), line or self.desk
        broken = False
        if why := trainer.unfit(job):
            desk.unfit(job.key, job.attempt, row.id, why)
        else:
            broken = trainer.train(job, lambda blob: blobs[blob], desk, {"id": row.id, "name": row.name})
        self.over.append((task, ""))
        return broken


class Broken:
    """A desk's line that breaks: from its `after`-th shipment on nothing comes through, and `then` is called."""

    def __init__(self, desk, after, then=lambda: None):
        self.desk, self.left, self.then = desk, after, then
        self.swallowed = []

    def __getattr__(self, name):
        return getattr(self.desk, name)

    def ship(self, parcel):
        if self.left == 0:
            self.swallowed.append(parcel)
            self.then()
            return True
        self.left -= 1
        return self.desk.ship(parcel)


class Near:
    """`writer.Cluster` on a desk in this process."""

    code = ""

    def __init__(self, desk):
        self.desk, self.ended = desk, threading.Event()

    def missing(self, writer, blobs):
        answer = self.desk.missing(writer, blobs)
        if answer is None:
            raise Succeeded
        return answer

    def take(self, writer, confirmed):
        answer = self.desk.take(writer, confirmed)
        if answer is None:
            raise Succeeded
        return pickle.loads(pickle.dumps(answer))

    def arrange(self, writer, jobs, keep):
        answer = self.desk.arrange(writer, jobs, keep)
        if answer is None:
            raise Succeeded
        return answer

    def close(self, *, end):
        self.ended.set()

    def __getattr__(self, name):
        return getattr(self.desk, name)


def near(nodes=1, **settings):
    """(cluster, hands) of a new desk."""
    hands = Threads(nodes)
    hands.desk = Desk(hands, **settings)
    return Near(hands.desk), hands


def demand(root, gpu_nodes, device):
    """One core a job, every epoch sent."""
    return Demand(1, 0.0, 0.0)
