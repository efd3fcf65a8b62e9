"""Where the dataset of a run is gone, its pages ask where it is now, and go on once somebody said so."""

import os
import shutil

import numpy as np
import pytest

from core.answers import ensemble_scores
from core.data.content.unchanged import check_unchanged
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction
from core.predict import ensemble
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from core.studies.relocate import relocate
from tests.answered import answer, probabilities_of
from tests.everybody_runs import ended
from tests.moving import draw_dataset, frozen_run
from tests.pages.app import button, html, labels, page
from tests.people import ANNA, BERT, acting
from tests.photos import draw

QUESTION = "Where is the dataset now?"


@pytest.fixture
def dataset(tmp_path):
    return draw_dataset(tmp_path / "photos")


def asks(at):
    return [field for field in at.text_input if field.label == QUESTION]


def look_in(at, place):
    (field,) = asks(at)
    field.input(str(place))
    button(at, "Look there").click().run()
    assert not at.exception, at.exception
    return at


def test_live_asks_for_a_dataset_that_is_gone_and_resume_goes_on_once_it_is_named(folder, dataset, tmp_path):
    run, beside = frozen_run(folder, dataset), frozen_run(folder, dataset, "beside")
    for each in (run, beside):
        for state in each.states():
            each.write_state(type(state)(state.fold, "cancelled"))
    assert not asks(page("live", run=run.id))
    new = dataset.rename(tmp_path / "new")
    at = page("live", run=run.id)
    assert f"not in {dataset} any more" in html(at)
    look_in(at, tmp_path)
    assert "not one of 10 photos" in html(at) and f"Perhaps you mean {new}" in html(at) and asks(at)
    look_in(at, new)
    assert not asks(at)
    said = at.success[0].value.replace("\\", "")  # as text, not as Markdown
    assert f"from {new} now: 10 photos found, 10 compared byte by byte. 1 more run follows." in said
    check_unchanged(beside.samples())
    button(at, "Resume").click().run()
    assert {state.state for state in run.states()} == {"queued"} and "Resume" not in labels(at)


def test_missing_photos_are_named_and_agreed_to_for_that_folder_alone(folder, dataset, tmp_path):
    run = frozen_run(folder, dataset)
    new = dataset.rename(tmp_path / "new")
    (new / "train/cat/1.png").unlink()
    other = shutil.copytree(new, tmp_path / "other")
    (other / "train/cat/2.png").unlink()
    at = look_in(page("live", run=run.id), new)
    assert "train/cat/1.png (gone)" in html(at)
    (agree,) = [box for box in at.checkbox if "missing" in box.label]
    agree.check()
    look_in(at, other)  # the tick was about another folder
    assert "lacks 2 of 10 photos" in html(at) and not run.moved_file.exists()
    (agree,) = [box for box in at.checkbox if "missing" in box.label]
    assert agree.value is False
    agree.check()
    look_in(at, other)
    assert not asks(at) and run.config().data.root == str(other)
    stopped(run)
    at.run()
    button(at, "Resume").click().run()
    assert html(at).count("2.png (gone)") == 1 and "relocate RUN FOLDER" in html(at)
    assert asks(at), "it can be taken back"
    draw(new / "train/cat/1.png", (2, 0, 7))
    look_in(at, new)
    button(at, "Resume").click().run()
    assert run.config().data.root == str(new) and {state.state for state in run.states()} == {"queued"}
    assert not asks(at)
    stopped(run)
    at.run()
    draw(new / "train/cat/1.png", (70, 0, 7))
    button(at, "Resume").click().run()
    assert "1.png (changed)" in html(at) and not asks(at), "an edited photo is in its place"


def touched(folder, dataset):
    """A run of an older lab, which kept no hashes, whose photos have another time by now."""
    run = frozen_run(folder, dataset, hashes=False)
    touch(run)
    return run


def touch(run):
    for row in [*run.samples().itertuples(), *run.test_photos().itertuples()]:
        os.utime(row.path, ns=(7, 7))


def stopped(*runs):
    for run in runs:
        for state in run.states():
            run.write_state(type(state)(state.fold, "cancelled"))
    return runs[0]


def study_of(folder, *runs):
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in runs]
    study = Study("20260101-000000-older-abcd", "older", "", 1.0, {}, members)
    record_file.folder_of(folder).mkdir(parents=True, exist_ok=True)
    record_file.write(study, folder)
    return study


def where_it_stopped(name, run, study):
    """The page on which Resume is pressed."""
    addresses = {"live": {"run": run.id}, "runs": {"runs": run.id}, "studies": {"study": study.id}}
    return page(name, **addresses.get(name, {}))


def opened(at, run):
    """The page of the run, in the same session."""
    at.switch_page("pages/live.py")
    at.query_params.clear()
    at.query_params["run"] = run.id
    at.run()
    assert not at.exception, at.exception
    return at


