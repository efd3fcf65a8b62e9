"""A run of yes/no attributes taken home: all attributes of a photo from one pass, each by its own threshold."""

import asyncio
import json
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.data.yes_no.pairs import YES
from core.export import package as packages
from core.export.formats.cost import cost_of
from core.export.formats.names import INT8, ONNX
from core.export.parity import FoldAnswers, FoldParity
from core.export.runtime import command
from core.export.runtime.package_folder import PackageFolder
from core.export.runtime.server import make_app
from core.export.temperatures import temperatures
from core.inside import fold_models
from core.plan import everybody
from core.predict.yes_no import thresholds
from tests.celeba import drawn
from tests.everybody_runs import frozen
from tests.yes_no_runs import NAMES, finished, planned

# long: beside the others that package, as torch's exporter takes seconds until it is there
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("half")]


@pytest.fixture(scope="module")
def taken(half, tmp_path_factory):
    """(run, package): five attributes of 96 photos, rare ones among them."""
    place = tmp_path_factory.mktemp("taken-one-by-one")
    root = drawn(place / "celeba", photos=96, people=48, attributes=NAMES, side=32)
    (place / "runs").mkdir()
    run = finished(planned(root), place / "runs")
    (place / "package").mkdir()
    packages.build(run, place / "package")
    yield run, place / "package"
    fold_models.free()


def answers_of(folder, fold, paths, out):
    """predict.py's table of photos, by photo."""
    assert command.main(folder, [*paths, "--fold", str(fold), "--out", str(out)]) == 0
    return pd.read_csv(out, dtype=str)


def test_a_fold_gives_the_runs_own_table_attribute_by_attribute(taken, tmp_path):
    run, folder = taken
    paths = run.samples().set_index("sample")["path"]
    limits = json.loads((folder / "preprocess.json").read_text())["thresholds"]
    fitted = thresholds.fitted([run], NAMES)
    assert limits == dict(zip(NAMES, fitted.values, strict=True)) and len(set(limits.values())) > 1
    for fold in run.folds():
        answered = run.predictions(fold)
        rows = answers_of(folder, fold, paths[answered["sample"]], tmp_path / "answers.csv")
        assert list(rows) == ["photo", *(c for name in NAMES for c in (f"answer_{name}", f"p_{name}")), "fault"]
        for name in NAMES:
            shares = answered[f"p_{name}"].to_numpy()
            assert np.abs(rows[f"p_{name}"].astype(float) - shares).max() < 1e-4
            assert rows[f"answer_{name}"].tolist() == ["yes" if share > limits[name] else "no" for share in shares]


def test_of_a_network_on_everybody_no_attribute_is_said_to_have_a_threshold_of_its_own(taken):
    run, _ = taken
    alone = frozen(everybody.make_plan(everybody.proposed(run), run.dir.parent), run.dir.parent)
    words = temperatures(alone, [0]).words
    assert "A yes is a probability above 0.5: nobody was held out" in words and "of their own" not in words
    assert "thresholds of their own" in temperatures(run, run.folds()).words


def test_parity_and_card_tell_each_attribute_as_the_run_does(taken):
    run, folder = taken
    table, samples = pd.read_csv(folder / "parity.csv").set_index("fold"), run.samples().set_index("sample")
    assert (table["changed_answers"] == 0).all() and (table["largest_difference"] < 1e-5).all()
    for fold in run.folds():
        answered = run.predictions(fold)
        f1 = []
        for name in NAMES:
            true = samples.loc[answered["sample"], YES + name].to_numpy()
            says_yes = (answered[f"p_{name}"] > 0.5).to_numpy()  # as everywhere: by thresholds fitted here it flatters
            f1.append(f1_score(true, says_yes, average="macro", labels=[0, 1], zero_division=0))
        assert table.at[fold, "macro_f1"] == pytest.approx(np.mean(f1))
        assert table.at[fold, "macro_f1"] == pytest.approx(run.fold_state(fold).scores["best_f1"])
    card = (folder / "README.md").read_text("utf-8")
    for name in NAMES:
        assert f"| {name} | 96 | {(samples[YES + name] == 1).mean():.1%} |" in card
    assert "0 changed answers" in card and "a probability of yes an attribute" in card
    assert "Its macro F1 takes a probability above 0.5 for a yes." in card


def test_what_int8_costs_is_told_at_a_half_and_what_it_changes_by_the_thresholds(taken):
    run, folder = taken
    samples, package = run.samples().set_index("sample"), PackageFolder(folder, [])
    folds = {}
    for fold in run.folds():
        answered = run.predictions(fold)
        shares = answered[[f"p_{name}" for name in NAMES]].to_numpy()
        forms = {ONNX: shares, INT8: shares - 0.05}
        lines = [FoldParity(fold, len(shares), len(shares), 0, 0.0, network=form) for form in forms]
        folds[fold] = FoldAnswers(lines, answered["sample"].tolist(), forms)
    cost = cost_of(package, run, folds, [4])
    forms = {form: np.concatenate([each.answers[form] for each in folds.values()]) for form in (ONNX, INT8)}
    true = samples.loc[[name for each in folds.values() for name in each.samples], [YES + name for name in NAMES]]
    for form, shares in forms.items():
        both = zip(true.to_numpy().T, shares.T > 0.5, strict=True)
        f1 = [f1_score(of_one, says_yes, average="macro", labels=[0, 1], zero_division=0) for of_one, says_yes in both]
        assert cost.f1[form] == pytest.approx(np.mean(f1))
    facts = json.loads((folder / "preprocess.json").read_text())
    limits = [facts["thresholds"][name] for name in NAMES]
    assert cost.changed == ((forms[ONNX] > limits) != (forms[INT8] > limits)).sum() > 0
    assert "In int8 macro F1, a yes above 0.5, is" in cost.sentence and "by the package's thresholds" in cost.sentence


def test_a_server_says_yes_or_no_to_each_attribute(taken):
    run, folder = taken
    package = PackageFolder(folder)
    path = run.samples()["path"].iloc[0]

    async def asked():
        app = make_app(package)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):
            answered = await client.post("/predict", content=Path(path).read_bytes())
            return answered, (await client.get("/openapi.json")).json()

    response, description = asyncio.run(asked())
    (answer,) = response.json()["photos"]
    shares = package.answers(np.stack([package.prepared(path)]))[0]
    assert response.status_code == 200
    assert list(answer["probabilities"].values()) == pytest.approx(shares.tolist(), abs=1e-6)
    assert answer["answers"] == {
        name: "yes" if share > limit else "no"
        for name, share, limit in zip(NAMES, shares, package.thresholds, strict=True)
    }
    assert set(description["components"]["schemas"]["Answer"]["properties"]["answers"]["properties"]) == set(NAMES)
    said = package.in_words(shares)
    assert all((name in said) == (answer["answers"][name] == "yes") for name in NAMES)
