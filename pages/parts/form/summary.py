"""The settings form's draft in a few words: each of its groups, and what was changed since it began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.config.parts import CHOOSE
from core.config.settings import leaves
from core.data.tasks import CHOSEN
from core.text import number_of
from pages.parts.form.draft import show

SHOWN = 6  # attributes that a summary names


def summaries(data: dict[str, Any], classes: str = "") -> dict[str, str]:
    """Each group in a few words, from the draft as it stands. classes: how many, in words, where it is known."""
    first = data["phases"][0] if data["phases"] else {}
    optimizers = ", then ".join(f"{phase['optimizer']} {_many(phase['epochs'], 'epoch')}" for phase in data["phases"])
    rates = f"{show(first.get('lr_backbone'))} backbone, {show(first.get('lr_head'))} head"
    active = [entry["name"] for entry in data["transforms"] if entry.get("enabled", True)]
    number = [classes] if classes else []
    one_by_one = data["task"]["together"] == "each"
    names = data["task"]["attributes"] if data["task"]["name"] == CHOSEN else []
    title = (", " if one_by_one else " x ").join(names[:SHOWN]) or data["task"]["name"]
    title += ", ..." if len(names) > SHOWN else ""
    return {
        "task": " · ".join([title, *number, _many(data["folds"]["count"], "fold")]),
        "model": _model_summary(data["model"]),
        "phases": f"{optimizers} · {rates}",
        "training": _training_summary(data["training"], data["mix"]["method"]),
        "transforms": ", ".join(name for name in active if name != "Normalize") or "none",
    }


def _many(written: Any, one: str) -> str:
    """A number of the draft with its noun; what was typed as it stands where it is no number."""
    return number_of(written, one) if isinstance(written, int) else f"{show(written)} {one}s"


def _model_summary(model: dict[str, Any]) -> str:
    init, _, origin = model["init"].partition(":")
    weights = {"imagenet": "ImageNet weights", "scratch": "from scratch", "file": f"weights of {Path(origin).name}"}
    weights["run"] = f"weights of run {origin}" if origin not in ("", CHOOSE) else "weights of a run to be chosen"
    head = " · factored head" if model["head"] == "factored" else ""
    return f"ResNet-{model['depth']} · {weights.get(init, init)}{head}"


def _training_summary(training: dict[str, Any], mixing: str) -> str:
    parts = [
        f"batch {show(training['batch_size'])}",
        f"label smoothing {show(training['label_smoothing'])}",
        f"seed {show(training['seed'])}",
        f"{training['precision']} precision",
        f"{training['device']} device",
    ]
    if training["loss"] != "cross-entropy":
        parts.append(f"{training['loss']} loss")
    if training["sampling"] == "balanced":
        parts.append("balanced sampling")
    if mixing != "none":
        parts.append(mixing)
    return " · ".join(parts)


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(path, before, now) of each setting that differs; the dataset and the words about the run do not count."""
    skip: tuple[str, ...] = ("data.", "name", "description", "schema_version")
    changes = []
    lists = {"transforms": lambda entry: entry["name"], "phases": lambda entry: entry["optimizer"]}
    for group, title in lists.items():  # other entries, or in another order: no use in comparing them one by one
        old, new = ([title(entry) for entry in data[group]] for data in (before, now))
        if len(old) != len(new) or (group == "transforms" and old != new):
            changes.append((group, ", ".join(old), ", ".join(new)))
            skip += (group,)
    were, are = dict(leaves(before)), dict(leaves(now))
    paths = [path for path in dict.fromkeys([*were, *are]) if not path.startswith(skip)]
    return changes + [
        (path, show(were.get(path)), show(are.get(path))) for path in paths if were.get(path) != are.get(path)
    ]
