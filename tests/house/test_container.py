"""The Dockerfile, compose.yaml and .dockerignore: what they bring, who runs it and how it is reached.

No test here needs Docker: tests/container.py reads the Dockerfile. tests/browser/test_login.py starts what it starts.
"""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
import yaml

from core.jobs import doctor
from core.places import HOME
from pages.parts.settings import about
from tests import container


@pytest.fixture(scope="module")
def image():
    return container.read()


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((HOME / "compose.yaml").read_text("utf-8"))["services"]


def test_only_the_program_is_sent_and_nothing_of_yours(image):
    taken = {
        path.relative_to(HOME).as_posix()
        for word, rest in image.steps
        if word == "COPY"
        for source in rest.split()[:-1]
        for path in container.sent(source)
    }
    assert {"app.py", "core/cli/main.py", "pages/home.py", "core/config/recipes/quick.yaml"} <= taken
    assert set(about.DOCUMENTS) <= taken, "Settings offers them"
    assert {name.split("/")[0] for name in taken} == {
        *("app.py", "bench", "core", "docs", "pages", ".streamlit", "LICENSE", "requirements.lock", "requirements.txt"),
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    }
    assert not [name for name in taken if "__pycache__" in name]
    for name in (
        "runs/mine/config.yaml",
        ".venv/bin/python",
        "demo/train.csv",
        ".git/config",
        "core/__pycache__/a.pyc",
    ):
        assert not container.lets_through(Path(name)), name
    for name in (".streamlit/secrets.toml", "lab.toml", ".env"):
        assert not container.lets_through(Path(name)), f"{name} is a secret"


def test_it_is_built_from_the_lock_and_nobody_special_runs_it(image):
    runs = [rest for word, rest in image.steps if word == "RUN"]
    assert image.base == "debian:bookworm-slim"
    (pip,) = [rest for rest in runs if "pip install" in rest]
    assert "--require-hashes -r /lab/requirements.lock" in pip
    assert image.user == "lab" and [rest.split("&&")[0].split()[-1] for rest in runs if "useradd" in rest] == ["lab"]
    assert image.env["FACET_RUNS"] in image.volumes
    kept = [image.env[name] for name in ("FACET_DEMO", "TORCH_HOME")]
    assert all(place.startswith(f"{image.env['FACET_RUNS']}/.lab/") for place in kept), "a volume keeps them"


def test_a_word_that_is_not_followed_is_refused():
    with pytest.raises(ValueError, match="ADD is not one of FROM, RUN"):
        container.read("FROM debian\nADD https://example.org/a /a\n")


@pytest.mark.parametrize("name", ["lab", "lab-gpu"])
def test_a_service_is_reached_from_its_own_machine_and_keeps_what_it_makes(services, image, name):
    service = services[name]
    (port,) = service["ports"]
    chosen = f"${{PORT:-{image.port}}}"
    assert port == f"127.0.0.1:{chosen}:{chosen}", "the same inside, for the link names it"
    assert service["environment"]["STREAMLIT_SERVER_PORT"] == chosen
    places = [volume.split("}:")[1].split(":")[0] for volume in service["volumes"]]
    assert places == image.volumes
    assert service["volumes"][1].endswith(":ro"), "a dataset is never written into"
    assert int(service["shm_size"].removesuffix("gb")) * 1e9 >= doctor.SHARED
    assert service["init"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    assert ("deploy" in service) == (name == "lab-gpu")
    assert image.env["STREAMLIT_SERVER_ADDRESS"] == "0.0.0.0" and "FACET_DOOR_PUBLISHED" not in image.env
    assert service["environment"]["FACET_DOOR_PUBLISHED"] == "1", "said where the port is published, and only there"
    assert service["profiles"] == [{"lab": "cpu", "lab-gpu": "gpu"}[name]]


def test_a_service_that_is_stopped_leaves_what_trains_alone():
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string((HOME / "docs" / "facet-lab.service").read_text("utf-8"))
    service = unit["Service"]
    assert (service["KillMode"], service["OOMPolicy"]) == ("process", "continue")
    assert service["ExecStart"] == f"{service['WorkingDirectory']}/.venv/bin/streamlit run app.py"
