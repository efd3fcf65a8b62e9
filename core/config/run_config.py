"""RunConfig: the contract between a page, the command line and a worker.

Plain data with checks; a YAML file and a form make the same object. Imports no torch.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import re
import shlex
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Field, ValidationError, field_validator

from core.config.parts import (
    DataConfig,
    FoldsConfig,
    MixConfig,
    ModelConfig,
    Part,
    PhaseConfig,
    TaskConfig,
    TrainingConfig,
    TransformConfig,
)
from core.config.transforms import TRANSFORMS
from core.errors import LabError
from core.storage import files, plain_yaml

SCHEMA = 1
# Mappings of names that people made, with dots perhaps: each of them is changed and said as one setting.
WHOLE = ("data.attributes", "task.limits", "task.only", "task.merge")


def study_transforms(size: int = 224) -> list[TransformConfig]:
    """The study's list in its order; size is the side of the square that the network sees, in pixels."""
    hole = max(1, round(50 * size / 224))
    return [
        TransformConfig(name="CenterCrop", params={"height": 400, "width": 256}),
        TransformConfig(name="Resize", params={"height": size, "width": size}),
        TransformConfig(name="RandomBrightnessContrast", p=0.5),
        TransformConfig(name="HorizontalFlip", p=0.5),
        TransformConfig(name="InvertImg", p=0.5),
        TransformConfig(
            name="CoarseDropout",
            p=0.5,
            params={"num_holes_range": [4, 4], "hole_height_range": [hole, hole], "hole_width_range": [hole, hole]},
        ),
        TransformConfig(name="Normalize"),
    ]


