"""One CPU slot on all cores against several on fewer: `python -m bench.slots`.

Each way trains the same fold jobs, in worker processes that start when a common signal comes, and tells the images per
second of all of them together. The ways alternate, so that a machine whose speed drifts treats all alike.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from typing import Any

from core import machine
from core.config import recipes
from core.config import run_config as configs


def train(settings: dict[str, Any], threads: int, steps: int, ready: Any, start: Any, spans: Any) -> None:
    """In a process: one warm-up step, wait for the signal, then so many steps of a real network on random pixels."""
    import torch

    from core.network.model import build_model
    from core.training.batches import to_network
    from core.training.device import pick_device, pick_precision
    from core.training.fold_trainer import build_optimizer

    torch.set_num_threads(threads)
    config = configs.from_dict(settings)
    device = pick_device("cpu")
    precision = pick_precision(config.training.precision, device)
    model = build_model(config.model, 6, 0)[0].train()
    optimizer = build_optimizer(model, config.phases[0])
    size = config.training.batch_size
    images = torch.randint(0, 255, (size, *config.input_size, 3), dtype=torch.uint8)
    labels = torch.randint(0, 6, (size,))
    half = torch.full((3,), 127.5)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=precision, enabled=precision != torch.float32):
            logits = model(to_network(images, half, half))
        torch.nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    step()
    ready.release()
    start.wait()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    spans.put((began, time.perf_counter()))


def measure(settings: dict[str, Any], count: int, threads: int, steps: int) -> float:
    """Images per second of `count` fold jobs beside each other, from the first step's start to the last step's end."""
    processes = multiprocessing.get_context("spawn")
    ready, start, spans = processes.Semaphore(0), processes.Event(), processes.Queue()
    arguments = (settings, threads, steps, ready, start, spans)
    workers = [processes.Process(target=train, args=arguments, daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    for _ in workers:
        if not ready.acquire(timeout=300):
            raise SystemExit("a training process did not start within 5 minutes")
    start.set()
    times = [spans.get(timeout=3600) for _ in workers]
    for worker in workers:
        worker.join()
    seconds = max(end for _, end in times) - min(began for began, _ in times)
    return count * steps * settings["training"]["batch_size"] / seconds


def main() -> None:
    cores = machine.cores()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--steps", type=int, default=12, help="of each fold job")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = recipes.load_recipe(options.recipe).model_dump(mode="json")
    settings["model"]["init"] = "scratch"
    counts = [count for count in (1, 2, 4, 8) if count <= cores]
    rates_by_count: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(options.rounds):
        for count in counts:
            rates_by_count[count].append(measure(settings, count, max(1, cores // count), options.steps))
    print(f"recipe {options.recipe}, {cores} cores, median of {options.rounds} rounds")
    for count, rates in rates_by_count.items():
        each = max(1, cores // count)
        print(
            f"{count} slot{'s' if count > 1 else ''} x {each} thread{'s' if each > 1 else ''}: "
            f"{statistics.median(rates):.1f} img/s ({min(rates):.1f} to {max(rates):.1f})"
        )


if __name__ == "__main__":
    main()
