"""Each snippet of the panel "Use it in code", run as it stands."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli import main as cli
from core.export.snippets import snippets

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("half")]  # long: its fixtures, once


@pytest.fixture
def beside(joint, tmp_path, monkeypatch):
    """A folder with photos, to work in."""
    (tmp_path / "photos").mkdir()
    for path in joint.run.samples()["path"].head(3):
        shutil.copy(path, tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("title", ["Python", "PyTorch"])
def test_python(joint, beside, title, monkeypatch, capsys):
    """As in a Python of its own, but for torch, which is imported here already, and without the lab."""
    language, code = snippets(joint.run)[title]
    (beside / joint.run.id).symlink_to(joint.folder)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        patch.setattr(sys, "path_importer_cache", {})  # it remembers a relative place as where it was before
        patch.setitem(sys.modules, "core", None)
        exec(compile(code, title, "exec"), {"__name__": "__main__"})
    for name in [name for name in sys.modules if name.partition(".")[0] == "facet"]:
        del sys.modules[name]  # the next test's is that of another folder
    assert language == "python"
    photos = [line.split(" ", 1)[0] for line in capsys.readouterr().out.splitlines()]
    assert photos == sorted(path.name for path in (beside / "photos").iterdir())


@pytest.mark.usefixtures("exported")
def test_command_line(joint, beside):
    _, code = snippets(joint.run)["Command line"]
    package, unpack, install, predict = (shlex.split(line) for line in code.splitlines())
    assert package[:3] == ["python", "-m", "core"]
    done = CliRunner().invoke(cli.app, package[3:])
    assert done.exit_code == 0 and "0 changed answers" in done.output, done.output
    subprocess.run([sys.executable, *unpack[1:]], check=True)
    assert install[:5] == ["python", "-m", "pip", "install", "-r"]
    pinned = [re.split("==", line)[0] for line in Path(install[5]).read_text().split()]
    assert pinned == ["onnxruntime", "numpy", "pillow"]
    subprocess.run([sys.executable, *predict[1:]], check=True)
    rows = list(csv.DictReader((beside / "answers.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 3 and {row["class"] for row in rows} <= set(joint.run.info()["class_names"])


def test_api(joint, beside, served):
    """Served once for all tests, at another port and with a token: these two are put in."""
    _, code = snippets(joint.run)["API"]
    serve, many, one = code.splitlines()
    assert serve == f"python -m core serve {joint.run.id} --port 8000 --runs {joint.run.dir.parent} &"
    for name, path in zip("ab", sorted((beside / "photos").iterdir()), strict=False):
        shutil.copy(path, beside / f"{name}.jpg")
    for line, number in ((many, 2), (one, 1)):
        asked = line.replace("http://127.0.0.1:8000", str(served.base_url).rstrip("/"))
        words = [*shlex.split(asked), "-sS", "-H", f"Authorization: {served.headers['Authorization']}"]
        answer = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        assert len(answer["photos"]) == number and all("class" in photo for photo in answer["photos"])