def agree_to_sizes(at):
    (agree,) = [box for box in at.checkbox if "the same photos" in box.label]
    agree.check()
    button(at, "Look there").click().run()
    assert not at.exception and not asks(at)


@pytest.mark.fault(44)
@pytest.mark.parametrize("label", ["Compute the baseline", "Train on everybody", "Score the test set"])
def test_the_page_asks_also_after_what_is_tried_with_a_finished_run(folder, dataset, label):
    """Not after Resume alone, which such a run does not have: the error says that its page asks."""
    run = ended(touched(folder, dataset), (1, 1))
    at = page("live", session={f"live-baseline-{run.id}": True}, run=run.id)  # its expander is open
    assert not asks(at)
    (only,) = [each for each in at.button if each.label.startswith(label)]
    only.click().run()
    assert not at.exception and "nobody can tell" in html(at) and asks(at)[0].value == str(dataset)
    agree_to_sizes(at)
    check_unchanged(run.samples())


@pytest.mark.parametrize("test_set", ["scored before", "as it was", "changed"])
def test_what_becomes_of_the_test_set_answers_no_question_about_the_photos_of_the_folds(
    folder, dataset, monkeypatch, test_set
):
    run = ended(frozen_run(folder, dataset, hashes=False), (1, 1))
    for row in run.samples().itertuples():
        os.utime(row.path, ns=(7, 7))
    photos = run.test_photos()
    answered = np.full((2, len(photos), 2), 0.5)
    if test_set == "scored before":
        ensemble_scores.write(run, photos, answered)
    elif test_set == "as it was":
        monkeypatch.setattr(ensemble, "answers", lambda *_: answered)
    else:
        draw(dataset / "test/cat/9.png", (1, 2, 3), (30, 30))
    at = page("live", run=run.id)
    button(at, "Train on everybody").click().run()
    assert "nobody can tell" in html(at) and asks(at)
    button(at, "Score the test set (never trained on; look 1)").click().run()
    ends_in = "the dataset changed since the launch" if test_set == "changed" else "ensemble of 2 folds"
    assert not at.exception and ends_in in html(at)
    at.run()
    assert "nobody can tell" in html(at) and asks(at)
    button(at, "Train on everybody").click().run()
    assert "nobody can tell" in html(at), "it is refused still"


def resume_of(at):
    """The one button that resumes; that of a study says of how many folds and runs."""
    (only,) = [each for each in at.button if each.label.startswith("Resume")]
    return only


@pytest.mark.fault(44)
@pytest.mark.parametrize("name", ["home", "runs", "studies"])
def test_the_page_of_the_run_asks_after_a_resume_on_another_page(folder, dataset, name):
    run = stopped(touched(folder, dataset))
    at = where_it_stopped(name, run, study_of(folder, run))
    resume_of(at).click().run()
    assert not at.exception and "relocate RUN FOLDER --same-sizes" in html(at)
    assert name == "home" or f"{run.id}: 8 photos have another time" in html(at), "which one it is"
    assert asks(opened(at, run))[0].value == str(dataset)
    agree_to_sizes(at)
    button(at, "Resume").click().run()
    assert {state.state for state in run.states()} == {"queued"}


def test_what_was_agreed_to_for_all_runs_of_a_dataset_is_asked_on_the_page_of_none(folder, dataset):
    runs = [frozen_run(folder, dataset, name, hashes=False) for name in ("first", "second")]
    touch(stopped(*runs))  # they share their photos
    at = page("studies", study=study_of(folder, *runs).id)
    resume_of(at).click().run()
    for run in reversed(runs):
        assert asks(opened(at, run)) and "nobody can tell" in html(at)
    agree_to_sizes(at)
    assert not asks(opened(at, runs[1])) and "nobody can tell" not in html(at)
    check_unchanged(runs[1].samples())


@pytest.mark.parametrize("name", ["live", "home", "runs", "studies"])
def test_where_a_run_goes_on_after_all_its_page_does_not_ask_any_more(folder, dataset, name):
    run = stopped(touched(folder, dataset))
    at = where_it_stopped(name, run, study_of(folder, run))
    resume_of(at).click().run()
    relocate(run, dataset, same_sizes=True)  # as the message says of the command line
    resume_of(at).click().run()
    assert not at.exception and {state.state for state in run.states()} == {"queued"}
    assert not asks(opened(at, run)) and "nobody can tell" not in html(at)


def test_where_the_test_set_is_scored_after_all_its_page_does_not_ask_any_more(folder, dataset, monkeypatch):
    run = ended(touched(folder, dataset), (1, 1))
    monkeypatch.setattr(ensemble, "answers", lambda _, photos, *__: np.full((2, len(photos), 2), 0.5))
    at = page("live", run=run.id)
    button(at, "Score the test set (never trained on; look 1)").click().run()
    assert "nobody can tell" in html(at) and asks(at)
    relocate(run, dataset, same_sizes=True)
    button(at, "Score the test set (never trained on; look 1)").click().run()
    assert not at.exception and "ensemble of 2 folds" in html(at)
    assert not asks(at) and "nobody can tell" not in html(at)


