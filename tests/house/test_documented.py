"""Every command of README and docs, run as it is written.

A line of a fenced block is a command unless the block is marked as text; so is code in a sentence that begins with one
of PROGRAMS. Words in capitals stand for what a reader puts there, brackets for what may be left out. A command that
comes later is run as well; one with a word that nothing is known for fails.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from importlib import metadata
from pathlib import Path

import pytest
import torchvision
import yaml
from packaging.requirements import Requirement

from core.cli import main as cli
from core.config import from_dict, recipes, to_yaml
from core.data.scan import scan
from core.jobs import control
from core.places import HOME, lab_folder
from core.plan.plan import make_plan
from core.runs import FoldState, Run
from core.runs.lists.summaries import summaries
from core.storage import lab_link
from core.studies.shrink import shrink
from tests import workers
from tests.entering import JAR, enter, link_of
from tests.house.install import make, pins
from tests.narrow import narrow_resnet18
from tests.photos import draw, mask_dataset
from tests.workers import FORKS, PATIENCE, until

PROGRAMS = ("python", "make", "pip", "streamlit", "source", "uv", "git")
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
PLACEHOLDER = re.compile(r"(?<![\w./-])(?:[A-Z]{2,}(?:\.yaml)?|[A-Z]|key=value|my\.yaml)(?!\w)")
MANY = 25  # epochs of the recipe quick, here one: 125 times a checkpoint of 134 MB is what a test cannot afford
DONE = ("ID", "RUN", "STUDY", "PACKAGE")  # what only a finished run can stand for


def documented(text: str) -> list[str]:
    """The commands of a page of Markdown, in their order, without what is said about them."""
    commands = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language != "text":
            commands += [re.split(r"\s{2,}", line.strip())[0] for line in block.splitlines() if line.strip()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return commands + [span for span in spans if span.split()[0] in PROGRAMS and " " in span]


PAGES = [*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md")]
PAGES = sorted(page for page in PAGES if page.name != "CHANGELOG.md")  # it tells of commands, also of those that were
COMMANDS = list(dict.fromkeys(command for page in PAGES for command in documented(page.read_text("utf-8"))))
CORE = [command for command in COMMANDS if command.startswith("python -m core ")]
FIRST = "python -m core train quick --data FOLDER --wait"
STUDY = "python -m core study STUDY.yaml --data DIR [--wait]"
ABOUT_RUNS = [command for command in CORE if set(DONE) & set(PLACEHOLDER.findall(command))]
BENCH = [command for command in COMMANDS if command.startswith(("python -m bench.", "python -m tests.controls"))]
OTHERS = [command for command in COMMANDS if command not in (*CORE, *BENCH)]


def words_of(command: str, place: dict[str, object]) -> list[str]:
    """The words of a command with all that may be left out, and with real things in place of words in capitals."""
    whole = command if "'" in command else re.sub(r"\.\.\.|[\[\]]", "", command)
    unknown = {name for name in PLACEHOLDER.findall(whole) if name not in place}
    assert not unknown, f"{command}: nothing is known for {', '.join(sorted(unknown))}"
    return shlex.split(PLACEHOLDER.sub(lambda name: str(place[name[0]]), whole))


class Told:
    """What a command wrote, and its exit code."""

    def __init__(self, code: int | None, folder: Path):
        self.code, self.out, self.err = code, (folder / "out").read_text("utf-8"), (folder / "err").read_text("utf-8")


def run(words: list[str], folder: Path, env: dict[str, str]) -> Told:
    """`python -m MODULE ...` in a process of its own, forked from one that has imported torch already."""
    assert words[:2] == ["python", "-m"]
    process = FORKS.Process(target=_live, args=(words[2:], folder, {**os.environ, **env}))
    process.start()
    process.join(200)
    if process.exitcode is None:
        process.kill()
        process.join()
        pytest.fail(f"{' '.join(words)}: does not end")
    return Told(process.exitcode, folder)


def _live(words: list[str], folder: Path, env: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(HOME)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    if "--wait" in words:  # by workers that need not import torch again; test_main.py has those that a command starts
        workers.FORKS = multiprocessing.get_context("fork")  # of this process, which has torch from where it was forked
        control.start_worker = lambda root: workers.Workers(root).start()
    else:
        control.start_worker = lambda root: None  # nothing trains on behind the tests
    torchvision.models.resnet18 = narrow_resnet18  # what trains, is packaged and served is megabytes, not gigabytes
    load = recipes.load_recipe
    recipes.load_recipe = lambda name, root=None: _shortened(load(name, root))
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def _shortened(config):
    return from_dict(shrink(config.model_dump(mode="json"), size=64, epochs=1)) if config.epochs >= MANY else config


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """One folder a class, six photos each, and beside it what a study file and a recipe of one's own look like."""
    root = tmp_path_factory.mktemp("documented")
    for name, colour in (("cats", (200, 120, 60)), ("dogs", (60, 120, 200))):
        for number in range(6):
            draw(root / "photos" / name / f"{number:03d}.jpg", colour)
    small = {"phases": [{"optimizer": "adam", "epochs": 1}], "model": {"init": "scratch"}, "name": "mine"}
    small |= {"transforms": [{"name": "Resize", "params": {"height": 32, "width": 32}}, {"name": "Normalize"}]}
    (root / "my.yaml").write_text(to_yaml(from_dict(small)))
    study = {
        "name": "seeds",
        "recipe": "quick",
        "set": {"folds.count": 2},
        "shrink": {"size": 32},
        "grid": {"training.seed": [0, 1]},
    }
    (root / "study.yaml").write_text(yaml.safe_dump(study))
    return root


