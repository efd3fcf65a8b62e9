"""The layers of a ResNet that have a map, the methods that make one and the classes that it is of, by name.

Imports no torch.
"""

from __future__ import annotations

LAYERS = ("stem", "layer1", "layer2", "layer3", "layer4")
METHODS = ("GradCAM", "GradCAM++", "XGradCAM", "HiResCAM", "LayerCAM", "EigenCAM", "EigenGradCAM")
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
PICKS = ("predicted", "true", "runner-up")  # words for a class of each photo
_NAMED = "class:"  # before the name of a class that is called as one of them


def class_key(name: str) -> str:
    """How a class is asked for: by its name, which cannot be taken for one of PICKS."""
    return _NAMED + name if name in PICKS or name.startswith(_NAMED) else name


def class_name(key: str) -> str:
    """The way back from `class_key`."""
    return key.removeprefix(_NAMED)


def layer_names(depth: int) -> list[str]:
    """Every place that has a map, front to back: stem, layer1.0, layer1 (its last block's output), layer2.0 ..."""
    names = ["stem"]
    for number, blocks in enumerate(BLOCKS[depth], 1):
        names += [f"layer{number}.{block}" for block in range(blocks - 1)] + [f"layer{number}"]
    return names
