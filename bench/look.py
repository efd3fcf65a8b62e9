"""What a look inside costs: `python -m bench.look`. Prints each figure beside its goal; needs Chromium and playwright.

click    from a click to the maps of 8 faces, five layers, painted in the browser; the models are loaded already
further  the same when one face is added to seven that were looked at before
paint    from a change of opacity to the repainted maps
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from core import machine
from core.config import from_dict
from core.config.recipes import load_recipe
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.plan.plan import make_plan
from core.runs import FoldState, Run
from core.runs.create import create
from core.training import checkpoint

FACES = 8
GOAL = 2.0  # seconds


def judged_run(folder: Path, demo: Path, depth: int, pixels: int) -> Run:
    """A run of two folds with random networks, and what they answered through the trainer's own functions."""
    import torch

    from core.training.train import FoldTrainer

    values = load_recipe("quick").model_dump(mode="json")
    values |= {"name": f"bench {depth}", "data": {"root": str(demo)}, "folds": {"count": 2}}
    values |= {"task": {"name": "gender", "unmasked": True}, "model": {"depth": depth, "init": "scratch"}}
    values["transforms"] = [{"name": "Resize", "params": {"height": pixels, "width": pixels}}, {"name": "Normalize"}]
    plan = make_plan(from_dict(values), scan(from_dict(values).data))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    for fold in run.folds():
        trainer = FoldTrainer(run, fold, torch.device("cpu"), None)
        predictions = trainer.predictions(trainer.evaluate(lambda *_: False))
        checkpoint.save_weights(run.weights_file(fold, "best"), trainer.model.state_dict())
        checkpoint.save_predictions(run.predictions_file(fold, "best"), predictions)
        trainer.close()
        run.write_state(FoldState(fold, "done", epoch=1, best_epoch=1, scores={}))
    return run


def painted(page) -> int:
    return int(page.locator(".look-maps").get_attribute("data-times") or 0)


def timed(page, act) -> float:
    """Seconds from an action to the next painting of the maps."""
    before, started = painted(page), time.perf_counter()
    act()
    while painted(page) == before:
        page.wait_for_timeout(5)
    return time.perf_counter() - started


def measure(page, url: str, run: Run, repeats: int) -> dict[str, float]:
    names = run.samples()["sample"].tolist()
    page.goto(f"{url}/look_inside?run={run.id}&answer=all&samples={','.join(names[: FACES - 1])}")
    page.wait_for_selector(".look-maps[data-painted]")
    page.wait_for_timeout(1000)
    tile = page.locator(".look-gallery button[aria-pressed=false]").first
    further = timed(page, tile.click)
    spent = {"click": [], "further": [further], "paint": []}
    for _, method in zip(range(repeats), ("XGradCAM", "HiResCAM", "LayerCAM", "GradCAM++"), strict=False):
        page.get_by_role("combobox", name="Method").click()
        option = page.get_by_role("option", name=method, exact=True)
        option.wait_for()
        spent["click"].append(timed(page, option.click))
        page.wait_for_timeout(300)
    page.get_by_role("button", name="Layers and look").click()
    slider = page.get_by_role("slider", name="Opacity")
    slider.wait_for()
    for _ in range(repeats):
        spent["paint"].append(timed(page, lambda: slider.press("ArrowLeft")))
        page.wait_for_timeout(300)
    return {name: statistics.median(values) for name, values in spent.items()}


def main() -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=18)
    parser.add_argument("--pixels", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=4)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tests.browser.screen import FLAGS, Lab, chromium

    with tempfile.TemporaryDirectory() as place:
        demo = Path(place) / "demo"
        draw_demo(demo, people=16)
        lab = Lab(Path(place), demo)
        lab.env.pop("TORCH_HOME")
        run = judged_run(lab.runs, demo, options.depth, options.pixels)
        try:
            lab.start()
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
                page = browser.new_page(viewport={"width": 1360, "height": 1000})
                page.set_default_timeout(120_000)
                lab.let_in(page.context)
                seconds = measure(page, lab.url, run, options.repeats)
                browser.close()
        finally:
            lab.end()
    cores = machine.cores()
    print(f"ResNet-{options.depth}, {options.pixels} px, {FACES} faces, 5 layers, {cores} cores")
    print(f"click    {seconds['click']:6.2f} s   goal {GOAL:.1f} s")
    print(f"further  {seconds['further']:6.2f} s")
    print(f"paint    {seconds['paint']:6.2f} s")
    return seconds


if __name__ == "__main__":
    main()
