"""Two commands from a fresh machine, and nobody gets in from outside."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from streamlit.testing.v1 import AppTest

from core import __version__
from core.cli import main as cli
from core.jobs import control
from core.places import HOME
from tests.browser.screen import LEFT_OUT
from tests.entering import JAR
from tests.house.install import alone, make, pins
from tests.house.source import imported

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make on the path")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What make looks at, without a .venv."""
    for name in ("Makefile", *(path.name for path in HOME.glob("requirements*"))):
        shutil.copy(HOME / name, tmp_path / name)
    return tmp_path


def test_the_readme_names_the_two_commands_and_no_other_target():
    text = (HOME / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    commands = [line.strip() for block in blocks for line in block.splitlines() if line.strip().startswith("make")]
    assert sorted(set(commands)) == ["make run", "make test"]
    assert "pip install -r requirements.txt" in text and "streamlit run app.py" in text


@needs_make
def test_make_run_on_a_clean_clone_sets_up_and_starts_the_lab(clone):
    steps = make(clone, "run")
    order = [
        "python3 -m venv .venv",
        "7 GB on disk",
        "pip install --disable-pip-version-check --require-hashes -r requirements.lock",
        "-m core demo demo",
        "streamlit run app.py --server.address 127.0.0.1 --server.port 8501",
    ]
    places = [steps.find(step) for step in order]
    assert -1 not in places and places == sorted(places), steps


@needs_make
def test_make_run_the_second_time_goes_straight_to_the_lab(clone):
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").touch()
    (clone / ".venv/.run-ready").touch()
    (clone / "demo").mkdir()
    steps = make(clone, "run")
    assert "pip" not in steps and "venv .venv" not in steps and "core demo" not in steps
    assert "streamlit run app.py" in steps


@needs_make
def test_an_environment_that_was_broken_off_before_pip_was_in_it_is_made_again(clone):
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").symlink_to(shutil.which("false"))
    steps = make(clone, "run")
    assert ".venv/bin/python -m pip --version" in steps and "-m venv --clear .venv" in steps


@needs_make
def test_make_check_tests_nothing_that_takes_longer_than_seconds(clone):
    steps = make(clone, "check")
    assert "ruff check ." in steps and ".venv/bin/mypy" in steps and "pytest" not in steps


@needs_make
def test_make_test_runs_ruff_and_the_whole_suite(clone):
    steps = make(clone, "test")
    order = ["--require-hashes -r requirements-dev.lock", "ruff check .", "ruff format --check .", ".venv/bin/mypy"]
    order += ['-m pytest -m "not lab"', "-m pytest -m lab"]
    places = [steps.find(step) for step in order]
    assert -1 not in places and places == sorted(places), steps
    assert "rerun" not in steps
    assert make(clone, "test", "PYTEST=-q -k one").count("-q -k one") == 2


@needs_make
def test_browser_tests_are_run_again_and_again_until_one_fails(clone):
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@" >> rounds\ntest $(wc -l < rounds) -lt 2\n')
    python.chmod(0o755)
    for name in (".pip-ready", ".run-ready", ".test-ready"):
        (clone / ".venv" / name).touch()
    done = subprocess.run(["make", "test-browser", "N=3"], cwd=clone, env=alone(), capture_output=True, text=True)
    assert done.returncode and "round 1 of 3 passed in" in done.stdout and "round 2 of 3 failed" in done.stdout
    assert [line.split()[:4] for line in (clone / "rounds").read_text().splitlines()] == [
        ["-m", "pytest", "-m", "lab"]
    ] * 2


# What is installed, and that it is that and nothing else


def needed(names: Iterable[str]) -> set[str]:
    """These packages and what the installed ones of them need on this machine, all the way down."""
    met, waiting = set(), [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in met:
            continue
        met.add((name, *sorted(requirement.extras)))
        for text in metadata.requires(name) or ():
            inner = Requirement(text)
            extras = requirement.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(inner)
    return {name for name, *_ in met}


LOCKS = {
    "requirements.lock": ("requirements.txt",),
    "requirements-dev.lock": ("requirements.txt", "requirements-dev.txt"),
}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_all_that_is_asked_for_with_what_it_needs_and_nothing_else(lock):
    asked = {name: version for source in LOCKS[lock] for name, version in pins(source).items()}
    locked = pins(lock)
    assert asked.items() <= locked.items(), "make lock"
    assert locked.keys() - needed(asked) == set() == needed(asked) - locked.keys(), "make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_tests_run_with_what_is_locked(lock):
    here = {name: metadata.version(name).partition("+")[0] for name in pins(lock)}
    assert here == pins(lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_names_no_place_to_load_from(lock):
    text = (HOME / lock).read_text("utf-8")
    assert "://" not in text and not re.search(r"^-", text, re.M)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M | re.I)[1:]
    assert len(entries) > 50
    bare = [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}$", entry, re.M)]
    assert not bare


def test_what_the_lab_runs_on_is_locked_the_same_for_its_tests():
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()
    assert pins("requirements.lock").items() <= pins("requirements-ray.lock").items()


MEASURED_IF_INSTALLED = {"lightning", "fastai"}  # what bench/frameworks.py holds the lab against, and nothing needs


def test_every_package_that_is_imported_is_asked_for():
    owners = metadata.packages_distributions()
    lab, extras = pins("requirements.txt"), tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
    optional = {
        canonicalize_name(Requirement(e).name) for part in extras["optional-dependencies"].values() for e in part
    }
    optional |= set(pins("requirements-ray.txt"))
    tests = {*lab, *pins("requirements-dev.txt"), *pins("requirements-ray.txt")}
    rooms = {"app.py": {*lab, *optional}, "core": {*lab, *optional}, "pages": {*lab, *optional}}
    own = {"core", "pages", "bench", "tests", *(path.stem for path in (HOME / "tests").glob("*.py"))}
    undeclared = []
    for room, declared in (rooms | {"bench": {*tests, *MEASURED_IF_INSTALLED}, "tests": tests}).items():
        for path in [HOME / room] if room.endswith(".py") else (HOME / room).rglob("*.py"):
            for name in set(imported(path)) - set(sys.stdlib_module_names) - own:
                packages = {canonicalize_name(package) for package in owners.get(name, [name])}
                if not packages & declared:
                    undeclared.append(f"{path.relative_to(HOME)}: {name}")
    assert not undeclared


WITH_A_STAND_IN = {"apprise"}  # extras that the tests do not install: what the lab asks of them is all that is tried


def test_an_extra_is_what_the_tests_run_with():
    project = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
    for name in project["optional-dependencies"].keys() - WITH_A_STAND_IN:
        for text in project["optional-dependencies"][name]:
            assert str(Requirement(text).specifier)[2:] == pins("requirements-dev.txt")[Requirement(text).name]


# The version


def test_the_version_is_spelt_once_and_shown_by_command_pages_and_runs(monkeypatch, capsys, tiny_plan, workers):
    project = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "core.__version__"}
    monkeypatch.setattr(sys, "argv", ["core", "--version"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code and capsys.readouterr().out == f"Facet Lab {__version__}\n"
    configured = {}
    monkeypatch.setattr("streamlit.set_page_config", lambda **options: configured.update(options))
    assert not AppTest.from_file(HOME / "app.py", default_timeout=60).run().exception
    assert __version__ in configured["menu_items"]["About"]
    assert control.launch(tiny_plan).info()["versions"]["facet-lab"] == __version__


def test_ci_installs_chromium_calls_make_test_and_allows_no_browser_test_to_be_left_out():
    script = HOME / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    assert text.splitlines()[0] in ("#!/usr/bin/env bash", "#!/bin/bash")
    assert "set -euo pipefail" in text
    assert text.find("apt-get update") < text.find("apt-get install") != -1
    for package in ("chromium", "make", "git", "python3-venv"):
        assert re.search(rf"lacking\+=\(.*\b{package}\b", text)
    assert text.find("export FACET_REQUIRE_BROWSER=1") < text.find("\nmake test") != -1
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=30)


def test_the_theme_has_light_and_dark_nothing_is_reported_home_and_the_address_is_loopback():
    config = tomllib.loads((HOME / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    colours = ("primaryColor", "backgroundColor", "secondaryBackgroundColor", "textColor")
    for name in ("light", "dark"):
        assert all(re.fullmatch(r"#[0-9a-f]{6}", config["theme"][name][colour]) for colour in colours)
    assert config["theme"]["light"]["backgroundColor"] > config["theme"]["dark"]["backgroundColor"]


# The running lab


def upgrade(port: int, *, origin: str, host: str = "", cookie: str | None = None) -> int:
    """The status that the lab answers a WebSocket handshake with; 101 lets it in."""
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{port}'}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Origin: {origin}",
        f"Cookie: {JAR[port] if cookie is None else cookie}",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(line.recv(200).split()[1])


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1.evil.example:{port}", "null"])
@pytest.mark.fault(35)
def test_a_websocket_from_another_origin_is_refused(lab_process, origin):
    port = lab_process.port
    assert upgrade(port, origin=f"http://127.0.0.1:{port}") == 101
    assert upgrade(port, origin=origin.format(port=port)) == 403


@pytest.mark.fault(35)
def test_a_name_that_is_pointed_at_this_machine_is_another_origin(lab_process):
    """DNS rebinding: the page's own host resolves to 127.0.0.1."""
    port = lab_process.port
    assert upgrade(port, origin=f"http://evil.example:{port}", host=f"evil.example:{port}") == 403


@pytest.mark.fault(35)
def test_who_has_not_opened_the_link_of_this_start_gets_nothing_of_the_lab(lab_process):
    port, cookie = lab_process.port, JAR[lab_process.port]
    own = f"http://127.0.0.1:{port}"
    guess = cookie.partition("=")[0] + "=" + "A" * 43
    assert upgrade(port, origin=own) == 101 and upgrade(port, origin=own, cookie="") == 403
    assert upgrade(port, origin=own, cookie=guess) == 403
    for path in ("/", "/runs", "/_stcore/health", "/static/js/index.js", "/?token=" + "A" * 43):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{own}{path}", timeout=20)
        words = refused.value.read().decode()
        assert refused.value.code == 403 and "python -m core link" in words and "treamlit" not in words


def test_the_lab_listens_on_loopback_only(lab_process):
    process = psutil.Process(lab_process.process.pid)
    open_ports = [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert [(address.ip, address.port) for address in open_ports] == [("127.0.0.1", lab_process.port)]


# A machine without Chromium


def suite(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """One browser test in a pytest of its own that finds no program at all."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/browser/test_journeys.py",
            "-k",
            "double_click",
        ],
        cwd=HOME,
        env={**os.environ, "PATH": str(tmp_path), "FACET_REQUIRE_BROWSER": "0", **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_without_chromium_the_report_says_loudly_what_was_left_out(tmp_path):
    done = suite(tmp_path)
    assert done.returncode == 0, done.stdout
    assert LEFT_OUT in done.stdout and "1 skipped" in done.stdout


def test_where_a_browser_is_required_its_absence_is_a_failure(tmp_path):
    done = suite(tmp_path, FACET_REQUIRE_BROWSER="1")
    assert done.returncode == 1, done.stdout
    assert "there is no Chromium on the path" in done.stdout and "passed" not in done.stdout
