"""RunConfig: the contract between a page, the command line and a worker.

Plain data with checks; a YAML file and a form make the same object. Imports no torch.
"""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from core.errors import LabError
from core.transforms import TRANSFORMS, check_params, default_params

SCHEMA = 1
RECIPES = Path(__file__).parent / "recipes"
NOT_PLAIN = (yaml.YAMLError, ValueError, RecursionError)  # yaml lets impossible dates and endless nesting through


class Part(BaseModel):
    """A piece of a configuration: unknown keys are refused, values never change after checking."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _a_switch_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError(f"{str(value).lower()} does not fit here")
        return value


class DataConfig(Part):
    root: str = Field("", description="Folder of the dataset.")
    reader: Literal["auto", "mask", "utkface", "folders", "csv"] = Field(
        "auto", description="How labels are found: detected from the folder, or chosen here."
    )
    csv_file: str | None = Field(None, description="CSV file inside the folder (reader csv).")
    path_column: str | None = Field(None, description="CSV column that holds the image path.")
    label_column: str | None = Field(None, description="CSV column that holds the class.")
    person_column: str | None = Field(None, description="CSV column that names the person.")
    gender_column: str | None = Field(None, description="CSV column with female or male.")
    age_column: str | None = Field(None, description="CSV column with the age in years.")
    mask_column: str | None = Field(None, description="CSV column with mask, incorrect or normal.")
    person_pattern: str | None = Field(
        None, description="Regular expression on the file name; its first group is the person (reader folders)."
    )
    leave_out_problems: bool = Field(False, description="Train without the files that the scan found to be bad.")
    max_people: int | None = Field(None, ge=2, description="Use only this many people, for a small trial.")

    @field_validator("person_pattern")
    @classmethod
    def _pattern_compiles(cls, value: str | None) -> str | None:
        if value:
            try:
                groups = re.compile(value).groups
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            if groups < 1:
                raise ValueError("needs one group in parentheses that matches the person, such as ^(\\d+)_")
        return value or None


class TaskConfig(Part):
    name: Literal["gender-age", "mask-gender-age", "mask", "gender", "age", "label"] = Field(
        "gender-age", description="Which samples are used and what the class is."
    )
    age_limits: tuple[Annotated[int, Field(ge=1, le=119)], Annotated[int, Field(ge=1, le=119)]] = Field(
        (30, 60), description="First age of the middle group and first age of the oldest group, in years."
    )
    unmasked: bool = Field(
        False, description="Only photos without a mask; gender-age always does this, tasks that tell masks never."
    )

    @model_validator(mode="after")
    def _limits_ascend(self) -> TaskConfig:
        if self.age_limits[0] >= self.age_limits[1]:
            raise ValueError(f"age_limits: {self.age_limits[0]} must be below {self.age_limits[1]}")
        if self.unmasked and "mask" in self.name:
            raise ValueError(f"unmasked: the task {self.name} needs photos with a mask")
        return self


class FoldsConfig(Part):
    count: int = Field(5, ge=2, le=20, description="Number of folds; each is held out once.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of the split of people into folds.")


class TransformConfig(Part):
    name: str = Field(description="Name of a transform in the table of core/transforms.py.")
    p: float = Field(1.0, ge=0, le=1, description="Probability that it is applied to a training image.")
    params: dict[str, Any] = Field(default_factory=dict, description="Its parameters, by albumentations' names.")
    enabled: bool = Field(True, description="Off keeps it in the list without applying it.")

    @model_validator(mode="before")
    @classmethod
    def _fill_and_check(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "name" not in value:
            return value
        if value["name"] not in TRANSFORMS:
            raise ValueError(f"unknown transform '{value['name']}'; known: {', '.join(TRANSFORMS)}")
        given = value.get("params") or {}
        if not isinstance(given, dict):
            raise ValueError("params must be a mapping of names to values")
        return {**value, "params": check_params(value["name"], {**default_params(value["name"]), **given})}

    @property
    def deterministic(self) -> bool:
        return TRANSFORMS[self.name].deterministic


class ModelConfig(Part):
    depth: Literal[18, 34, 50, 101, 152] = Field(18, description="Number of layers of the torchvision ResNet.")
    init: str = Field(
        "imagenet",
        description="First weights: 'imagenet' (torchvision's IMAGENET1K), 'scratch', 'file:<path>' "
        "(.pth, .safetensors) or 'run:<id>' (fold k starts from its fold k).",
    )
    init_checkpoint: Literal["best", "final"] = Field(
        "best", description="Which weights of the parent run to start from."
    )
    head: Literal["joint", "factored"] = Field(
        "joint", description="One softmax over all classes, or one head per attribute on a shared backbone."
    )

    @field_validator("init")
    @classmethod
    def _known_init(cls, value: str) -> str:
        if value in ("imagenet", "scratch") or (value.startswith("file:") and len(value) > 5):
            return value
        if value.startswith("run:") and re.fullmatch(r"[a-z0-9][a-z0-9-]{0,79}", value[4:]):
            return value
        raise ValueError("must be 'imagenet', 'scratch', 'file:<path>' or 'run:<id>'")

    @property
    def parent(self) -> str | None:
        """Id of the run whose weights and folds are inherited."""
        return self.init[4:] if self.init.startswith("run:") else None


class PhaseConfig(Part):
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="Optimizer of this phase.")
    epochs: int = Field(50, ge=1, le=10_000, description="Epochs of this phase.")
    lr_backbone: float = Field(1e-5, ge=0, le=10, description="Learning rate of everything before the head.")
    lr_head: float = Field(6e-4, gt=0, le=10, description="Learning rate of the new last layer.")
    weight_decay: float = Field(3e-5, ge=0, le=1, description="L2 penalty (decoupled for adamw).")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of sgd; the Adam family ignores it.")
    nesterov: bool = Field(False, description="Nesterov momentum (sgd only).")
    schedule: Literal["constant", "cosine", "one-cycle", "step"] = Field(
        "constant", description="Learning rate over the phase's steps."
    )
    warmup_epochs: float = Field(0, ge=0, description="Linear rise of the learning rate at the start, in epochs.")
    step_epochs: int = Field(10, ge=1, description="Epochs between two drops (schedule step).")
    step_factor: float = Field(0.1, gt=0, lt=1, description="What each drop multiplies by (schedule step).")

    @model_validator(mode="after")
    def _consistent(self) -> PhaseConfig:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs {self.warmup_epochs:g} must be shorter than the phase's {self.epochs} epochs"
            )
        if self.nesterov and (self.optimizer != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs sgd with momentum above 0")
        if self.schedule == "one-cycle" and self.warmup_epochs:
            raise ValueError("one-cycle brings its own warm-up; set warmup_epochs to 0")
        return self


class MixConfig(Part):
    method: Literal["none", "mixup", "cutmix", "both"] = Field(
        "none", description="Mix pairs of images and their labels; both draws one of the two for each batch."
    )
    alpha: float = Field(0.2, gt=0, le=10, description="Parameter of the Beta distribution that draws the share.")
    probability: float = Field(1.0, ge=0, le=1, description="Share of batches that are mixed.")


class TrainingConfig(Part):
    batch_size: int = Field(128, ge=2, le=4096, description="Images in one optimizer step.")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="Share of the target spread over all classes.")
    loss: Literal["cross-entropy", "weighted", "focal"] = Field(
        "cross-entropy", description="weighted: by inverse class frequency; focal: easy samples count less."
    )
    focal_gamma: float = Field(2.0, gt=0, le=10, description="How much less easy samples count (loss focal).")
    sampling: Literal["natural", "balanced"] = Field(
        "natural", description="balanced draws every class equally often, with replacement."
    )
    early_stopping: int | None = Field(
        None, ge=1, description="Stop a fold after this many epochs without a better validation F1; empty never stops."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of weights, order and augmentation.")
    loader_workers: int | None = Field(
        None, ge=0, le=32, description="Processes that augment ahead of the training step; empty chooses by device."
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        "auto", description="auto uses bfloat16 where the processor or GPU computes in it."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU where there is one.")


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
        """What both learning rates are multiplied by at a 0-based step of a phase: a function, no state to restore."""
        p = self.phases[phase]
        total = p.epochs * steps_per_epoch
        warmup = p.warmup_epochs * steps_per_epoch
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if p.schedule == "cosine":
            return _cosine(1.0, 0.0, (step - warmup) / max(1, total - warmup))
        if p.schedule == "one-cycle":
            rise = max(1.0, 0.3 * total - 1)
            if step <= rise:
                return _cosine(1 / 25, 1.0, step / rise)
            return _cosine(1.0, 1 / 25 / 1e4, (step - rise) / max(1.0, total - 1 - rise))
        if p.schedule == "step":
            return p.step_factor ** (step // (p.step_epochs * steps_per_epoch))
        return 1.0


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


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * done))


def to_yaml(config: RunConfig) -> str:
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def from_dict(data: Any, source: str = "configuration") -> RunConfig:
    """Raises LabError that names every wrong key as `phases.0.lr_head: ...`."""
    if not isinstance(data, dict):
        message = f"{source}: expected a mapping of settings, found {type(data).__name__}."
        raise LabError(message, "Start from a recipe, or from a run's config.yaml.", kind="config")
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        lines = "; ".join(f"{where}: {what}" for where, what in field_errors(error).items())
        raise LabError(f"{source}: {lines}.", "Correct the named settings.", kind="config") from None


def from_yaml(text: str, source: str = "configuration") -> RunConfig:
    """Raises LabError for YAML that is broken, carries a Python tag, or does not fit RunConfig."""
    try:
        data = yaml.safe_load(text)
    except NOT_PLAIN as error:
        raise LabError(
            f"{source}: not plain YAML: {' '.join(str(error).split())}.", "Only plain values are read.", kind="config"
        ) from None
    return from_dict(data, source)


def read_config(path: Path, source: str) -> RunConfig:
    """from_yaml of a file. Raises LabError too for a file that cannot be opened or is not text."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{source}: cannot be read as UTF-8 text ({error})."
        raise LabError(message, "Save it as plain YAML text.", kind="config") from None
    return from_yaml(text, source)


