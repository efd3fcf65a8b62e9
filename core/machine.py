"""What this machine lends to this process: cores, memory, and whether it killed for want of memory. Imports no torch.

A container's limits count (`docker run --cpus=2 -m 4g`): control groups of either version, nested ones too.
Source: Linux' Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]

TOP = Path("/")
BELIEVED = 5.0  # seconds for which a limit is believed: it may change while the lab lives, and pages ask often
T = TypeVar("T")
_answers: dict[tuple[Any, Path], tuple[float, list[Any]]] = {}
MACHINE_ID = ("etc/machine-id", "var/lib/dbus/machine-id")
IOREG = "usr/sbin/ioreg"  # of macOS
GIVEN = "FACET_MACHINE"


def believed_for_a_while(ask: Callable[[Path], list[T]]) -> Callable[[Path], list[T]]:
    """A function that asks the system at most once in BELIEVED seconds; `forget` makes all of them ask anew."""

    def answer(top: Path) -> list[T]:
        now = time.monotonic()
        cached = _answers.get((ask, top))
        if cached is None or now - cached[0] > BELIEVED:
            cached = _answers[ask, top] = now, ask(top)
        return cached[1]

    return answer


def forget() -> None:
    """Believe no answer any longer."""
    _answers.clear()


@dataclass(frozen=True)
class Kills:
    """How often the kernel has killed for want of memory since a file's counter began. counter: the file, and since
    which start of the machine, so that two counts are compared only where they are of the same counter."""

    counter: str
    count: int


def cores(top: Path = TOP) -> int:
    """Cores that this process may use: its affinity, and the quota of its control groups rounded down, at least one.

    Rounded down, since threads that wait for each other are slowed by the one that is held back.
    """
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([able, *(int(quota) for quota in _cpu_quotas(top))]))


def processors() -> int:
    """All that the machine has, whoever may use them: what its own count of busy time is of."""
    return psutil.cpu_count() or 1


def memory(top: Path = TOP) -> int:
    """Bytes that this process may use: of the machine, or the least of its control groups' limits."""
    return min([psutil.virtual_memory().total, *_memory_limits(top)])


def family() -> list[psutil.Process]:
    """This process and all that it started, and they."""
    process = psutil.Process()
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]


def held_by(processes: Iterable[psutil.Process]) -> int:
    """Bytes that these hold, without the files that they map; one that has ended holds nothing."""
    held = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            memory = process.memory_info()
            held += memory.rss - getattr(memory, "shared", 0)
    return held


def is_limited(top: Path = TOP) -> bool:
    """Whether a control group allows less memory than the machine has."""
    return memory(top) < psutil.virtual_memory().total


def kills(top: Path = TOP) -> Kills | None:
    """The kernel's count of kills for memory in this process's own control group, else on the machine; None if unknown.

    A group's counter counts its own processes, whoever's limit they met, the machine's among them.
    """
    group = next(groups("memory", top), None)  # a group further up counts strangers too
    for path in (group / "memory.events", group / "memory.oom_control") if group else ():
        if (count := _counted(path)) is not None:
            return Kills(f"{path} {_boot(top)}", count)
    path = top / "proc/vmstat"
    count = _counted(path)
    return None if count is None else Kills(f"{path} {_boot(top)}", count)


def count_now(counter: str, top: Path = TOP) -> int | None:
    """What a counter of `kills` says now; None where it is gone, or the machine has started anew since."""
    path, _, boot = counter.rpartition(" ")
    return _counted(Path(path)) if boot == _boot(top) else None


def name() -> str:
    """A name for folders: FACET_MACHINE, which every worker has from who started it, else what `found_name` found once.

    Once, since a host name may change while the lab runs, as on a Mac in another network.
    """
    given = os.environ.get(GIVEN, "")
    return given if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", given) else _name_of_this_machine()


def account() -> str:
    """The name of the account that this process belongs to; its number where it has no name, as in some containers.

    As the system knows it: what the variable USER says may be anything.
    """
    if pwd is None:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def environment() -> dict[str, str]:
    """For a process of the lab's on this machine: this process's own, and the machine's name."""
    return {**os.environ, GIVEN: name()}


@functools.cache
def _name_of_this_machine() -> str:
    return found_name()


def found_name(top: Path = TOP) -> str:
    """A few digits of the machine's id, which outlives its host name; the host name where it has no id.

    An image of a container may have an empty machine-id: containers made of it must not share a name.
    """
    for place in MACHINE_ID:
        with contextlib.suppress(OSError):
            if re.fullmatch(r"[0-9a-f]{32}", text := (top / place).read_text("utf-8", "replace").strip()):
                return _name_of(text)
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = [str(top / IOREG), "-rd1", "-c", "IOPlatformExpertDevice"]
        listing = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10).stdout
        if uuid := re.search(r'"IOPlatformUUID" = "([0-9A-Fa-f-]{36})"', listing):
            return _name_of(uuid[1])
    host = re.sub(r"[^a-z0-9]+", "-", platform.node().split(".")[0].lower()).strip("-")
    return host[:40] or "machine"


def _name_of(identity: str) -> str:
    return f"id-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


@believed_for_a_while
def _cpu_quotas(top: Path) -> list[float]:
    """Cores' worth of time that each group allows."""
    quotas = []
    for folder in groups("cpu", top):
        words = _words(folder / "cpu.max")
        if not words:
            words = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal() and int(words[1]):
            quotas.append(int(words[0]) / int(words[1]))
    return quotas


@believed_for_a_while
def _memory_limits(top: Path) -> list[int]:
    limits = []
    for folder in groups("memory", top):
        for limit in ("memory.max", "memory.limit_in_bytes"):
            if (words := _words(folder / limit)) and words[0].isdecimal():
                limits.append(int(words[0]))
    return limits


def groups(controller: str, top: Path = TOP) -> Iterator[Path]:
    """The folders of this process's control groups that have a controller, from its own to the topmost that is seen."""
    try:
        lines = (top / "proc/self/cgroup").read_text().splitlines()
        mounts = (top / "proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    paths: dict[str, str] = {}  # of version 1 by controller, of version 2 under ""
    for line in lines:
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    for line in mounts:
        mount_fields, _, filesystem = line.partition(" - ")
        kind, _, options = filesystem.split(" ", 2)
        if kind not in ("cgroup", "cgroup2") or (kind == "cgroup" and controller not in options.split(",")):
            continue
        if (place_of := paths.get(controller if kind == "cgroup" else "")) is None:
            continue
        path = place_of
        root, mount = mount_fields.split(" ")[3:5]
        place = top / mount.lstrip("/")
        if path == root or path.startswith(root.rstrip("/") + "/"):
            group = place / path[len(root.rstrip("/")) :].lstrip("/")
        else:
            group = place  # a container that sees its own group as the top, but is told its name outside
        if not group.is_dir():
            group = place
        yield group
        while group != place:
            group = group.parent
            yield group


def _counted(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        if match := re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE):
            return int(match[1])
    return None


def _boot(top: Path) -> str:
    return " ".join(_words(top / "proc/sys/kernel/random/boot_id"))


def _words(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text().split()
    return []
