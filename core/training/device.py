"""What this machine computes on: device, precision, and how steps are fed."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core import machine
from core.config.run_config import TrainingConfig
from core.errors import LabError
from core.text import number_of
from core.training.gauges.nvidia import Card


def pick_device(choice: str, slot: int = 0) -> torch.device:
    """'auto', 'cpu', 'cuda' or 'mps' -> a device; slot picks among several GPUs. Raises LabError when there is no GPU.

    torch calls AMD's GPUs cuda, too.
    """
    if choice == "mps":
        if not torch.backends.mps.is_available():
            raise LabError("device: torch finds no Apple GPU (mps) here.", "Choose device auto or cpu.", kind="device")
        return torch.device("mps")
    if choice == "cuda" and not torch.cuda.is_available():
        raise LabError(
            "device: no CUDA GPU is usable here.", "Choose device auto or cpu, or check the driver.", kind="device"
        )
    if choice == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", slot % torch.cuda.device_count())


def pick_precision(choice: str, device: torch.device, begun_in: str | None = None) -> torch.dtype:
    """'auto' is bfloat16 where the hardware multiplies in it; emulated bfloat16 would be slower than float32.

    begun_in: the precision in which a fold began. One that an older lab began in float32, on a GPU without bfloat16,
    goes on in it.
    """
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[choice]
    if device.type == "mps":
        return torch.float32
    if device.type == "cuda":
        if not torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.float32 if begun_in == "float32" else torch.float16
        fast = True
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    return torch.bfloat16 if fast else torch.float32


def set_speed(speed: str) -> None:
    """'exact' or 'fast', for the fold job that begins: nothing stays of what the one before was set to."""
    torch.use_deterministic_algorithms(speed == "exact", warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs time
    torch.backends.cudnn.benchmark = speed == "fast"
    torch.backends.cuda.matmul.allow_tf32 = speed == "fast"


def compiled(model: nn.Module, speed: str, device: torch.device) -> nn.Module:
    """The network as steps call it; its weights are the model's own. Compiled for a GPU where speed is 'fast'."""
    return torch.compile(model) if speed == "fast" and device.type == "cuda" else model


_exact = threading.Lock()
_exact_blocks = 0  # that are under way
_allowed_before: list[bool] = []  # of what exact_float32 sets


@contextlib.contextmanager
def exact_float32() -> Iterator[None]:
    """float32 convolutions in float32: by default cuDNN rounds their factors to the ten bits of TF32.

    The whole process computes so. Of blocks beside each other, as the pages of a lab ask for them, the last one to end
    puts back what was before the first.
    """
    global _exact_blocks, _allowed_before
    parts = torch.backends.cudnn, torch.backends.cuda.matmul
    with _exact:
        if _exact_blocks == 0:
            _allowed_before = [part.allow_tf32 for part in parts]
        _exact_blocks += 1
        for part in parts:
            part.allow_tf32 = False
    try:
        yield
    finally:
        with _exact:
            _exact_blocks -= 1
            if _exact_blocks == 0:
                for part, allowed in zip(parts, _allowed_before, strict=True):
                    part.allow_tf32 = allowed


def pick_loader_workers(training: TrainingConfig, device: torch.device) -> int:
    """0 augments in a thread beside the step; a GPU outruns that thread and gets processes."""
    if training.loader_workers is not None:
        return training.loader_workers
    return 0 if device.type == "cpu" else max(1, min(8, machine.cores() - 1))


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else f"CPU, {number_of(torch.get_num_threads(), 'thread')}"


def card_of(device: torch.device) -> Card | None:
    """What tells this GPU from others wherever NVIDIA's are asked about; None for any other device."""
    if device.type != "cuda" or torch.version.hip:
        return None
    properties = torch.cuda.get_device_properties(device)
    place = [getattr(properties, f"pci_{part}_id", None) for part in ("domain", "bus", "device")]
    numbers = [int(number) for number in place if number is not None]  # which older versions of torch do not tell
    bus = "{:08X}:{:02X}:{:02X}.0".format(*numbers) if len(numbers) == 3 else ""
    return Card(str(getattr(properties, "uuid", "")), bus)


class Stopwatch:
    """How long a device worked on what it was given from now to `stop`, which waits for nothing.

    A GPU is given work long before it is through with it: the clock beside it would tell how fast it is asked.
    """

    def __init__(self, device: torch.device):
        self._device, self._on_gpu = device, device.type == "cuda"
        self._began, self._ended = self._now(), None

    def stop(self) -> None:
        self._ended = self._now()

    def seconds(self) -> float:
        """Waits until the device is there. 0 for one that was not stopped."""
        if self._ended is None:
            return 0.0
        if not self._on_gpu:
            return self._ended - self._began
        self._ended.synchronize()
        return self._began.elapsed_time(self._ended) / 1000

    def _now(self) -> Any:
        if not self._on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))  # torch would take that of the GPU it works on by itself
        return event


def empty_cache() -> None:
    """Give back to other processes what torch keeps of a GPU for tensors to come."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def repeats_steps(device: torch.device, scaler: torch.amp.GradScaler) -> bool:
    """Whether a training step can be recorded and repeated (core/training/gpu/graphed.py): on NVIDIA's GPUs, where no
    scaler decides at each step whether it counts. On AMD's nobody has tried it."""
    return device.type == "cuda" and torch.version.hip is None and not scaler.is_enabled()


def forget_peak(device: torch.device) -> None:
    """Start peak_memory anew: a worker trains many fold jobs, and each is to tell its own peak."""
    if device.type == "cuda":
        torch.cuda.init()  # which the statistics, unlike tensors, do not do by themselves
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: torch.device) -> int | None:
    """Most bytes held since forget_peak: by tensors on a GPU, by this process on a CPU; None where nobody counts.

    On a CPU without what is mapped from files, as the decoded photos and libraries are: the kernel takes their memory
    back whenever it is wanted. The kernel tells that share of now and not of the peak, so ask before it changes.
    Source: torch.cuda.max_memory_allocated; VmHWM, RssFile and RssShmem in Linux' proc(5).
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        kilobytes = dict(re.findall(r"^(\w+):\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE))
        return 1024 * (int(kilobytes["VmHWM"]) - int(kilobytes["RssFile"]) - int(kilobytes["RssShmem"]))
    except (OSError, KeyError):
        return None


def limit_threads(count: int) -> None:
    """Let this process compute with so many threads of its own."""
    torch.set_num_threads(count)
