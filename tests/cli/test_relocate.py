"""The verb `relocate`: what it prints, and how it ends where the folder is not the dataset's."""

import shutil

from core.data.content.unchanged import check_unchanged
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from tests.moving import draw_dataset, frozen_run
from tests.photos import draw


def test_a_run_and_then_all_of_its_dataset_follow(lab, runs_folder, tmp_path):
    dataset = draw_dataset(tmp_path / "photos")
    first, second = (frozen_run(runs_folder, dataset, name) for name in ("first", "second"))
    corrections.add(dataset, Correction(kind="exclude-photo", sample="train/cat/0.png"))
    new = dataset.rename(tmp_path / "new")
    resumed = lab("resume", first.id)
    assert resumed.code == 1 and "error: dataset" in resumed.err
    assert f"relocate RUN FOLDER --runs {runs_folder}." in resumed.err
    one = lab("relocate", first.id, new)
    assert (one.code, one.err) == (0, "")
    assert one.out.splitlines() == [
        f"{first.id}  10 photos found, 10 compared byte by byte",
        "label corrections that hold there: 1",
    ]
    rest = lab("relocate", "--all-of", dataset, new)
    assert rest.code == 0 and rest.out.splitlines()[0] == f"{second.id}  10 photos found, 10 compared byte by byte"
    for run in (first, second):
        check_unchanged(run.samples())
    again = lab("relocate", first.id, new)  # where it is already
    assert again.code == 0 and first.id in again.out


def test_what_is_not_the_dataset_is_refused_in_two_lines(lab, runs_folder, tmp_path):
    dataset = draw_dataset(tmp_path / "photos")
    run = frozen_run(runs_folder, dataset)
    (new := tmp_path / "new").mkdir()
    shutil.copytree(dataset / "train", new / "train")
    lacking = lab("relocate", run.id, new)
    assert lacking.code == 1 and "lacks 2 of 10 photos" in lacking.err and "--missing" in lacking.err
    assert not run.moved_file.exists()
    agreed = lab("relocate", run.id, new, "--missing")
    assert agreed.code == 0 and "8 photos found, 8 compared byte by byte; missing: test/cat/9.png" in agreed.out
    for words in (["relocate", run.id], ["relocate", "--all-of", dataset, run.id, new]):
        ended = lab(*words)
        assert ended.code == 1 and "a run and a folder are expected" in ended.err
    nobodys = lab("relocate", "--all-of", "~nosuchuser/photos", new)
    assert nobodys.code == 1 and "is on the dataset" in nobodys.err and "~nosuchuser/photos" in nobodys.err


def test_a_run_that_stays_is_told_and_the_exit_code_says_so(lab, runs_folder, tmp_path):
    dataset = draw_dataset(tmp_path / "photos")
    whole, part = frozen_run(runs_folder, dataset, "whole"), frozen_run(runs_folder, dataset, "part", test=False)
    new = dataset.rename(tmp_path / "new")
    shutil.rmtree(new / "test")
    ended = lab("relocate", "--all-of", dataset, new)
    assert ended.code == 1 and ended.out.startswith(f"{part.id}  8 photos found")
    assert f"error: {whole.id} stays where it was" in ended.err and "test/dog/9.png (gone)" in ended.err


def test_corrections_that_may_be_of_other_photos_are_told_to_stay(lab, runs_folder, tmp_path):
    dataset = draw_dataset(tmp_path / "photos")
    run = frozen_run(runs_folder, dataset)
    new = dataset.rename(tmp_path / "new")
    draw(dataset / "train/cat/0.png", (200, 0, 50))
    corrections.add(dataset, Correction(kind="exclude-photo", sample="train/cat/0.png"))
    ended = lab("relocate", run.id, new)
    assert ended.code == 0 and "label corrections that hold there" not in ended.out
    assert f"Label corrections and reviews of {dataset} were not taken along" in ended.out
