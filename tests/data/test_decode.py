"""Decoding behind: what is understood comes first, and decoding can be left to the first epoch."""

import pytest
from PIL import Image

from core.config import from_dict
from core.config.parts import DataConfig
from core.data import verify as verify_file
from core.data.scan import scan
from core.data.verify import verify
from core.errors import LabError
from core.plan.plan import make_plan
from core.runs.create import create
from core.training.train import train_fold
from tests.photos import draw, noise


@pytest.fixture
def pets(tmp_path):
    """Twelve photos of two classes; one lacks its second half, one is no image, one is on its side."""
    for i in range(12):
        draw(tmp_path / f"pets/{('cat', 'dog')[i % 2]}/{i}.jpg", (i, 9 * i, 7 * i), size=(64, 64))
    Image.fromarray(noise(64, 48)).save(tmp_path / "pets/cat/cut.jpg", quality=95)
    whole = (tmp_path / "pets/cat/cut.jpg").read_bytes()
    (tmp_path / "pets/cat/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "pets/dog/words.jpg").write_text("no picture")
    turned = Image.fromarray(noise(64, 48))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "pets/dog/turned.jpg", exif=exif)
    return tmp_path / "pets"


def test_labels_classes_and_facts_are_known_before_any_photo_is_opened(pets, monkeypatch):
    opened, early = [], []
    real = verify_file.photo_fault
    monkeypatch.setattr(
        verify_file, "photo_fault", lambda path, *args, **kwargs: opened.append(path) or real(path, *args, **kwargs)
    )
    scanned = scan(DataConfig(root=str(pets)), threads=1, labels_read=lambda first: early.append((first, len(opened))))
    ((first, opened_by_then),) = early
    assert opened_by_then == 0 and len(opened) == 15
    assert first.attributes["label"].counts == {"cat": 7, "dog": 8}
    assert scanned.attributes["label"].counts == {"cat": 6, "dog": 7}
    assert first.facts == scanned.facts and first.problems.empty and len(scanned.problems) == 2


def test_decoding_left_to_the_first_epoch_reads_headers_and_says_so(pets):
    scanned = scan(DataConfig(root=str(pets), decode="first epoch"), threads=1)
    assert len(scanned.samples) == 14 and scanned.problems["sample"].tolist() == ["dog/words.jpg"]
    at = scanned.samples.set_index("sample")
    before = scan(DataConfig(root=str(pets)), threads=1)
    known = before.samples.set_index("sample")
    assert known.index.tolist() == [name for name in at.index if name != "cat/cut.jpg"]
    assert at.loc[known.index, ["width", "height"]].equals(known[["width", "height"]])
    assert tuple(at.loc["dog/turned.jpg", ["width", "height"]]) == (48, 64)
    (fact,) = [fact for fact in scanned.facts if fact.settings == ("decode",)]
    assert fact.text.startswith("14 photos are known by the header alone") and not fact.probable


def test_what_headers_say_is_not_remembered_and_what_decoding_said_is_used(pets, tmp_path):
    memory = tmp_path / "memory.parquet"
    files = [(str(pets / name), (pets / name).stat().st_size, 1) for name in ("cat/cut.jpg", "cat/0.jpg")]
    assert [kind for _, _, kind, *_ in verify(files, threads=1, memory=memory, decodes=False)] == ["", ""]
    assert not memory.exists()
    assert [kind for _, _, kind, *_ in verify(files, threads=1, memory=memory)] == ["truncated", ""]
    assert [kind for _, _, kind, *_ in verify(files, threads=1, memory=memory, decodes=False)] == ["truncated", ""]


def test_a_bad_photo_stops_its_fold_in_the_first_epoch_and_is_named(pets, tmp_path):
    config = from_dict(
        {
            "name": "later",
            "data": {"root": str(pets), "decode": "first epoch", "leave_out_problems": True},
            "task": {"name": "label"},
            "folds": {"count": 2},
            "transforms": [{"name": "Resize", "params": {"height": 32, "width": 32}}, {"name": "Normalize"}],
            "model": {"init": "scratch"},
            "phases": [{"epochs": 1}],
            "training": {"device": "cpu", "batch_size": 4},
        }
    )
    plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=tmp_path / "runs")
    with pytest.raises(LabError) as caught:
        train_fold(run, 0)
    assert "cat/cut.jpg" in str(caught.value) and caught.value.kind == "truncated"
