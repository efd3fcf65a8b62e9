"""A run that tells yes/no attributes one by one, seen through one of them: its answers, maps, doubts and stress."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, precision_score, recall_score

from core.answers import label_errors, mistakes, yes_no_scores
from core.data.yes_no import pairs
from core.errors import LabError
from core.inside import attend, face_maps, fold_answers, fold_models, stress
from core.inside.cam import one_pass
from core.inside.face_maps import MapRequest
from core.inside.maps import maps_of
from core.predict import ensemble
from core.predict.photos import Photo
from core.predict.predictor import Predictor
from core.runs.yes_no.view import OneAttribute, attributes, opened
from tests.celeba import drawn
from tests.held_apart import with_test
from tests.yes_no_runs import NAMES, finished, planned

pytestmark = pytest.mark.usefixtures("narrow")

TESTED = 6  # photos that are set aside


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Five attributes of 48 photos of 24 people; the first four photos do not tell Young, six are a test set."""
    place = tmp_path_factory.mktemp("one-by-one")
    root = drawn(place / "celeba", photos=48, people=24, attributes=NAMES, side=32)
    file = root / "list_attr_celeba.txt"
    lines = [line.split() for line in file.read_text().splitlines()]
    for row in lines[2:6]:
        row[1 + NAMES.index("Young")] = "NA"
    file.write_text("\n".join(" ".join(row) for row in lines) + "\n")
    aside = [f"img_align_celeba/{number:06d}.jpg" for number in range(48 - TESTED + 1, 49)]
    (place / "runs").mkdir()
    return finished(planned(root, aside=lambda scanned: with_test(scanned, aside)), place / "runs")


def test_it_is_a_run_of_that_attribute(run):
    young = opened(f"{run.id}:Young", run.dir.parent)
    assert (young.key, young.id) == (f"{run.id}:Young", run.id)
    assert attributes(run)[young.place] == "Young" and set(attributes(run)) == set(NAMES)
    assert young.info()["class_names"] == ["no", "yes"] and young.config().task.title == "Young"
    assert attributes(young) == []
    samples = young.samples()
    assert len(samples) == 42 - 4 and not pairs.attributes_of(samples)
    assert (samples["class_name"] == samples["attribute:Young"]).all() and (
        samples["y"] == (samples["class_name"] == "yes")
    ).all()
    held = young.info()["support"]
    assert {fold: sum(of.values()) for fold, of in held.items()} == samples["fold"].value_counts().rename(str).to_dict()
    assert young != run and run != young and young == OneAttribute(run, "Young") != OneAttribute(run, "Male")
    assert len({run, young, OneAttribute(run, "Young")}) == 2
    for key, words in ((f"{run.id}:beard", "does not tell 'beard' by itself"), (f"{run.id}/x", "is not a run id")):
        with pytest.raises(LabError, match=words):
            opened(key, run.dir.parent)


def test_whoever_asks_the_whole_run_is_asked_for_an_attribute(run):
    for ask in (lambda: mistakes.load_answers(run), lambda: fold_models.fold_model(run, 0).__enter__()):
        with pytest.raises(LabError, match="tells 5 attributes one by one") as caught:
            ask()
        assert caught.value.kind == "attribute" and f"{run.id}:Smiling" in caught.value.remedy


def test_answers_are_those_of_the_network_and_of_the_table_of_scores(run):
    young = OneAttribute(run, "Young")
    answers = mistakes.load_answers(young)
    assert answers.class_names == ("no", "yes") and answers.attributes == ("Young",) and len(answers.table) == 38
    assert np.allclose(answers.probabilities.sum(1), 1)
    samples = answers.table["sample"][answers.table["fold"] == 1].tolist()
    photos = fold_models.faces(young, samples)
    asked = fold_answers.probabilities(young, 1, photos)
    rows = answers.table.set_index("sample").index.get_indexer(samples)
    assert np.allclose(asked, answers.probabilities[rows], atol=1e-5)
    with fold_models.fold_model(run, 1, whole=True) as network, torch.inference_mode():
        logits = network.model(fold_models.normalised(network.config, photos)).double()
    place = attributes(run).index("Young")
    assert np.allclose(logits.sigmoid()[:, place], asked[:, 1], atol=1e-6), "of all outputs the attribute's own"
    scores = yes_no_scores.score_run(run)
    table = answers.table
    for fold in (0, 1):
        of_fold = table[table["fold"] == fold]
        row = scores.folds.set_index(["fold", "attribute"]).loc[(fold, "Young")]
        true, predicted = of_fold["y"], of_fold["guess"]
        assert row["f1"] == pytest.approx(f1_score(true, predicted, average="macro", labels=[0, 1], zero_division=0))
        assert row["f1_yes"] == pytest.approx(f1_score(true, predicted, zero_division=0))
        assert row["precision"] == pytest.approx(precision_score(true, predicted, zero_division=0))
        assert row["recall"] == pytest.approx(recall_score(true, predicted, zero_division=0))
        assert row["photos"] == len(of_fold) and row["prevalence"] == pytest.approx(true.mean())
        assert run.fold_state(fold).scores["best_f1"] == pytest.approx(
            scores.folds[scores.folds["fold"] == fold]["f1"].mean()
        ), "the score of the fold is the mean over the attributes"


