"""A finished run on the demo faces, made in a moment: random networks, and what they answered out of fold."""

from __future__ import annotations

from core.config import from_dict
from core.config.recipes import load_recipe
from core.data.scan import scan
from core.plan.plan import make_plan
from core.runs import FoldState, Run
from core.runs.create import create
from tests.answered import judged


def judged_run(lab, depth: int = 18, epochs: int | None = None) -> Run:
    """A run on the demo faces whose folds have random networks, and what these answered.

    epochs: of its configuration, those of the recipe if None.
    """
    recipe = load_recipe("quick").model_dump(mode="json")
    recipe |= {"name": f"depth {depth}", "data": {"root": str(lab.demo)}, "folds": {"count": 2}}
    recipe |= {"task": {"name": "gender"}, "model": {"depth": depth, "init": "scratch"}}
    recipe["task"]["unmasked"] = True
    if epochs is not None:
        recipe["phases"] = [{**recipe["phases"][0], "epochs": epochs, "warmup_epochs": 0}]
    recipe["training"] |= {"device": "cpu"}
    config = from_dict(recipe)
    plan = make_plan(config, scan(config.data, threads=1))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=lab.runs)
    for fold in run.folds():
        scores = {f"{which}_{key}": 0.45 for which in ("best", "final") for key in ("f1", "accuracy", "loss")}
        run.write_state(FoldState(fold, "done", epoch=5, best_epoch=5, scores=scores))
    return judged(run)