@pytest.fixture
def place(folders, tmp_path) -> dict[str, object]:
    """What stands for the words in capitals that need no run."""
    files = {"STUDY.yaml": folders / "study.yaml", "my.yaml": folders / "my.yaml", "FILE": tmp_path / "file.csv"}
    files["PACKAGE"] = tmp_path / "package"
    files["ZIP"] = shutil.make_archive(str(tmp_path / "photos"), "zip", folders / "photos")
    words = {"RECIPE": "quick", "key=value": "folds.count=2", "N": 2, "S": 1, "DEPTH": 18, "ENCODING": "cp949"}
    return {"FOLDER": folders / "photos", **files, **words}


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """A lab of its own on a machine without a network and without weights."""
    env = {"FACET_RUNS": str(tmp_path / "runs"), "FACET_SLOTS": "1", "TORCH_HOME": str(tmp_path / "torch")}
    return env | dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def fill(command: str, place: dict[str, object], fresh: Path) -> list[str]:
    """words_of; DIR is a folder that is not there yet where a command makes it, else a dataset."""
    made = re.search(r"\b(demo|--out) DIR\b", command)
    return words_of(command, {"DIR": fresh if made else place["FOLDER"], **place})


def launched(folders: Path, root: Path) -> Run:
    """A run of two short folds that waits in the queue."""
    words = ["python", "-m", "core", "train", str(folders / "my.yaml"), "--data", str(folders / "photos")]
    done = run([*words, "--set", "folds.count=2", "--runs", str(root)], folders, {})
    assert done.code == 0, done.err
    return Run(done.out.strip(), root)


def went_well(done: Told) -> bool:
    return done.code == 0 and "Traceback" not in done.out + done.err


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", [command for command in CORE if command not in (FIRST, STUDY, *ABOUT_RUNS)])
def test_a_command_without_a_run(command, place, folders, environment, tmp_path):
    root = Path(environment["FACET_RUNS"])
    waiting = launched(folders, root) if command == "python -m core worker" else None
    lab = lab_link.kept("http://127.0.0.1:8501/?token=x", root) if command == "python -m core link" else None
    with lab or contextlib.nullcontext():
        done = run(fill(command, place, tmp_path / "made"), tmp_path, environment)
    if command.startswith("python -m core weights"):
        assert done.code == 1 and "resnet18-f37072fd.pth (45 MB) could not be downloaded" in done.err
        assert len(done.err.splitlines()) == 2 and str(tmp_path / "torch") in done.err
        return
    assert went_well(done), done.err
    assert done.out or waiting
    trained = [waiting] if waiting else [Run(entry["id"], root) for entry in summaries(root)]
    if waiting or "--wait" in command:
        assert {state.state for each in trained for state in each.states()} == {"done"}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_commands_about_a_run_in_a_lab_that_the_readme_filled(place, folders, environment, tmp_path, monkeypatch):
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    root = Path(environment["FACET_RUNS"])
    assert {FIRST, STUDY} <= set(CORE), "as the README writes them"

    def well(command: str, **more: object) -> str:
        done = run(
            fill(command, place | more, tmp_path / f"made-{len(list(tmp_path.iterdir()))}"), tmp_path, environment
        )
        assert went_well(done), f"{command}\n{done.out}\n{done.err}"
        return done.out

    finished = well(FIRST).split()[0]
    assert {state.state for state in Run(finished, root).states()} == {"done"}
    of_study = well(STUDY).split()[0]
    (study,) = [path.stem for path in (lab_folder(root) / "studies").glob("*.json")]
    place |= {"ID": finished, "RUN": finished, "STUDY": study}
    assert Run(of_study, root).info()["study"] == study
    for command in ABOUT_RUNS:
        verb = command.split()[3]
        if verb in ("cancel", "resume"):
            one = launched(folders, root)
            assert well(command, ID=one.id)
            assert {state.state for state in one.states()} == {{"cancel": "cancelled", "resume": "done"}[verb]}
        elif "study-masked" in command:
            parent, masked = as_if_trained(folders, root)
            child = Run(well(command, ID=parent.id, FOLDER=masked).strip(), root)
            assert child.config().model.parent == parent.id
        elif verb == "test":
            with_test_photos(Run(finished, root), tmp_path / "apart")
            assert "ensemble" in well(command)
        elif verb == "serve":
            assert serves(fill(command, place, tmp_path), environment)
        else:
            assert well(command)


