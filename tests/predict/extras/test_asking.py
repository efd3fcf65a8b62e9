"""Networks asked in every view at once answer what they answer when each way of asking is a call of its own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import LabError
from core.inside import fold_models
from core.predict import answering
from core.predict.extras import asking
from core.predict.extras.measured import HELD_OUT, TEST, measured
from core.predict.extras.ways import EXTRAS, PARTS, PLAIN
from core.predict.members import Member
from tests.fold_runs import answer_held_out, draw_faces, make_run
from tests.measured_runs import drawn

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two folds with random weights; its test photos are three others."""
    root = tmp_path_factory.mktemp("asking")
    made = answer_held_out(make_run(root / "runs", draw_faces(root / "utk"), kept=("best",)))
    test = made.samples().iloc[:3].drop(columns="fold").reset_index(drop=True)
    test["sample"] = [f"test/{row}.jpg" for row in range(3)]
    drawn(test, root / "utk").to_parquet(made.test_file, index=False)
    yield made
    fold_models.free()


def test_every_way_is_what_a_prediction_with_those_views_is(run):
    members = [Member(run, fold) for fold in run.folds()]
    photos = [lambda bits, path=path: np.asarray(Image.open(path)) for path in run.test_photos()["path"]]
    steps = []
    asked = asking.asked(
        members, photos, [PLAIN, *EXTRAS], who=np.ones((2, 3), dtype=bool), progress=lambda *of: steps.append(of)
    )
    for way, views in {PLAIN: (), "flip": ("flip",), "crops": ("crops",), "flip+crops": ("flip", "crops")}.items():
        alone = answering.answers(members, photos, views=views).probabilities
        np.testing.assert_allclose(asked.answers[way], alone, atol=1e-9)
    assert steps[0] == (3, 3 + 2 * 3 * 12) and steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert asked.passes.keys() == PARTS.keys() and asked.asked.tolist() == [3, 3]
    assert asked.reading > 0 and all((spent > 0).all() for spent in asked.passes.values())
    assert asked.device.startswith("CPU")


def test_held_out_photos_are_answered_as_in_the_runs_own_table_and_kept(run, monkeypatch):
    of_run = measured(run, HELD_OUT, ["flip"])
    recorded = np.concatenate([run.predictions(fold).filter(like="p_").to_numpy() for fold in run.folds()])
    names = np.concatenate([run.predictions(fold)["sample"].to_numpy() for fold in run.folds()])
    order = [names.tolist().index(sample) for sample in of_run.samples]
    assert of_run.samples.tolist() == run.samples()["sample"].tolist()
    np.testing.assert_allclose(of_run.answers[PLAIN][0], recorded[order], atol=1e-5)
    assert not run.test_predictions_file.exists()
    monkeypatch.setattr(asking, "asked", lambda *_, **__: pytest.fail("asked again"))
    again = measured(run, HELD_OUT, ["flip"])
    np.testing.assert_array_equal(again.answers["flip"], of_run.answers["flip"])
    assert again == of_run and again.passes.keys() == {"photo", "flip"}


def test_a_test_photo_that_cannot_be_read_or_was_changed_is_no_part_of_it(run):
    path = Path(run.test_photos()["path"].iloc[2])
    content = path.read_bytes()
    try:
        path.write_bytes(content + b"more")
        with pytest.raises(LabError, match=r"test/2\.jpg \(changed\)"):
            measured(run, TEST)
    finally:
        path.write_bytes(content)
    assert not run.extras_file(TEST).exists() and not run.test_predictions_file.exists()
