"""Whether a package answers as the run did: its networks on the held-out photos, against the out-of-fold tables.

A network that was trained on everybody has no such table: there the lab's own network answers photos of the training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from core.data.content.unchanged import changes
from core.data.paths import photo_file
from core.data.pictures.photo import StoredPhoto, photos_of
from core.data.yes_no.pairs import UNTOLD, YES
from core.errors import LabError
from core.export.formats.names import INT8, ONNX
from core.export.runtime.package_folder import BATCH, PackageFolder
from core.predict.members import Member
from core.predict.yes_no import thresholds
from core.runs import Run
from core.stats.calibration import with_temperature
from core.stats.metrics import confusion, macro_f1
from core.text import count, listed

TRAINED = 200  # photos of the training that the lab answers anew, where nobody says how many
CLOSE = 1e-4  # of a probability; what float32 may differ by from one machine to another
COLUMNS = (
    *("fold", "network", "photos", "checked", "not_checked", "changed_answers", "largest_difference"),
    *("macro_f1", "bytes", "seconds_per_100_photos"),
)
Ask = Callable[[np.ndarray], np.ndarray]  # uint8 (n, H, W, 3) -> what a network answers, (n, classes)


@dataclass(frozen=True)
class FoldParity:
    """One form of a fold's network. photos: that the fold held out. checked: of them, as they lie on the disk now.
    changed: other answers than the run's own table. largest: difference of a probability, NaN where none was checked.
    why_not: why none could be. f1: macro F1 of those that were. bytes: of its file. seconds: for 100 photos on this
    machine. NaN where nothing was checked. everybody: of a network that was trained on everybody; photos are then those
    of its training, answered anew, and tell nothing about its F1. temperature: that its
    logits are divided by, and the run's own answers to hold them against.
    """

    fold: int
    photos: int
    checked: int
    changed: int
    largest: float
    why_not: str = ""
    network: str = ONNX
    f1: float = math.nan
    bytes: int = 0
    seconds: float = math.nan
    everybody: bool = False
    temperature: float = 1.0

    @property
    def holds(self) -> bool:
        """What is in int8 may differ: by how much is measured and told."""
        return self.network == INT8 or not self.checked or (self.changed == 0 and self.largest <= CLOSE)

    def row(self) -> dict[str, object]:
        """As parity.csv has it."""
        photos = (self.photos, self.checked, self.photos - self.checked, self.changed, self.largest)
        return dict(zip(COLUMNS, (self.fold, self.network, *photos, self.f1, self.bytes, self.seconds), strict=True))


@dataclass(frozen=True, eq=False)
class FoldAnswers:
    """of_networks: a line each. samples: those that were checked. answers: form -> (n, classes), rows as samples."""

    of_networks: list[FoldParity]
    samples: list[str]
    answers: dict[str, np.ndarray] = field(default_factory=dict)


def of_fold(
    package: PackageFolder,
    run: Run,
    fold: int,
    networks: Mapping[str, Ask],
    temperature: float,
    most: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FoldAnswers:
    """The same photos, answered by each form of a fold's network in turn.

    package: prepares the photos. temperature: what the networks divide by; the run's table is changed alike.
    most: photos to check, spread evenly over the fold's; all if None, or TRAINED of a network on everybody.
    progress(done, total): photos.
    Photos that are gone or changed since the launch are not checked. Raises LabError as Run.predictions does, but not
    where the table is missing.
    """
    samples, everybody = run.samples(), run.config().folds.everybody is not None
    samples = samples if everybody else samples[samples["fold"] == fold]
    most = TRAINED if everybody and most is None else most
    try:
        answered = pd.DataFrame() if everybody else run.predictions(fold).set_index("sample")
    except LabError as error:
        if error.kind != "missing":
            raise
        why_not = "the run has no out-of-fold table of it"
        nothing = [FoldParity(fold, len(samples), 0, 0, np.nan, why_not, network) for network in networks]
        return FoldAnswers(nothing, [])
    total = len(samples) if most is None else min(most, len(samples))
    chosen = samples.iloc[np.linspace(0, len(samples) - 1, total).round().astype(int)] if total else samples.iloc[:0]
    columns = [f"p_{name}" for name in package.classes]
    names: list[str] = []
    answers: dict[str, list[np.ndarray]] = {network: [] for network in networks}
    seconds = dict.fromkeys(networks, 0.0)
    for start in range(0, total, BATCH):
        photos = as_launched(package, chosen.iloc[start : start + BATCH])
        photos = {name: photo for name, photo in photos.items() if everybody or name in answered.index}
        if photos:
            seen = np.stack(list(photos.values()))
            for network, ask in networks.items():
                if not names:
                    ask(seen)  # the first pass makes plans, and is no measure of those that follow
                begun = time.perf_counter()
                answers[network].append(ask(seen))
                seconds[network] += time.perf_counter() - begun
            names += photos
        progress(min(start + BATCH, total), total)
    if not names:
        why_not = "its photos are gone or changed since the launch" if total else ""
        nothing = [
            FoldParity(fold, len(samples), 0, 0, np.nan, why_not, network, everybody=everybody) for network in networks
        ]
        return FoldAnswers(nothing, [])
    rows = chosen.set_index("sample").loc[names]
    reference = _of_the_lab(run, fold, rows) if everybody else answered.loc[names, columns].to_numpy(float)
    reference = reference if temperature == 1 else with_temperature(reference, temperature)
    shares = {network: np.concatenate(batches) for network, batches in answers.items()}
    lines = [
        FoldParity(
            fold,
            len(samples),
            len(names),
            int((package.decided(of_network) != package.decided(reference)).sum()),
            float(np.abs(of_network - reference).max()),
            network=network,
            f1=math.nan if everybody else macro_f1_of(package, rows, of_network),
            seconds=100 * seconds[network] / len(names),
            everybody=everybody,
            temperature=temperature,
        )
        for network, of_network in shares.items()
    ]
    return FoldAnswers(lines, names, shares)


def _of_the_lab(run: Run, fold: int, rows: pd.DataFrame) -> np.ndarray:
    """What the lab's own network answers about photos of its training, float64 (n, classes). rows: by sample."""
    from core.predict import answering

    loaders = [partial(_pixels, photo) for photo in photos_of(rows.reset_index())]
    answered = answering.answers([Member(run, fold)], loaders, device="cpu")
    for fault in answered.faults.values():
        raise fault
    return answered.probabilities[0]