def serves(words: list[str], env: dict[str, str]) -> bool:
    """Whether what a command serves is healthy, and ends when it is told to."""
    command = [sys.executable, *words[1:]]
    server = subprocess.Popen(command, cwd=HOME, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())[0]
        with urllib.request.urlopen(f"{address}/healthz", timeout=PATIENCE) as answer:
            assert answer.status == 200
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=PATIENCE)
    return server.returncode == 0


def with_test_photos(run: Run, folder: Path) -> None:
    """Two photos of the run's, under other names, stand in for those that its dataset would have set aside."""
    photos = run.samples().head(2).drop(columns="fold").assign(sample=["test/a.jpg", "test/b.jpg"])
    (folder / "test").mkdir(parents=True)
    copies = [
        Path(shutil.copy2(path, folder / name)) for path, name in zip(photos["path"], photos["sample"], strict=True)
    ]
    photos["path"], photos["mtime_ns"] = [str(path) for path in copies], [path.stat().st_mtime_ns for path in copies]
    photos.to_parquet(run.test_file, index=False)


def as_if_trained(folders: Path, root: Path) -> tuple[Run, Path]:
    """A finished gender-age run of five folds and its dataset, in the layout with masks; its weights are not opened."""
    people = [(f"{n:03d}", ("female", "male")[n % 2], 20 + 25 * (n // 2 % 3)) for n in range(30)]
    masked = mask_dataset(folders / "masked", people)
    config = recipes.load_recipe("quick").model_dump(mode="json")
    config["data"]["root"] = str(masked)
    plan = make_plan(from_dict(config), scan(from_dict(config).data, threads=1))
    parent = control.launch(plan, folder=root)
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"weights")
        parent.write_state(FoldState(fold, "done"))
    return parent, masked


@pytest.mark.parametrize("command", BENCH)
def test_a_bench_is_there_and_says_what_it_measures(command, environment, tmp_path):
    """It runs for minutes, on a machine that does nothing else; here only its options are read."""
    done = run([*words_of(command, {"N": 2}), "--help"], tmp_path, environment)
    assert went_well(done) and "usage" in done.out.lower()


@pytest.mark.parametrize("command", OTHERS)
def test_a_command_of_another_program(command, folders, tmp_path):
    program, *words = shlex.split(command)
    if program == "make":
        for name in ("Makefile", *(path.name for path in HOME.glob("requirements*"))):
            shutil.copy(HOME / name, tmp_path / name)
        assert make(tmp_path, *words)
    elif command.startswith("pip install -r"):
        assert {name: metadata.version(name).partition("+")[0] for name in pins(words[-1])} == pins(words[-1])
    elif command.startswith("pip install -e"):
        extra = re.search(r"\.\[(\w+)\]", command)[1]
        for text in PROJECT["optional-dependencies"][extra]:
            assert metadata.version(Requirement(text).name) == str(Requirement(text).specifier)[2:]
    elif program == "source":
        assert words == [re.search(r"^VENV := (.+)$", (HOME / "Makefile").read_text(), re.M)[1] + "/bin/activate"]
    elif command.startswith("python -m pytest"):
        done = run(["python", *words, "--collect-only", "-q", "-p", "no:cacheprovider"], tmp_path, {})
        assert went_well(done) and re.search(r"^\d+ tests collected", done.out, re.M), done.out + done.err
    elif command == "streamlit run app.py":
        assert starts(words, tmp_path)
    else:
        pytest.fail(f"{command}: nothing is known about it; tell this test how to run it")


def starts(words: list[str], folder: Path) -> bool:
    """Whether `streamlit WORDS` answers on a free port to who opens the link that it prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "STREAMLIT_SERVER_PORT": str(port), "FACET_RUNS": str(folder / "runs")}
    lab = subprocess.Popen([sys.executable, "-m", "streamlit", *words], cwd=HOME, env=env, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        assert lab.poll() is None
        with contextlib.suppress(OSError):
            if (link := link_of(port, folder / "runs")) is None:
                return False
            enter(link)
            health = urllib.request.Request(f"http://127.0.0.1:{port}/_stcore/health", headers={"Cookie": JAR[port]})
            with urllib.request.urlopen(health, timeout=5) as answer:
                return answer.status == 200
        return False

    try:
        return until(answers, "the lab answers")
    finally:
        lab.send_signal(signal.SIGTERM)
        lab.wait(PATIENCE)


def test_every_verb_of_the_command_line_is_documented():
    verbs = {command.name or command.callback.__name__ for command in cli.app.registered_commands if not command.hidden}
    assert verbs == {word for command in CORE for word in command.split()[3:4] if not word.startswith("--")}


def test_a_command_that_nobody_knows_is_no_command_that_passes(tmp_path, environment):
    text = "```bash\npython -m core fly DIR   to the moon\n```\nor `git push  it`.\n```text\npython -m core no\n```\n"
    assert documented(text) == ["python -m core fly DIR", "git push it"]
    assert run(words_of("python -m core fly DIR", {"DIR": tmp_path}), tmp_path, environment).code == 2
    with pytest.raises(AssertionError, match="nothing is known for WORD"):
        words_of("python -m core scan [WORD]...", {})
