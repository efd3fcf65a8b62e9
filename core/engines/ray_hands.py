"""What the desk does with a Ray cluster: hold content, begin and end tasks, see nodes. Imported in the actor alone."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray

from core.engines.parcel import FoldJob, Node
from core.engines.ray_nodes import nodes_of


class RayHands:
    """code: reference of the lab's zip. task: door.train. actor: the desk's own handle.

    A process that has used a GPU stays on it, whichever one it is given next: there each fold job has its own.
    """

    def __init__(self, code: Any, task: Callable[..., None], actor: Any):
        self.code, self.actor = code, actor
        self.on_cores, self.on_gpus = ray.remote(task), ray.remote(max_calls=1)(task)

    def keep(self, content: Any) -> Any:
        return ray.put(pickle.PickleBuffer(content))  # bytes would be copied whenever they are asked for

    def content(self, handle: Any) -> pickle.PickleBuffer:
        """A view of the store, where it stays as long as the view lives."""
        return pickle.PickleBuffer(ray.get(handle))

    def start(self, job: FoldJob, blobs: dict[str, list[Any]], avoid: Sequence[str]) -> Any:
        """No retries of Ray's own: the desk begins a lost fold anew, under a new number."""
        options: dict[str, Any] = {"num_cpus": job.cores, "num_gpus": job.gpus, "max_retries": 0}
        if avoid:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(avoid)})"}
        task = (self.on_gpus if job.gpus else self.on_cores).options(
            name=f"{job.run} fold {job.fold}", scheduling_strategy="SPREAD", **options
        )
        return task.remote(self.code, pickle.dumps(job), job.key, job.attempt, blobs, self.actor)

    def stop(self, task: Any) -> None:
        ray.cancel(task, force=True)

    def ended(self, tasks: Sequence[Any]) -> list[tuple[Any, str]]:
        ready, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=0)
        faults = []
        for task in ready:
            try:
                ray.get(task)
                faults.append((task, ""))
            except Exception as error:  # whatever ended it, the fold goes on elsewhere and its log says why
                lines = [line for line in str(error).splitlines() if line.strip()]
                faults.append((task, f"{type(error).__name__}: {lines[0].strip()[:300] if lines else ''}"))
        return faults

    def wait(self, tasks: Sequence[Any], seconds: float) -> None:
        if tasks:
            ray.wait(list(tasks), timeout=seconds)
        else:
            time.sleep(seconds)

    def nodes(self) -> list[Node]:
        return nodes_of(ray)
