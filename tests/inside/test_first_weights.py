"""A run's first weights with a logistic regression on top: held against torchvision and scikit-learn by hand."""

import contextlib
import errno
import weakref

import numpy as np
import psutil
import pytest
import torch
import torchvision
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.answers import frozen_features
from core.data.tasks import class_parts
from core.errors import LabError
from core.inside import first_weights
from core.inside.first_weights import measure
from core.network.model import build_model
from core.stats import linear_probe
from core.storage.remembered import bytes_of
from core.training import resident
from core.training.fold_trainer import FoldTrainer
from core.training.gpu import drawers
from tests.celeba import drawn
from tests.fold_runs import SIZE, make_run, pictures
from tests.yes_no_runs import NAMES, finished, planned

F1 = {"average": "macro", "zero_division": 0}
WIDTH = 64  # features of a narrow network

pytestmark = pytest.mark.usefixtures("narrow")


def faces(root, each=4):
    """UTKFace names: so many people of each gender and age group, noise under a shade of the class."""
    root.mkdir()
    rng = np.random.default_rng(3)
    for number, (age, gender) in enumerate([(a, g) for a in (20, 40, 70) for g in (0, 1)] * each):
        noise = rng.integers(0, 120, (8, 8, 3)) + np.array([age, 60 * gender, 30])
        picture = Image.fromarray(noise.astype(np.uint8)).resize((SIZE, SIZE))
        picture.save(root / f"{age}_{gender}_0_2017010920365{number:04d}.jpg", quality=95)
    return root


@pytest.fixture(scope="module", autouse=True)
def few_strengths():
    """Two to choose from, for speed: how C is chosen is tested in tests/stats/test_linear_probe.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_probe, "STRENGTHS", (1e-3, 1e-2))
        yield


@pytest.fixture(scope="module")
def place(narrow, tmp_path_factory):
    """A dataset, and the weights of a network as torchvision makes it."""
    folder = tmp_path_factory.mktemp("first-weights")
    faces(folder / "faces")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = torchvision.models.resnet18()
    torch.save(network.state_dict(), folder / "first.pth")
    return folder


@pytest.fixture(scope="module")
def run(place):
    return make_run(place / "runs", place / "faces", folds=4, kept=(), init=f"file:{place / 'first.pth'}")


@pytest.fixture(scope="module")
def kept(run):
    return measure(run, device="cpu")


def seen_by(network, run):
    """(samples, width): by torchvision's network without its head, one photo after the other."""
    network.fc = torch.nn.Identity()
    with torch.no_grad():
        return network.eval()(pictures(run, run.samples()["sample"])).double().numpy()


def fitted(features, codes, strength):
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000)).fit(features, codes)


def test_every_fold_answers_as_scikit_learn_does_on_torchvisions_features(place, run, kept):
    network = torchvision.models.resnet18()
    network.load_state_dict(torch.load(place / "first.pth", weights_only=True))
    features, samples = seen_by(network, run), run.samples()
    names, y = run.info()["class_names"], samples["y"].to_numpy()
    assert [each.fold for each in kept.folds] == [0, 1, 2, 3] and kept.width == WIDTH and not kept.drawn
    for each in kept.folds:
        held_out = (samples["fold"] == each.fold).to_numpy()
        table = kept.table[kept.table["fold"] == each.fold]
        assert list(table["sample"]) == list(samples["sample"][held_out]) and each.fitted == (~held_out).sum()
        expected = fitted(features[~held_out], y[~held_out], each.strengths[0]).predict_proba(features[held_out])
        assert np.abs(table[[f"p_{name}" for name in names]].to_numpy() - expected).max() < 1e-3
        true, predicted = table["label"], table["predicted"]
        assert list(true) == list(np.array(names)[y[held_out]])
        assert each.f1 == pytest.approx(f1_score(true, predicted, labels=names, **F1))
        assert each.accuracy == accuracy_score(true, predicted)
    assert kept.mean("accuracy") > 0.3, "classes have shades, which even a random network sees"


