"""What NVIDIA's GPUs say of themselves: use, memory, temperature. Imports no torch.

Asked through NVML, which waits for nothing that a GPU computes. Not every driver tells everything: WSL2, slices of a
GPU (MIG) and GPUs that share the machine's memory leave some of it out, and so is it left out here.
Source: NVIDIA's NVML API reference, and pynvml.py of nvidia-ml-py.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

MISSING = "the driver's library NVML is not here; in a container NVIDIA_DRIVER_CAPABILITIES has to name utility"
REFUSED = "the driver does not let this account ask for them"
SLICE = "NVML does not find this slice of a GPU (MIG)"


class Untold(Exception):
    """Why NVML tells nothing of a GPU, or of any; its text ends a sentence."""


@dataclass(frozen=True)
class Card:
    """What tells one GPU from the others, whatever numbers torch and NVML give it: they differ where
    CUDA_VISIBLE_DEVICES chooses or orders. uuid: as torch tells it. bus: its place, "00000000:0F:00.0", or empty.
    """

    uuid: str
    bus: str = ""


class Nvml:
    """NVML, opened until `close`. Raises Untold where it cannot be."""

    def __init__(self) -> None:
        try:
            import pynvml
        except ImportError as error:
            raise Untold("the package nvidia-ml-py is not installed") from error
        self.nvml: Any = pynvml
        try:
            self.nvml.nvmlInit()
        except self.nvml.NVMLError as error:
            raise Untold(self._why(error)) from error

    def close(self) -> None:
        with contextlib.suppress(self.nvml.NVMLError):
            self.nvml.nvmlShutdown()

    def meter(self, card: Card) -> Meter:
        """What reads one GPU. Raises Untold where NVML does not find it."""
        bare = card.uuid.removeprefix("GPU-").removeprefix("MIG-")
        for prefix in ("GPU-", "MIG-") if bare else ():
            with contextlib.suppress(self.nvml.NVMLError):
                return Meter(self.nvml, self.nvml.nvmlDeviceGetHandleByUUID(prefix + bare))
        try:
            handle = self.nvml.nvmlDeviceGetHandleByPciBusId(card.bus)
        except self.nvml.NVMLError as error:
            raise Untold(self._why(error)) from error
        if self._is_sliced(handle):
            raise Untold(SLICE)  # what is at this place is the whole GPU, of which torch has a part
        return Meter(self.nvml, handle)

    def meters(self) -> list[Meter]:
        """Of all GPUs that NVML lists, in its order; those that it cannot open are left out. Raises Untold."""
        try:
            count = self.nvml.nvmlDeviceGetCount()
        except self.nvml.NVMLError as error:
            raise Untold(self._why(error)) from error
        listed = []
        for index in range(count):
            with contextlib.suppress(self.nvml.NVMLError):
                listed.append(Meter(self.nvml, self.nvml.nvmlDeviceGetHandleByIndex(index)))
        return listed

    def _is_sliced(self, handle: Any) -> bool:
        try:
            return self.nvml.nvmlDeviceGetMigMode(handle)[0] == 1
        except self.nvml.NVMLError:
            return False

    def _why(self, error: Any) -> str:
        if error.value in (self.nvml.NVML_ERROR_LIBRARY_NOT_FOUND, self.nvml.NVML_ERROR_DRIVER_NOT_LOADED):
            return MISSING
        if error.value == self.nvml.NVML_ERROR_NO_PERMISSION:
            return REFUSED
        return f"NVML says: {error}"


class Meter:
    """Reads one GPU. untold: of use, memory and temperature what its driver never tells, known once it was asked."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml, self.handle = nvml, handle
        self.untold: list[str] = []
        self._lasting = (
            nvml.NVML_ERROR_NOT_SUPPORTED,
            nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
            nvml.NVML_ERROR_NO_PERMISSION,
            nvml.NVML_ERROR_INVALID_ARGUMENT,
        )
        self._whole = handle  # the GPU that has the temperature: a slice has none of its own
        with contextlib.suppress(nvml.NVMLError):
            is_slice = nvml.nvmlDeviceIsMigDeviceHandle(handle)
            if getattr(is_slice, "value", is_slice):
                self._whole = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)

    def name(self) -> str:
        return self._text(self.nvml.nvmlDeviceGetName) or "NVIDIA GPU"

    def uuid(self) -> str:
        """With NVML's prefix; empty where it is not told."""
        return self._text(self.nvml.nvmlDeviceGetUUID)

    def bus(self) -> str:
        """ "00000000:0F:00.0"; empty where it is not told."""
        with contextlib.suppress(self.nvml.NVMLError):
            place = self.nvml.nvmlDeviceGetPciInfo(self._whole).busId
            return place.decode() if isinstance(place, bytes) else str(place)
        return ""

    def read(self) -> dict[str, float]:
        """gpu (share of the last moment in which it computed, in percent), gpu_memory and gpu_memory_total (bytes, of
        all processes), temperature (degrees Celsius): what can be told now."""
        reading: dict[str, float] = {}
        for name, ask in (("use", self._use), ("memory", self._memory), ("temperature", self._temperature)):
            if name not in self.untold:
                try:
                    reading |= ask()
                except self.nvml.NVMLError as error:  # another one passes: a GPU that is busy, or was lost
                    if error.value in self._lasting:
                        self.untold.append(name)
        return reading

    def _use(self) -> dict[str, float]:
        percent = self.nvml.nvmlDeviceGetUtilizationRates(self.handle).gpu
        return {"gpu": float(percent)} if 0 <= percent <= 100 else {}

    def _memory(self) -> dict[str, float]:
        memory = self.nvml.nvmlDeviceGetMemoryInfo(self.handle)
        return {"gpu_memory": float(memory.used), "gpu_memory_total": float(memory.total)} if memory.total else {}

    def _temperature(self) -> dict[str, float]:
        """By the older name first: drivers of today know it, and those of some years ago only it."""
        sensor = self.nvml.NVML_TEMPERATURE_GPU
        try:
            degrees = self.nvml.nvmlDeviceGetTemperature(self._whole, sensor)
        except self.nvml.NVMLError as error:
            if error.value not in self._lasting:
                raise
            degrees = self.nvml.nvmlDeviceGetTemperatureV(self._whole, sensor)
        return {"temperature": float(degrees)}

    def _text(self, ask: Any) -> str:
        with contextlib.suppress(self.nvml.NVMLError):
            text = ask(self.handle)
            return text.decode() if isinstance(text, bytes) else str(text)
        return ""
