"""A photo of noise, and a list that holds every transform of the table."""

import numpy as np

from core.config import TransformConfig
from core.config.transforms import TRANSFORMS

RANDOM = [name for name, entry in TRANSFORMS.items() if not entry.deterministic]


def photo(height=90, width=70):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def all_of_them(size=64):
    sized = [TransformConfig(name="CenterCrop", params={"height": 80, "width": 66})]
    sized.append(TransformConfig(name="Resize", params={"height": size, "width": size}))
    random = [TransformConfig(name=name, p=0.5) for name in RANDOM if name != "CoarseDropout"]
    holes = {"hole_height_range": [8, 9], "hole_width_range": [8, 12]}
    last = [TransformConfig(name="CoarseDropout", p=0.5, params=holes), TransformConfig(name="Normalize")]
    return [*sized, *random, *last]
