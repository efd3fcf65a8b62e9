"""How large a photo may be: a setting of the machine that whoever is refused is told of."""

import pytest
from PIL import Image

from core.data.images import photo_fault
from core.data.pictures import limit
from core.data.verify import verify
from core.errors import LabError
from tests.photos import png_bomb


@pytest.fixture(autouse=True)
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv(limit.GIVEN, raising=False)


def test_the_usual_limits_are_64_million_and_256_million_of_a_jpeg():
    limit.check_size(8000, 8000)
    limit.check_size(16_000, 16_000, reducible=True)
    for size, reducible in (((8000, 8001), False), ((16_000, 16_001), True)):
        with pytest.raises(LabError) as refusal:
            limit.check_size(*size, reducible=reducible)
        assert refusal.value.kind == "bomb" and "by FACET_MEGAPIXELS; now 256 megapixels" in refusal.value.remedy


def test_a_limit_that_is_raised_or_lowered_holds_at_once_also_for_what_is_remembered(tmp_path, monkeypatch):
    Image.new("L", (5000, 4000)).save(tmp_path / "a.png", compress_level=1)
    file = (str(tmp_path / "a.png"), 1, 1)
    memory = tmp_path / "memory.parquet"
    assert verify([file], memory=memory)[0].kind == ""
    limit.write(64)
    assert limit.megapixels() == 64 and verify([file], memory=memory)[0].kind == "bomb"
    assert "the limit is 16 million (four times as many in a JPEG)" in str(photo_fault(file[0])[2])
    monkeypatch.setenv(limit.GIVEN, "80")
    assert limit.forced() == 80 and verify([file], memory=memory)[0].kind == ""


def test_a_bomb_stays_one_under_the_highest_limit(tmp_path):
    limit.write(limit.MOST)
    (tmp_path / "a.png").write_bytes(png_bomb(40_000, 40_000))
    assert photo_fault(tmp_path / "a.png")[2].kind == "bomb"


@pytest.mark.parametrize("value", [0, 63, limit.MOST + 1, True, "80", None, 80.5])
def test_what_is_no_limit_is_refused_and_a_damaged_setting_is_the_usual_one(tmp_path, value):
    with pytest.raises(LabError, match="whole number of megapixels"):
        limit.write(value)
    limit.write(100)
    (file,) = (tmp_path / "runs").rglob("photos.json")
    file.write_text("{")
    assert limit.megapixels() == limit.USUAL
