"""Fixtures that every test may use: a tiny dataset, a configuration for it, and a runs folder that is left clean."""

import atexit
import functools
import os
import shutil
import sys
import tempfile

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from tests import scratch

os.environ.update(scratch.place())
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ["FACET_RUNS"] = tempfile.mkdtemp(prefix="facet-runs-")  # never the runs of whoever runs the tests
os.environ.setdefault("FACET_READY", "0")  # each visit of Launch would load torch; test_ready.py has it on
if "PYTEST_XDIST_WORKER" in os.environ:  # a core each: threads of two workers would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # those of a fold job, and take cores from others as they wait

from core import machine
from core.config import RunConfig, from_dict
from core.data.reach import bounds
from core.data.scan import scan
from core.plan.plan import make_plan
from core.runs import Run
from core.runs.run import ID, is_locked

atexit.register(shutil.rmtree, os.environ["FACET_RUNS"], ignore_errors=True)

# Hypothesis looks at the clock unless it is told not to: 200 ms an example, which another process can take away.
# Examples are the same at each run: one that is found by chance must not fail a change that has nothing to do with it.
settings.register_profile("lab", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")

NO_RAY = "Ray is not installed"
LONGEST = 400  # seconds for one test in whose runs folder something may train; the others have those of pyproject.toml
COLOURS = {"blue": (40, 60, 170), "green": (50, 160, 60), "red": (180, 50, 50)}
TINY = {
    "name": "tiny",
    "task": {"name": "label"},
    "folds": {"count": 2},
    "transforms": [
        {"name": "Resize", "params": {"height": 32, "width": 32}},
        {"name": "RandomBrightnessContrast", "p": 0.5},
        {"name": "HorizontalFlip", "p": 0.5},
        {"name": "Normalize"},
    ],
    "model": {"init": "scratch"},
    "phases": [
        {"optimizer": "adam", "epochs": 2, "lr_backbone": 1e-3, "lr_head": 1e-3},
        {"optimizer": "sgd", "epochs": 2, "lr_backbone": 1e-2, "lr_head": 1e-2, "schedule": "cosine"},
    ],
    "training": {"batch_size": 8, "device": "cpu", "resume_seconds": 0},
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than there are cores: a tenth of the time of each worker it waits for a process that it started."""
    return machine.cores() + 1


def pytest_collection_modifyitems(items):
    """Tests with processes that train have more time: several of them follow each other, on a machine however busy.

    Those that take many seconds come first, as in the end one core would do nothing while such a test goes on.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        if "runs_folder" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_terminal_summary(terminalreporter):
    """Tests that were left out are said loudly, where nobody asked for that."""
    without = [each for each in terminalreporter.stats.get("skipped", ()) if NO_RAY in str(each.longrepr)]
    if without:
        terminalreporter.section(f"RAY TESTS WERE LEFT OUT ({len(without)} files)", sep="!", red=True, bold=True)
        terminalreporter.line("Install requirements-ray.txt, then run them again.")


@pytest.fixture(autouse=True)
def main_module():
    """Streamlit's test runner leaves app.py as __main__, which every worker process that starts later would run."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture(autouse=True)
def looks_anywhere():
    """A page that was drawn holds its process to where the lab may look; the next test begins without that."""
    yield
    os.environ.pop(bounds.GIVEN, None)


@pytest.fixture(scope="session", autouse=True)
def pages_in_haste():
    """Where some test draws pages without a browser: what Streamlit's test runner does for each anew, once."""
    if "streamlit.testing.v1" not in sys.modules:
        yield
        return
    from tests.drawing import in_haste

    with in_haste():
        yield


@pytest.fixture(scope="session", autouse=True)
def verbs_in_haste():
    """Where some test calls a verb: typer makes its parser of all verbs once, as in a process that calls one."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (("typer.main", "get_command"), ("typer.testing", "_get_command")):
            if module in sys.modules:
                patch.setattr(sys.modules[module], name, functools.cache(getattr(sys.modules[module], name)))
        yield


@pytest.fixture(scope="module")
def narrow():
    """As long as a module's tests go on, a ResNet-18 or 34 has an eighth of its width: for runs made, not trained.

    In this process alone: no worker opens such a run. What the lab counted of a network meanwhile is forgotten, as the
    next module's has its real width.
    """
    import torchvision

    from core.compare import cost
    from tests.narrow import narrow_resnet18, narrow_resnet34

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torchvision.models, "resnet18", narrow_resnet18)
        patch.setattr(torchvision.models, "resnet34", narrow_resnet34)
        yield
    cost._count.cache_clear()


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    """Folders layout: 24 people with one photo each, 8 a class; the colour carries the class."""
    root = tmp_path_factory.mktemp("tiny-dataset")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for person in range(8):
            pixels = np.clip(np.array(colour) + rng.normal(0, 50, (48, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{name}{person}.jpg", quality=90)
    return root


@pytest.fixture(scope="session")
def tiny_config(tiny_dataset) -> RunConfig:
    """ResNet-18 from scratch at 32 px, two folds, two epochs of adam and two of sgd with a cosine, on the CPU."""
    return from_dict({**TINY, "data": {"root": str(tiny_dataset)}})


@pytest.fixture(scope="session")
def tiny_plan(tiny_config):
    return make_plan(tiny_config, scan(tiny_config.data, threads=1))


@pytest.fixture
def runs_folder(tmp_path, monkeypatch):
    """FACET_RUNS for one test, with one slot; afterwards no worker of it is alive and its checkpoints are gone."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("FACET_RUNS", str(folder))
    monkeypatch.setenv("FACET_SLOTS", "1")
    yield folder.resolve()
    end_workers(folder.resolve())
    shutil.rmtree(folder, ignore_errors=True)


def end_workers(folder) -> None:
    """Kill every process that was started for this runs folder, with its children."""
    trees = []
    for process in psutil.process_iter(["cmdline"]):
        if str(folder) in (process.info["cmdline"] or []):
            trees += [*_children(process), process]
    for name in os.listdir(folder) if folder.is_dir() else []:
        if ID.fullmatch(name) and (folder / name).is_dir():
            run = Run(name, folder)
            trees += [process for fold in run.folds() for process in _worker(run, fold)]
    for process in trees:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(trees, timeout=10)


def _children(process):
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _worker(run, fold):
    worker = run.written_state(fold).worker or {}
    try:
        process = psutil.Process(worker["pid"])
        if abs(process.create_time() - worker["create_time"]) < 1 and is_locked(run.fold_lock(fold)):
            return [*_children(process), process]
    except (psutil.Error, KeyError):
        pass
    return []


@pytest.fixture
def workers(runs_folder, monkeypatch):
    """Starts workers by hand for this test's runs folder; launch and resume only queue."""
    from core.jobs import control as jobs
    from tests.workers import Workers

    crew = Workers(runs_folder)
    monkeypatch.setattr(jobs, "start_worker", lambda root: None)
    yield crew
    crew.end()


@pytest.fixture(scope="session")
def never_stopped(tiny_plan, tmp_path_factory):
    """Fold 0 of the tiny run, trained in one go: what every interrupted run has to equal."""
    yield from _straight(tiny_plan, tmp_path_factory.mktemp("never-stopped"))


@pytest.fixture(scope="session")
def never_stopped_small(tiny_plan, tmp_path_factory):
    """The same with the small network."""
    from tests.workers import small_net

    yield from _straight(tiny_plan, tmp_path_factory.mktemp("never-stopped-small"), small_net)


def _straight(plan, root, *changes):
    from core.jobs import control as jobs
    from tests.workers import Workers, assert_done, launch

    crew = Workers(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start_worker", lambda root: None)
        patch.setenv("FACET_SLOTS", "1")
        run = launch(plan, root)
        assert crew.run(*changes) == 0
    assert_done(run)
    yield run
    crew.end()
    shutil.rmtree(root, ignore_errors=True)
