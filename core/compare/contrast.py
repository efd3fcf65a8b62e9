"""What sets compared runs apart: settings, classes, attributes and single faces. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.answers.attribute_scores import P, attribute_scores
from core.compare.members import ComparedRun, out_of_fold
from core.compare.pairs import Pair
from core.config import RunConfig
from core.config.names import idle
from core.config.parts import DataConfig
from core.config.settings import leaves
from core.data.tasks import attributes_of, scored_parts
from core.stats.metrics import class_f1, codes, confusion_of

UNSET = "–"
LABELS = ("name", "description", "schema_version")  # always differ, and say nothing about what was learned


def settings(config: RunConfig) -> dict[str, str]:
    """Dotted setting -> value as text. Phases count from 1; a transform is named, so that its place does not matter. Of
    settings that nothing obeys in this configuration there is none."""
    data = config.model_dump(mode="json")
    unused = idle(data)
    data["phases"] = [
        {name: value for name, value in phase.items() if f"phases.{number}.{name}" not in unused}
        for number, phase in enumerate(data["phases"])
    ]
    for path in unused:
        part, _, name = path.partition(".")
        if part != "phases":
            data[part].pop(name, None)
    transforms = data.pop("transforms")
    flat = dict(leaves({key: value for key, value in data.items() if key not in LABELS}, first=1))
    seen: dict[str, int] = {}
    for transform in transforms:
        name = transform.pop("name")
        seen[name] = seen.get(name, 0) + 1
        label = f"transforms.{name}" if seen[name] == 1 else f"transforms.{name} {seen[name]}"
        if transform.pop("enabled"):
            flat |= {label: "on", **dict(leaves(transform, label, first=1))}
    return {key: _text(value) for key, value in flat.items()}


def _text(value: Any) -> str:
    if value is None or value == "":
        return UNSET
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def configurations(members: Sequence[ComparedRun]) -> list[RunConfig]:
    """Of each. A run that pools the test set, as one of version 0.1.0 is read, is told as one that sets it aside where
    such a run on the same data found none: both used the same photos."""
    tested: dict[DataConfig, bool] = {}
    for member in members:
        tested[member.config.data] = tested.get(member.config.data, False) or bool(member.info.get("test"))
    alike = []
    for member in members:
        aside = member.config.data.model_copy(update={"test_set": "set aside"})
        found_none = aside in tested and not tested[aside]
        alike.append(member.config.model_copy(update={"data": aside}) if found_none else member.config)
    return alike


def config_differences(members: Sequence[ComparedRun]) -> pd.DataFrame:
    """Only the settings that differ: index setting, one column a run id, text; settings a run lacks are a dash."""
    columns = {m.id: settings(config) for m, config in zip(members, configurations(members), strict=True)}
    table = pd.DataFrame(columns, dtype=object).fillna(UNSET)
    return table[table.nunique(axis=1) > 1]


def class_scores(members: Sequence[ComparedRun], which: str = "best") -> pd.DataFrame:
    """Per-class F1 of the pooled out-of-fold predictions: index run id, one column a class in the first run's order; of
    attributes that are told one by one a column an attribute, the mean F1 of its no and yes.

    All members tell the same classes. A run without a finished fold has NaN.
    Raises LabError where predictions are gone.
    """
    names = list(members[0].class_names)
    rows = {}
    for member in members:
        table = out_of_fold(member, which)
        scores = class_f1(confusion_of(table["label"], table["predicted"], names)) if len(table) else np.nan
        rows[member.id] = pd.Series(scores, index=names, dtype=float)
    scores_of_class = pd.DataFrame(rows).T[names]
    if not members[0].one_by_one:
        return scores_of_class
    of_pairs = scores_of_class.to_numpy().reshape(len(members), -1, 2).mean(axis=2)
    return pd.DataFrame(of_pairs, index=scores_of_class.index, columns=attributes_of(members[0].config.task))


def attribute_accuracy(members: Sequence[ComparedRun], which: str = "best") -> pd.DataFrame:
    """Accuracy of each attribute of a joint task, pooled over folds: index run id; no columns for a task of one."""
    rows = {}
    for member in members:
        if member.one_by_one:
            rows[member.id] = pd.Series(dtype=float)
            continue
        parts = scored_parts(member.config.task, list(member.class_names))
        table = out_of_fold(member, which)
        scores = attribute_scores(table, parts, member.class_names, -1) if len(table) else []
        rows[member.id] = pd.Series({score.attribute: score.accuracy for score in scores}, dtype=float)
    return pd.DataFrame(rows).T


def flips(pair: Pair) -> pd.DataFrame:
    """Photos that exactly one of the two gets right, the clearest first.

    Of attributes that are told one by one a row for each such answer, with the attribute in the column of that name
    ("" else). Columns sample, path, bits, person, fold, attribute, label, right ('run' or 'baseline'), predicted_a,
    predicted_b (classes), and probabilities: p_a, p_b of the true class, q_a, q_b of the predicted one. Clearest: p of
    the right one minus p of the wrong one is largest. Empty without predictions.
    """
    columns = ["sample", "path", "bits", "person", "fold", "attribute", "label", "right", "predicted_a", "predicted_b"]
    columns += ["p_a", "p_b", "q_a", "q_b"]
    if pair.table is None or pair.table.empty:  # two runs that wait have no column of a probability
        return pd.DataFrame(columns=columns)
    table = pair.table
    label = table["label"].astype(str)
    right = {side: table[f"predicted_{side}"].astype(str) == label for side in "ab"}
    table = table[right["a"] != right["b"]].copy()
    table["right"] = np.where(right["a"][table.index], "run", "baseline")
    for side in "ab":
        if pair.run.one_by_one:
            table[f"p_{side}"], table[f"q_{side}"] = table[f"p_true_{side}"], table[f"p_predicted_{side}"]
            continue
        table[f"p_{side}"] = _probability(table, "label", side, pair.run.class_names)
        table[f"q_{side}"] = _probability(table, f"predicted_{side}", side, pair.run.class_names)
    table["attribute"] = table["attribute"].astype(str) if pair.run.one_by_one else ""
    gap = (table["p_a"] - table["p_b"]).abs()
    return table.assign(gap=gap).sort_values(["gap", "sample"], ascending=[False, True])[columns].reset_index(drop=True)


def _probability(table: pd.DataFrame, column: str, side: str, names: Sequence[str]) -> np.ndarray:
    """The probability that a run gave to the class in `column`, one a row."""
    shares = table[[f"{P}{name}_{side}" for name in names]].to_numpy(float)
    return shares[np.arange(len(table)), codes(table[column], names)]
