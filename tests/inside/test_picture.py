"""What is downloaded is what is shown: colours, overlays, the PNG's pixels and the NPZ's numbers."""

import io
import json

import numpy as np
import plotly.colors
import pytest
from PIL import Image

from core.inside import picture as look_picture
from core.inside.face_maps import FaceMaps

SIDE = 32


def look(number, layers=("layer1", "layer4"), **change):
    rng = np.random.default_rng(number)
    values = {
        **{"run_id": "20260101-000000-made-0000", "run_name": "made <b>", "sample": f"p{number}/\u00fc\n.jpg"},
        **{"model": f"fold {number}, held out", "fold": number, "held_out": True, "layers": layers},
        "maps": rng.random((len(layers), SIDE, SIDE), np.float32),
        "photo": rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
        **{"method": "GradCAM", "predicted": "male", "true": "female", "target": "male", "confidence": 0.7},
    }
    return FaceMaps(**(values | change))


@pytest.mark.parametrize("name", look_picture.COLOURS)
def test_a_colour_table_is_the_known_one(name):
    anchors = getattr(plotly.colors.sequential, name.capitalize())
    plotlys = np.array([plotly.colors.hex_to_rgb(c) if c[0] == "#" else plotly.colors.unlabel_rgb(c) for c in anchors])
    at = np.rint(np.linspace(0, 255, len(plotlys))).astype(int)
    assert np.abs(look_picture.lut(name)[at].astype(float) - plotlys).mean() < 6


def test_grey_is_exact_and_what_is_no_number_is_nothing():
    heat = np.array([0, 0.5, 1, 2, -1, np.nan])
    assert look_picture.grey(heat).tolist() == [0, 128, 255, 255, 0, 0]
    assert look_picture.grey(heat, signed=True).tolist() == [128, 192, 255, 255, 1, 128]


def test_cold_leaves_the_photo_and_hot_takes_the_colour():
    photo = np.full((4, 4, 3), 100, dtype=np.uint8)
    table = look_picture.lut("turbo")
    np.testing.assert_array_equal(look_picture.overlay(photo, np.zeros((4, 4)), table, 1.0), photo)
    np.testing.assert_array_equal(look_picture.overlay(photo, np.ones((4, 4)), table, 1.0)[0, 0], table[255])
    np.testing.assert_array_equal(look_picture.overlay(photo, np.full((4, 4), np.nan), table, 1.0), photo)
    signed = look_picture.lut("turbo", signed=True)
    np.testing.assert_array_equal(look_picture.overlay(photo, np.zeros((4, 4)), signed, 1.0, True), photo)
    assert look_picture.overlay(photo, np.full((4, 4), -1.0), signed, 1.0, True)[0, 0, 2] > 150  # cold is blue


@pytest.mark.parametrize("overlaid", [True, False])
def test_the_png_shows_photo_and_layers_of_every_row(overlaid):
    rows, table = [look(0), look(1)], look_picture.lut("inferno")
    stream = io.BytesIO(look_picture.sheet(rows, "inferno", 0.8, overlaid))
    picture = np.asarray(Image.open(stream).convert("RGB"))
    for row, one in enumerate(rows):
        top, left = 30 + row * (SIDE + look_picture.GAP), look_picture.LABEL
        expected = [one.photo]
        for heat in one.maps:
            alone = table[np.rint(255 * heat).astype(int)]
            mixed = one.photo * (1 - 0.8 * heat[..., None]) + alone * 0.8 * heat[..., None]
            expected.append(mixed if overlaid else alone)
        for column, pixels in enumerate(expected):
            x = left + column * (SIDE + look_picture.GAP)
            np.testing.assert_allclose(picture[top : top + SIDE, x : x + SIDE], pixels, atol=2)


def test_rows_with_and_without_a_sign_keep_their_own_colours_in_one_sheet():
    """The disagreement of a difference has no sign: painted as if it had, it would show cold where there is none."""
    plain, signed = look(0, photo=None), look(1, photo=None, maps=np.full((2, SIDE, SIDE), -1, np.float32), signed=True)
    picture = np.asarray(Image.open(io.BytesIO(look_picture.sheet([plain, signed], "turbo", 1.0))))
    x = look_picture.LABEL  # no row has a photo, so there is no place for one
    first = picture[30 : 30 + SIDE, x : x + SIDE]
    np.testing.assert_array_equal(first, look_picture.lut("turbo")[look_picture.grey(plain.maps[0])])
    second = picture[30 + SIDE + look_picture.GAP :][:SIDE, x : x + SIDE]
    np.testing.assert_array_equal(second, np.broadcast_to(look_picture.lut("turbo", signed=True)[1], second.shape))


def test_the_npz_holds_the_numbers_and_what_they_are_of():
    rows = [look(0), look(1, photo=None)]
    with np.load(io.BytesIO(look_picture.arrays(rows)), allow_pickle=False) as archive:
        assert sorted(archive) == ["map_0", "map_1", "photo_0", "rows"]
        np.testing.assert_array_equal(archive["map_1"], rows[1].maps)
        np.testing.assert_array_equal(archive["photo_0"], rows[0].photo)
        described = json.loads(str(archive["rows"]))
    assert described[0]["sample"] == rows[0].sample and described[0]["held_out"] is True
    assert described[1]["layers"] == ["layer1", "layer4"] and "maps" not in described[1]
