"""What leaves the lab with a message: nothing of a dataset, whatever the sentence of an error names."""

from dataclasses import asdict, replace

import pandas as pd
import pytest

from core.data.content.unchanged import check_unchanged
from core.data.images import load_image
from core.data.paths import photo_file
from core.data.reach import bounds
from core.errors import LabError
from core.jobs import fold_job, halt, reach
from core.jobs.alerts import messages
from core.storage import lab_file
from tests.pages.trials import make_run

PERSON, PHOTO = "Anna Smith", "0007_female_34.jpg"
NAMES = (PERSON, PHOTO, "female", "portraits")


def gone(photo):
    load_image(photo, 0)


def cut_off(photo):
    photo.write_bytes(b"\xff\xd8\xff\xe0")
    load_image(photo, 0)


def no_photo(photo):
    photo.write_text("nothing")
    load_image(photo, 0)


def table_of(photo, *others):
    """A samples table of photos that the dataset does not hold as they were."""
    paths = [photo, *others]
    rows = {"sample": [f"{PERSON}/{path.name}" for path in paths], "path": [str(path) for path in paths]}
    return pd.DataFrame({**rows, "bytes": 9_999, "mtime_ns": 0, "hash": "0" * 32})


def changed(photo):
    photo.write_text("another")
    check_unchanged(table_of(photo, photo.with_name("0008_female_34.jpg")))


def moved(photo):
    check_unchanged(table_of(photo))


def not_allowed(photo):
    raise bounds.refusal(photo)


def out_of_the_dataset(photo):
    photo.parent.joinpath("link").symlink_to("/")
    photo_file(str(photo.parent / "link"), f"{PERSON}/link")


def unforeseen(photo):
    raise ValueError(f"cannot use {photo}")


@pytest.fixture
def photo(tmp_path):
    """Where a photo lies: its folder is called as a person, its file tells a label."""
    folder = tmp_path / "portraits" / PERSON
    folder.mkdir(parents=True)
    return folder / PHOTO


@pytest.fixture
def run(runs_folder):
    return make_run(runs_folder, states=("done", "failed"))


def failure(run, happens, photo):
    """The fold as a training leaves it in which this happened."""
    with fold_job.ending(run, 1) as end:
        happens(photo)
    return replace(run.written_state(1), **end)


def sent(message):
    return " ".join(map(str, asdict(message).values()))


@pytest.mark.parametrize(
    "happens", [gone, cut_off, no_photo, changed, moved, not_allowed, out_of_the_dataset, unforeseen]
)
def test_no_photo_person_label_or_folder_of_a_dataset_is_named(run, photo, happens):
    state = failure(run, happens, photo)
    assert any(name in state.reason for name in NAMES), "the pages of the lab name it"
    message = messages.of_run(run, [run.written_state(0), state])
    assert not [name for name in NAMES if name in sent(message)]
    assert message.text.startswith("Fold 1: ") and "The lab's pages have the whole sentence" in message.text


def test_what_happened_is_told_all_the_same(run, photo):
    states = [failure(run, happens, photo) for happens in (gone, moved, unforeseen)]
    texts = [messages.of_run(run, [run.written_state(0), state]).text for state in states]
    words = ("a photo is gone.", "not one of its photos is where it was.", "an error that nobody foresaw.")
    assert all(text.startswith(f"Fold 1: {what}") for text, what in zip(texts, words, strict=True))


@pytest.mark.parametrize("happens", [moved, unforeseen])
def test_a_queue_that_stops_for_photos_names_none_either(run, photo, happens):
    state, root = failure(run, happens, photo), run.dir.parent
    for job in "abc":
        halt.failed(root, 0, job, state.reason, 1.0, state.kind)
    message = messages.of_stop(root, halt.stopped(root))
    assert message.text.startswith("The queue has stopped: 3 fold jobs in a row failed as soon as they started.")
    assert messages.IN_SHORT[state.kind] in message.text
    assert not [name for name in NAMES if name in sent(message)]


def test_a_lab_file_that_names_a_folder_of_photos_wrongly_is_not_sent(runs_folder, monkeypatch):
    monkeypatch.delenv("FACET_LAB_FILE", raising=False)
    path = runs_folder / "lab.toml"
    path.write_text('[data]\nfolders = ["portraits/Anna Smith"]\n')
    with pytest.raises(LabError, match="portraits") as wrong:
        lab_file.read(runs_folder)
    halt.stop(runs_folder, wrong.value.message, reach.LET_GO_ON, wrong.value.kind)
    assert "portraits" in halt.stopped(runs_folder).message
    message = messages.of_stop(runs_folder, halt.stopped(runs_folder))
    assert message.text.startswith("The queue has stopped. ") and "portraits" not in sent(message)
