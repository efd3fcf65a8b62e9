"""Where ImageNet weights lie, told without torch so that a form can say what is missing before anything is queued."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import LabError

# Names and sizes (MB) of torchvision 0.29's IMAGENET1K_V1 files; the part after the hyphen starts the file's SHA-256.
IMAGENET = {
    18: ("resnet18-f37072fd.pth", 45),
    34: ("resnet34-b627a593.pth", 83),
    50: ("resnet50-0676ba61.pth", 98),
    101: ("resnet101-63fe2227.pth", 171),
    152: ("resnet152-394f9c45.pth", 230),
}


def weights_folder() -> Path:
    """torch.hub's own checkpoint folder, from TORCH_HOME or XDG_CACHE_HOME as torch reads them."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    return Path(home).expanduser() / "hub" / "checkpoints"


def imagenet_file(depth: int) -> Path:
    return weights_folder() / IMAGENET[depth][0]


def missing_imagenet(depth: int) -> LabError:
    name, size = IMAGENET[depth]
    return LabError(
        f"weights: the ImageNet weights of ResNet-{depth} ({name}, {size} MB) are not on this machine.",
        f"Download them (python -m core weights {depth}), put the file into {weights_folder()}, or train from scratch.",
        kind="weights",
    )


def check_weights(depth: int, init: str) -> None:
    """Raises LabError(kind 'weights') when the chosen first weights are not on disk."""
    if init == "imagenet" and not imagenet_file(depth).is_file():
        raise missing_imagenet(depth)
    if init.startswith("file:") and not Path(init.removeprefix("file:")).expanduser().is_file():
        path = init.removeprefix("file:")
        raise LabError(f"weights: there is no file {path}.", "Correct the path or train from scratch.", kind="weights")


def download(depth: int) -> Path:
    """Fetch torchvision's IMAGENET1K_V1 file with torchvision's own code, hash checked. Raises LabError offline."""
    from torchvision.models import get_model_weights

    weights = get_model_weights(f"resnet{depth}").IMAGENET1K_V1
    try:
        weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        name, size = IMAGENET[depth]
        raise LabError(
            f"weights: {name} ({size} MB) could not be downloaded ({error}).",
            f"On a machine without a network, put the file into {weights_folder()}, or train from scratch.",
            kind="weights",
        ) from error
    return imagenet_file(depth)
