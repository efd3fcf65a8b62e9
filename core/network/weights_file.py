"""A weights file: read without unpickling objects, held against a network, loaded into it. Never runs foreign code."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import nn

from core.errors import LabError, memory_in_words, out_of_memory

HEAD = "fc."
COUNTER = "num_batches_tracked"


def load_backbone(
    model: nn.Module, path: Path, expected_hash: str = "", keep_head: bool = False, *, launched: str = ""
) -> dict:
    """Load everything but the head from a state dict; the head stays new. Never unpickles objects.

    expected_hash: start of the file's SHA-256 where its publisher tells it. keep_head: load the head as well. launched:
    its SHA-256 when the run was launched, where that is known.
    Returns {'file', 'sha256'}. Raises LabError(kind 'weights') that names mismatching keys and shapes.
    """
    if launched and not path.is_file():
        remedy = "Put it back and try again (an unfinished run: resume it), or run it again from other weights."
        raise LabError(f"weights: {path} is gone, and this run begins with it.", remedy, kind="weights")
    require_file(path)
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(expected_hash):
        message = f"weights: {path} is damaged: its SHA-256 starts with {digest[:8]}, not {expected_hash}."
        raise LabError(message, "Delete the file and put a fresh copy there.", kind="weights")
    if launched and digest != launched:
        message = f"weights: {path} has changed since this run began with it: its SHA-256 starts with {digest[:8]}, "
        remedy = "Put back the file that it was and try again (an unfinished run: resume it), or run it again."
        raise LabError(f"{message}not {launched[:8]}.", remedy, kind="weights")
    _load(model, path, keep_head)
    return {"file": path.name, "sha256": digest}


def load_whole(model: nn.Module, path: Path) -> None:
    """Load a state dict with its head, for who does not ask which file it was: its SHA-256 takes longer than the rest.

    Raises LabError as load_backbone does.
    """
    _load(model, path, keep_head=True)


def _load(model: nn.Module, path: Path, keep_head: bool) -> None:
    network_state = model.state_dict()
    given = _fitting(read_state(path), network_state, path.name, keep_head)
    model.load_state_dict({**network_state, **given})


def check_file(path: Path, depth: int) -> None:
    """Raises LabError(kind 'weights') when a file does not fit a ResNet's backbone; nothing is built or kept."""
    with torch.device("meta"):
        network = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    _fitting(read_state(path), network.state_dict(), path.name)


def _fitting(
    state: dict[str, torch.Tensor], network_state: dict[str, torch.Tensor], name: str, keep_head: bool = False
) -> dict[str, torch.Tensor]:
    """What of a state dict goes into a network with network_state. Raises LabError naming keys and shapes."""
    given = {key.removeprefix("module."): value for key, value in state.items()}
    backbone = {key: value for key, value in network_state.items() if keep_head or not key.startswith(HEAD)}
    # Files from before torch 0.4.1, torchvision's own among them, have no step counters; nothing here reads them.
    backbone = {key: value for key, value in backbone.items() if key in given or not key.endswith(COUNTER)}
    absent = [key for key in backbone if key not in given]
    extra = [key for key in given if key not in backbone and not key.startswith(HEAD)]
    shapes = [
        f"{key} is {tuple(given[key].shape)} in the file, {tuple(value.shape)} in the network"
        for key, value in backbone.items()
        if key in given and given[key].shape != value.shape
    ]
    if absent or extra or shapes:
        faults = {"weights missing": absent, "unknown weights": extra, "of another shape": shapes}
        parts = [f"{len(items)} {what}, first {items[0]}" for what, items in faults.items() if items]
        raise LabError(
            f"weights: {name} does not fit this network: {'; '.join(parts)}.",
            "Choose the depth that the file was trained with.",
            kind="weights",
        )
    return {key: given[key] for key in backbone}


@memory_in_words("weights", "Close other programs, or choose smaller weights.")
def read_state(path: Path) -> dict[str, torch.Tensor]:
    """A state dict from .safetensors or a weights-only .pth. Raises LabError; there is no unsafe fallback."""
    require_file(path)
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        if out_of_memory(error):
            raise
        text = f"weights: {path.name} cannot be read ({error.strerror or error})."
        raise LabError(text, "Check the file's rights and its disk.", kind="weights") from error
    except Exception as error:  # every parser of untrusted bytes has its own error types
        if out_of_memory(error):
            raise
        raise LabError(
            f"weights: {path.name} cannot be read as plain weights ({type(error).__name__}).",
            "Use a .safetensors file, or a .pth that holds tensors only.",
            kind="weights",
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    plain = isinstance(state, dict) and all(isinstance(k, str) and torch.is_tensor(v) for k, v in state.items())
    if not plain or not state:
        raise LabError(f"weights: {path.name} holds no state dict.", "Save model.state_dict() itself.", kind="weights")
    return state


def require_file(path: Path) -> None:
    if not path.is_file():
        raise LabError(f"weights: there is no file {path}.", "Correct the path or train from scratch.", kind="weights")