class RunConfig(Part):
    schema_version: int = SCHEMA
    name: str = Field("run", min_length=1, max_length=60, description="Name of the run, shown everywhere.")
    description: str = Field("", max_length=400, description="One sentence about it.")
    data: DataConfig = DataConfig()
    task: TaskConfig = TaskConfig()
    folds: FoldsConfig = FoldsConfig()
    transforms: list[TransformConfig] = Field(default_factory=study_transforms, max_length=40)
    model: ModelConfig = ModelConfig()
    phases: list[PhaseConfig] = Field(default_factory=lambda: [PhaseConfig()], min_length=1, max_length=10)
    training: TrainingConfig = TrainingConfig()
    mix: MixConfig = MixConfig()

    @field_validator("schema_version")
    @classmethod
    def _known_schema(cls, value: int) -> int:
        if value != SCHEMA:
            raise ValueError(f"written for version {value} of the configuration; this lab reads version {SCHEMA}")
        return value

    @field_validator("transforms")
    @classmethod
    def _list_fits_the_network(cls, value: list[TransformConfig]) -> list[TransformConfig]:
        names = [t.name for t in value if t.enabled]
        if names.count("Normalize") != 1 or names[-1] != "Normalize":
            raise ValueError("the list must end with one enabled Normalize: the network expects normalised colours")
        if not any(name in ("Resize", "CenterCrop") for name in names):
            raise ValueError("the list needs an enabled Resize or CenterCrop: all images of a batch must have one size")
        size = None
        for t in value:
            if t.enabled and t.name in ("Resize", "CenterCrop"):
                size = t.params
            if t.enabled and t.name == "CoarseDropout":
                _holes_fit(t.params, size)
            if t.enabled and TRANSFORMS[t.name].keeps_size and size is None:
                raise ValueError(f"{t.name} must stand after a Resize or CenterCrop: it scales back to that size")
        return value

    @property
    def epochs(self) -> int:
        return sum(phase.epochs for phase in self.phases)

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels of what the network sees."""
        sized = [t for t in self.transforms if t.enabled and t.name in ("Resize", "CenterCrop")]
        return int(sized[-1].params["height"]), int(sized[-1].params["width"])

    def phase_of(self, epoch: int) -> tuple[int, int]:
        """(phase index, epochs before that phase) of a 1-based epoch."""
        before = 0
        for index, phase in enumerate(self.phases):
            if epoch <= before + phase.epochs:
                return index, before
            before += phase.epochs
        raise ValueError(f"epoch {epoch} is past the last phase, which ends at {before}")

    def learning_rate_factor(self, phase: int, step: int, steps_per_epoch: int) -> float:
        """What both learning rates are multiplied by at a 0-based step of a phase."""
        return self.phases[phase].learning_rate_factor(step, steps_per_epoch)


def _holes_fit(holes: dict[str, Any], size: dict[str, Any] | None) -> None:
    """Raises ValueError unless the smallest hole fits the image that it is made in."""
    if size is None:
        raise ValueError("CoarseDropout must stand after a Resize or CenterCrop: its holes are pixels of that size")
    for side in ("height", "width"):
        least = holes[f"hole_{side}_range"][0]
        if least > size[side]:
            raise ValueError(
                f"CoarseDropout.hole_{side}_range: holes of {least} px do not fit an image {side} of {size[side]} px"
            )


def to_yaml(config: RunConfig) -> str:
    return _written(json.dumps(config.model_dump(mode="json")))


@functools.lru_cache(maxsize=64)
def _written(settings: str) -> str:
    """Launch names its run after the whole text, twice each time that the page is drawn."""
    return plain_yaml.dump(json.loads(settings))


def from_dict(data: Any, source: str = "configuration", *, frozen: bool = False) -> RunConfig:
    """frozen: what a lab kept of a run, which means what it did then; else what somebody wrote, and may have left out.

    Raises LabError that names every wrong key as `phases.0.lr_head: ...`.
    """
    if not isinstance(data, dict):
        message = f"{source}: expected a mapping of settings, found {type(data).__name__}."
        raise LabError(message, "Start from a recipe, or from a run's config.yaml.", kind="config")
    try:
        return RunConfig.model_validate(_as_then(data) if frozen else data)
    except ValidationError as error:
        lines = "; ".join(f"{where}: {what}" for where, what in field_errors(error).items())
        raise LabError(f"{source}: {lines}.", "Correct the named settings.", kind="config") from None


def _as_then(data: dict) -> dict:
    """The settings of a run of version 0.1.0, which knew no test set: it trained on every row of a table."""
    of_data = data.get("data")
    if not isinstance(of_data, dict) or "test_set" in of_data:
        return data
    return {**data, "data": {**of_data, "test_set": "pool"}}


def from_yaml(text: str, source: str = "configuration", *, frozen: bool = False) -> RunConfig:
    """Raises LabError for YAML that is broken, carries a Python tag, or does not fit RunConfig."""
    return from_dict(plain_yaml.load(text, source), source, frozen=frozen)


def read_config(path: Path, source: str, *, frozen: bool = False) -> RunConfig:
    """from_yaml of a file. Raises LabError too for a file that cannot be opened or is not text.

    Who reads the same text again gets the same object: nobody changes a configuration in place.
    """
    text = read_text(path, source)
    try:
        return _understood(text, frozen=frozen)
    except LabError:
        return from_yaml(text, source, frozen=frozen)  # which says where it stands


_understood = functools.lru_cache(maxsize=256)(from_yaml)


def read_text(path: Path, source: str) -> str:
    """The first plain_yaml.LENGTH + 1 characters. Raises LabError for a file that cannot be opened or is not UTF-8."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read(plain_yaml.LENGTH + 1)  # of a longer one no more is needed to refuse it
    except (OSError, UnicodeDecodeError) as error:
        if files.out_of_reach(error):
            raise LabError(f"{source}: cannot be read ({error.strerror}).", files.CHECK, kind="config") from None
        message = f"{source}: cannot be read as UTF-8 text ({error})."
        raise LabError(message, "Save it as plain YAML text.", kind="config") from None


def field_errors(error: ValidationError) -> dict[str, str]:
    """Dotted field -> message, for showing an error beside its field."""
    result: dict[str, str] = {}
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or "configuration"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown setting"
        elif "input" in item and isinstance(item["input"], (int, float, str)) and item["type"] != "value_error":
            message = f"{message[0].lower()}{message[1:]}, found {_told(item['input'])}"
        result[where] = message
    return result


def _told(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # Python prints no whole number of more than 4,300 digits
        return "a number without end"


def with_setting(data: dict, key: str, value: str) -> dict:
    """A copy of a configuration dict with `key` (dotted, list indices as numbers) set to a YAML value.

    Where the setting is a text it is what was typed, or what stands in its quotes: a column may be called no, 012 or
    1e3. The words of a list or a mapping of texts are texts, too. Raises LabError when the path does not exist in
    RunConfig's shape.
    """
    number = re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value)
    shape = _shape_of(parts_of(key))
    texts = shape is not None and _is_of_texts(shape)
    try:
        if texts and (text := _text(shape, value)) is not None:
            parsed: Any = text
        elif texts and not (_may_be_none(shape) and value.strip() in _NOTHING):
            parsed = plain_yaml.load(value, "--set", as_texts=True)
        else:
            parsed = float(value) if number else plain_yaml.load(value, "--set")
    except LabError:
        remedy = "Use a number, a word in quotes, true, false, null or [a, b]."
        raise LabError(f"--set {key}={value}: the value is not plain YAML.", remedy, kind="config") from None
    return with_value(data, key, parsed, "--set ", value)


