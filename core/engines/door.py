"""What Ray begins on a machine of the cluster. It travels by value and imports the standard library alone, so that a
node needs no copy of the lab: the lab's own code comes as a zip and is put first on the path.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import sys
import tempfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

EVERY = 0.25  # seconds between two looks of the desk at what trains, at most
CALL = 120.0  # seconds that a node waits for the desk's answer
LARGE = 100_000  # bytes from which content travels beside what is pickled


def lay(code: bytes) -> None:
    """Unpack the lab's code, once a machine and version, and put it first on this process's path.

    What a machine's cleaner of old temporary files took of it is put back, a whole file at a time, since other
    processes run from there. Raises PermissionError where somebody else made the folder: code is not run from it.
    """
    owner = os.getuid() if hasattr(os, "getuid") else 0
    top = os.path.join(tempfile.gettempdir(), f"facet-code-{owner}")
    os.makedirs(top, mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (os.stat(top).st_uid != owner or os.stat(top).st_mode & 0o022):
        raise PermissionError(f"{top} may be written by others")
    folder = os.path.join(top, hashlib.sha256(code).hexdigest()[:24])
    archive = zipfile.ZipFile(io.BytesIO(code))
    if lost := [part for part in archive.infolist() if _bytes(os.path.join(folder, part.filename)) != part.file_size]:
        fresh = tempfile.mkdtemp(dir=top)
        try:
            for part in lost:
                place = os.path.join(folder, part.filename)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.replace(archive.extract(part, fresh), place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    sys.path.insert(0, folder)


def _bytes(path: str) -> int | None:
    """How large a file is; None where there is none."""
    try:
        return os.path.getsize(path)
    except OSError:
        return None


class _Packer(pickle.Pickler):
    """beside: what is not pickled. A class of the module: one made anew for each call would be a cycle with what it
    packs, and Python's collector of those falls over views that are handed on."""

    def __init__(self, stream: Any):
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.beside: list[pickle.PickleBuffer] = []

    def persistent_id(self, part: Any) -> int | None:
        if type(part) is bytes and len(part) >= LARGE:
            part = pickle.PickleBuffer(part)
        if type(part) is not pickle.PickleBuffer:
            return None
        self.beside.append(part)
        return len(self.beside) - 1


class _Unpacker(pickle.Unpickler):
    def __init__(self, stream: Any, beside: Any):
        super().__init__(stream)
        self.beside = beside

    def persistent_load(self, place: int) -> Any:
        return self.beside[place]


def packed(value: Any) -> list[Any]:
    """A value pickled, and after it each large content in it as it is: Ray copies that once, into its store, where it
    would be copied into the pickle first and out of it again. `unpacked` undoes it.
    """
    stream = io.BytesIO()
    packer = _Packer(stream)
    packer.dump(value)
    return [stream.getvalue(), *packer.beside]


def unpacked(head: bytes, *beside: Any) -> Any:
    """What `packed` packed; what was beside it as it came, which is bytes or what has their length and can be written
    as they are."""
    return _Unpacker(io.BytesIO(head), beside).load()


def answer_of(content: Any) -> Any:
    """What a desk answers; older ones pickle it as a whole."""
    return unpacked(*content) if isinstance(content, list) else pickle.loads(content)


class Door:
    """The detached actor: a desk (core/engines/desk.py) that can be called from elsewhere."""

    def __init__(self, code: bytes, settings: dict):
        lay(code)
        import ray

        from core.engines.desk import Desk
        from core.engines.ray_hands import RayHands

        me = ray.get_runtime_context().current_actor
        self.desk = Desk(RayHands(ray.put(code), train, me), **settings)
        threading.Thread(target=self._look_after, daemon=True).start()

    def call(self, name: str, *arguments: Any) -> list[Any]:
        return packed(getattr(self.desk, name)(*unpacked(*arguments)))

    def _look_after(self) -> None:
        while True:
            self.desk.look_after()
            self.desk.rest(EVERY)


def awaited(reference: Any, timeout: float | None = None) -> Any:
    """What a reference stands for, as `ray.get` gives it, waited for in a thread beside the one that trains.

    While a task's own thread waits in `ray.get`, Ray gives its cores to another task (its documentation: nested tasks,
    yielding resources while blocked), which begins beside it in a process of its own and loads torch anew.
    """
    import ray

    with ThreadPoolExecutor(1) as beside:
        return beside.submit(ray.get, reference, timeout=timeout).result()


class DeskLine:
    """The desk as a node reaches it."""

    def __init__(self, actor):
        self._actor = actor

    def __getattr__(self, name: str):
        def call(*arguments):
            return unpacked(*awaited(self._actor.call.remote(name, *packed(arguments)), CALL))

        return call


def train(code: bytes, job_bytes: bytes, key: tuple, attempt: int, blobs: dict, actor) -> None:
    """The task: one attempt of a fold job on this node. blobs: name -> references of its parts."""
    import socket

    import ray

    desk = DeskLine(actor)
    node = {"id": ray.get_runtime_context().get_node_id(), "name": socket.gethostname()}
    try:
        lay(code)
        from core.engines import node as trainer

        job = pickle.loads(job_bytes)
        why = trainer.unfit(job) or trainer.cannot_import()
    except ImportError as error:
        why = f"lacks what the lab needs ({error}); install it there: pip install -r requirements.txt"
    except Exception as error:  # nobody knows yet what else can be wrong with a machine: its owner reads it
        why = f"cannot begin the lab's code ({type(error).__name__}: {error}); look there"
    if why:
        desk.unfit(key, attempt, node["id"], why)
        sys.exit()  # a process remembers what it could not import: after a mend the node begins another one
    if trainer.train(job, lambda blob: (awaited(part) for part in blobs[blob]), desk, node):
        sys.exit()  # it may be in pieces, and would fail every fold after this one
