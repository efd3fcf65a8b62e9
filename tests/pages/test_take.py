"""Taking a run home from its page: packaged on a click, downloaded, told when it is outdated; and its snippets."""

import json
import zipfile

import pytest

from core.export import made, network, package
from core.export.runtime import package_folder
from core.inside import fold_models
from core.runs import FoldState
from pages.parts.run import take
from tests.answered import copied
from tests.fold_runs import draw_faces, make_run
from tests.pages.app import button, html, labels, page
from tests.pages.app import captions as markdown

pytestmark = pytest.mark.usefixtures("folder")


def captions(at):
    return markdown(at).replace("\\", "")  # as a person reads them


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    place = tmp_path_factory.mktemp("take")
    return make_run(place / "runs", draw_faces(place / "photos"), kept=("best",))


@pytest.fixture
def run(made_once, folder):
    yield copied(made_once, folder)
    fold_models.free()


def test_a_click_packages_the_run_and_offers_the_file(run):
    run.write_state(FoldState(fold=1, state="cancelled", epoch=2))
    at = page("live", run=run.id)
    assert "Fold 1 is not done and cannot be chosen yet." in captions(at)
    assert not run.package_file.exists()
    button(at, "Package").click().run(timeout=120)
    assert not at.exception
    with zipfile.ZipFile(run.package_file) as archive:
        assert f"{run.id}/folds/0/model.onnx" in archive.namelist()
        assert f"{run.id}/folds/1/model.onnx" not in archive.namelist()
    assert made.made_package(run).current
    words = captions(at)
    assert "Fold 0 as ONNX and safetensors. Not held against the run's own answers: the run has no" in words
    assert "About 90 MB: ONNX 45, safetensors 45." in words
    assert [label for label in labels(at) if label == "Package"], "it can be packaged again"
    assert take.ASKED not in at.session_state
    run.package_file.write_bytes(b"cut off")
    assert "package.zip is damaged" in html(page("live", run=run.id))


@pytest.mark.parametrize("calibrate", [True, False])
def test_calibrating_is_a_choice_and_what_it_does_to_the_numbers_of_predict_is_told(run, monkeypatch, calibrate):
    asked = []
    monkeypatch.setattr(package, "package", lambda of_run, out, **options: asked.append(options["calibrate"]))
    at = page("live", run=run.id)
    assert "by its fold's temperature: probabilities are then others than on Predict, which shows" in captions(at)
    switch = at.toggle(key=f"live-package-calibrate-{run.id}")
    assert switch.label == "Calibrate each fold" and switch.value
    if not calibrate:
        switch.set_value(False).run()
    button(at, "Package").click().run(timeout=120)
    assert not at.exception and asked == [calibrate]


def test_what_the_fields_show_at_the_click_is_packaged_though_the_button_is_of_the_drawing_before(run, monkeypatch):
    asked = []
    monkeypatch.setattr(package, "package", lambda of_run, out, **options: asked.append(options))
    at = page("live", run=run.id)
    at.pills(key=f"live-package-forms-{run.id}").set_value(["int8"]).run()
    at.pills(key=f"live-package-folds-{run.id}-2").set_value([1])
    at.pills(key=f"live-package-forms-{run.id}").set_value(["pt2", "int8"])
    at.toggle(key=f"live-package-calibrate-{run.id}").set_value(False)
    at.selectbox(key=f"live-package-check-{run.id}").set_value("None")
    at.number_input(key=f"live-package-calibration-{run.id}").set_value(7)
    button(at, "Package").click().run(timeout=120)
    assert not at.exception
    (options,) = asked
    assert options["folds"] == (1,) and options["formats"] == ("onnx", "pt2", "int8")
    assert (options["check"], options["calibration"], options["calibrate"]) == (0, 7, False)


def test_a_click_after_the_last_fold_was_taken_out_says_that_one_has_to_be_chosen(run):
    at = page("live", run=run.id)
    at.pills(key=f"live-package-folds-{run.id}-2").set_value([])
    button(at, "Package").click().run(timeout=120)
    assert not at.exception and "no fold is chosen" in html(at) and not run.package_file.exists()


def test_the_last_place_of_a_folds_network_is_not_written_over(run, monkeypatch):
    monkeypatch.setattr(network, "graph_of", lambda opened: pytest.fail("what would be lost is looked at first"))
    facts = {"folds": [0, 1], "weights": {"0": None, "1": None}, "parity": ""}
    with zipfile.ZipFile(run.package_file, "w") as archive:
        archive.writestr(f"{run.id}/{package_folder.FACTS}", json.dumps(facts))
    before = run.package_file.read_bytes()
    run.weights_file(1, "best").unlink()
    at = page("live", run=run.id)
    at.pills(key=f"live-package-folds-{run.id}-2").set_value([0])
    button(at, "Package").click().run(timeout=120)
    assert "is the last place that has the best weights of fold 1" in html(at) and "Download it" in html(at)
    assert f"python -m core package {run.id} --folds 0 --out FILE.zip --runs {run.dir.parent}." in html(at)
    assert run.package_file.read_bytes() == before


def test_what_cannot_be_packaged_is_told_and_nothing_lies_there(run, monkeypatch):
    monkeypatch.setattr(network, "graph_of", lambda opened: pytest.fail("weights are looked at first"))
    run.weights_file(0, "best").unlink()
    at = page("live", run=run.id)
    button(at, "Package").click().run(timeout=120)
    assert "best weights of fold 0 are gone" in html(at) and not run.package_file.exists()
    assert made.made_package(run) is None


def test_a_run_without_a_finished_fold_has_nothing_to_take(run):
    for fold in run.folds():
        run.write_state(FoldState(fold=fold, state="cancelled"))
    assert "Take it home" not in html(page("live", run=run.id))