_NOTHING = ("", "~", "null", "Null", "NULL")  # what YAML calls nothing


def _shape_of(parts: list[str]) -> Any:
    """The type of a setting of RunConfig; None where there is none of this name, or any value will do."""
    shape: Any = RunConfig
    for part in parts:
        shape = _bare(shape)
        if isinstance(shape, type) and issubclass(shape, Part):
            field = shape.model_fields.get(part)
            shape = None if field is None else field.annotation
        else:
            shape = get_args(shape)[-1] if get_origin(shape) in (list, dict) else None
        if shape is None or shape is Any:
            return None
    return shape


def _bare(shape: Any) -> Any:
    """A type without what is said of it, and without the None that it may be instead."""
    if get_origin(shape) is Annotated:
        return _bare(get_args(shape)[0])
    others = [each for each in get_args(shape) if each is not NoneType]
    return _bare(others[0]) if get_origin(shape) in (Union, UnionType) and len(others) == 1 else shape


def _may_be_none(shape: Any) -> bool:
    return NoneType in get_args(shape)


def _is_of_texts(shape: Any) -> bool:
    """Whether it is a text, or a list or mapping of nothing but texts."""
    shape = _bare(shape)
    if get_origin(shape) is Literal:
        return all(isinstance(choice, str) for choice in get_args(shape))
    return shape is str or (get_origin(shape) in (list, dict) and all(map(_is_of_texts, get_args(shape))))


def _text(shape: Any, value: str) -> str | None:
    """What somebody typed for a text, without the quotes round all of it; None for nothing and for another shape."""
    value = value.strip()
    if _bare(shape) is not str or (_may_be_none(shape) and value in _NOTHING):
        return None
    with contextlib.suppress(LabError):
        if value[:1] in ("'", '"') and isinstance(inside := plain_yaml.load(value, "--set"), str):
            return inside
    return value


# Of a dotted key. Quotes are round a part if they stand at both its ends; else they are letters of a name: size 12"
_PART = re.compile(r'(?:\A|\.)(?:"(?P<quoted>.*?)"(?=\.|\Z)|(?P<bare>[^.]*))', re.DOTALL)


def parts_of(key: str) -> list[str]:
    """Of a dotted key, those in double quotes without these: with_value says which."""
    return [match["bare"] if match["quoted"] is None else match["quoted"] for match in _PART.finditer(key)]


def with_value(data: dict, key: str, value: Any, source: str = "", typed: str | None = None) -> dict:
    """A copy of a configuration dict with `key` (dotted, list indices as numbers) set to a value.

    A name in double quotes is one part, whatever dots it holds: task.limits."waist.cm". source: what a message begins
    with. typed: the value as it stood behind --set, whose remedy is a word for a shell. Raises LabError when the path
    does not exist in RunConfig's shape.
    """
    copied = copy.deepcopy(data)
    spot: Any = copied
    parts: list[Any] = parts_of(key)
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if isinstance(spot, list):
            if not part.isdecimal() or int(part) >= len(spot):
                message = f"{source}{key}: '{part}' is not one of the {len(spot)} entries."
                raise LabError(message, f"Name one as 0 to {len(spot) - 1}.", kind="config")
            part = int(part)
        elif not isinstance(spot, dict) or (not last and part not in spot):
            names = ", ".join(spot) or "none yet" if isinstance(spot, dict) else "no settings below it"
            remedy = f"Known: {names}."
            mapping, name = ".".join(parts[:2]), ".".join(parts[2:])
            if index == 2 and mapping in WHOLE and isinstance(spot, dict) and '"' not in key:
                quoted = f'{mapping}."{name}"'
                setting = quoted if typed is None else f"--set {shlex.quote(f'{quoted}={typed}')}"
                remedy += f" A name with dots stands in quotes: {setting}."
            raise LabError(f"{source}{key}: no setting '{part}' here.", remedy, kind="config")
        if last:
            spot[part] = copy.deepcopy(value)
        else:
            spot = spot[part]
    return copied
