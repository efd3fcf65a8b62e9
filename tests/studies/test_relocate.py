"""A dataset that moved: it is recognised by names, sizes and bytes, and everything that goes by its folder follows."""

import os
import re
import shutil
from pathlib import Path

import pytest

from core.config.run_config import DataConfig
from core.data import recent
from core.data.content.unchanged import check_unchanged
from core.data.labels import correction_rows, corrections, reviews
from core.data.labels.corrections import Correction
from core.data.paths import photo_file
from core.errors import LabError
from core.jobs import control
from core.runs import Run
from core.runs.moves import agreement
from core.studies import record_file, records
from core.studies.record_file import Study, StudyRun
from core.studies.relocate import relocate, relocate_all
from core.training import pixel_cache
from tests.moving import draw_dataset, frozen_run, listed
from tests.old_runs import FASTER, FINISHED, INTERRUPTED, STUDY, thaw
from tests.photos import draw


@pytest.fixture
def lab(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def dataset(tmp_path):
    return draw_dataset(tmp_path / "photos")


def refused(run, root, **agreed):
    before = sorted((path.name, path.stat().st_mtime_ns) for path in run.dir.iterdir())
    with pytest.raises(LabError) as caught:
        relocate(run, root, **agreed)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in run.dir.iterdir()) == before
    return caught.value


def all_photos(run):
    return [*run.samples().itertuples(), *run.test_photos().itertuples()]


def exchange_bytes(one, other):
    """Each has the content, and the time, of the other."""
    first, second = (path.read_bytes() for path in (one, other))
    assert first != second
    times = os.stat(one).st_mtime_ns, os.stat(other).st_mtime_ns
    one.write_bytes(second)
    other.write_bytes(first)
    os.utime(one, ns=(times[0], times[0]))
    os.utime(other, ns=(times[1], times[1]))


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_everything_that_was_frozen_is_read_from_where_the_dataset_lies_now(lab, dataset, tmp_path, how):
    run = frozen_run(lab, dataset)
    frozen = {path.name: path.read_bytes() for path in run.dir.iterdir() if path.suffix in (".parquet", ".yaml")}
    assert set(frozen) == {"config.yaml", "samples.parquet", "test.parquet"}
    new = tmp_path / "elsewhere" / "renamed"
    if how == "moved":
        new.parent.mkdir()
        dataset.rename(new)
    else:  # other times, too
        shutil.copytree(dataset, new, copy_function=shutil.copyfile)
        shutil.rmtree(dataset)
    for photos in (run.samples(), run.test_photos()):
        with pytest.raises(LabError, match="not one of its") as caught:
            check_unchanged(photos)
        assert caught.value.kind == "data-moved"
    agreed = relocate(run, str(new)).agreed[run.id]
    assert (agreed.photos, agreed.compared) == (10, 10) and not agreed.missing
    for photos in (run.samples(), run.test_photos()):
        check_unchanged(photos)
    for row in all_photos(run):
        assert row.path == str(new / row.sample) and photo_file(row.path, row.sample) == new / row.sample
    assert run.config().data.root == str(new) and listed(run)["dataset"] == "renamed"
    assert {name: (run.dir / name).read_bytes() for name in frozen} == frozen
    copy = Run(run.id, Path(shutil.copytree(run.dir, tmp_path / "other lab" / run.id)).parent)
    assert copy.samples()["path"].tolist() == run.samples()["path"].tolist() and copy.config() == run.config()


