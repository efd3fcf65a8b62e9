"""A Ray cluster as the writer reaches it. Imports ray when asked to, and no sooner."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core import machine
from core.engines import door, pack
from core.engines.cluster import DeskFault, DeskGone, Gone, Succeeded
from core.engines.parcel import FoldJob, Key, Node
from core.engines.ray_nodes import nodes_of
from core.errors import LabError
from core.places import machine_folder, runs_option
from core.storage import files

NAMESPACE = "facet-lab"
DESK = "desk-"
ANSWER = 15.0  # seconds for an answer of the desk, after which it is asked whether the cluster is there at all
SENDING = 600.0  # seconds for one part of a blob
PATIENCE = 120.0  # seconds without an answer, of a cluster that can be reached, after which it is given up
QUIET = {"namespace": NAMESPACE, "log_to_driver": False, "configure_logging": False}
NAMED = "RAY_ADDRESS"  # Ray's own variable: the cluster that is meant where none is named
HOST_PORT = re.compile(r"(?:ray://)?(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")
SETTINGS = {"silence": "FACET_SILENCE", "budget": "FACET_CLUSTER_BYTES"}


def import_ray() -> Any:
    """Raises LabError(kind 'engine') saying what to install."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise LabError(
            f"engine: Ray is not installed here ({error}).",
            "pip install -r requirements-ray.txt, or set FACET_ENGINE=this-machine.",
            kind="engine",
        ) from error
    return ray


def connect(root: Path, address: str) -> RayCluster:
    """The cluster at 'ray' or 'ray://HOST:PORT', with a desk for this lab.

    'ray': the one that RAY_ADDRESS names, else the one on this machine, begun if there is none. For one that is named
    and does not answer none is begun in its place.

    Raises LabError(kind 'engine'): Ray is not installed, nothing listens, another Ray or Python version there.
    """
    ray = import_ray()
    return RayCluster(ray, root, _join_here(ray) if address == "ray" else _join(ray, address))


def _join_here(ray: Any) -> tuple[str, int]:
    named = _named(ray)
    if named is None:
        with _in_words("ray"):  # 'local', or Ray would look for a cluster once more
            ray.init(address="local", num_cpus=machine.cores(), include_dashboard=False, **QUIET)
        return _place(ray.get_runtime_context().gcs_address)
    return _join(ray, named)


def _named(ray: Any) -> str | None:
    """The cluster that 'ray' means: the one that RAY_ADDRESS names, else the one that runs here; None where none does.

    Raises LabError(kind 'engine') where RAY_ADDRESS is no address.
    """
    named = os.environ.get(NAMED, "")
    match = HOST_PORT.fullmatch(named)
    if named not in ("", "auto", "local") and (match is None or not 0 < int(match["port"]) < 65536):
        raise LabError(
            f"{NAMED}: {named!r} names no cluster.",
            "Set it to HOST:6379 or ray://HOST:10001, or unset it: then a cluster is begun here if none runs.",
            kind="engine",
        )
    if named not in ("", "auto"):
        return None if named == "local" else named
    try:
        running = str(ray._private.services.canonicalize_bootstrap_address("auto"))
    except ConnectionError:
        return None
    return running if _listens(_place(running)) else None  # else it is written down still, and dead


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return host.strip("[]"), int(port)


def _join(ray: Any, address: str) -> tuple[str, int]:
    """Join the cluster at HOST:PORT or ray://HOST:PORT, and no other: none is begun in its place."""
    is_named = address == os.environ.get(NAMED)
    called = f"{address}, which {NAMED} names," if is_named else address
    if not _listens(_place(address)):
        remedy = "Start it there with: ray start --head --ray-client-server-port=10001; or correct FACET_ENGINE."
        if is_named:
            remedy = f"Start it there with: ray start --head; or correct or unset {NAMED}."
        raise LabError(f"engine: nothing listens at {called.rstrip(',')}.", remedy, kind="engine")
    with _in_words(called):
        if "://" in address:
            ray.init(address, namespace=NAMESPACE, log_to_driver=False)
        else:
            ray._raylet.GcsClient(address=address)  # raises after 40 s; ray.init tries twenty times as long
            ray.init(address, **QUIET)
    return _place(address)


@contextlib.contextmanager
def _in_words(address: str):
    """What Ray raises as a LabError."""
    try:
        yield
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        versions = "version" in str(error).lower() and "match" in str(error).lower()
        first = " ".join(lines if versions else lines[:1])[:300].rstrip(".") or type(error).__name__
        remedy = "Install the same Ray and Python on every machine: pip install -r requirements-ray.txt."
        other = "Look at the cluster with: ray status."
        if "reconnect" in first:
            first = "it does not answer"
        if "ray client connection timeout" in first.lower():  # something listens there that is no Ray Client server
            first = "something listens there, but does not answer as Ray's client server does"
            other = "Its port is 10001, or what --ray-client-server-port of ray start --head says; not 6379."
        raise LabError(
            f"engine: {address} cannot be used: {first}.", remedy if versions else other, kind="engine"
        ) from error


def _listens(where: tuple[str, int], patience: float = 5.0) -> bool:
    try:
        with socket.create_connection(where, timeout=patience):
            return True
    except OSError:
        return False


def desk_name(root: Path) -> str:
    """What this lab's desk is called in a cluster."""
    return f"{DESK}{lab_name(root)}"


def lab_name(root: Path) -> str:
    """What tells this lab from others of a cluster: drawn once."""
    path = machine_folder(root) / "lab.json"
    files.change_json(path, "the lab's name", lambda content: files.table_of(content) or {"name": secrets.token_hex(8)})
    return str(files.read_json(path)["name"])