def test_a_dataset_that_went_after_its_page_asked_about_times_is_asked_for(folder, dataset, tmp_path):
    run = stopped(touched(folder, dataset))
    at = page("live", run=run.id)
    button(at, "Resume").click().run()
    assert "nobody can tell" in html(at)
    dataset.rename(tmp_path / "elsewhere")
    button(at, "Resume").click().run()
    assert f"not in {dataset} any more" in html(at) and "nobody can tell" not in html(at)


def test_folds_that_failed_for_the_times_of_photos_go_on_rather_than_begin_anew(folder, dataset):
    run = touched(folder, dataset)
    for state in run.states():
        run.write_state(type(state)(state.fold, "failed", reason="another time.", kind="data-undecided", epoch=1))
    at = page("live", run=run.id)
    assert button(at, "Resume").proto.type == "primary" and button(at, "Run again").proto.type == "secondary"
    button(at, "Resume").click().run()
    assert asks(at)


@pytest.mark.fault(44)
def test_an_older_run_whose_photos_were_touched_can_be_agreed_to_be_the_same(folder, dataset):
    run = touched(folder, dataset)
    for state in run.states():
        run.write_state(type(state)(state.fold, "cancelled"))
    at = page("live", run=run.id)
    assert not asks(at)
    button(at, "Resume").click().run()
    assert "nobody can tell" in html(at) and asks(at)[0].value == str(dataset)
    agree_to_sizes(at)
    check_unchanged(run.samples())


def test_look_inside_asks_and_then_shows_the_photos_again(folder, dataset, tmp_path):
    run = frozen_run(folder, dataset)
    samples, names = run.samples(), run.info()["class_names"]
    answer(run, samples, probabilities_of(samples["y"], wrong={0: 1}, classes=2), names=names)
    new = dataset.rename(tmp_path / "new")
    at = page("look_inside", run=run.id)
    assert f"not in {dataset} any more" in html(at)
    look_in(at, new)
    assert not asks(at) and "any more" not in html(at)


def test_a_move_that_was_told_elsewhere_is_seen_by_an_open_page(folder, dataset, tmp_path):
    run = frozen_run(folder, dataset)
    new = dataset.rename(tmp_path / "new")
    at = page("live", run=run.id)
    assert asks(at)
    relocate(run, new)
    at.run()
    assert not asks(at)


def test_runs_of_others_are_said_to_be_theirs_and_what_was_found_of_the_dataset_stays_for_them(
    folder, dataset, tmp_path, monkeypatch
):
    run, others = frozen_run(folder, dataset), [frozen_run(folder, dataset, name) for name in ("one", "two")]
    run.update_info(by="anna")
    for each in others:
        each.update_info(by="bert")
    new = dataset.rename(tmp_path / "new")
    at = page("live", run=run.id)  # which says who asks, once a process
    acting(monkeypatch, ANNA)
    photos = [f"train/{name}.png" for name in ("cat/0", "dog/1")]
    both = [corrections.add(dataset, Correction(kind="exclude-photo", sample=photo)) for photo in photos]
    confirmed = dict.fromkeys(photos, "dog")
    for photo, label in confirmed.items():
        reviews.confirm(dataset, photo, label)
    look_in(at, new)
    words = "2 stayed: they belong to bert, who can say on their pages where the dataset is now."
    assert words in at.success[0].value.replace("\\", "")
    assert [corrections.load(root) for root in (dataset, new)] == [both] * 2
    assert [reviews.load(root) for root in (dataset, new)] == [confirmed] * 2
    corrections.undo(new, both[0].id)
    reviews.forget(new, photos[0])
    newest = new.rename(tmp_path / "newest")
    relocate(run, newest)
    acting(monkeypatch, BERT)
    assert relocate(others[0], newest, others=True).corrections == 1
    assert corrections.load(dataset) == [] and reviews.load(dataset) == {}
    assert corrections.load(newest) == both[1:], "what was undone there does not come back"
    assert reviews.load(newest) == {photos[1]: "dog"}


def test_corrections_that_may_be_of_other_photos_are_told_to_stay(folder, dataset, tmp_path):
    run = frozen_run(folder, dataset)
    new = dataset.rename(tmp_path / "new")
    at = page("live", run=run.id)
    draw(dataset / "train/cat/second.png", (200, 0, 50))
    corrections.add(dataset, Correction(kind="exclude-person", person="0"))
    look_in(at, new)
    assert f"reviews of {dataset} were not taken along" in at.success[0].value.replace("\\", "")