def test_a_dataset_that_moves_twice_is_where_it_was_last_and_may_come_home(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    for place in (tmp_path / "b", tmp_path / "c", dataset):
        Path(run.config().data.root).rename(place)
        relocate(run, place)
        check_unchanged(run.samples())
        assert run.config().data.root == str(place)


def test_the_same_photos_have_their_decoded_pixels_wherever_they_lie(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    place = pixel_cache.pixels_file(tmp_path, run.samples(), run.config().transforms)
    shutil.copytree(dataset, tmp_path / "new", copy_function=shutil.copyfile)
    relocate(run, tmp_path / "new")
    assert pixel_cache.pixels_file(tmp_path, run.samples(), run.config().transforms) == place
    other = run.samples().assign(hash=["0" * 64, *run.samples()["hash"][1:]])
    assert pixel_cache.pixels_file(tmp_path, other, run.config().transforms) != place


def test_another_dataset_with_the_same_names_and_sizes_is_refused(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    corrections.add(dataset, Correction(kind="exclude-photo", sample="train/cat/0.png"), lab)
    other = Path(shutil.copytree(dataset, tmp_path / "other"))
    for n in range(4):
        exchange_bytes(other / f"train/cat/{n}.png", other / f"train/dog/{n}.png")
    shutil.rmtree(dataset)
    error = refused(run, other, missing=True, same_sizes=True)
    assert error.kind == "other-data" and "8 of 10 photos" in error.message
    assert "train/cat/0.png (changed), train/cat/1.png (changed)" in error.message and " and 5 more" in error.message
    assert run.config().data.root == str(dataset) and corrections.load(other, lab) == []
    assert len(corrections.load(dataset, lab)) == 1


def test_one_photo_that_was_edited_is_named_and_nothing_is_taken_over(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    dataset.rename(tmp_path / "new")
    draw(tmp_path / "new/test/dog/9.png", (1, 2, 3))
    error = refused(run, tmp_path / "new", missing=True)
    assert error.kind == "other-data" and "1 of 10 photos" in error.message and "test/dog/9.png" in error.message
    (tmp_path / "new/test/dog/9.png").unlink()  # as the remedy says
    assert relocate(run, tmp_path / "new", missing=True).agreed


def test_a_missing_photo_is_named_and_can_be_agreed_to(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    new = dataset.rename(tmp_path / "new")
    photo = (new / "train/dog/3.png").rename(tmp_path / "taken.png")
    error = refused(run, new)
    assert error.kind == "missing-photos" and "1 of 10 photos" in error.message
    assert "train/dog/3.png (gone)" in error.message and "9 were compared" in error.message
    agreed = relocate(run, new, missing=True).agreed[run.id]
    assert [change.sample for change in agreed.missing] == ["train/dog/3.png"] and "missing: train/dog" in agreed.told()
    with pytest.raises(LabError, match=r"train/dog/3\.png \(gone\)") as caught:
        check_unchanged(run.samples())
    assert caught.value.kind == "data-changed"
    photo.rename(new / "train/dog/3.png")
    check_unchanged(run.samples())


def test_a_folder_that_is_not_the_dataset_is_told_with_the_one_that_may_be_meant(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    (tmp_path / "disk").mkdir()
    dataset.rename(tmp_path / "disk" / "renamed")
    for wrong in ("disk", "disk/renamed/train"):
        error = refused(run, tmp_path / wrong, missing=True)
        assert error.kind == "not-there" and "not one of 10 photos" in error.message
        assert f"Perhaps you mean {tmp_path / 'disk' / 'renamed'}" in error.remedy
    assert "Perhaps" not in refused(run, lab).remedy
    assert refused(run, tmp_path / "nowhere").kind == refused(run, " ").kind == "missing"


def test_in_a_large_dataset_a_spread_sample_of_the_bytes_and_every_size_is_compared(
    lab, dataset, tmp_path, monkeypatch
):
    run = frozen_run(lab, dataset)
    new = dataset.rename(tmp_path / "new")
    monkeypatch.setattr(agreement, "COMPARED", 3)
    exchange_bytes(new / "train/cat/1.png", new / "train/dog/1.png")  # neither the first, nor the middle, nor the last
    assert agreement.agreement(agreement.photos_of(run), new).compared == 3
    (new / "train/cat/1.png").write_bytes(b"larger" * 99)
    assert refused(run, new).message.count("train/cat/1.png (changed)") == 1


def test_a_link_that_leads_out_is_no_photo_of_the_new_folder_unless_it_was_followed_before(lab, dataset, tmp_path):
    outside = (dataset / "train/cat/0.png").rename(tmp_path / "outside.png")
    (dataset / "train/cat/0.png").symlink_to(outside)
    followed = frozen_run(lab, dataset, "followed", follow_links=True)
    (dataset / "train/cat/0.png").unlink()
    shutil.copy2(outside, dataset / "train/cat/0.png")
    plain = frozen_run(lab, dataset, "plain")
    new = dataset.rename(tmp_path / "new")
    (new / "train/cat/0.png").unlink()
    (new / "train/cat/0.png").symlink_to(outside)
    assert "train/cat/0.png (a link that leads out" in refused(plain, new).message
    relocate(followed, new)
    check_unchanged(followed.samples())
    rows = followed.samples().set_index("sample", drop=False).loc["train/cat/0.png"]
    assert photo_file(rows["path"], rows["sample"]) == outside


def test_corrections_reviews_and_the_list_of_datasets_follow_a_dataset_that_moved(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    made = corrections.add(dataset, Correction(kind="exclude-photo", sample="train/cat/0.png"), lab)
    reviews.confirm(dataset, "train/dog/1.png", "dog", lab)
    data = DataConfig(root=str(dataset), person_pattern="(.)")
    recent.remember(data, reader="folders", people=8, photos=8, folder=lab)
    new = dataset.rename(tmp_path / "new")
    outcome = relocate(run, new)
    assert outcome.corrections == 1 and corrections.load(new, lab) == [made]
    assert reviews.load(new, lab) == {"train/dog/1.png": "dog"}
    assert [entry.data["person_pattern"] for entry in recent.recent(lab) if entry.root == str(new)] == ["(.)"]
    assert corrections.load(dataset, lab) == [] and reviews.load(dataset, lab) == {}
    corrections.undo(new, made.id, lab)
    new.rename(dataset)
    relocate(run, dataset)
    assert corrections.load(dataset, lab) == []  # what was taken back does not come back with the dataset


def test_a_copy_begins_with_what_was_found_in_the_original_which_keeps_it(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    first = corrections.add(dataset, Correction(kind="exclude-photo", sample="train/cat/0.png"), lab)
    recent.remember(DataConfig(root=str(dataset)), reader="folders", people=8, photos=8, folder=lab)
    new = Path(shutil.copytree(dataset, tmp_path / "new"))
    second = corrections.add(new, Correction(kind="exclude-photo", sample="train/cat/1.png"), lab)
    relocate(run, new)
    assert corrections.load(dataset, lab) == [first] and set(corrections.load(new, lab)) == {first, second}
    assert {entry.root for entry in recent.recent(lab)} == {str(dataset), str(new)}


def test_what_was_undone_in_a_copy_does_not_come_back_with_the_runs_that_return_to_the_original(lab, dataset, tmp_path):
    run, other = frozen_run(lab, dataset), frozen_run(lab, dataset, "other")
    first, second, third = (
        corrections.add(dataset, Correction(kind="exclude-photo", sample=f"train/cat/{n}.png"), lab) for n in range(3)
    )
    for photo in ("train/dog/1.png", "train/dog/2.png"):
        reviews.confirm(dataset, photo, "dog", lab)
    new = Path(shutil.copytree(dataset, tmp_path / "new"))
    relocate(run, new)
    corrections.undo(new, first.id, lab)
    corrections.undo(dataset, third.id, lab)
    assert corrections.take_in(dataset, correction_rows.to_csv([third]), lab) == 1
    corrections.undo(dataset, third.id, lab)  # once more
    reviews.forget(new, "train/dog/1.png", lab)
    reviews.confirm(new, "train/dog/2.png", "puppy", lab)
    outcome = relocate(run, dataset)  # where the other run is still: what is there is its, too
    assert corrections.load(dataset, lab) == [first, second] and len(reviews.load(dataset, lab)) == outcome.undone - 1
    assert f"hold in {dataset} still, as other runs go by it: 3." in outcome.told()
    for each in (run, other):
        relocate(each, new)
    told = relocate(run, dataset).told()
    assert f"undone or changed in {new}, and are taken out in {dataset}, too: 3." in told and "taken in again" in told
    assert corrections.load(dataset, lab) == [second] and reviews.load(dataset, lab) == {"train/dog/2.png": "puppy"}
    assert corrections.take_in(dataset, correction_rows.to_csv([first, second]), lab) == 1
    for place in (new, dataset):
        assert relocate(run, place).told() == ""
    assert corrections.load(dataset, lab) == [second, first], "taken in on purpose"
    assert corrections.load(new, lab) == [second], "undone there"
    corrections.undo(dataset, first.id, lab)
    relocate(run, new)
    second_delivery(new)
    corrections.undo(new, second.id, lab)  # as it is not about the photos that lie there now
    reviews.forget(new, "train/dog/2.png", lab)
    assert relocate(run, dataset).told() == "" and corrections.load(dataset, lab) == [second]


def test_what_was_undone_in_a_copy_and_made_again_is_not_told_and_stays(lab, dataset, tmp_path):
    run, _ = frozen_run(lab, dataset), frozen_run(lab, dataset, "other")
    photo = {"kind": "relabel", "sample": "train/cat/0.png", "before": "no", "after": "yes"}
    first, second = (corrections.add(dataset, Correction(attribute=name, **photo), lab) for name in ("wet", "tame"))
    reviews.confirm(dataset, "train/dog/1.png", "dog", lab)
    right = reviews.file(dataset, lab)
    right.write_text(re.sub("^20[0-9]+", "2020", right.read_text(), flags=re.MULTILINE))  # when it was found
    new = Path(shutil.copytree(dataset, tmp_path / "new"))
    relocate(run, new)
    for each in (first, second):
        corrections.undo(new, each.id, lab)
    made = corrections.add(new, Correction(attribute="wet", **photo), lab)
    reviews.forget(new, "train/dog/1.png", lab)
    reviews.confirm(new, "train/dog/1.png", "dog", lab)
    outcome = relocate(run, dataset)
    assert made.id != first.id and corrections.load(dataset, lab) == [first, second]
    assert reviews.load(dataset, lab) == {"train/dog/1.png": "dog"}
    assert outcome.undone == 1 and "still, as other runs go by it: 1." in outcome.told(), "the one that is not tame"


def second_delivery(root, beside=""):
    """Other photos in the place of a dataset of draw_dataset. beside: in their names, where those are others, too."""
    for number, name in enumerate(("cat", "dog")):
        for n in range(5):
            draw(root / "train" / name / f"{beside}{n}.png", (100 + n, number, 50))
    return root


@pytest.mark.parametrize("beside", ["", "second-"])
def test_what_was_said_of_another_dataset_in_the_old_place_is_not_taken_along_and_told(lab, dataset, tmp_path, beside):
    run = frozen_run(lab, dataset)
    new = dataset.rename(tmp_path / "new")
    second_delivery(dataset, beside)
    made = corrections.add(dataset, Correction(kind="exclude-person", person=f"{beside}0"), lab)
    reviews.confirm(dataset, f"train/dog/{beside}1.png", "dog", lab)
    recent.remember(DataConfig(root=str(dataset)), reader="folders", people=10, photos=10, folder=lab)
    outcome = relocate(run, new)
    assert outcome.agreed.keys() == {run.id} and run.config().data.root == str(new)
    assert outcome.corrections == 0 and corrections.load(new, lab) == [] and reviews.load(new, lab) == {}
    assert corrections.load(dataset, lab) == [made] and len(reviews.load(dataset, lab)) == 1
    assert [entry.root for entry in recent.recent(lab)] == [str(dataset)]
    assert outcome.left == str(dataset) and f"of {dataset} were not taken along" in outcome.told()


def test_an_old_place_without_photos_and_one_that_holds_the_new_are_no_other_dataset(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset)
    made = corrections.add(dataset, Correction(kind="exclude-photo", sample="train/cat/0.png"), lab)
    new = dataset.rename(tmp_path / "new")
    (dataset / "train/cat").mkdir(parents=True)  # as a tool leaves it that moves file by file
    (dataset / "notes.txt").write_text("they are in new")
    outcome = relocate(run, new)
    assert corrections.load(new, lab) == [made] and outcome.told() == ""
    aside = new.rename(tmp_path / "aside")
    new.mkdir()
    deeper = aside.rename(new / "deeper")
    outcome = relocate(run, deeper)
    assert corrections.load(deeper, lab) == [made] and outcome.told() == ""


def study_of(lab, *runs, more=()):
    members = [StudyRun(run.id, run.id, run.config().model_dump(mode="json")) for run in runs]
    study = Study("20260101-000000-study-0000", "study", "", 0.0, {}, [*members, *more])
    record_file.folder_of(lab).mkdir(parents=True)
    record_file.write(study, lab)
    return study


def test_all_runs_and_studies_of_a_dataset_follow_and_no_others(lab, dataset, tmp_path):
    first, second = frozen_run(lab, dataset, "first"), frozen_run(lab, dataset, "second", test=False)
    stranger = frozen_run(lab, draw_dataset(tmp_path / "other"), "stranger")
    absent = StudyRun("20260101-000000-absent-0000", "absent", first.config().model_dump(mode="json"))
    study = study_of(lab, first, second, more=[absent])
    new = dataset.rename(tmp_path / "new")
    outcome = relocate_all(dataset, new, lab)
    assert set(outcome.agreed) == {first.id, second.id} and not outcome.refused and outcome.studies == (study.id,)
    for run in (first, second):
        check_unchanged(run.samples())
    assert stranger.config().data.root == str(tmp_path / "other")
    record = record_file.load(study.id, lab)
    assert {member.config["data"]["root"] for member in record.runs} == {str(new)}  # also of what is not launched yet
    with pytest.raises(LabError, match="no run in") as caught:
        relocate_all(dataset, new, lab)
    assert caught.value.kind == "gone"


def test_a_run_that_is_asked_about_takes_along_those_that_agree_and_says_which_do_not(lab, dataset, tmp_path):
    asked, fitting = frozen_run(lab, dataset, "asked"), frozen_run(lab, dataset, "fitting")
    study = study_of(lab, asked, fitting)
    draw(dataset / "train/cat/5.png", (50, 0, 0))
    larger = frozen_run(lab, dataset, "larger")
    new = dataset.rename(tmp_path / "new")
    (new / "train/cat/5.png").unlink()
    (new / "train/cat/0.png").unlink()
    outcome = relocate(asked, new, others=True, missing=True)
    assert set(outcome.agreed) == {asked.id, fitting.id} and outcome.studies == (study.id,)
    assert outcome.refused.keys() == {larger.id}  # nobody agreed to go without the other photo
    assert outcome.refused[larger.id].kind == "missing-photos"
    assert relocate(larger, new, missing=True).agreed


def test_a_study_stays_while_one_of_its_runs_does(lab, dataset, tmp_path):
    one, other = frozen_run(lab, dataset, "one"), frozen_run(lab, dataset, "other")
    study = study_of(lab, one, other)
    new = dataset.rename(tmp_path / "new")
    assert relocate(one, new).studies == ()
    assert {member.config["data"]["root"] for member in record_file.load(study.id, lab).runs} == {str(dataset)}
    assert relocate(other, new).studies == (study.id,)


@pytest.mark.parametrize("how", ["moved", "copied", "left empty", "another delivery"])
def test_a_run_that_was_deleted_before_it_was_moved_is_launched_from_where_the_others_have_their_dataset(
    lab, dataset, tmp_path, monkeypatch, how
):
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    one, other = frozen_run(lab, dataset, "one"), frozen_run(lab, dataset, "other")
    study, folds = study_of(lab, one, other), other.samples()[["sample", "fold"]]
    new = shutil.copytree(dataset, tmp_path / "new")
    if how != "copied":
        shutil.rmtree(dataset)
    if how == "left empty":
        (dataset / "train" / "cat").mkdir(parents=True)
    elif how == "another delivery":
        second_delivery(dataset, "")
    assert relocate(one, new).studies == ()
    other.delete()
    records.launch_missing(study, folder=lab)
    assert other.config().data.root == str(dataset if how == "copied" else new)
    assert other.samples()[["sample", "fold"]].equals(folds)


def test_a_run_of_a_lab_without_hashes_moves_by_sizes_and_times(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset, hashes=False)
    new = Path(shutil.copytree(dataset, tmp_path / "new"))  # with its times
    agreed = relocate(run, new).agreed[run.id]
    assert agreed.compared == 0 and not agreed.undecided
    check_unchanged(run.samples())


def test_without_hashes_a_copy_with_other_times_is_asked_about_and_may_be_agreed_to(lab, dataset, tmp_path):
    run = frozen_run(lab, dataset, hashes=False)
    new = Path(shutil.copytree(dataset, tmp_path / "new", copy_function=shutil.copyfile))
    error = refused(run, new)
    assert error.kind == "data-undecided" and "10 of 10 photos" in error.message and "kept no hashes" in error.message
    assert len(relocate(run, new, same_sizes=True).agreed[run.id].undecided) == 10
    for photos in (run.samples(), run.test_photos()):
        check_unchanged(photos)
        assert photos["mtime_ns"].dtype == "int64"
    os.utime(new / "train/cat/0.png", ns=(5, 5))  # what was agreed to was about the files of that day
    with pytest.raises(LabError, match="its time changed"):
        check_unchanged(run.samples())
    relocate(run, new, same_sizes=True)  # touched where it lies
    check_unchanged(run.samples())


def test_the_runs_of_version_0_1_follow_with_their_study(tmp_path):
    root = thaw(tmp_path)
    new = (tmp_path / "dataset").rename(tmp_path / "archive")
    outcome = relocate_all(tmp_path / "dataset", new, root)
    assert set(outcome.agreed) == {FINISHED, FASTER, INTERRUPTED} and outcome.studies == (STUDY,)
    for run_id in outcome.agreed:
        check_unchanged(Run(run_id, root).samples())
