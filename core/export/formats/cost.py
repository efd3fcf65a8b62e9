"""What int8 costs and brings: the same held-out photos answered by the networks as they are and in int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core import machine
from core.data.persons import persons_of, units
from core.export.formats.names import INT8, ONNX
from core.export.parity import FoldAnswers, FoldParity, judged
from core.export.runtime.package_folder import PackageFolder
from core.runs import Run
from core.stats.metrics import confusion, macro_f1
from core.text import count

if TYPE_CHECKING:
    from core.stats.paired import Interval


@dataclass(frozen=True, eq=False)
class Cost:
    """photos: checked, of all folds together. people: in words, those that were drawn anew for the interval.
    calibrated: training photos of each fold that set the ranges, the fewest. f1: macro F1 of each form. difference: of
    int8 less that of float. changed: answers. one_by_one: F1 is of yes and no at 0.5, while what is changed are answers
    by the package's thresholds. bytes, seconds: means over the folds, of one fold's network; seconds for 100 photos on
    this machine.
    """

    photos: int
    people: str
    calibrated: int
    f1: dict[str, float]
    difference: Interval
    changed: int
    one_by_one: bool
    bytes: dict[str, float]
    seconds: dict[str, float]

    @property
    def sentence(self) -> str:
        low, high = 100 * self.difference.low, 100 * self.difference.high
        interval = f"95 % interval {low:+.1f} to {high:+.1f}" if self.difference.known else "an interval is not known"
        changed = f"{count(self.changed)} {'answer' if self.changed == 1 else 'answers'} changed"
        changed += " by the package's thresholds" if self.one_by_one else ""
        f1 = "macro F1, a yes above 0.5," if self.one_by_one else "macro F1"
        return (
            f"In int8 {f1} is {self.f1[INT8]:.3f}, as float {self.f1[ONNX]:.3f}, on {count(self.photos)} held-out "
            f"photos: {100 * self.difference.mean:+.1f} points, {interval} ({self.people} drawn anew), {changed}. A "
            f"fold has {self.bytes[INT8] / 1e6:,.1f} instead of {self.bytes[ONNX] / 1e6:,.1f} MB and takes "
            f"{self.seconds[INT8]:.2g} instead of {self.seconds[ONNX]:.2g} s for 100 photos, on {machine.cores()} "
            "cores of the machine that packaged it."
        )

    def record(self) -> dict[str, Any]:
        """For preprocess.json."""
        numbers = {"photos": self.photos, "calibration_photos": self.calibrated, "changed_answers": self.changed}
        ends = {"mean": self.difference.mean, "low": self.difference.low, "high": self.difference.high}
        finite = {name: round(value, 6) for name, value in ends.items() if np.isfinite(value)}
        f1 = {name: round(value, 6) for name, value in self.f1.items()}
        return {**numbers, "macro_f1": f1, "difference": finite, "told": self.sentence}


def cost_of(
    package: PackageFolder, run: Run, folds: Mapping[int, FoldAnswers], calibrated: Sequence[int]
) -> Cost | None:
    """folds: what the forms of each fold answered. None where nothing was checked, and of a network that was trained on
    everybody: what it answers about photos of its training is no F1."""
    from core.stats.paired import bootstrap_f1_difference  # scipy comes with it

    checked = {fold: answers for fold, answers in folds.items() if answers.samples}
    if not checked or run.config().folds.everybody is not None:
        return None
    table = run.samples().set_index("sample")
    rows = table.loc[[sample for answers in checked.values() for sample in answers.samples]]
    shares = {name: np.concatenate([each.answers[name] for each in checked.values()]) for name in (ONNX, INT8)}
    predicted = {}
    for name, of_name in shares.items():
        true, predicted[name], photo = judged(package, rows, of_name)
    person, classes = pd.factorize(rows["person"])[0][photo], package.judged_classes
    lines = {name: [_line(each, name) for each in checked.values()] for name in (ONNX, INT8)}
    persons = persons_of(rows.reset_index())
    return Cost(
        photos=len(rows),
        people=units(persons.people, persons.state),
        calibrated=min(calibrated),
        f1={name: macro_f1(confusion(true, of_name, classes)) for name, of_name in predicted.items()},
        difference=bootstrap_f1_difference(person, true, predicted[INT8], predicted[ONNX], classes),
        changed=int((package.decided(shares[INT8]) != package.decided(shares[ONNX])).sum()),
        one_by_one=package.one_by_one,
        bytes={name: float(np.mean([line.bytes for line in of_name])) for name, of_name in lines.items()},
        seconds={name: float(np.mean([line.seconds for line in of_name])) for name, of_name in lines.items()},
    )


def _line(answers: FoldAnswers, network: str) -> FoldParity:
    return next(line for line in answers.of_networks if line.network == network)