@contextlib.contextmanager
def visiting(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster without beginning anything there; None where this machine is to have one and none
    runs. Raises LabError as `connect` does.
    """
    ray = import_ray()
    named = _named(ray) if address == "ray" else address
    if named is None:
        yield None
        return
    _join(ray, named)
    try:
        yield ray
    finally:
        ray.shutdown()


def look(root: Path, address: str) -> list[Node]:
    """The nodes of a cluster. Raises LabError as `connect` does."""
    with visiting(address) as ray:
        if ray is not None:
            return nodes_of(ray)
    return [Node("", f"{machine.name()} (a cluster is begun here with the first fold job)", machine.cores())]


class RayCluster:
    """The desk's methods, called through the detached actor. See `writer.Cluster`."""

    def __init__(self, ray: Any, root: Path, where: tuple[str, int] | None):
        self.ray, self.root, self.where = ray, root, where
        self.name, self.lab = desk_name(root), f"{machine.account()}@{socket.gethostname()}:{root}"
        zipped = pack.code()
        self.code = hashlib.sha256(zipped).hexdigest()
        self.actor = self._desk(zipped)

    def _desk(self, code: bytes) -> Any:
        """The actor that is there, or a new one, on the head where it has a place."""
        ray = self.ray
        settings: dict[str, Any] = {
            name: float(os.environ[key]) for name, key in SETTINGS.items() if os.environ.get(key)
        }
        settings |= {"lab": self.lab, "code": self.code, "runs": runs_option(self.root)}
        ray.cloudpickle.register_pickle_by_value(door)
        try:
            options = {"name": self.name, "lifetime": "detached", "get_if_exists": True, "num_cpus": 0}
            head = {"node:__internal_head__": 0.001} if "node:__internal_head__" in ray.cluster_resources() else {}
            actor = ray.remote(door.Door).options(**options, max_concurrency=64, resources=head)
            return actor.remote(code, settings)
        finally:
            ray.cloudpickle.unregister_pickle_by_value(door)

    def _ask(self, name: str, *arguments: Any, timeout: float = ANSWER, facts: Sequence[str] = ()) -> Any:
        """facts: what has to stand in the answer, if there is any."""
        content = self._answer(name, door.packed(arguments), timeout)
        try:
            answer = door.answer_of(content)
            if answer is not None and (lacking := [fact for fact in facts if fact not in answer]):
                raise KeyError(", ".join(lacking))
        except Exception as error:  # of another version: its classes may be others, too
            raise self._fault(name, error) from error
        return answer

    def _fault(self, name: str, error: BaseException) -> DeskFault:
        lines = str(error).splitlines() or [""]
        remove = f"python -m core engine --forget {self.name} --yes{runs_option(self.root)}"
        return DeskFault(
            f"engine: {self.name} in the cluster does not answer {name} as a desk of this version of the lab does: "
            f"{type(error).__name__}: {lines[0][:200].rstrip('.')}.",
            f"Where it is of another version, wait a minute, then remove it: {remove}; what came back from it stays. "
            "Then let the queue go on.",
        )

    def _answer(self, name: str, packed: Sequence[Any], timeout: float) -> Any:
        ray, begun = self.ray, time.monotonic()
        try:
            answer = self.actor.call.remote(name, *packed)
            while True:
                try:
                    return ray.get(answer, timeout=timeout)
                except ray.exceptions.GetTimeoutError:
                    if self.where is not None and not _listens(self.where):
                        raise Gone("nothing listens there any more") from None
                    if time.monotonic() - begun > max(PATIENCE, timeout):
                        raise Gone(f"its desk did not answer for {time.monotonic() - begun:.0f} s") from None
        except ray.exceptions.RayTaskError as error:  # first: it is of the kind of its cause, too
            raise self._fault(name, error.cause or error) from error
        except ray.exceptions.RayActorError as error:
            if self.where is not None and not _listens(self.where):
                raise Gone("nothing listens there any more") from error
            raise DeskGone(str(error)) from error
        except (ConnectionError, ray.exceptions.RaySystemError) as error:
            raise Gone(f"the connection broke ({type(error).__name__})") from error

    def _heard(self, answer: Any) -> Any:
        if answer is None or answer is False:
            raise Succeeded
        return answer

    def hello(self, writer: str) -> dict[str, Any]:
        return self._ask("hello", writer, timeout=120, facts=("desk", "jobs"))

    def missing(self, writer: str, blobs: Sequence[str]) -> list[str]:
        answer = self._ask("missing", writer, list(blobs))
        return answer if answer == [] else self._heard(answer)

    def keep(self, writer: str, blob: str, part: int, parts: int, content: bytes) -> bool:
        return self._ask("keep", writer, blob, part, parts, content, timeout=SENDING)

    def arrange(self, writer: str, jobs: Sequence[FoldJob], keep: Sequence[str]) -> list[Key]:
        answer = self._ask("arrange", writer, list(jobs), list(keep))
        return answer if answer == [] else self._heard(answer)

    def take(self, writer: str, confirmed: int) -> dict[str, Any]:
        return self._heard(self._ask("take", writer, confirmed, facts=("batch", "parcels", "refused")))

    def cancel(self, writer: str, key: Key) -> bool:
        return self._heard(self._ask("cancel", writer, key))

    def use(self, writer: str, node: str, why: str) -> bool:
        return self._ask("use", writer, node, why)

    def status(self) -> dict[str, Any]:
        return self._ask("status", facts=("nodes",))

    def close(self, *, end: bool) -> None:
        """Leave the cluster. end: nothing waits and nothing trains; the desk is not needed any more."""
        if end:
            with contextlib.suppress(Exception):  # it may be gone already
                self.ray.kill(self.actor)
        self.ray.shutdown()
