"""Networks from nothing and from files, and what a file has to fill."""

import safetensors.torch
import torch

from core.config.run_config import ModelConfig
from core.network.model import build_model


def scratch(depth=18, classes=6, seed=0):
    return build_model(ModelConfig(depth=depth, init="scratch"), classes, seed)[0]


def from_file(path, depth=18, classes=6, seed=0):
    return build_model(ModelConfig(depth=depth, init=f"file:{path}"), classes, seed)


def save(state, path):
    if path.suffix == ".safetensors":
        safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, path)
    else:
        torch.save(state, path)
    return path


def assert_backbone_is(network, state, but=""):
    for key, value in network.state_dict().items():
        if not key.startswith("fc.") and not (but and key.endswith(but)):
            assert torch.equal(value, state[key]), key
