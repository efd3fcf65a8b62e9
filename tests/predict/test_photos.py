"""Photos that are asked about can be opened, and their names written down."""

import os

from core.predict import photos
from tests.photos import draw


def test_one_photo_is_named_so_that_its_answer_can_be_written_whatever_bytes_its_name_is_made_of(tmp_path):
    place = tmp_path / os.fsdecode(b"caf\xe9.png")
    draw(tmp_path / "a.png").rename(place)
    (photo,) = photos.of_path(place)
    assert photo.name == "caf\\udce9.png"
    assert photo.pixels(0).shape == (6, 8, 3) and photo.file() == place
