"""What people call a setting, on forms, in comparisons and in reports. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.config import transforms
from core.config.settings import name_beneath
from core.config.transforms import param_title

LABELS = {
    "name": "Task",
    "age_limits": "Age limits",
    "unmasked": "Unmasked photos only",
    "attributes": "Attributes",
    "together": "What several attributes make",
    "limits": "Limits",
    "only": "Only photos with",
    "leave_out": "Leave out classes",
    "merge": "Merged classes",
    "count": "Folds",
    "given": "Use the dataset's own folds",
    "everybody": "On everybody of",
    "depth": "Depth",
    "init": "First weights",
    "optimizer": "Optimizer",
    "epochs": "Epochs",
    "lr_backbone": "Backbone learning rate",
    "lr_head": "Head learning rate",
    "weight_decay": "Weight decay",
    "momentum": "Momentum",
    "nesterov": "Nesterov",
    "frozen_norm": "Freeze batch normalisation",
    "schedule": "Schedule",
    "schedule_epochs": "Schedule over",
    "warmup_epochs": "Warm-up epochs",
    "batch_size": "Batch size",
    "label_smoothing": "Label smoothing",
    "seed": "Seed",
    "loader_workers": "Loader workers",
    "resume_seconds": "Resume points, seconds",
    "photos_on_device": "Photos on the GPU",
    "precision": "Precision",
    "speed": "Speed",
    "device": "Device",
    "p": "Probability",
    "max_people": "At most this many people",
    "head": "Head",
    "init_checkpoint": "Parent's weights",
    "step_epochs": "Epochs a step",
    "step_factor": "Factor of a step",
    "loss": "Loss",
    "focal_gamma": "Focal gamma",
    "sampling": "Sampling",
    "early_stopping": "Stop early after",
    "method": "Mix images",
    "alpha": "Mixing alpha",
    "probability": "Share of batches mixed",
    "person_pattern": "Person pattern",
    "label_pattern": "Label pattern",
    "persons": "Persons",
    "class_level": "Class folder",
    "test_set": "Test set",
    "root": "Folder",
    "reader": "Layout",
    "csv_file": "Table",
    **{f"{what}_column": f"Column of the {what}" for what in ("path", "label", "person", "gender", "age", "mask")},
    "split_column": "Column of the split",
    "no_label": "Words for no label",
    "encoding": "Encoding",
    "follow_links": "Follow links",
    "truncated": "JPEGs without their end",
    "decode": "Decode photos",
    "bits": "Bits of deep photos",
    "leave_out_problems": "Leave out bad files",
}
OTHERWISE = {
    "data.attributes": "Columns that are attributes",  # where the last part alone would be taken for another setting
    "folds.seed": "Seed of the split",
    "training.photos_on_device": "Photos on the GPU",
    "task.limits": "Limits of numbers",
}


def last_epoch(early_stopping: Iterable[int | None]) -> str:
    """What may be said of the last epoch beside the best one, which held-out photos chose: words within a sentence.

    early_stopping: the setting of each run that they are said of.
    """
    stops = [patience is not None for patience in early_stopping]
    if not any(stops):
        return "the last epoch is not chosen"
    if all(stops):
        return "the last epoch is where early stopping ends training by held-out F1, which flatters a little"
    return "the last epoch is not chosen, except where early stopping ends training by held-out F1"


def title_of(path: str, first: int = 0) -> str:
    """What a person calls a setting: "phases.0.lr_head" -> "Phase 1: Head learning rate", "transforms.Resize.height" ->
    "Scale to a size: Height", "task.limits.depth" -> "Limits of numbers: depth"; what nobody has words for stays.

    first: the number that the first phase has in `path`.
    """
    parts = path.split(".")
    if path in OTHERWISE:
        return OTHERWISE[path]
    whole, name = name_beneath(path)
    if name:  # which may be the name of another setting
        return f"{title_of(whole)}: {name}"
    if parts[0] == "phases" and len(parts) > 2 and parts[1].isdecimal():
        return f"Phase {int(parts[1]) - first + 1}: {LABELS.get(parts[2], parts[2])}"
    if parts[0] == "transforms" and len(parts) > 1:
        return _of_transform(parts[1], parts[2:])
    words = next((LABELS[part] for part in reversed(parts[1:]) if part in LABELS), None)
    return path if words is None else words


def titles_of(paths: Iterable[str], first: int = 0, others: Iterable[str] = ()) -> dict[str, str]:
    """path -> what a person calls that setting; with its path where two are called alike, or one as one of `others`."""
    titles = {path: title_of(path, first) for path in paths}
    number = Counter([*titles.values(), *others])
    return {path: f"{title} ({path})" if number[title] > 1 else title for path, title in titles.items()}


def _of_transform(named: str, parts: list[str]) -> str:
    """named: its name, and its number among those of this name where there are several."""
    name, _, number = named.partition(" ")
    what = f"{transforms.title_of(name)}{f' {number}' if number else ''}"
    if not parts:
        return what
    return f"{what}: {LABELS[parts[-1]] if parts == ['p'] else param_title(parts[-1] if parts[-1] else named)}"


def idle(settings: dict) -> set[str]:
    """Dotted settings of a configuration (as `RunConfig.model_dump`) that nothing obeys as its other ones are: the step
    of a schedule that has none, the momentum of Adam."""
    unused = set()
    for number, phase in enumerate(settings["phases"]):
        names = [] if phase["schedule"] == "step" else ["step_epochs", "step_factor"]
        names += [] if phase["optimizer"] == "sgd" else ["momentum", "nesterov"]
        names += ["schedule_epochs"] if phase["schedule"] == "constant" else []
        names += ["frozen_norm"] if phase["lr_backbone"] else []
        unused |= {f"phases.{number}.{name}" for name in names}
    if settings["training"]["loss"] != "focal":
        unused.add("training.focal_gamma")
    if settings["mix"]["method"] == "none":
        unused |= {"mix.alpha", "mix.probability"}
    if not settings["model"]["init"].startswith("run:"):
        unused.add("model.init_checkpoint")
    return unused
