"""A folder of new photos in a real Chromium, by clicks: answered, then handed in as a sample file asks for it."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PIL import Image

from core.predict import photos
from core.predict.predictor import Predictor
from tests.browser.hands import button, press, sees, write
from tests.browser.judged_runs import judged_run
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser


def test_a_folder_becomes_a_table_and_a_submission_that_fits_a_sample_file(page, lab, tmp_path):
    run = judged_run(lab)
    folder, rng = tmp_path / "new", np.random.default_rng(4)
    folder.mkdir()
    for name in ("b.png", "a.png", "c.png"):
        Image.fromarray(rng.integers(0, 256, (80, 60, 3), dtype=np.uint8)).save(folder / name)
    expected = Predictor([run]).answer(photos.of_folder(folder))
    names = expected.class_names
    answered = dict(zip([each.name for each in expected.photos], expected.classes(), strict=True))
    (tmp_path / "wrong.csv").write_text(f"id,label\na,{names[0]}\nb,{names[0]}\nzebra,{names[0]}\n")
    (tmp_path / "sample.csv").write_text(f"id,label\nc,{names[0]}\na,{names[0]}\nb,{names[0]}\n")
    talk = Talk(page)
    page.goto(f"/predict?run={run.id}")
    press(page.get_by_role("radio", name="Folder or table"))
    write(page, "A folder of photos, a table that names some, or one photo", str(folder))
    press(button(page, "Answer the photos by 2 folds"))
    sees(page, "All 3 as CSV", 120)
    talk.over()
    with page.expect_download() as waiting:
        press(button(page, "All 3 as CSV"))
    table = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8-sig"))))
    assert {row["path"]: row["answer"] for row in table} == {name: names[place] for name, place in answered.items()}
    press(page.get_by_text("Submission: in the columns and order of a sample file"))
    field = page.locator("input[type=file]")
    soon(lambda: field.count() == 1, 60 * slack(), "a place for the sample file")
    field.set_input_files(tmp_path / "wrong.csv")
    sees(page, "there is no photo for id 'zebra'")
    sees(page, "photo 'c.png' has no id")
    assert button(page, "Download the submission").count() == 0
    field.set_input_files(tmp_path / "sample.csv")
    download = button(page, "Download the submission")
    soon(lambda: download.count() == 1, 60 * slack(), "the submission")
    talk.over()
    with page.expect_download() as waiting:
        press(download)
    rows = "".join(f"{name},{names[answered[name + '.png']]}\n" for name in "cab")
    assert waiting.value.path().read_text() == f"id,label\n{rows}"
