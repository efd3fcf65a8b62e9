"""What README and docs show without a command that a test could run: files of one's own, and variables."""

import re
import tomllib

from core.config import recipes
from core.places import HOME
from core.storage.lab_file import LabFile
from core.studies import grid

PAGES = [HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
SHOWN = re.findall(r"^```text\n(.*?)^```", (HOME / "README.md").read_text("utf-8"), re.M | re.S)
OWN = {"FACET_LOOKS_IN"}  # a process of the lab's tells it to those that it starts, and nobody sets it


def test_the_study_that_is_shown_is_one():
    (text,) = [block for block in SHOWN if block.startswith("name:")]
    study = grid.from_yaml(text)
    assert study.recipe in recipes.all_recipes() and grid.size(study) == 4
    assert {run.epochs for run in grid.expand(study, {"root": "photos"})} == {study.shrink.epochs}


def test_the_lab_file_that_is_shown_is_one_and_names_all_of_the_door():
    (text,) = [block for block in SHOWN if block.startswith("[door]")]
    content = tomllib.loads(text)
    door = LabFile.model_validate(content).door
    for section, told in ((door, content["door"]), (door.proxy, content["door"]["proxy"])):
        assert set(told) == set(type(section).model_fields)
    assert set(content["door"]["oidc"]) == set(type(door.oidc).model_fields)


def test_every_variable_that_the_lab_reads_is_named():
    files = [path for room in ("core", "pages") for path in (HOME / room).rglob("*.py")]
    read = {name for path in files for name in re.findall(r"[\"'](FACET_[A-Z_]+)[\"']", path.read_text("utf-8"))}
    assert {"FACET_RUNS", "FACET_WEIGHTS"} <= read
    assert not {name for name in read - OWN if f"{name} " not in TEXT and f"{name}`" not in TEXT}
