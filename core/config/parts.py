"""The parts of a RunConfig: data, task, folds, transforms, model, phases, training, mixing. Imports no torch."""

from __future__ import annotations

import codecs
import itertools
import math
import os
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from core.config import person_pattern
from core.config.transforms import TRANSFORMS, check_params, default_params
from core.text import in_full

NO_COLUMN = "none"  # a column of a table that is said to be in none
MOST_OF_PRODUCT, MOST_ONE_BY_ONE = 6, 128  # attributes of a task
MOST_FOLDS = 20  # of a run
RUN_ID = r"[a-z0-9][a-z0-9-]{0,79}"
CHOOSE = "choose"  # init run:choose in a recipe: whoever launches it names the run


def known_encoding(name: str) -> str:
    """An encoding of text as Python spells it. Raises ValueError for anything else."""
    try:
        codec = codecs.lookup(name.strip())
        "a".encode(codec.name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"{name!r} is no encoding of text; usual are utf-8, cp949, gb18030 and cp1252") from error
    return codec.name


class Part(BaseModel):
    """A piece of a configuration: unknown keys are refused, values never change after checking."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # lists and mappings have no hash of their own

    @field_validator("*", mode="before")
    @classmethod
    def _a_switch_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError(f"{str(value).lower()} does not fit here")
        return value


class DataConfig(Part):
    root: str = Field("", description="Folder of the dataset.")
    reader: Literal["auto", "mask", "utkface", "names", "folders", "csv"] = Field(
        "auto", description="How labels are found: detected from the folder, or chosen here."
    )
    csv_file: str | None = Field(
        None,
        description="Table inside the folder: CSV, .xlsx, .jsonl, a list (reader csv; folders and names: for persons "
        "and parts alone).",
    )
    path_column: str | None = Field(None, description="CSV column that holds the image path.")
    label_column: str | None = Field(None, description="CSV column that holds the class; none for no column.")
    person_column: str | None = Field(None, description="CSV column that names the person; none for no column.")
    gender_column: str | None = Field(None, description="CSV column with female or male; none for no column.")
    age_column: str | None = Field(None, description="CSV column with the age in years; none for no column.")
    mask_column: str | None = Field(None, description="CSV column with mask, incorrect or normal; none for no column.")
    no_label: str = Field(
        "nan, NA, N/A, None, null, -",
        description="Words in a table that mean no label, or no person, between commas, in any case; an empty cell "
        "always does.",
    )
    encoding: str | None = Field(
        None, description="Encoding of the table's text, such as utf-8, cp949 or gb18030; empty judges by its letters."
    )
    split_column: str | None = Field(
        None,
        description="CSV column with train, val or test, or the number of a fold; none for no column, nor lists of "
        "photos such as train.txt and test.txt.",
    )
    class_level: int | None = Field(
        None,
        ge=1,
        le=20,
        description="Which folder on a photo's path names its class: 1 is the first one below the dataset. Empty finds "
        "it (reader folders).",
    )
    label_pattern: str | None = Field(
        None,
        description="Regular expression on the file name; its first group is the class. Empty takes the name without "
        "its last number, cat of cat.12.jpg (reader names).",
    )
    persons: Literal["auto", "named", "folder", "path", "patient", "none"] = Field(
        "auto",
        description="Who a photo shows. auto: the person column, else the person pattern on the file name, else "
        "folders that are surely called as persons (patient_01, sub-01); named: folders that are, or may be (case_01); "
        "folder: the folder below the class, else above it; path: the person pattern on the whole path below the "
        "dataset; patient: the PatientID in a DICOM file; none: nobody is known.",
    )
    person_pattern: str | None = Field(
        None, description="Regular expression on the file name, or the whole path; its first group is the person."
    )
    test_set: Literal["set aside", "pool"] = Field(
        "set aside",
        description="What becomes of a labelled test set that the dataset names: set aside, it is never trained or "
        "validated on; pool: cross-validated with the rest.",
    )
    follow_links: bool = Field(
        False, description="Follow links to files and folders, also those that lead out of the dataset's folder."
    )
    attributes: dict[str, Literal["auto", "categories", "yes/no", "number"]] | None = Field(
        None,
        description="CSV columns that are attributes, each with its kind, such as {hair: categories}; empty proposes "
        "them from their values, {} takes none.",
    )
    truncated: Literal["refuse", "keep"] = Field(
        "refuse", description="keep uses JPEGs that lack only their end as they are: 99 % of their pixels are there."
    )
    bits: int | None = Field(
        None,
        ge=8,
        le=16,
        description="Bits that photos of more than 8 bits use, the same for all of them: 12 makes 4,095 white. Empty "
        "finds them from the largest value of the dataset.",
    )
    decode: Literal["before", "first epoch"] = Field(
        "before",
        description="When photos are decoded to find the bad ones: before a launch, or in the first epoch; until then "
        "only headers are read. A bad one stops its fold then and is named; a JPEG that lacks only its end is used.",
    )
    leave_out_problems: bool = Field(False, description="Train without the files that the scan found to be bad.")
    max_people: int | None = Field(None, ge=2, description="Use only this many people, for a small trial.")

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str | None) -> str | None:
        return known_encoding(value) if value and value.strip() else None

    @field_validator("no_label", mode="before")
    @classmethod
    def _no_word_is_a_choice(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("person_pattern", "label_pattern")
    @classmethod
    def _pattern_compiles(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value:
            person_pattern.check(value, str(info.field_name).removesuffix("_pattern"))
        return value or None


class TaskConfig(Part):
    name: Literal["gender-age", "mask-gender-age", "mask", "gender", "age", "label", "attributes"] = Field(
        "gender-age", description="Which samples are used and what the class is; attributes: what is chosen below."
    )
    age_limits: tuple[Annotated[int, Field(ge=1, le=119)], Annotated[int, Field(ge=1, le=119)]] = Field(
        (30, 60), description="First age of the middle group and first age of the oldest group, in years."
    )
    unmasked: bool = Field(
        False, description="Only photos without a mask; gender-age always does this, tasks that tell masks never."
    )
    attributes: list[str] = Field(
        default_factory=list,
        max_length=MOST_ONE_BY_ONE,
        description="The attributes that make a class: one, or several of which each combination that occurs is one.",
    )
    together: Literal["product", "each"] = Field(
        "product",
        description="What several attributes make. product: one class a photo, each combination that occurs is one; "
        "each: every yes/no attribute is told by itself, with its own score; photos may tell only some of them.",
    )
    limits: dict[str, Annotated[list[float], Field(min_length=1, max_length=40)]] = Field(
        default_factory=dict,
        description="Where a number is cut into groups: the first value of each group but the lowest.",
    )
    only: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(
        default_factory=dict, description="Only photos with these values of an attribute, such as {mask: [normal]}."
    )
    leave_out: list[str] = Field(default_factory=list, description="Classes whose photos are not used.")
    merge: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(
        default_factory=dict, description="Classes that become one: its name, and the classes that it is made of."
    )

    @property
    def title(self) -> str:
        """What the task is called: its name, or the attributes that were chosen."""
        if self.name != "attributes" or not self.attributes:
            return self.name
        if not self.one_by_one:
            return " x ".join(self.attributes)
        few = len(self.attributes) <= 3
        return ", ".join(self.attributes) if few else f"{len(self.attributes)} yes/no attributes"

    @property
    def one_by_one(self) -> bool:
        """Whether a photo has an answer to each yes/no attribute instead of one class."""
        return self.name == "attributes" and self.together == "each"

    @model_validator(mode="after")
    def _limits_ascend(self) -> TaskConfig:
        if self.age_limits[0] >= self.age_limits[1]:
            raise ValueError(f"age_limits: {self.age_limits[0]} must be below {self.age_limits[1]}")
        if self.unmasked and ("mask" in self.name or "mask" in self.attributes):
            raise ValueError(f"unmasked: the task {self.title} needs photos with a mask")
        for name, limits in self.limits.items():
            if any(low >= high for low, high in itertools.pairwise(limits)):
                raise ValueError(f"limits: those of {name} must ascend: {', '.join(map(in_full, limits))}")
        return self

    @model_validator(mode="after")
    def _classes_are_named_once(self) -> TaskConfig:
        if self.attributes and self.name != "attributes":
            raise ValueError(f"attributes: the task {self.name} has its own; set task.name to attributes")
        if len(set(self.attributes)) < len(self.attributes):
            raise ValueError("attributes: one stands there twice")
        if not self.one_by_one and len(self.attributes) > MOST_OF_PRODUCT:
            raise ValueError(
                f"attributes: a product has at most {MOST_OF_PRODUCT}; yes/no attributes are told one by one where "
                "task.together is each"
            )
        if self.one_by_one and (self.leave_out or self.merge):
            raise ValueError("leave_out, merge: attributes that are told one by one have no classes to leave out")
        members = [member for merged in self.merge.values() for member in merged] + self.leave_out
        if twice := sorted(member for member, times in Counter(members).items() if times > 1):
            raise ValueError(f"merge: class {twice[0]!r} is named twice in merge and leave_out")
        return self


class FoldsConfig(Part):
    count: int = Field(5, ge=2, le=MOST_FOLDS, description="Number of folds; each is held out once.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of the split of people into folds.")
    given: bool = Field(
        False, description="Use the folds that the dataset gives (folders fold_1, fold_2, ..., or a column fold)."
    )
    everybody: str | None = Field(
        None,
        description="Id of a finished cross-validated run: one network is trained on all its people, and nobody is "
        "validated on. Empty cross-validates.",
    )

    @field_validator("everybody")
    @classmethod
    def _is_an_id(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(RUN_ID, value):
            raise ValueError("must be the id of a run, made of a-z, 0-9 and hyphens")
        return value or None


class TransformConfig(Part):
    name: str = Field(description="Name of a transform in the table of core/config/transforms.py.")
    p: float = Field(1.0, ge=0, le=1, description="Probability that it is applied to a training image.")
    params: dict[str, Any] = Field(default_factory=dict, description="Its parameters, by albumentations' names.")
    enabled: bool = Field(True, description="Off keeps it in the list without applying it.")

    @model_validator(mode="before")
    @classmethod
    def _fill_and_check(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "name" not in value:
            return value
        if not isinstance(value["name"], str) or value["name"] not in TRANSFORMS:
            raise ValueError(f"unknown transform {value['name']!r}; known: {', '.join(TRANSFORMS)}")
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
        "(.pth, .safetensors) or 'run:<id>' (fold k starts from its fold k; run:choose in a recipe leaves it open).",
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
        if value.startswith("run:") and re.fullmatch(RUN_ID, value[4:]):
            return value
        raise ValueError("must be 'imagenet', 'scratch', 'file:<path>' or 'run:<id>'")

    @property
    def parent(self) -> str | None:
        """Id of the run whose weights and folds are inherited."""
        return self.init[4:] if self.init.startswith("run:") else None

    @property
    def file(self) -> Path | None:
        """The weights file that all folds start from."""
        return Path(os.path.expanduser(self.init[5:])) if self.init.startswith("file:") else None


class PhaseConfig(Part):
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="Optimizer of this phase.")
    epochs: int = Field(50, ge=1, le=10_000, description="Epochs of this phase.")
    lr_backbone: float = Field(
        1e-5, ge=0, le=10, description="Learning rate of everything before the head; 0 leaves its weights as they are."
    )
    lr_head: float = Field(6e-4, gt=0, le=10, description="Learning rate of the new last layer.")
    frozen_norm: bool = Field(
        False,
        description="Where the backbone's rate is 0: batch normalisation keeps the means that it has, so that what the "
        "network sees of a photo is computed once where no random transform and no mixing changes it. Off, it goes by "
        "each batch and learns on.",
    )
    weight_decay: float = Field(3e-5, ge=0, le=1, description="L2 penalty (decoupled for adamw).")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of sgd; the Adam family ignores it.")
    nesterov: bool = Field(False, description="Nesterov momentum (sgd only).")
    schedule: Literal["constant", "cosine", "one-cycle", "step"] = Field(
        "constant", description="Learning rate over the phase's steps."
    )
    schedule_epochs: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Epochs that the schedule is made for, where the phase trains only the first of them; empty: its "
        "own.",
    )
    warmup_epochs: float = Field(0, ge=0, description="Linear rise of the learning rate at the start, in epochs.")
    step_epochs: int = Field(10, ge=1, description="Epochs between two drops (schedule step).")
    step_factor: float = Field(0.1, gt=0, lt=1, description="What each drop multiplies by (schedule step).")

    @model_validator(mode="after")
    def _consistent(self) -> PhaseConfig:
        if self.schedule_epochs is not None and self.schedule_epochs < self.epochs:
            raise ValueError(f"schedule_epochs {self.schedule_epochs} must not be below the phase's {self.epochs}")
        if self.warmup_epochs >= self.scheduled:
            raise ValueError(
                f"warmup_epochs {self.warmup_epochs:g} must be shorter than the phase's {self.scheduled} epochs"
            )
        if self.frozen_norm and self.lr_backbone:
            raise ValueError("frozen_norm needs a backbone that is not trained: set lr_backbone to 0")
        if self.nesterov and (self.optimizer != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs sgd with momentum above 0")
        if self.schedule == "one-cycle" and self.warmup_epochs:
            raise ValueError("one-cycle brings its own warm-up; set warmup_epochs to 0")
        return self

    @property
    def scheduled(self) -> int:
        """Epochs that the learning rate is scheduled over, of which the phase trains `epochs`."""
        return self.schedule_epochs or self.epochs

    def learning_rate_factor(self, step: int, steps_per_epoch: int) -> float:
        """What both learning rates are multiplied by at a 0-based step: a function, no state to restore."""
        total = self.scheduled * steps_per_epoch
        warmup = self.warmup_epochs * steps_per_epoch
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if self.schedule == "cosine":
            return _cosine(1.0, 0.0, (step - warmup) / max(1, total - warmup))
        if self.schedule == "one-cycle":
            rise = max(1.0, 0.3 * total - 1)
            if step <= rise:
                return _cosine(1 / 25, 1.0, step / rise)
            return _cosine(1.0, 1 / 25 / 1e4, (step - rise) / max(1.0, total - 1 - rise))
        if self.schedule == "step":
            return self.step_factor ** (step // (self.step_epochs * steps_per_epoch))
        return 1.0


class MixConfig(Part):
    method: Literal["none", "mixup", "cutmix", "both"] = Field(
        "none",
        description="Mix pairs of images and their labels; both draws one of the two for each batch. Training accuracy "
        "counts a mixed image for the label with the larger share.",
    )
    alpha: float = Field(0.2, gt=0, le=10, description="Parameter of the Beta distribution that draws the share.")
    probability: float = Field(1.0, ge=0, le=1, description="Share of batches that are mixed.")


class TrainingConfig(Part):
    batch_size: int = Field(128, ge=2, le=4096, description="Images in one optimizer step.")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="Share of the target spread over all classes.")
    loss: Literal["cross-entropy", "weighted", "focal"] = Field(
        "cross-entropy",
        description="weighted: each photo by the inverse frequency of its class; focal: easy samples count less.",
    )
    focal_gamma: float = Field(2.0, gt=0, le=10, description="How much less easy samples count (loss focal).")
    sampling: Literal["natural", "balanced"] = Field(
        "natural", description="balanced draws every class equally often, with replacement."
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        description="End a phase after this many epochs in which its validation F1 did not rise; then the next phase "
        "begins, and after the last one the fold ends. Empty never stops.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of weights, order and augmentation.")
    loader_workers: int | None = Field(
        None, ge=0, le=32, description="Processes that augment ahead of the training step; empty chooses by device."
    )
    resume_seconds: float = Field(
        30,
        ge=0,
        le=3600,
        description="Seconds between two resume points, each written after an epoch: what a crash can cost. A fold "
        "that is stopped keeps every epoch. 0 writes one after each epoch.",
    )
    photos_on_device: float = Field(
        0.25,
        ge=0,
        le=0.9,
        description="Share of a GPU's free memory that decoded photos may take, so that batches are gathered and "
        "augmented there; more photos than that are augmented by the processor. A CPU has them in its memory anyway.",
    )
    precision: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto",
        description="auto uses bfloat16 where the processor or GPU computes in it, and float16 with a scaled loss on a "
        "GPU that does not.",
    )
    speed: Literal["exact", "fast"] = Field(
        "exact",
        description="exact: a resumed fold ends bit-identical. fast gives that up on a GPU for its quickest kernels, "
        "TF32 and a compiled network, which takes a minute to begin with.",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto",
        description="auto takes a GPU of NVIDIA, or of AMD with torch for ROCm, where there is one. mps, which nobody "
        "has tried yet: the GPU of an Apple computer.",
    )


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * done))
