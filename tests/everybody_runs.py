"""Runs that were trained once on everybody of a cross-validated one, made without training."""

import torch

from core.network.model import build_model
from core.plan import everybody
from core.runs import FoldState
from core.runs.create import create
from core.runs.everybody import unmeasured
from core.runs.origins import Origin
from core.training import checkpoint


def ended(run, best_epochs, f1=0.8):
    """Every fold of a run is done, with its best epoch."""
    scores = {f"{which}_{score}": f1 for which in ("best", "final") for score in ("f1", "accuracy", "loss")}
    for fold, best in zip(run.folds(), best_epochs, strict=True):
        run.write_state(FoldState(fold, "done", epoch=run.config().epochs, best_epoch=best, scores=scores))
    return run


def frozen(plan, folder):
    """What a launch freezes of a plan, and nothing in the queue."""
    info = {"dataset": {"fingerprint": plan.fingerprint}}
    info |= {unmeasured.INFO: plan.everybody} if plan.everybody else {}
    apart = plan.apart.photos if len(plan.apart.photos) else None
    info |= {"test": plan.apart.record()} if apart is not None else {}
    of = {"class_names": plan.class_names, "info": info, "ancestors": plan.ancestors}
    return create(plan.config, plan.samples, test=apart, folder=folder, **of)


def trained_on_everybody(parent):
    """The one network of a finished run, with random weights, as a worker leaves it."""
    folder = parent.dir.parent
    run = frozen(everybody.make_plan(everybody.proposed(parent), folder), folder)
    config = run.config()
    torch.manual_seed(5)
    model, _ = build_model(config.model, len(run.info()["class_names"]), 5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("bn2.weight", "bn3.weight")):
                parameter.mul_(0.3)  # else the signal doubles from block to block
    state = model.state_dict()
    origin = Origin(config.epochs, checkpoint.token_of(state))
    for which in ("best", "final"):
        checkpoint.save_pending(run, unmeasured.ALONE, which, state, None, origin)
        checkpoint.publish(run, unmeasured.ALONE, which)
    run.write_state(FoldState(unmeasured.ALONE, "done", epoch=config.epochs))
    return run
