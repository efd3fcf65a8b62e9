"""The verbs of the command line with a run that tells yes/no attributes one by one."""

import json

import numpy as np
import pandas as pd
import pytest

from core.predict.yes_no import thresholds
from core.runs import Run
from tests.celeba import drawn
from tests.held_apart import with_test
from tests.yes_no_runs import NAMES, finished, planned, told_by_few

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def root(tmp_path):
    return drawn(tmp_path / "celeba", photos=48, people=24, attributes=NAMES, side=32)


@pytest.fixture
def run(root, runs_folder):
    aside = [f"img_align_celeba/{number:06d}.jpg" for number in range(43, 49)]
    return finished(planned(root, aside=lambda scanned: with_test(scanned, aside)), runs_folder)


def test_verbs_tell_every_attribute_or_ask_for_one(lab, run, tmp_path):
    told = lab("status", run.id).out
    assert "best F1 of yes" in told and all(f"\n{name} " in told for name in NAMES)
    assert "F1 of the run is the mean over the attributes" in told
    tested = lab("test", run.id)
    assert tested.code == 0 and "of the ensemble; mean F1 of yes" in tested.out
    record = json.loads(lab("test", run.id, "--json").out)
    assert set(record["attributes"]) == set(NAMES) and record["photos"] == 6
    whole = lab("attend", run.id)
    assert whole.code and f"Choose one, such as {run.id}:" in whole.err
    one = lab("attend", f"{run.id}:Male", "--photos", "4")
    assert one.code == 0 and f"{run.id}:Male: ResNet-18, 4 photos" in one.out and "add --boxes close" in one.err
    whole = lab("extras", run.id)
    assert whole.code and f"Choose one, such as {run.id}:" in whole.err
    extra = lab("extras", f"{run.id}:Male", "--views", "flip")
    assert extra.code == 0 and "all 2 folds" in extra.out and "never trained on" in extra.out
    assert "does not tell 'beard' by itself" in lab("attend", f"{run.id}:beard").err
    assert lab("report", run.id, "--out", tmp_path / "report.html").code == 0


def test_all_attributes_of_new_photos_are_answered_in_one_pass_and_handed_in(lab, run, root, tmp_path):
    """The run's own photos, by the folds that held them out: what they answered out of fold is the reference."""
    photos, out = root / "img_align_celeba", tmp_path / "answers.csv"
    done = lab("predict", run.id, "--photos", photos, "--out", out, "--device", "cpu")
    assert done.code == 0, done.err
    assert "48 of 48 photos answered by 2 folds" in done.out and "A yes is a probability above" in done.err
    table = pd.read_csv(out).set_index("path")
    own = pd.concat([run.predictions(fold) for fold in run.folds()]).set_index("sample")
    own.index = own.index.str.removeprefix("img_align_celeba/")
    for name in NAMES:
        np.testing.assert_allclose(table.loc[own.index, f"p_{name}"], own[f"p_{name}"], atol=1e-5)
        limit = thresholds.fitted([run], run.config().task.attributes).values[run.config().task.attributes.index(name)]
        assert (table[f"answer_{name}"] == np.where(table[f"p_{name}"] > limit, "yes", "no")).all()
    sample, mine = tmp_path / "sample.csv", tmp_path / "mine.csv"
    sample.write_text("image,Male,Bald\n" + "".join(f"{name},-1,1\n" for name in table.index[::-1]))
    words = ["predict", run.id, "--photos", photos, "--out", mine, "--sample-submission", sample]
    handed_in = lab(*words)
    assert handed_in.code == 0 and "2 of 5 attributes: 1 for yes and -1 for no" in handed_in.err, handed_in.err
    written = pd.read_csv(mine).set_index("image")
    assert written.index.tolist() == table.index[::-1].tolist()
    for name in ("Male", "Bald"):
        assert (written[name].loc[table.index] == np.where(table[f"answer_{name}"] == "yes", 1, -1)).all()
    assert "of runs are not fitted for attributes" in lab(*words, "--vote", "weighted").err
    one = lab("predict", f"{run.id}:Male", "--photos", photos, "--out", out)
    assert one.code == 0 and {"p_no", "p_yes"} <= set(pd.read_csv(out)), one.err


def test_all_yes_no_attributes_are_trained_where_none_is_named(lab, root, tmp_path):
    recipe = tmp_path / "five.yaml"
    recipe.write_text(
        "name: five\ntask: {name: attributes, together: each}\nfolds: {count: 2}\nmodel: {init: scratch}\n"
    )
    launched = lab("train", recipe, "--data", root)
    assert launched.code == 0
    assert set(Run(launched.out.split()[0]).config().task.attributes) == set(NAMES)
    lab("cancel", launched.out.split()[0])
    few = lab("train", recipe, "--data", root, "--set", "training.sampling=balanced")
    assert few.code and "training.sampling" in few.err


def test_an_attribute_that_no_test_photo_tells_has_no_scores(lab, runs_folder, tmp_path):
    run = told_by_few(tmp_path, test=True, runs=runs_folder)
    text = lab("test", run.id)
    assert text.code == 0, text.err
    (line,) = [line for line in text.out.splitlines() if line.startswith("Young ")]
    assert line.split() == ["Young", *["–"] * 6, "0"] and "nan" not in text.out
    record = json.loads(lab("test", run.id, "--json").out, parse_constant=pytest.fail)
    assert record["attributes"]["Young"]["f1"] is None and record["attributes"]["Smiling"]["f1"] > 0.5
