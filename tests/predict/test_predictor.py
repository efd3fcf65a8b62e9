"""New photos answered by all folds: as validation saw photos, and never by a fold that was trained on them."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from core.config import to_yaml
from core.errors import LabError
from core.inside import fold_models
from core.predict import answering, photos
from core.predict.photos import Photo
from core.predict.predictor import Predictor
from core.runs import FoldState, Run
from tests.fold_runs import alone, answer_held_out, draw_faces, make_run

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("narrow")]  # long: its fixtures, once


def odd_photos(root):
    """A photo turned by EXIF, one in CMYK and one of 16 bits, none of the size that the network takes."""
    noise = np.random.default_rng(5).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    coarse = Image.fromarray(noise).resize((70, 90))
    exif = Image.Exif()
    exif[0x0112] = 6
    coarse.save(root / "21_0_0_20170109203650100.jpg", quality=95, exif=exif)
    coarse.convert("CMYK").save(root / "41_1_0_20170109203650101.jpg", quality=95)
    deep = np.asarray(coarse.convert("L"), dtype=np.uint16) * 257
    Image.fromarray(deep).save(root / "71_0_0_20170109203650102.png")
    return root


@pytest.fixture(scope="module")
def template(narrow, tmp_path_factory):
    """Finished runs of two folds, one a head, that answered about what they held out."""
    root = tmp_path_factory.mktemp("template")
    faces = odd_photos(draw_faces(root / "utk"))
    made = {head: make_run(root / head, faces, head=head, kept=("best",)) for head in ("joint", "factored")}
    made["second"] = make_run(root / "joint", faces, kept=("best",), seed=7)
    for run in made.values():
        answer_held_out(run)
    yield made
    fold_models.free()


@pytest.fixture
def run(template, tmp_path, request):
    """A copy of one."""
    made = template[getattr(request, "param", "joint")]
    shutil.copytree(made.dir, tmp_path / "runs" / made.id, copy_function=os.link)
    yield Run(made.id, tmp_path / "runs")
    fold_models.free()


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Five photos that no run knows, of the size that the networks take."""
    folder = tmp_path_factory.mktemp("strangers")
    rng = np.random.default_rng(11)
    for place in range(5):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((64, 64))
        coarse.save(folder / f"new{place}.png")
    return folder


def as_tensors(folder):
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = [(np.asarray(Image.open(path)) / 255 - mean) / std for path in sorted(folder.iterdir())]
    return torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).astype(np.float32))


@pytest.mark.parametrize("head", ["joint", "factored"])
def test_held_out_photos_are_answered_as_in_the_runs_own_out_of_fold_table(template, head):
    run = template[head]
    predictor = Predictor([run])
    asked = photos.of_folder(run.config().data.root)
    predictions = predictor.answer(asked)
    assert len(asked) == 15 and not predictions.problems
    answers, rows = predictions.classes(), {photo.name: row for row, photo in enumerate(asked)}
    compared = 0
    for fold in run.folds():
        table = run.predictions(fold)
        places = [rows[sample] for sample in table["sample"]]
        own = table[[f"p_{name}" for name in predictor.names]].to_numpy()
        np.testing.assert_allclose(predictions.probabilities()[places], own, atol=1e-4)
        assert [predictor.names[each] for each in answers[places]] == table["predicted"].tolist()
        assert all(predictions.acquaintances[row][0].fold == fold for row in places)
        others = [place for place, member in enumerate(predictor.members) if member.fold != fold]
        assert np.isnan(predictions.answers[others][:, places]).all()
        compared += len(places)
    assert compared == 15


