"""The layers of a ResNet that have a map, and the methods that make one, by name. Imports no torch."""

from __future__ import annotations

LAYERS = ("stem", "layer1", "layer2", "layer3", "layer4")
METHODS = ("GradCAM", "GradCAM++", "XGradCAM", "HiResCAM", "LayerCAM", "EigenCAM", "EigenGradCAM")
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def layer_names(depth: int) -> list[str]:
    """Every place that has a map, front to back: stem, layer1.0, layer1 (its last block's output), layer2.0 ..."""
    names = ["stem"]
    for number, blocks in enumerate(BLOCKS[depth], 1):
        names += [f"layer{number}.{block}" for block in range(blocks - 1)] + [f"layer{number}"]
    return names
