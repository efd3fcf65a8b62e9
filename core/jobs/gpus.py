"""The GPUs that torch will see, told without importing torch here: a process is asked once, and its answer kept.

Asking torch itself is right for NVIDIA, AMD and WSL2 alike, and for what CUDA_VISIBLE_DEVICES and its like leave over.
The answer is kept by machine until a driver, torch, the environment or the start of the machine changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from core import machine
from core.errors import LabError
from core.places import HOME, machine_folder
from core.storage import files, locks
from core.storage.files import GARBAGE

NODES = ("dev/nvidia[0-9]*", "dev/nvidiactl", "dev/dxg", "dev/kfd", "dev/nvhost-gpu", "proc/driver/nvidia/gpus/*")
DRIVERS: tuple[str, ...] = (
    "proc/driver/nvidia/version",
    "sys/module/amdgpu/version",
    "sys/class/kfd/kfd/topology/generation_id",
)
DRIVERS += ("proc/sys/kernel/random/boot_id",)
CHOICE: tuple[str, ...] = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL")
CHOICE += ("CUDA_DEVICE_ORDER",)
QUESTION = """
import json, torch
def name(index):
    try:
        return torch.cuda.get_device_name(index)
    except RuntimeError:
        return "GPU"
def uuid(index):
    try:
        return str(torch.cuda.get_device_properties(index).uuid)
    except (RuntimeError, AttributeError, AssertionError):
        return ""
print(json.dumps([[name(index), uuid(index)] for index in range(torch.cuda.device_count())]))
"""
PATIENCE = 120.0  # seconds for torch to be imported and asked
NONE_HOLDS = 600.0  # seconds for which "no GPU" is believed where there is a driver: it may have been starting


class Gpu(NamedTuple):
    """uuid: as torch tells it, which tells this GPU from others; empty where it does not."""

    name: str
    uuid: str


_answers: dict[str, tuple[float, list[Gpu]]] = {}  # for folders that cannot be written


def names(root: Path, top: Path = machine.TOP) -> list[str]:
    """The names of the GPUs that a worker of this runs folder can use, in torch's order; empty without one."""
    return [gpu.name for gpu in listed(root, top)]


def listed(root: Path, top: Path = machine.TOP) -> list[Gpu]:
    """The same with what tells them apart."""
    if not (nodes := _nodes(top)):
        return []
    state = _state(nodes, top)
    if (answer := _remembered(root, state)) is not None:
        return answer
    path = machine_folder(root) / "gpus.json"
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # one process asks, the others wait for its answer
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.lock(path.with_suffix(".lock"), timeout=PATIENCE))
        if (answer := _remembered(root, state)) is not None:
            return answer
        answer = _ask()
        _answers[state] = time.time(), answer
        with contextlib.suppress(OSError, LabError):
            table = {"names": [gpu.name for gpu in answer], "uuids": [gpu.uuid for gpu in answer]}
            files.write_json(path, {"state": state, "when": time.time(), **table})
    return answer


@machine.believed_for_a_while
def _nodes(top: Path) -> list[str]:
    """What a driver shows; nothing means that there is surely no GPU that torch could use."""
    if sys.platform == "win32":
        return ["win32"]
    return sorted(str(path) for pattern in NODES for path in top.glob(pattern))


def _state(nodes: list[str], top: Path) -> str:
    """Everything that the answer depends on."""
    lines = []
    for name in DRIVERS:
        with contextlib.suppress(OSError):
            lines.append((top / name).read_text().strip())
    lines.append(f"torch {_torch_version()}")
    lines += [f"{key}={os.environ[key]}" for key in CHOICE if key in os.environ]
    return "\n".join([*nodes, *lines])


@cache
def _torch_version() -> str:
    with contextlib.suppress(PackageNotFoundError):
        return version("torch")
    return ""


def _remembered(root: Path, state: str) -> list[Gpu] | None:
    try:
        data = files.read_json(machine_folder(root) / "gpus.json")
        pairs = zip(data["names"], data["uuids"], strict=True)
        when, answer = float(data["when"]), [Gpu(str(name), str(uuid)) for name, uuid in pairs]
        if data["state"] != state:
            raise ValueError("of another state")
    except (OSError, *GARBAGE):
        when, answer = _answers.get(state, (0.0, []))
    return answer if answer or abs(time.time() - when) < NONE_HOLDS else None


def _ask() -> list[Gpu]:
    """What torch says in a process of its own; none where it cannot be asked, since nothing could train on them."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", QUESTION], cwd=HOME, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        return [Gpu(str(name), str(uuid)) for name, uuid in json.loads(done.stdout.splitlines()[-1])]
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return []