def _pixels(photo: StoredPhoto, bits: int) -> np.ndarray:
    return photo.pixels()  # which knows its own bits


def judged(package: PackageFolder, rows: pd.DataFrame, shares: np.ndarray) -> tuple[np.ndarray, ...]:
    """(true classes, predicted ones, the place among rows of the photo that each is about), (answers,) int each.

    rows: of a run's samples table. shares: (rows, classes), what was answered about them. Of attributes that are told
    one by one, class 2 i is the no of attribute i and 2 i + 1 its yes, of photos that tell it; a yes is judged from 0.5
    on, as the run judges it: the package's own thresholds were fitted on these answers, and would flatter.
    """
    if not package.one_by_one:
        return rows["y"].to_numpy(np.int64), package.decided(shares), np.arange(len(rows))
    true = rows[[YES + name for name in package.classes]].to_numpy(np.int64)
    photo, place = np.nonzero(true != UNTOLD)
    return 2 * place + true[photo, place], 2 * place + (shares > thresholds.PLAIN)[photo, place], photo


def macro_f1_of(package: PackageFolder, rows: pd.DataFrame, shares: np.ndarray) -> float:
    """Over all classes of the task. rows, shares: as of `judged`."""
    true, predicted, _ = judged(package, rows, shares)
    return macro_f1(confusion(true, predicted, package.judged_classes))


def table(networks: list[FoldParity]) -> pd.DataFrame:
    return pd.DataFrame([network.row() for network in networks], columns=list(COLUMNS))


def sentence(networks: list[FoldParity]) -> str:
    """What was held against the run's own tables, and how it ended; what is in int8 is told elsewhere.

    Temperatures are named: divided by one, a network answers as the run's table once that is, too, and not as the lab,
    which predicts without.
    """
    of_onnx = [each for each in networks if each.network == ONNX]
    exact = [each for each in networks if each.network != INT8]
    checked, photos = sum(each.checked for each in of_onnx), sum(each.photos for each in of_onnx)
    if not checked:
        why = next((each.why_not for each in of_onnx if each.why_not), "nobody asked for it")
        return f"Not held against the run's own answers: {why}."
    temperatures = [each.temperature for each in of_onnx if each.checked]
    named = listed([f"{each:.2f}" for each in temperatures], most=5)
    divided = f", on both sides after each fold's temperature ({named})" if set(temperatures) != {1} else ""
    changed, largest = sum(each.changed for each in exact), max(each.largest for each in exact if each.checked)
    both = "" if len(exact) == len(of_onnx) else ", as ONNX and as a program of PyTorch"
    whose = f"held-out photos answered by the packaged networks{both}"
    if any(each.everybody for each in networks):
        whose = f"photos of the training answered by the packaged network{both}, and by the lab's own"
    return (
        f"{count(checked)} of {count(photos)} {whose}: "
        f"{count(changed)} changed {'answer' if changed == 1 else 'answers'}, largest difference of a probability "
        f"{largest:.1e}{divided}."
    )


def as_launched(package: PackageFolder, samples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The photos that are still those of the launch and can be read, prepared, by sample."""
    photos = {}
    others = {change.sample for change in changes(samples)}
    for sample, path in samples[["sample", "path"]].itertuples(index=False, name=None):
        if sample not in others:
            try:
                photos[sample] = package.prepared(photo_file(path, sample))
            except LabError as fault:  # it could be read at the launch; it counts as not checked
                if fault.kind == "memory":  # which says nothing of the photo
                    raise
    return photos