def test_it_is_kept_with_the_run_and_garbage_is_nothing(run, kept, tmp_path):
    again = frozen_features.load(run)
    assert again.folds == kept.folds and again.init == run.config().model.init and again.features.endswith("first.pth")
    assert "folds trained for" not in frozen_features.about(again)
    about = frozen_features.about(again, 60.0)
    assert f" {WIDTH} numbers a photo" in about and "folds trained for" in about
    assert "nobody knows" in " ".join(frozen_features.notes(again))
    stored = run.frozen_features_file.read_bytes()
    run.frozen_features_file.write_bytes(stored[:200])
    assert frozen_features.load(run) is None
    run.frozen_features_file.write_bytes(stored)


def test_what_is_kept_is_held_by_its_bytes(run, kept):
    frozen_features.LOADED.forget()
    loaded = frozen_features.load(run)
    assert frozen_features.load(run) is loaded
    assert frozen_features.LOADED.held == bytes_of(loaded.table) > 0


def test_what_is_kept_and_out_of_reach_for_a_while_is_found_again(run, kept, monkeypatch):
    frozen_features.LOADED.forget()

    def refused(path):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(frozen_features.pq, "read_table", refused)
        assert frozen_features.load(run) is None
    assert frozen_features.load(run).folds == kept.folds


def test_a_person_who_is_held_out_chooses_nothing(run):
    """C is chosen by people of the other folds, of whom none stands in two parts."""
    samples = run.samples()
    train = np.flatnonzero(samples["fold"] != 0)
    parts = first_weights._inner(samples, train)
    assert sorted(set(parts)) == [0, 1, 2]
    assert samples.iloc[train].groupby("person")["fold"].nunique().max() == 1
    by_fold = {fold: set(parts[samples["fold"].to_numpy()[train] == fold]) for fold in (1, 2, 3)}
    assert all(len(of) == 1 for of in by_fold.values())


def test_from_scratch_each_fold_has_its_own_random_network_and_it_says_so(place):
    run = make_run(place / "runs", place / "faces", folds=2, kept=())
    kept = measure(run, device="cpu")
    samples, config = run.samples(), run.config()
    for each in kept.folds:
        seed = int(np.random.SeedSequence([config.training.seed, each.fold, 2]).generate_state(1)[0])
        features = seen_by(build_model(config.model, 6, seed)[0], run)
        out = (samples["fold"] == each.fold).to_numpy()
        model = fitted(features[~out], samples["y"][~out], each.strengths[0])
        table = kept.table[kept.table["fold"] == each.fold]
        shares = table[[name for name in table if name.startswith("p_")]].to_numpy()
        assert np.abs(shares - model.predict_proba(features[out])).max() < 1e-3
    assert "random weights" in kept.features and "low bar" in " ".join(frozen_features.notes(kept))


def test_a_factored_head_has_a_regression_for_each_attribute(place):
    first = f"file:{place / 'first.pth'}"
    run = make_run(place / "runs", place / "faces", folds=2, kept=(), head="factored", init=first)
    kept = measure(run, device="cpu")
    network = torchvision.models.resnet18()
    network.load_state_dict(torch.load(place / "first.pth", weights_only=True))
    features, samples, names = seen_by(network, run), run.samples(), run.info()["class_names"]
    parts = class_parts(run.config().task, names)
    each = kept.folds[0]
    assert len(each.strengths) == len(parts[0]) == 2
    out = (samples["fold"] == 0).to_numpy()
    expected = np.ones((out.sum(), len(names)))
    for attribute, strength in zip(parts[0], each.strengths, strict=True):
        values = np.array([part[attribute] for part in parts])
        model = fitted(features[~out], values[samples["y"][~out]], strength)
        shares = model.predict_proba(features[out])
        expected *= shares[:, [list(model.classes_).index(value) for value in values]]
    table = kept.table[kept.table["fold"] == 0]
    assert np.abs(table[[f"p_{name}" for name in names]].to_numpy() - expected).max() < 1e-3


