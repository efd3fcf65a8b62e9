"""What this machine computes on: device, precision, and how steps are fed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import torch

from core import machine
from core.config.run_config import TrainingConfig
from core.errors import LabError


def pick_device(choice: str, slot: int = 0) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> a device; slot picks among several GPUs. Raises LabError when there is no GPU."""
    if choice == "cuda" and not torch.cuda.is_available():
        raise LabError(
            "device: no CUDA GPU is usable here.", "Choose device auto or cpu, or check the driver.", kind="device"
        )
    if choice == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", slot % torch.cuda.device_count())


def pick_precision(choice: str, device: torch.device) -> torch.dtype:
    """'auto' is bfloat16 where the hardware multiplies in it; emulated bfloat16 would be slower than float32."""
    if choice == "float32":
        return torch.float32
    if choice == "bfloat16":
        return torch.bfloat16
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    return torch.bfloat16 if fast else torch.float32


@contextlib.contextmanager
def exact_float32() -> Iterator[None]:
    """float32 convolutions in float32: by default cuDNN rounds their factors to the ten bits of TF32."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def pick_loader_workers(training: TrainingConfig, device: torch.device) -> int:
    """0 augments in a thread beside the step; a GPU outruns that thread and gets processes."""
    if training.loader_workers is not None:
        return training.loader_workers
    return 0 if device.type == "cpu" else max(1, min(8, machine.cores() - 1))


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


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