@pytest.mark.parametrize("run", ["joint", "factored"], indirect=True)
def test_a_new_photo_is_answered_by_every_folds_own_network(run, strangers):
    steps = []
    predictions = Predictor([run]).answer(photos.of_folder(strangers), lambda *step: steps.append(step))
    with torch.no_grad():
        apart = [alone(run, fold)(as_tensors(strangers)).double().softmax(1).numpy() for fold in run.folds()]
    np.testing.assert_allclose(predictions.answers, apart, atol=2e-6)
    np.testing.assert_allclose(predictions.probabilities(), np.mean(apart, axis=0), atol=2e-6)
    assert steps[-1] == (15, 15) and [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert not predictions.acquaintances and not predictions.problems


def test_two_runs_count_alike_and_each_knows_what_it_was_trained_on(template, strangers):
    runs = [template["joint"], template["second"]]
    predictor = Predictor(runs)
    assert [(member.run, member.fold) for member in predictor.members] == [(r, f) for r in runs for f in (0, 1)]
    predictions = predictor.answer(photos.of_folder(strangers))
    alone_each = [Predictor([each]).answer(photos.of_folder(strangers)).probabilities() for each in runs]
    np.testing.assert_allclose(predictions.probabilities(), np.mean(alone_each, axis=0), atol=1e-9)
    np.testing.assert_allclose(predictions.probabilities("weighted", np.array([1.0, 0.0])), alone_each[0], atol=1e-9)
    votes = predictions.probabilities("hard")
    assert set(np.unique(votes)) <= {0, 0.25, 0.5, 0.75, 1} and np.allclose(votes.sum(axis=1), 1)


def test_mirrored_photos_are_asked_about_too_and_the_mean_answers(run, strangers):
    predictions = Predictor([run], folds=[1], views=["flip"]).answer(photos.of_folder(strangers))
    upright = as_tensors(strangers)
    with torch.no_grad():
        both = [alone(run, 1)(view).double().softmax(1).numpy() for view in (upright, upright.flip(3))]
    np.testing.assert_allclose(predictions.answers, [np.mean(both, axis=0)], atol=2e-6)


def test_crops_are_the_corners_and_the_middle_at_the_whole_size():
    photo = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    photo[0, :4, :4], photo[0, -4:, -4:] = 255, 128  # of the five, a corner each is in one alone
    crops = answering.viewed(photo, ["crops"])
    assert [crop.shape for crop in crops] == [photo.shape] * 5
    assert [int(crop[0, 0, 0, 0]) for crop in crops] == [255, 0, 0, 0, 0]
    assert [int(crop[0, -1, -1, 0]) for crop in crops] == [0, 0, 0, 128, 0]
    assert len(answering.viewed(photo, ["crops", "flip"])) == 11
    np.testing.assert_array_equal(answering.viewed(photo, ["flip"])[0], photo[:, :, ::-1])


def test_many_photos_are_answered_in_pieces_as_in_one(run, strangers, monkeypatch):
    asked = photos.of_folder(strangers)
    whole = Predictor([run]).answer(asked, features_of=[1])
    monkeypatch.setattr(answering, "HELD", 1)
    monkeypatch.setattr(answering, "BATCH", 2)
    pieces = Predictor([run]).answer(asked, features_of=[1])
    np.testing.assert_allclose(pieces.answers, whole.answers, atol=2e-6)
    np.testing.assert_allclose(pieces.features[1], whole.features[1], atol=1e-4)
    assert whole.features[1].shape == (5, 64)


def test_a_photo_that_cannot_be_read_is_a_row_with_a_problem(run, strangers, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(strangers, folder)
    (folder / "notes.jpg").write_text("no photo")
    (folder / "cut.png").write_bytes((folder / "new0.png").read_bytes()[:100])
    asked = photos.of_folder(folder)
    steps = []
    predictions = Predictor([run]).answer(asked, lambda *step: steps.append(step))
    bad = {asked[row].name: error.kind for row, error in predictions.problems.items()}
    assert bad == {"cut.png": "truncated", "notes.jpg": "unreadable"}
    answered = predictions.classes()
    assert [photo.name for photo, answer in zip(asked, answered, strict=True) if answer < 0] == ["cut.png", "notes.jpg"]
    assert steps[-1][0] == steps[-1][1] == 7 + 2 * 5


def test_a_known_photo_under_another_name_is_answered_by_the_fold_that_held_it_out(run, tmp_path):
    samples = run.samples()
    row = samples.iloc[4]
    copy = tmp_path / "holiday.jpg"
    shutil.copy(row["path"], copy)
    upload = photos.of_uploads({"upload.jpg": copy.read_bytes()})
    predictions = Predictor([run]).answer([*photos.of_path(copy), *upload])
    for place in range(2):
        (acquaintance,) = predictions.acquaintances[place]
        assert (acquaintance.fold, acquaintance.name, acquaintance.how) == (row["fold"], row["sample"], "bytes")
        assert "which held it out, answers" in acquaintance.words
        assert np.isfinite(predictions.answers[:, place, 0]).tolist() == [f == row["fold"] for f in run.folds()]
    only = Predictor([run], folds=[1 - int(row["fold"])]).answer(photos.of_path(copy))
    assert only.problems[0].kind == "trained-on" and only.classes().tolist() == [-1]


def test_a_photo_whose_copy_another_fold_held_out_is_answered_by_none_and_says_why(run):
    table = pd.read_parquet(run.samples_file)
    row, copy = (table[table["fold"] == fold].index[0] for fold in (0, 1))
    table.loc[copy, ["bytes", "hash"]] = table.loc[row, ["bytes", "hash"]]
    run.samples_file.unlink()  # the template's own is the same file
    table.to_parquet(run.samples_file)
    upload = photos.of_uploads({"upload.jpg": Path(table.loc[row, "path"]).read_bytes()})
    predictions = Predictor([run]).answer([*photos.of_path(table.loc[row, "path"]), *upload])
    assert predictions.classes().tolist() == [-1, -1]
    for problem in predictions.problems.values():
        assert problem.kind == "trained-on" and "every fold was trained on it" in problem.message
    assert "answers" not in predictions.known_in_words(0)


def test_another_photo_of_a_known_person_is_answered_by_the_fold_that_held_the_person_out(run, strangers):
    person = run.samples().iloc[2]
    data = run.config().data
    readings = [photos.reading_of(each) for each in (data, data.model_copy(update={"root": "/another/dataset"}))]
    asked = [Photo("new.png", str(strangers / "new0.png"), person=person["person"], reading=each) for each in readings]
    predictions = Predictor([run]).answer(asked)
    (acquaintance,) = predictions.acquaintances[0]
    assert acquaintance.words == (
        f"other photos of person {person['person']} were trained on; "
        f"fold {person['fold']}, which held them out, answers"
    )
    assert 1 not in predictions.acquaintances  # a person of another dataset may only be called the same


def test_answers_tell_where_it_is_not_certain_that_no_fold_was_trained_on_a_photo(run, strangers):
    config = run.config()
    run.config_file.unlink()  # the template's own is the same file
    model = config.model.model_copy(update={"init": "run:deleted"})
    data = config.data.model_copy(update={"root": str(strangers), "reader": "csv"})
    run.config_file.write_text(to_yaml(config.model_copy(update={"model": model, "data": data})))
    asked = photos.of_folder(strangers)
    predictions = Predictor([run]).answer(asked)
    unread, broken = predictions.notes
    assert unread.startswith(f"{run.id}: whom 5 photos show could not be read") and "no CSV file" in unread
    assert broken.startswith(f"{run.id} started from deleted, which is not here any more")
    assert predictions.is_answered.all() and Predictor([run]).answer(asked, held_out_only=False).notes == ()
    assert Predictor([run]).answer(photos.of_path(run.samples()["path"].iloc[0])).notes == ()


def test_what_progress_raises_ends_it(run, strangers):
    def cancel(done, total):
        if done == 6:  # five photos are read, and one answer was given
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Predictor([run]).answer(photos.of_folder(strangers), lambda done, total: cancel(min(done, 6), total))


def test_runs_of_other_classes_are_refused_by_name(template, tmp_path):
    run = template["joint"]
    shutil.copytree(run.dir, tmp_path / "other-classes")
    other = Run("other-classes", tmp_path)
    other.update_info(class_names=["cat", *run.info()["class_names"][1:]])
    with pytest.raises(LabError, match="other-classes has cat") as refused:
        Predictor([run, other])
    assert refused.value.kind == "classes"


def test_classes_in_another_order_are_put_into_that_of_the_first_run(run, template, strangers):
    names = run.info()["class_names"]
    run.update_info(class_names=names[::-1])
    straight = Predictor([template["joint"]]).answer(photos.of_folder(strangers))
    turned = Predictor([template["second"], run]).answer(photos.of_folder(strangers))
    np.testing.assert_allclose(turned.answers[2:], straight.answers[:, :, ::-1], atol=1e-9)


@pytest.mark.parametrize(
    ("harm", "kind", "match"),
    [
        (lambda run: run.weights_file(1, "best").unlink(), "checkpoint", "best weights of fold 1 are gone"),
        (lambda run: run.write_state(FoldState(1, "failed", reason="x")), "unfinished", "fold 1 is failed, not done"),
        (lambda run: shutil.rmtree(run.fold_dir(1)), "unfinished", "fold 1 is missing, not done"),
        (lambda run: run.delete(), "gone", "is gone"),
    ],
    ids=["weights", "failed", "missing", "deleted"],
)
def test_a_fold_that_cannot_answer_is_told_before_a_photo_is_read(run, harm, kind, match):
    harm(run)
    with pytest.raises(LabError, match=match) as refused:
        Predictor([run])
    assert refused.value.kind == kind
    if kind != "gone":
        assert len(Predictor([run], folds=[0]).members) == 1


def test_a_fold_that_a_run_does_not_have_is_named(run):
    with pytest.raises(LabError, match="has no fold 5") as refused:
        Predictor([run], folds=[0, 5])
    assert refused.value.kind == "fold"
