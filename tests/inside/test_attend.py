"""Heat over many faces: each by the fold that held its person out; means and differences as numpy has them."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.cli import attend as cli_attend
from core.errors import LabError
from core.inside import fold_models, regions
from core.inside.attend import SMALL, attend
from core.inside.maps import layer_maps
from core.inside.regions import BACKGROUND
from core.runs import Run
from tests.answered import CLASSES, judged, made, photo, table_of

pytestmark = pytest.mark.usefixtures("narrow")

LAYERS = ("layer1", "layer2.0")  # at 64 px those with cells enough for regions
BOXES = regions.PRESETS["portrait"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two folds with random networks; the last photos have another shape than the first."""
    root = tmp_path_factory.mktemp("attend")
    samples = table_of(root / "photos", people=12, photos=2)
    for row in range(len(samples)):
        size = (64, 48) if row < 16 else (48, 96)
        photo(root / "photos" / samples.loc[row, "sample"], row, size)
        samples.loc[row, ["width", "height"]] = size
    yield judged(made(root / "runs", samples, root=root / "photos", training={"device": "cpu", "precision": "float32"}))
    fold_models.free()


@pytest.fixture(scope="module")
def found(run):
    told = []
    names = run.samples()["sample"].tolist()[::-1]
    result = attend(run, names, BOXES, layers=LAYERS, progress=lambda done, total: told.append((done, total)))
    assert result.samples.tolist() == names and told[-1] == (len(names), len(names)) and len(told) == 2
    return result


def test_every_face_is_looked_at_by_the_fold_that_held_its_person_out(run, found):
    table = run.samples().set_index("sample")
    for fold in run.folds():
        names = table.index[table["fold"] == fold].tolist()
        own = layer_maps(run, fold, names, layers=LAYERS)
        answers = run.predictions(fold).set_index("sample").loc[names]
        places = [found.samples.tolist().index(name) for name in names]
        assert found.predicted[places].tolist() == answers["predicted"].tolist()
        assert found.true[places].tolist() == answers["label"].tolist()
        assert found.people[places].tolist() == table.loc[names, "person"].tolist()
        for i, place in enumerate(places):
            size = table.loc[names[i], ["width", "height"]].astype(int)
            where = regions.masks(BOXES, *size, run.config().transforms)
            expected = regions.shares(own.maps[i : i + 1], where)[0]
            np.testing.assert_allclose(found.shares[place], expected, atol=1e-4)
            np.testing.assert_allclose(found.area[place], where.mean((1, 2)), atol=1e-6)
            small = own.maps[i].reshape(len(LAYERS), 64, 64)
            np.testing.assert_allclose(found.maps[place].mean((1, 2)), small.mean((1, 2)), atol=5e-3)
    assert found.maps.shape[2:] == (SMALL, SMALL)


def test_groups_have_means_and_differences(found):
    group = np.arange(len(found.samples)) % 3 == 0
    expected = np.mean([m.astype(np.float32) for m in found.maps[group]], 0)
    np.testing.assert_allclose(found.mean_map(group), expected, atol=1e-3)
    assert np.isnan(found.mean_map(np.zeros(len(group), bool))).all()
    share = found.share_of(group)
    np.testing.assert_allclose(share.mean, np.nanmean(found.shares[group], 0))
    assert share.samples == group.sum() and share.people == len(set(found.people[group]))
    gap = found.difference(group, ~group)
    np.testing.assert_allclose(gap.mean, np.nanmean(found.shares[group], 0) - np.nanmean(found.shares[~group], 0))
    assert (gap.low <= gap.mean).all() and (gap.mean <= gap.high).all()


