"""What preprocess.json says of a package, and the configuration without what is of this machine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from core import __version__
from core.config import RunConfig
from core.data.tasks import class_parts
from core.export.formats.names import FILES
from core.export.runtime.package_folder import FORMAT, ONE_BY_ONE
from core.export.steps import decoded_in_words, steps_of
from core.network import weights
from core.predict.yes_no import thresholds
from core.runs import Run
from core.runs.yes_no.view import attributes


def facts_of(
    run: Run, config: RunConfig, folds: list[int], temperature: dict[int, float], formats: Sequence[str]
) -> dict[str, Any]:
    """preprocess.json, but for what is known later. Of attributes that are told one by one, these stand for classes,
    each with the threshold above which it is a yes."""
    height, width = config.input_size
    names, bits = attributes(run), run.bits()
    classes = names or [str(name) for name in run.info()["class_names"]]
    answers: dict[str, Any]
    if names:
        values = thresholds.fitted([run], names).values
        answers = {"answers": ONE_BY_ONE, "thresholds": dict(zip(names, map(float, values), strict=True))}
    else:
        answers = {"attributes": dict(zip(classes, class_parts(config.task, classes), strict=True))}
    return {
        "format": FORMAT,
        "lab": __version__,
        "run": run.id,
        "name": config.name,
        "network": f"resnet{config.model.depth}",
        "head": config.model.head,
        "height": height,
        "width": width,
        "input": "photos: uint8 (n, height, width, 3), RGB, after the steps",
        "output": f"probabilities: float32 (n, {'attributes), of yes' if names else 'classes)'}",
        "decode": decoded_in_words(bits),
        "bits": bits,
        "steps": steps_of(config),
        "in_the_network": _in_the_network(config, temperature),
        "classes": classes,
        **answers,
        "folds": folds,
        "networks": {name: FILES[name] for name in formats},
        "weights": {},
    }


def _in_the_network(config: RunConfig, of_fold: dict[int, float]) -> dict[str, Any]:
    from core.augment.pipeline import normalization

    mean, std = normalization(config.transforms)
    return {
        "divided_by": 255,
        "mean": mean,
        "std": std,
        "temperature": {str(fold): value for fold, value in of_fold.items()},
        "sigmoid" if config.task.one_by_one else "softmax": True,
    }


def without_places(config: RunConfig, among: Collection[str] = ()) -> RunConfig:
    """The configuration without where things lay on this machine, which is nobody's business elsewhere.

    among: first weights that stand beside these, as for `weights.without_place`.
    """
    data = config.data.model_copy(update={"root": Path(config.data.root).name})
    model = config.model.model_copy(update={"init": weights.without_place(config.model.init, among)})
    return config.model_copy(update={"data": data, "model": model})
