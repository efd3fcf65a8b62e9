"""What a run is: the contract between a page, the command line and a worker."""

from core.config.parts import TransformConfig
from core.config.run_config import RunConfig, from_dict, from_yaml, to_yaml

__all__ = ["RunConfig", "TransformConfig", "from_dict", "from_yaml", "to_yaml"]