def test_attributes_that_are_told_one_by_one_have_one_each(tmp_path):
    root = drawn(tmp_path / "celeba", photos=40, people=20, attributes=NAMES, side=32)
    file = root / "list_attr_celeba.txt"
    lines = [line.split() for line in file.read_text().splitlines()]
    for row in lines[2:6]:
        row[1 + NAMES.index("Young")] = "NA"
    file.write_text("\n".join(" ".join(row) for row in lines) + "\n")
    run = finished(planned(root), tmp_path / "runs")
    kept = measure(run, device="cpu")
    for each in kept.folds:
        table = kept.table[kept.table["fold"] == each.fold]
        scores = []
        for name in NAMES:
            labelled = table[table[f"yes_{name}"] >= 0]
            scores.append(f1_score(labelled[f"yes_{name}"], labelled[f"p_{name}"] > 0.5, labels=[0, 1], **F1))
        assert each.f1 == pytest.approx(np.mean(scores)) and len(each.strengths) == len(NAMES)
    assert (kept.table["yes_Young"] < 0).sum() == 4


def test_large_datasets_draw_people_to_fit_on(run, monkeypatch):
    samples = run.samples()
    assert first_weights._drawn(samples).all()
    monkeypatch.setattr(first_weights, "MOST_FITTED", 10)
    twice = samples.assign(person=np.arange(len(samples)) // 2)
    drawn = first_weights._drawn(twice)
    assert drawn.sum() == 10 and twice[drawn].groupby("person").size().eq(2).all(), "all photos of a person"


def test_cancelled_work_keeps_nothing(place):
    run = make_run(place / "runs", place / "faces", folds=2, kept=())

    class Cancelled(Exception):
        pass

    def stop(what, done, total):
        if what == "fits made":
            raise Cancelled

    with pytest.raises(Cancelled):
        measure(run, device="cpu", progress=stop)
    assert frozen_features.load(run) is None and not run.frozen_features_file.exists()


@pytest.mark.parametrize("cancelled", [False, True])
def test_it_leaves_no_process_and_no_network_on_a_gpu(run, monkeypatch, cancelled):
    """The lab's server goes on for weeks, and its GPU is what trainings want."""

    class Cancelled(Exception):
        pass

    def tell(what, done, total):
        if cancelled and what == "photos seen":
            raise Cancelled

    trainers, left = [], []
    made, family = FoldTrainer.__init__, psutil.Process()
    before = family.children()

    def init(trainer, *arguments):
        trainers.append(weakref.ref(trainer))
        made(trainer, *arguments)

    monkeypatch.setattr(FoldTrainer, "__init__", init)
    monkeypatch.setattr(resident, "augments", lambda device: True)
    monkeypatch.setattr(resident, "draws_anything", lambda source: True)
    monkeypatch.setattr(resident, "pick_loader_workers", lambda training, device: 1)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: left.append([each for each in trainers if each()]))
    try:
        with pytest.raises(Cancelled) if cancelled else contextlib.nullcontext():
            measure(run, device="cpu", progress=tell)
        assert family.children() == before
        assert len(trainers) == (1 if cancelled else 4) and resident._held is None
        assert left and left[-1] == [], "what torch keeps is given back once the last trainer is gone"
    finally:
        drawers.forget()


def test_first_weights_that_are_gone_are_named(place):
    gone = place / "gone.pth"
    gone.write_bytes((place / "first.pth").read_bytes())
    run = make_run(place / "runs", place / "faces", folds=2, kept=(), init=f"file:{gone}")
    gone.unlink()
    with pytest.raises(LabError, match=r"gone\.pth"):
        measure(run, device="cpu")
