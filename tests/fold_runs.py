"""Finished runs made without training: every fold has its own random weights, so that a mix-up would show."""

import numpy as np
import safetensors.torch
import torch
from PIL import Image

from core.config import from_dict
from core.data.scan import scan
from core.data.tasks import class_parts
from core.network.model import build_model, unfilled
from core.plan.plan import make_plan
from core.runs import FoldState
from core.runs.create import create

SIZE = 64


def draw_faces(root):
    """UTKFace names: two people of each gender and age group, noise instead of faces."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    for number, (age, gender) in enumerate([(a, g) for a in (20, 40, 70) for g in (0, 1)] * 2):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((SIZE, SIZE))
        coarse.save(root / f"{age}_{gender}_0_2017010920365{number:04d}.jpg", quality=95)
    return root


def make_run(
    folder,
    root,
    *,
    depth=18,
    head="joint",
    folds=2,
    seed=0,
    kept=("best", "final"),
    reader="utkface",
    task=None,
    init="scratch",
    split=0,
    max_people=None,
    **training,
):
    """A run whose folds are done, with random weights of which no two folds share one. kept: its checkpoints. init:
    where it says that its first weights came from. split: the seed of its folds."""
    config = from_dict(
        {
            "name": f"made {depth} {head}",
            "data": {"root": str(root), "reader": reader, "max_people": max_people},
            "task": task or {},
            "folds": {"count": folds, "seed": split},
            "transforms": [{"name": "Resize", "params": {"height": SIZE, "width": SIZE}}, {"name": "Normalize"}],
            "model": {"depth": depth, "init": init, "head": head},
            "training": {"device": "cpu", **training},
        }
    )
    plan = make_plan(config, scan(config.data, threads=1))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    parts = class_parts(config.task, plan.class_names) if head == "factored" else None
    for fold in run.folds():
        if kept:
            model, _ = build_model(config.model, len(plan.class_names), seed + fold, parts)
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if name.endswith(("bn2.weight", "bn3.weight")):
                        parameter.mul_(0.3)  # else the signal doubles from block to block
            state = {key: value.contiguous() for key, value in model.state_dict().items()}
            for which in kept:
                safetensors.torch.save_file(state, run.weights_file(fold, which))
        run.write_state(FoldState(fold=fold, state="done", epoch=1))
    return run


def alone(run, fold, which="best"):
    """The fold's network, put together without fold_model."""
    config, names = run.config(), run.info()["class_names"]
    parts = class_parts(config.task, names) if config.model.head == "factored" else None
    model = unfilled(config.model, len(names), parts)
    model.load_state_dict(safetensors.torch.load_file(run.weights_file(fold, which)))
    return model.eval()


def pictures(run, samples):
    """The samples as the network takes them, by Pillow and plain arithmetic."""
    paths = run.samples().set_index("sample")["path"]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = [(np.asarray(Image.open(paths[name])) / 255 - mean) / std for name in samples]
    return torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).astype(np.float32))


def answer_held_out(run, which=("best",)):
    """Let every fold answer about the photos that it held out, with the trainer's own functions."""
    from core.training import checkpoint
    from core.training.fold_trainer import FoldTrainer

    for fold in run.folds():
        trainer = FoldTrainer(run, fold, torch.device("cpu"), None)
        try:
            trainer.model.load_state_dict(safetensors.torch.load_file(run.weights_file(fold, which[0])))
            table = trainer.predictions(trainer.evaluate(lambda *_: False))
        finally:
            trainer.close()
        for each in which:
            checkpoint.save_predictions(run.predictions_file(fold, each), table)
    return run