def field_errors(error: ValidationError) -> dict[str, str]:
    """Dotted field -> message, for showing an error beside its field."""
    result: dict[str, str] = {}
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or "configuration"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown setting"
        elif "input" in item and isinstance(item["input"], (int, float, str)) and item["type"] != "value_error":
            message = f"{message[0].lower()}{message[1:]}, found {item['input']!r}"
        result[where] = message
    return result


def with_setting(data: dict, key: str, value: str) -> dict:
    """A copy of a configuration dict with `key` (dotted, list indices as numbers) set to a YAML value.

    Raises LabError when the path does not exist in RunConfig's shape.
    """
    try:
        parsed = float(value) if re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value) else yaml.safe_load(value)
    except NOT_PLAIN:
        remedy = "Use a number, a word in quotes, true, false, null or [a, b]."
        raise LabError(f"--set {key}={value}: the value is not plain YAML.", remedy, kind="config") from None
    return with_value(data, key, parsed, "--set ")


def with_value(data: dict, key: str, value: Any, source: str = "") -> dict:
    """A copy of a configuration dict with `key` (dotted, list indices as numbers) set to a value.

    source: what a message begins with. Raises LabError when the path does not exist in RunConfig's shape.
    """
    copied = copy.deepcopy(data)
    spot: Any = copied
    parts = key.split(".")
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if isinstance(spot, list):
            if not part.isdecimal() or int(part) >= len(spot):
                message = f"{source}{key}: '{part}' is not one of the {len(spot)} entries."
                raise LabError(message, f"Name one as 0 to {len(spot) - 1}.", kind="config")
            part = int(part)
        elif not isinstance(spot, dict) or (not last and part not in spot):
            known = ", ".join(spot) if isinstance(spot, dict) else "no settings below it"
            raise LabError(f"{source}{key}: no setting '{part}' here.", f"Known: {known}.", kind="config")
        if last:
            spot[part] = copy.deepcopy(value)
        else:
            spot = spot[part]
    return copied


def recipes(folder: Path = RECIPES) -> dict[str, RunConfig]:
    """Name -> recipe, for every YAML file in the folder; after the lab's own those that its user saved."""
    from core.own_recipes import own_recipes  # it reads with this module

    found = {path.stem: read_config(path, path.name) for path in sorted(folder.glob("*.yaml"))}
    return found | (own_recipes()[0] if folder == RECIPES else {})


def load_recipe(name: str) -> RunConfig:
    """A named recipe or a YAML file. Raises LabError with the names there are."""
    known = recipes()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return read_config(path, path.name)
    raise LabError(f"recipe '{name}' is not known.", f"Use one of {', '.join(known)}, or a YAML file.", kind="config")