def test_the_mean_f1_of_yes_is_scikit_learns_macro_f1_of_labels(run):
    """Of attributes that every photo tells; scikit-learn knows no label that is not told."""
    scores, told = yes_no_scores.score_run(run), [name for name in NAMES if name != "Young"]
    for fold in (0, 1):
        predictions = run.predictions(fold)
        true = predictions[[f"yes_{name}" for name in told]].to_numpy()
        guess = predictions[[f"p_{name}" for name in told]].to_numpy() > 0.5
        ours = scores.folds[(scores.folds["fold"] == fold) & scores.folds["attribute"].isin(told)]["f1_yes"].mean()
        assert ours == pytest.approx(f1_score(true, guess, average="macro", zero_division=0))


def test_a_map_is_of_the_attributes_logit_and_no_has_its_sign_turned(run):
    male = OneAttribute(run, "Male")
    samples = male.samples()["sample"].tolist()[:2]
    fold, place = int(male.samples()["fold"].iloc[0]), attributes(run).index("Male")
    photos = fold_models.faces(male, samples)
    with fold_models.fold_model(run, fold, whole=True) as network:
        inputs = fold_models.normalised(network.config, photos)
        modules = {"layer4.1": network.model.layer4[1]}
        raw, logits = one_pass(network.model, modules, inputs, [[place, place]], "GradCAM")  # of the output itself
    with fold_models.fold_model(male, fold) as seen:
        yes, no = (maps_of(seen, inputs, name, ["layer4"]) for name in ("yes", "no"))
        assert seen.class_names == ["no", "yes"]
    assert np.allclose(yes.raw[0], raw[0], rtol=1e-4, atol=1e-8) and np.allclose(
        no.raw[0], -raw[0], rtol=1e-4, atol=1e-8
    )
    assert np.allclose(yes.probabilities[:, 1], 1 / (1 + np.exp(-logits[:, place].astype(float))), atol=1e-6)
    with fold_models.fold_model(run, fold, whole=True) as network:
        assert isinstance(network.model.fc, torch.nn.Linear), "the head is as it was"


def test_two_attributes_open_at_once_are_told_apart(run):
    photos = fold_models.faces(run, [run.samples()["sample"].iloc[0]])
    place = {name: number for number, name in enumerate(attributes(run))}
    with fold_models.fold_model(run, 0, whole=True) as network, torch.inference_mode():
        inputs = fold_models.normalised(network.config, photos)
        logits = network.model(inputs)[0]
        with fold_models.fold_model(OneAttribute(run, "Young"), 0) as young:
            with fold_models.fold_model(OneAttribute(run, "Bangs"), 0) as bangs:
                assert torch.allclose(bangs.model(inputs)[0, 1], torch.nn.functional.logsigmoid(logits[place["Bangs"]]))
            assert torch.allclose(young.model(inputs)[0, 1], torch.nn.functional.logsigmoid(logits[place["Young"]]))
        assert torch.equal(network.model(inputs)[0], logits)


def test_maps_doubts_heat_and_stress_are_of_the_attribute(run):
    male = OneAttribute(run, "Male")
    answers = mistakes.load_answers(male)
    samples = answers.table["sample"].tolist()[:2]
    (face, _) = face_maps.held_out(male, samples, MapRequest(classes="yes")).faces
    assert face.held_out and face.target == "yes" and face.run_id == male.key and face.run_name.endswith(", Male")
    suspects = label_errors.likely_errors(answers)
    assert set(suspects["label"]) | set(suspects["likely"]) <= {"no", "yes"}
    heat = attend.attend(male, samples)
    assert set(heat.true) <= {"no", "yes"} and heat.shares.shape[0] == 2
    held = stress.held_out(male, 0, 4)
    outcome = stress.stress(male, 0, held, "HorizontalFlip", None, [1.0])
    assert outcome.probabilities.shape == (1, len(held), 2) and outcome.class_names == ["no", "yes"]


def test_a_photo_that_the_run_knows_is_answered_by_the_fold_that_held_it_out_in_one_attribute_too(run):
    row = run.samples().iloc[0]
    predictions = Predictor([OneAttribute(run, "Male")]).answer([Photo("known.jpg", row["path"])])
    assert np.isfinite(predictions.answers[:, 0, 0]).tolist() == [fold == row["fold"] for fold in run.folds()]


def test_the_test_set_is_scored_in_every_attribute(run):
    scores = ensemble.scored(run)
    assert scores.one_by_one and scores.photos == TESTED and len(scores.folds) == 2
    photos = run.test_photos()
    true = pairs.told(photos)
    answered = ensemble.answers(run, photos)
    assert answered.shape == (2, TESTED, 5)
    guess = answered.mean(axis=0) > 0.5
    by_hand = [f1_score(true[:, k], guess[:, k], average="macro", labels=[0, 1], zero_division=0) for k in range(5)]
    assert scores.f1.mean == pytest.approx(np.mean(by_hand)) and scores.accuracy.mean == pytest.approx(
        (true == guess).mean()
    )
    assert scores.attributes.loc["Male", "f1"] == pytest.approx(by_hand[attributes(run).index("Male")])
    assert scores.f1_yes == pytest.approx(f1_score(true, guess, average="macro", zero_division=0))