def test_photos_that_cannot_be_read_are_left_out_and_named(run, tmp_path):
    shutil.copytree(run.dir, tmp_path / run.id)
    copy, table = Run(run.id, tmp_path), run.samples()
    (tmp_path / "cut.jpg").write_bytes(Path(table.loc[0, "path"]).read_bytes()[:200])
    table.loc[0, "path"], table.loc[1, "path"] = str(tmp_path / "cut.jpg"), str(tmp_path / "gone.jpg")
    table.to_parquet(copy.dir / "samples.parquet", index=False)
    names = table["sample"].tolist()
    found = attend(copy, names[:4], BOXES, layers=("layer4",))
    assert set(found.faults) == set(names[:2]) and found.samples.tolist() == names[2:4] and len(found.shares) == 2
    with pytest.raises(LabError, match=r"cut\.jpg"):
        attend(copy, names[:1], BOXES, layers=("layer4",))


def test_the_alarm_is_about_the_last_layers_background(found):
    shares = np.full_like(found.shares, 0.02)
    shares[:, 0, BACKGROUND] = 0.94  # an early layer may look where it likes
    assert not dataclasses.replace(found, shares=shares).alarms()
    names = np.array(CLASSES[:2] * (len(shares) // 2), dtype=object)
    shares[names == CLASSES[0], -1, BACKGROUND] = 0.94
    (alarm,) = dataclasses.replace(found, shares=shares, predicted=names).alarms()
    in_run = dict.fromkeys([(name, right) for name in CLASSES for right in (True, False)], 100)
    (weighed,) = dataclasses.replace(found, shares=shares, predicted=names).alarms(in_run)
    assert "in the run" in weighed.sentence or "were looked at" in weighed.sentence
    assert alarm.class_name == CLASSES[0] and alarm.area == pytest.approx(found.area[:, BACKGROUND].mean(), abs=0.05)


def test_a_layer_of_few_cells_tells_no_region_raises_no_alarm_and_is_drawn_as_its_cells(run):
    names = run.samples()["sample"].tolist()[:4]
    seen = attend(run, names, BOXES, layers=("layer2", "layer4"))
    assert seen.grids == ((8, 8), (2, 2))
    assert np.isfinite(seen.shares[:, 0]).any() and np.isnan(seen.shares[:, 1]).all()
    assert "layer4 has 2 x 2 cells" in seen.silent and "224 px" in seen.silent
    everywhere_else = np.full_like(seen.shares, 0.94)
    assert not dataclasses.replace(seen, shares=everywhere_else, predicted=np.array([CLASSES[0]] * 4)).alarms()
    quarters = seen.maps[:, 1].reshape(4, 2, SMALL // 2, 2, SMALL // 2).astype(float)
    assert (quarters.std(axis=(2, 4)) < 1e-3).all()


def test_the_command_prints_shares_by_layer_and_region(run, capsys, monkeypatch):
    options = {"method": "GradCAM", "which": "best", "runs_dir": run.dir.parent}
    cli_attend.attend([run.id], photos=10, boxes="portrait", **options)
    told = capsys.readouterr().out
    chosen = cli_attend._choose(run, 10)
    assert "too few cells to tell regions apart: layer3 4 x 4 cells, layer4 2 x 2 cells" in told
    assert "no alarm can be raised. The map of layer4 has 2 x 2 cells" in told
    assert f"{run.id}: ResNet-18, 10 photos" in told and all(name in told for name in regions.REGIONS)
    expected = attend(run, chosen, BOXES).share_of(np.ones(10, bool)).people
    assert expected == len({name.partition("/")[0] for name in chosen}) == 10  # people first, then second photos
    with pytest.raises(LabError, match="Choose auto, close or portrait"):
        cli_attend.attend([run.id], photos=10, boxes="round", **options)
    told = run.samples().drop(columns=["mask", "gender", "age"])
    monkeypatch.setattr(Run, "samples", lambda run: told)
    cli_attend.attend([run.id], photos=10, boxes="auto", **options)
    out, err = capsys.readouterr()
    (of_last_layer,) = [line.split() for line in out.splitlines() if line.startswith("right") and " layer4 " in line]
    assert of_last_layer[-5:-1] == ["-"] * 4 and of_last_layer[-1].endswith("%"), "how much heat is in one place"
    assert "no alarm can be raised. Nobody said where" in out and "too few cells" not in out
    assert "nothing in its dataset tells that its photos show faces" in err
    assert "--boxes close or --boxes portrait" in err
