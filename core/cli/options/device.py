"""The option `--device` of verbs that ask networks: refused where torch knows no such device, before it is loaded."""

from __future__ import annotations

import typing
from typing import Annotated

import typer

from core.config.parts import TrainingConfig
from core.errors import LabError

AUTO = "auto"
DEVICES = typing.get_args(TrainingConfig.model_fields["device"].annotation)


def _checked(device: str) -> str:
    """Raises LabError(kind 'config'): another word would be taken for whatever device there is."""
    if device not in DEVICES:
        remedy = f"Choose of {', '.join(DEVICES)}. Which GPU is taken, CUDA_VISIBLE_DEVICES says."
        raise LabError(f"--device {device}: there is no such device.", remedy, kind="config")
    return device


DeviceOption = Annotated[
    str, typer.Option("--device", callback=_checked, help=f"{', '.join(DEVICES[:-1])} or {DEVICES[-1]}.")
]


def named(device: str) -> str | None:
    """None where the choice is left to the lab."""
    return None if device == AUTO else device
