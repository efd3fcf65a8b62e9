"""The model card of a package: README.md with front matter, from the run's own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from core import __version__
from core.answers import attribute_scores, mistakes, yes_no_scores
from core.config import RunConfig
from core.data.persons import Persons
from core.data.tasks import attributes_of, scored_parts
from core.errors import LabError
from core.export import steps
from core.export.formats.cost import Cost
from core.export.formats.names import INT8, PT2, SAFETENSORS
from core.export.parity import FoldParity, sentence
from core.predict.yes_no import thresholds
from core.runs import Run
from core.runs.everybody import unmeasured
from core.runs.yes_no.view import attributes
from core.stats.metrics import class_f1, mean_and_deviation
from core.storage import plain_yaml
from core.text import count, number_of, one_line, spread


@dataclass(frozen=True)
class Made:
    """formats: of the networks. parity: a line a fold and form. calibration: training photos of a fold that int8 was
    calibrated on, the fewest. cost: of int8, where it was measured."""

    formats: Sequence[str]
    parity: list[FoldParity]
    calibration: int = 0
    cost: Cost | None = None


ONE_FOLD = "python predict.py photos/ --fold {fold} --out fold.csv  # one network instead of the mean of all\n"
USE = """## Use

```bash
python -m pip install -r requirements.txt         # Python 3.11 or newer
python predict.py photo.jpg                       # the classes of one photo
python predict.py photos/ --out answers.csv       # a table, a row a photo
{one_fold}sha256sum -c SHA256SUMS                           # every file is the one that was packaged
```

Over HTTP, on this machine or in a container:

```bash
python -m pip install -r requirements-serve.txt
python serve.py                                   # http://127.0.0.1:8000, with a page that says how to ask
docker build -t {image} . && docker run -e FACET_TOKEN=... -p 127.0.0.1:8000:8000 {image}
```

In Python, from this folder:

```python
from pathlib import Path
import numpy as np
from facet.package_folder import PackageFolder

package = PackageFolder(Path("."))
photo = package.prepared("photo.jpg")             # uint8 ({height}, {width}, 3)
shares = package.answers(np.stack([photo]))[0]    # {share}
print(package.in_words(shares))
```

{program}Or any ONNX runtime: `folds/<k>/model.onnx` takes `photos`, uint8 (n, {height}, {width}, 3), RGB, prepared as
`preprocess.json` says, and gives `probabilities`, float32 (n, {classes}), in the order of its
`classes`.{together}{weights}

`predict.py` and `serve.py` send nothing anywhere. onnxruntime by itself reports the networks that it opens to its
makers; the programs here tell it not to, and programs of your own have to set `ORT_DISABLE_TELEMETRY=1` first.
"""
PROGRAM = """With PyTorch alone, of the release that wrote it ({torch}) or a later one:

```python
import torch

network = torch.export.load("folds/{fold}/model.pt2").module()
shares = network(torch.from_numpy(photo)[None])   # photo: uint8 ({height}, {width}, 3), prepared as above
```

