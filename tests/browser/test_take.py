"""A run is packaged on its page in a real Chromium, downloaded, unzipped and asked without the lab."""

import csv
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tests.browser.hands import button, press
from tests.browser.screen import Talk, slack, soon
from tests.export.odd_runs import torch_answers
from tests.fold_runs import draw_faces, make_run

pytestmark = pytest.mark.browser


def test_a_package_is_downloaded_unzipped_and_answers_photos(page, lab, tmp_path):
    run = make_run(lab.runs, draw_faces(tmp_path / "photos"), kept=("best",))
    talk = Talk(page)
    page.goto(f"/live?run={run.id}")
    soon(lambda: button(page, "Package").count() == 1, 60 * slack(), "the button is there")
    button(page, "Package").scroll_into_view_if_needed()
    talk.over()  # the curves above it are drawn by then, and move it no more
    press(button(page, "Package"))
    download = page.get_by_role("button", name=re.compile(r"^Download the package \("))
    soon(lambda: download.count() == 1, 240 * slack(), "the run is packaged")
    with page.expect_download() as waiting:
        press(download)
    waiting.value.save_as(tmp_path / "taken.zip")
    with zipfile.ZipFile(tmp_path / "taken.zip") as archive:
        archive.extractall(tmp_path)
    words = [sys.executable, "-I", "-B", "predict.py", str(tmp_path / "photos")]
    done = subprocess.run(words, cwd=tmp_path / run.id, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = {row["photo"]: row for row in csv.DictReader(done.stdout.splitlines())}
    photos, names = run.samples(), run.info()["class_names"]
    expected = np.mean([torch_answers(run, fold, photos["sample"]) for fold in run.folds()], axis=0)
    assert set(rows) == set(photos["path"])
    shares = [[float(rows[path][f"p_{name}"]) for name in names] for path in photos["path"]]
    np.testing.assert_allclose(shares, expected, atol=1e-4)
