"""Cells of a map: how they are told, and that drawing them adds nothing that the layer does not know."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from core.inside import cells, fold_models, picture
from core.inside.cam import rescale
from core.inside.face_maps import MapRequest, held_out, of_uploads
from core.inside.maps import layer_maps
from tests.fold_runs import draw_faces, make_run

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("cells")
    yield make_run(root / "runs", draw_faces(root / "utk"), kept=("best",))
    fold_models.free()


def test_few_cells_are_told_and_as_many_as_the_last_layer_has_at_224_px_are_enough():
    assert cells.is_coarse((2, 2)) and cells.is_coarse((6, 30))
    assert not cells.is_coarse((7, 7)) and not cells.is_coarse((0, 0)), "no map is not a coarse one"
    assert cells.in_words([(2, 2), (7, 5), (2, 2), (0, 0)]) == "2 x 2 or 7 x 5 cells" and cells.in_words([(0, 0)]) == ""


@pytest.mark.parametrize("signed", [False, True])
def test_each_pixel_has_the_value_of_its_cell(signed):
    raw = np.array([[[-2.0, 1.0, 0.0], [4.0, 3.0, -1.0]], np.zeros((2, 3))])
    drawn = cells.as_cells(raw, (5, 6), signed)
    assert drawn.dtype == np.float32 and drawn.shape == (2, 5, 6) and not drawn[1].any()
    expected = raw[0] / 4 if signed else np.maximum(raw[0], 0) / 4
    for row in range(5):
        for column in range(6):
            assert drawn[0, row, column] == pytest.approx(expected[int(row * 2 / 5), int(column * 3 / 6)])
    np.testing.assert_allclose(rescale(raw, (2, 3), signed)[0], expected, atol=1e-6)  # at its own size the same heat


def test_a_layer_of_enough_cells_stays_the_librarys_map_and_others_are_cells(run):
    names = run.samples()["sample"].tolist()[:2]
    maps = layer_maps(run, 0, names)
    drawn, grids = cells.drawn(maps), cells.grids_of(maps)
    side = maps.maps.shape[2]
    assert grids == tuple((side // part, side // part) for part in (2, 4, 8, 16, 32))
    for place, (grid, raw) in enumerate(zip(grids, maps.raw, strict=True)):
        if cells.is_coarse(grid):
            assert len(np.unique(drawn[0, place])) <= grid[0] * grid[1]
            np.testing.assert_array_equal(drawn[:, place], cells.as_cells(raw, (side, side)))
        else:
            np.testing.assert_array_equal(drawn[:, place], maps.maps[:, place])
    assert np.array_equal(maps.maps[:, -1], rescale(maps.raw[-1], (side, side))), "what was asked for is left alone"


def test_faces_and_their_mean_carry_their_cells_into_what_is_downloaded(run):
    request = MapRequest(layers=("layer1", "layer3.1", "layer4"))
    name = run.samples()["sample"].iloc[0]
    (face,) = held_out(run, [name], request).faces
    assert cells.is_coarse(face.grids[2]) and len(np.unique(face.maps[2])) <= face.grids[2][0] * face.grids[2][1]
    uploads = of_uploads(run, {"new": face.photo}, request).faces
    assert [each.model for each in uploads][-2:] == ["mean of 2 folds", "disagreement of 2 folds"]
    assert {each.grids for each in uploads} == {face.grids}
    assert all(len(np.unique(each.maps[2])) <= face.grids[2][0] ** 2 for each in uploads)
    assert picture.cells_in_words([face])[2] == cells.in_words([face.grids[2]])
    titled, untitled = (
        np.asarray(Image.open(io.BytesIO(picture.sheet([each]))))
        for each in (face, dataclasses.replace(face, grids=()))
    )
    assert (titled[:30] != untitled[:30]).any() and (titled[30:] == untitled[30:]).all()