"""
WEIGHTS = " `folds/<k>/model.safetensors` holds the same weights for torchvision's `resnet{depth}`{head}."
INT8_USE = """`folds/<k>/model.int8.onnx` is the same network with its backbone in whole numbers of 8 bits (static, per
channel, QDQ; what follows it stays float), calibrated on {photos} photos that its fold was trained on.
`python predict.py --int8` and `python serve.py --int8` answer with it.
"""
TOGETHER = " Several folds answer together by the mean of their probabilities."
ALWAYS = (
    "Only photos like those of the training: another camera, crop, light or group of people is another question, and "
    "no score here answers it.",
    "It always names one of its classes, also for a photo without anything that it was trained on.",
)
LIMITS = (
    *ALWAYS,
    "The scores are {held_out} For photos of people it was trained on it answers better than that, which proves "
    "nothing.",
    "The best epoch of each fold was chosen on the same photos that the score is of, which flatters a little.",
)
UNMEASURED = "Nothing measures this network: everybody was trained on, and nobody is left to ask it about."
SET_ASIDE = "No fold measures this network: all were trained on but {tested}, on which the lab can score it."
LIMITS_OF_EVERYBODY = (
    *ALWAYS,
    "{measured} That it reaches what the cross-validated run reached is likely, since it saw more people, and not "
    "shown.",
    "Photos of people it was trained on it answers better than those of others, which proves nothing.",
)
NOT_FOR = (
    "decisions about single people: access, hiring, credit, insurance, policing, border control, medical care",
    "finding out who somebody is, or what somebody believes, feels or intends",
    "watching people who were not asked",
)


def text(run: Run, folds: Sequence[int], made: Made, calibrated: str, notes: Sequence[str]) -> str:
    """README.md of a package. calibrated: what is to be said of its temperatures."""
    config, names, persons = run.config(), [str(name) for name in run.info()["class_names"]], run.persons()
    parent = config.folds.everybody
    states = {state.fold: state for state in run.states()}
    best = [(states[fold].scores or {}).get("best_f1") for fold in folds]
    one_by_one = attributes(run)
    shares = one_by_one or names
    height, width = config.input_size
    about = {"height": height, "width": width, "depth": config.model.depth, "fold": folds[0], "torch": version("torch")}
    head = " with one layer an attribute (`fc.heads`)" if config.model.head == "factored" else ""
    at_a_half = " Its macro F1 takes a probability above 0.5 for a yes." if one_by_one and not parent else ""
    lines = [
        _front_matter(run, config, names, persons, folds, best),
        f"# {one_line(config.name)}",
        "",
        f"ResNet-{config.model.depth}, {_networks(parent, folds, len(states))}, {width} x {height} px. Packaged by "
        f"Facet Lab {__version__} from run `{run.id}`.",
        "",
        *(f"**Note:** {note}" + "\n" for note in notes),
        USE.format(
            image=run.id,
            one_fold="" if parent else ONE_FOLD.format(fold=folds[0]),
            together="" if parent else TOGETHER,
            classes=len(shares),
            share="a probability of yes an attribute" if one_by_one else "a probability a class",
            program=PROGRAM.format(**about) if PT2 in made.formats else "",
            weights=WEIGHTS.format(**about, head=head) if SAFETENSORS in made.formats else "",
            **about,
        ),
        "## Before the network",
        "",
        *(f"{number}. {words}" for number, words in enumerate(steps.in_words(config, run.bits()), 1)),
        "",
        *_told_scores(run, folds, best, names, config),
        "## How sure",
        "",
        calibrated,
        "",
        "## Parity",
        "",
        f"{sentence(made.parity)} `parity.csv` has a row a {'form' if parent else 'fold and form'}.{at_a_half}",
        "",
        *_in_int8(made),
        "## Trained on",
        "",
        *_data(run, config, persons, names),
        "## Limits",
        "",
        *(f"- {limit}" for limit in _limits(persons, parent, unmeasured.test_photos(run.info()))),
        "",
        "It must not be used for:",
        "",
        *(f"- {use};" for use in NOT_FOR[:-1]),
        f"- {NOT_FOR[-1]}.",
        "",
        "## Licence",
        "",
        "Yours to choose, within what the licence and consents of the training photos and the first weights allow: "
        "write it here and in the front matter. The programs in `facet/` are Facet Lab's, under the MIT licence.",
    ]
    return "\n".join(lines) + "\n"


def _in_int8(made: Made) -> list[str]:
    """What int8 costs and brings; nothing where it is not there."""
    if INT8 not in made.formats:
        return []
    words = made.cost.sentence if made.cost else "Not held against the float networks: no held-out photo was checked."
    of_everybody = [line for line in made.parity if line.everybody and line.network == INT8 and line.checked]
    for line in of_everybody:
        words = (
            f"Of {count(line.checked)} photos of the training it answers {count(line.changed)} otherwise than the "
            "float network. What that costs in F1 is not measured: nobody was held out."
        )
    return ["## In int8", "", INT8_USE.format(photos=count(made.calibration)), words, ""]


def _told_scores(
    run: Run, folds: Sequence[int], best: list[float | None], names: list[str], config: RunConfig
) -> list[str]:
    if (parent := config.folds.everybody) is not None:
        return ["## Scores", "", unmeasured.sentence(run.info(), parent), ""]
    return _scores_one_by_one(run, folds, best) if attributes(run) else _scores(run, folds, best, names, config)


def _networks(parent: str | None, folds: Sequence[int], of: int) -> str:
    if parent is None:
        return f"{len(folds)} of {of} cross-validation folds"
    return f"one network on everybody of the cross-validated run `{parent}`"


def _front_matter(
    run: Run, config: RunConfig, names: list[str], persons: Persons, folds: Sequence[int], best: list[float | None]
) -> str:
    mean, deviation, scored = mean_and_deviation(best)
    facts = {
        "license": "other",
        "license_name": "to-be-chosen",
        "pipeline_tag": "image-classification",
        "library_name": "onnx",
        "base_model": f"torchvision/resnet{config.model.depth}",
        "task": config.task.title,
        "attributes": list(attributes_of(config.task)),
        **({} if attributes(run) else {"classes": names}),
        "people": persons.people if persons.are_known else None,
        "photos": persons.photos,
        "folds": list(folds),
        "f1_mean": round(mean, 4) if scored else None,
        "f1_deviation": round(deviation, 4) if scored > 1 else None,
        **({"trained_on_everybody_of": config.folds.everybody} if config.folds.everybody else {}),
        "run": run.id,
    }
    return f"---\n{plain_yaml.dump(facts)}---\n"


def _held_out(persons: Persons, what: str) -> str:
    """Of what the scores are: where nobody knows whom photos show, a fold may have been trained on the same people."""
    if persons.are_known:
        return f"of people whom the answering {what} never saw."
    return f"of photos that the answering {what} was not trained on. {persons.warning}"


def _limits(persons: Persons, parent: str | None, tested: int) -> list[str]:
    """tested: photos that were set aside as a test set."""
    limits = LIMITS if parent is None else LIMITS_OF_EVERYBODY
    measured = SET_ASIDE.format(tested=number_of(tested, "test photo")) if tested else UNMEASURED
    return [limit.format(held_out=_held_out(persons, "network"), measured=measured) for limit in limits]


def _of_folds(run: Run, folds: Sequence[int], best: list[float | None]) -> list[str]:
    lines = ["## Scores", "", f"Macro F1 {_held_out(run.persons(), 'fold')}", "", "| fold | F1, best epoch |"]
    lines += ["| --- | --- |"]
    lines += [f"| {fold} | {_score(value)} |" for fold, value in zip(folds, best, strict=True)]
    return [*lines, f"| mean ± deviation (folds) | {spread(best)} |", ""]


def _scores_one_by_one(run: Run, folds: Sequence[int], best: list[float | None]) -> list[str]:
    """Out-of-fold scores of each attribute, and the threshold above which it is a yes."""
    names = attributes(run)
    fitted = thresholds.fitted([run], names)
    lines = [*_of_folds(run, folds, best), " ".join(fitted.sentences), ""]
    try:
        scores = yes_no_scores.score_run(run)
    except LabError as error:
        return [*lines, f"Scores of each attribute are not told: {error.message}", ""]
    if scores is None:
        return lines
    of_folds = scores.folds[scores.folds["fold"].isin(list(folds))]
    if of_folds.empty:
        return lines
    means = yes_no_scores.table_of(of_folds, names).means
    lines += [f"Scores at 0.5, as the run tells them. {yes_no_scores.F1_IN_WORDS}", ""]
    lines += ["| attribute | photos | yes | F1 | F1 of yes | precision | recall | yes above |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, threshold in zip(names, fitted.values, strict=True):
        of_one = means.loc[name]
        numbers = [_score(of_one[number]) for number in ("f1", "f1_yes", "precision", "recall")]
        share = yes_no_scores.share_of_yes(of_one["prevalence"])
        lines.append(
            f"| {_cell(name)} | {count(of_one['photos'])} | {share} | {' | '.join(numbers)} | {threshold:.2f} |"
        )
    return [*lines, ""]


def _scores(run: Run, folds: Sequence[int], best: list[float | None], names: list[str], config: RunConfig) -> list[str]:
    """Out-of-fold scores as tables."""
    lines = _of_folds(run, folds, best)
    try:
        answers = mistakes.load_answers(run)
    except LabError as error:
        return [*lines, f"Scores of each class are not told: {error.message}", ""]
    rows = np.flatnonzero(answers.table["fold"].isin(folds).to_numpy())
    confusion = mistakes.confusion(answers, rows)
    lines += ["| class | photos | F1 |", "| --- | --- | --- |"]
    for name, support, f1 in zip(names, confusion.sum(axis=1).tolist(), class_f1(confusion).tolist(), strict=True):
        lines.append(f"| {_cell(name)} | {count(support)} | {_score(f1 if support else None)} |")
    if scored_parts(config.task, names)[0]:
        scores = [score for score in attribute_scores.score_run(run) if score.fold in folds]
        lines += ["", "| attribute | F1 | accuracy |", "| --- | --- | --- |"]
        for attribute in dict.fromkeys(score.attribute for score in scores):
            of_it = [score for score in scores if score.attribute == attribute]
            f1, right = spread(score.f1 for score in of_it), spread(score.accuracy for score in of_it)
            lines.append(f"| {_cell(attribute)} | {f1} | {right} |")
    return [*lines, ""]


def _data(run: Run, config: RunConfig, persons: Persons, names: list[str]) -> list[str]:
    """The dataset, by its folder's own name: where it lay tells of a machine, and nothing of the data."""
    support = run.samples()["class_name"].value_counts()
    photos = f", {count(persons.photos)} photos" if persons.are_known else ""
    lines = [f"`{_cell(Path(config.data.root).name)}`: {persons.told()}{photos}."]
    if persons.warning:
        lines.append(persons.warning)
    used = run.info().get("weights") or {}
    first = {"imagenet": "ImageNet", "scratch": "random"}.get(config.model.init, config.model.init.partition(":")[0])
    digest = f" (SHA-256 {str(used['sha256'])[:8]}…)" if used.get("sha256") else ""
    lines += ["", f"First weights: {first}{digest}. Recipe and settings: `config.yaml`.", ""]
    if attributes(run):
        return lines
    lines += ["| class | photos |", "| --- | --- |"]
    lines += [f"| {_cell(name)} | {count(int(support.get(name, 0)))} |" for name in names]
    return [*lines, ""]


def _score(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def _cell(text: str) -> str:
    """A foreign name inside a Markdown table."""
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
