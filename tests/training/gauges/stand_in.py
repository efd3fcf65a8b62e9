"""A stand-in for NVML: cards as a test describes them, asked by the names that nvidia-ml-py has."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pynvml

NAMES = ("NVML_ERROR_LIBRARY_NOT_FOUND", "NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_NO_PERMISSION")
NAMES += ("NVML_ERROR_NOT_SUPPORTED", "NVML_ERROR_FUNCTION_NOT_FOUND", "NVML_ERROR_INVALID_ARGUMENT")
NAMES += ("NVML_TEMPERATURE_GPU", "NVMLError")


@dataclass
class Chip:
    """A GPU, or a slice of one. fails: function -> the error that it answers with. whole: of which this is a slice."""

    uuid: str = "GPU-00000000-0000-0000-0000-000000000000"
    bus: str = "00000000:00:00.0"
    name: str = "NVIDIA H100"
    use: int = 87
    memory: tuple[int, int] = (41_000_000_000, 80_000_000_000)
    temperature: int = 64
    sliced: bool = False
    whole: object = None
    fails: dict = field(default_factory=dict)


class Nvml:
    """pynvml, as far as the lab asks it. calls: the names that were asked, in their order. fails: as of a chip."""

    def __init__(self, *chips, fails=()):
        self.chips, self.fails, self.calls = chips, dict(fails), []
        for name in NAMES:
            setattr(self, name, getattr(pynvml, name))

    def _ask(self, name, chip=None):
        self.calls.append(name)
        error = self.fails.get(name) or (chip.fails.get(name) if chip else None)
        if error:
            raise pynvml.NVMLError(error)

    def _chosen(self, name, is_meant):
        self._ask(name)
        for chip in self.chips:
            if is_meant(chip):
                return chip
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    def nvmlInit(self):
        self._ask("nvmlInit")

    def nvmlShutdown(self):
        self._ask("nvmlShutdown")

    def nvmlDeviceGetCount(self):
        self._ask("nvmlDeviceGetCount")
        return len([chip for chip in self.chips if chip.whole is None])

    def nvmlDeviceGetHandleByIndex(self, index):
        self._ask("nvmlDeviceGetHandleByIndex", self.chips[index])
        return self.chips[index]

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return self._chosen("nvmlDeviceGetHandleByUUID", lambda chip: chip.uuid == uuid)

    def nvmlDeviceGetHandleByPciBusId(self, pciBusId):
        return self._chosen("nvmlDeviceGetHandleByPciBusId", lambda chip: chip.bus == pciBusId and not chip.whole)

    def nvmlDeviceGetMigMode(self, device):
        self._ask("nvmlDeviceGetMigMode", device)
        return [int(device.sliced), int(device.sliced)]

    def nvmlDeviceIsMigDeviceHandle(self, device):
        self._ask("nvmlDeviceIsMigDeviceHandle", device)
        return SimpleNamespace(value=int(device.whole is not None))

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, migDevice):
        self._ask("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", migDevice)
        return migDevice.whole

    def nvmlDeviceGetName(self, handle):
        self._ask("nvmlDeviceGetName", handle)
        return handle.name

    def nvmlDeviceGetUUID(self, handle):
        self._ask("nvmlDeviceGetUUID", handle)
        return handle.uuid

    def nvmlDeviceGetPciInfo(self, handle):
        self._ask("nvmlDeviceGetPciInfo", handle)
        return SimpleNamespace(busId=handle.bus.encode())

    def nvmlDeviceGetUtilizationRates(self, handle):
        self._ask("nvmlDeviceGetUtilizationRates", handle)
        return SimpleNamespace(gpu=handle.use, memory=0)

    def nvmlDeviceGetMemoryInfo(self, handle, version=None):
        self._ask("nvmlDeviceGetMemoryInfo", handle)
        used, total = handle.memory
        return SimpleNamespace(used=used, total=total, free=total - used)

    def nvmlDeviceGetTemperature(self, handle, sensor):
        self._ask("nvmlDeviceGetTemperature", handle)
        return handle.temperature

    def nvmlDeviceGetTemperatureV(self, handle, sensor, version=None):
        self._ask("nvmlDeviceGetTemperatureV", handle)
        return handle.temperature
