"""The verbs of the command line with a run that tells yes/no attributes one by one."""

import json

import pytest

from core.runs import Run
from tests.celeba import drawn
from tests.held_apart import with_test
from tests.yes_no_runs import NAMES, finished, planned


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
    assert one.code == 0 and f"{run.id}:Male: ResNet-18, 4 photos" in one.out
    assert "does not tell 'beard' by itself" in lab("attend", f"{run.id}:beard").err
    out = tmp_path / "answers.csv"
    photo = next((tmp_path / "celeba/img_align_celeba").iterdir())
    assert "one by one" in lab("predict", run.id, "--photos", photo, "--out", out).err
    assert lab("report", run.id, "--out", tmp_path / "report.html").code == 0


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
