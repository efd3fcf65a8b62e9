"""What each extra brings and costs, of people whom nobody trained on: `python -m bench.extras [FOLDER...]`.

Of the demo, and of each folder of photos, a fifth of the people becomes the test set. Two runs that differ in their
seed alone are trained on the others, in the same folds. Then, on the test set: one fold, all folds, mirrored views,
five crops, both runs together, F1 with paired intervals and measured seconds for 100 photos; the same of held-out
photos; and how far the probabilities can be believed, before and after a temperature.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.answers import certainty, together
from core.answers.certainty_words import interval, signed
from core.cli.extras import tell
from core.config import RunConfig, from_dict
from core.config.recipes import load_recipe
from core.config.run_config import with_setting, with_value
from core.data.readers.attributes import TEST as SPLIT
from core.data.scan import Scan, scan
from core.demo.dataset import draw_demo
from core.jobs import control
from core.plan.fitting import fit_task
from core.plan.plan import Plan, make_plan
from core.predict.extras import measured
from core.predict.extras.ladder import Ladder, ladder
from core.runs import Run, looks
from core.runs.states import FINISHED
from core.stats.over_people import Believable
from core.studies import healing

SHARE = 0.2  # of the people of each class, who become the test set
EVERY = 1.0  # seconds between two looks at what trains


def with_test_people(config: RunConfig, dataset: Scan, seed: int = 0) -> Plan:
    """A plan whose test set is everything of a SHARE of the people, drawn class by class."""
    everybody = make_plan(config, dataset).samples
    rng = np.random.default_rng(seed)
    people = everybody.drop_duplicates("person").groupby("y")["person"]
    tested = [name for _, names in people for name in rng.permutation(names)[: max(1, round(SHARE * len(names)))]]
    is_tested = dataset.samples["person"].isin(tested)
    aside = dataset.samples[is_tested].assign(split=SPLIT)
    before = [dataset.set_aside] if len(dataset.set_aside) else []
    rest = dataset.samples[~is_tested].reset_index(drop=True)
    return make_plan(config, replace(dataset, samples=rest, set_aside=pd.concat([*before, aside], ignore_index=True)))


def trained(folder: Path, root: Path, recipe: str, epochs: int, settings: Sequence[str], seeds: int) -> list[Run]:
    """Finished runs of a dataset, one a seed, of the same folds and test set."""
    values = load_recipe(recipe).model_dump(mode="json")
    values["data"]["root"] = str(root)
    values["phases"] = values["phases"][:1]
    values["phases"][0]["epochs"] = epochs
    for setting in settings:
        key, _, value = setting.partition("=")
        values = with_setting(values, key, value)
    dataset = scan(from_dict(values).data)
    fit = fit_task(values["task"]["name"], dataset)
    if fit.note:
        print(fit.note)
    values = with_value(values, "task.name", fit.task)
    runs = []
    for seed in range(seeds):
        values["name"], values["training"]["seed"] = f"{root.name} seed {seed}", seed
        runs.append(control.launch(with_test_people(from_dict(values), dataset), folder=folder))
    states = [state for run in runs for state in run.states()]
    while not all(state.state in FINISHED for state in states):
        healing.look_after(folder)
        time.sleep(EVERY)
        states = [state for run in runs for state in run.states()]
    if failed := [state for state in states if state.state != "done"]:
        raise SystemExit(f"fold {failed[0].fold} is {failed[0].state}: {failed[0].reason} {failed[0].remedy}")
    return runs


def reliability(run: Run) -> None:
    """What the networks promise and what they keep: each fold out of fold, their mean on the test set."""
    sure = certainty.load(run)
    test = together.load(run, sure)
    assert test is not None  # its test set was just looked at
    print(f"{run.config().name}: how far its probabilities can be believed [95%]")
    print(f"{'':<44}{'ECE':<24}{'gap':<34}{'NLL':<24}Brier")
    _believed("held out, each fold as it says", sure.before)
    if sure.after is not None:
        _believed("held out, with temperature of other folds", sure.after)
    _believed("test set, mean of folds", test.plain)
    _believed("test set, folds each with a temperature", test.members)
    if test.pooled is not None:
        _believed(f"test set, mean, then temperature {test.temperature:.2f}", test.pooled)


def _believed(name: str, of: Believable) -> None:
    print(f"{name:<44}{interval(of.error):<24}{signed(of.gap):<34}{interval(of.likelihood):<24}{interval(of.brier)}")


def compared(runs: list[Run], place: str, device: str | None) -> Ladder:
    """Measured, and printed as the command line prints it."""
    judged = ladder(measured.of_runs(runs, place, device=device))
    seen = looks.add_together(runs, "command line") if place == measured.TEST else {}
    tell(judged, seen)
    return judged


def main() -> dict[str, Ladder]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="datasets beside the demo")
    parser.add_argument("--people", type=int, default=300, help="of the demo; 0 leaves it out")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--epochs", type=int, default=6, help="of the recipe's first phase, which is trained alone")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each dataset")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="key=value, as of train")
    parser.add_argument("--device", default=None, help="cpu or cuda, for the measurement; where None, as Predict does")
    parser.add_argument("--keep", type=Path, default=None, help="where runs/ and the demo stay; thrown away else")
    options = parser.parse_args()
    judged = {}
    with tempfile.TemporaryDirectory() as thrown_away:
        place = (options.keep or Path(thrown_away)).resolve()
        roots = [folder.resolve() for folder in options.folders]
        if options.people:
            demo = place / "demo"
            roots = [demo if demo.is_dir() else draw_demo(demo, people=options.people), *roots]
        for root in roots:
            folder = place / "runs"
            started = time.perf_counter()
            runs = trained(folder, root, options.recipe, options.epochs, options.settings, options.seeds)
            minutes = (time.perf_counter() - started) / 60
            print(f"\n{root.name}: {len(runs)} runs of {len(runs[0].folds())} folds in {minutes:.1f} min\n")
            for where in measured.PLACES:
                judged[f"{root.name} {where}"] = compared(runs, where, options.device)
                print()
            for run in runs:
                reliability(run)
                print()
    return judged


if __name__ == "__main__":
    main()
