"""What folds answered in each way is asked once and kept with the run, as long as it is of these weights and photos."""

import shutil

import numpy as np
import pytest

from core.answers import ensemble_scores
from core.errors import LabError
from core.predict.extras.measured import HELD_OUT, TEST, kept, load, measured, of_runs
from core.predict.extras.ways import PLAIN
from core.predict.job import Cancelled
from core.runs import FoldState
from core.runs.yes_no.view import opened
from tests.answered import made, table_of
from tests.measured_runs import DEVICE, PASS, READING, made_up, runs_with_test
from tests.yes_no_runs import told_by_few


@pytest.fixture
def calls(monkeypatch):
    return made_up(monkeypatch)


@pytest.fixture
def run(tmp_path, calls):
    return runs_with_test(tmp_path, ["first"], people=12)[0]


def test_it_is_asked_once_and_anew_for_more_ways_or_other_weights(run, calls):
    first = measured(run, TEST, ["flip"])
    assert measured(run, TEST, []) == first == measured(run, TEST, ["flip"]) and len(calls) == 1
    assert load(run, TEST) == first and load(run, HELD_OUT) is None
    np.testing.assert_array_equal(load(run, TEST).answers["flip"], first.answers["flip"])
    measured(run, TEST, ["crops"])
    assert calls[1] == ("first", 24, (PLAIN, "flip", "crops")), "what is kept already is kept"
    assert measured(run, TEST, ["flip"], again=True, device="cuda").device == "cuda" and len(calls) == 3
    run.weights_file(1, "best").write_bytes(b"other weights")
    assert load(run, TEST) is None
    run.test_predictions_file.unlink()
    measured(run, TEST)
    assert len(calls) == 4


def test_seconds_of_a_way_are_those_of_its_parts(run):
    of_run = measured(run, TEST, ["flip", "crops", "flip+crops"])
    assert of_run.reading == pytest.approx(READING) and of_run.device == DEVICE
    for way, passes in {PLAIN: 1, "flip": 2, "crops": 6, "flip+crops": 12}.items():
        assert of_run.seconds(way) == pytest.approx(2 * passes * PASS)
        assert of_run.seconds(way, one=True) == pytest.approx(passes * PASS)


def test_answers_about_the_test_set_are_its_score_unless_it_has_one(run):
    of_run = measured(run, TEST, [])
    answers, photos = ensemble_scores.of_folds(run)
    np.testing.assert_allclose(of_run.answers[PLAIN], answers, atol=1e-6)
    assert ensemble_scores.load(run) is not None and photos["sample"].tolist() == of_run.samples.tolist()
    written = run.test_predictions_file.read_bytes()
    measured(run, TEST, ["flip"])
    assert run.test_predictions_file.read_bytes() == written and not run.test_looks_file.exists()


def test_of_held_out_photos_each_has_one_folds_answer_and_few_are_those_of_people_drawn(run, calls):
    few = measured(run, HELD_OUT, [], most=5)
    assert few.answers[PLAIN].shape == (1, 5, 6) and not np.isnan(few.answers[PLAIN]).any()
    assert kept(run, HELD_OUT, [], 5) == few and kept(run, HELD_OUT, [], 6) is None
    assert few.photos()["sample"].tolist() == few.samples.tolist()
    whole = measured(run, HELD_OUT, [])
    assert len(whole.samples) == 12 and measured(run, HELD_OUT, [], most=5) == whole and len(calls) == 2
    assert not run.test_predictions_file.exists()


def test_of_several_runs_it_goes_on_to_the_end_and_what_is_cancelled_keeps_nothing(tmp_path, calls):
    runs, steps = runs_with_test(tmp_path, people=12), []

    def cancelled(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        of_runs(runs, TEST, progress=cancelled)
    assert not runs[0].extras_file(TEST).exists() and not runs[0].test_predictions_file.exists()
    of_runs(runs, TEST, progress=lambda *of: steps.append(of))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)] and [run for run, *_ in calls] == ["first", "first", "second"]


@pytest.mark.parametrize("place", [TEST, HELD_OUT])
def test_answers_about_photos_that_were_replaced_meanwhile_are_not_kept(run, place):
    table = run.test_photos() if place == TEST else run.samples()

    def replace(done, total):
        shutil.copyfile(table["path"].iloc[1], table["path"].iloc[0])

    with pytest.raises(LabError, match=r"changed since the launch: .* \(changed\)") as refused:
        measured(run, place, [], progress=replace)
    assert refused.value.kind == "data-changed"
    assert not run.extras_file(place).exists() and not run.test_predictions_file.exists()


def test_a_damaged_file_is_made_anew_and_one_that_cannot_be_written_is_none(run, calls):
    measured(run, HELD_OUT, [])
    run.extras_file(HELD_OUT).write_bytes(b"garbage")
    assert load(run, HELD_OUT) is None
    run.extras_file(HELD_OUT).unlink()
    run.extras_file(HELD_OUT).mkdir()
    assert len(measured(run, HELD_OUT, []).samples) == 12 and len(calls) == 2


def test_what_cannot_be_asked_is_refused_before_anybody_is_asked(run, tmp_path, calls):
    other = made(tmp_path / "runs", table_of(tmp_path), names=["a", "b", "c", "d", "e", "f"], run_id="other")
    with pytest.raises(LabError, match="other has no test photos") as refused:
        of_runs([run, other], TEST)
    assert refused.value.kind == "no-test"
    with pytest.raises(LabError, match="weights of fold 0 are gone") as refused:
        of_runs([other], HELD_OUT)
    assert refused.value.kind == "checkpoint"
    for fold in other.folds():
        other.weights_file(fold, "best").touch()
    with pytest.raises(LabError, match="tell different classes apart") as refused:
        of_runs([run, other], HELD_OUT)
    assert refused.value.kind == "classes"
    for extras, place in ((["mirror"], TEST), ([], "nowhere")):
        with pytest.raises(LabError, match="there is no"):
            of_runs([run], place, extras)
    run.write_state(FoldState(1, "failed", reason="diverged"))
    with pytest.raises(LabError, match="fold 1 is failed, not done") as refused:
        of_runs([run], TEST)
    assert refused.value.kind == "unfinished"
    everybody = made(tmp_path / "runs", table_of(tmp_path), run_id="everybody")
    everybody.samples().assign(fold=-1).to_parquet(everybody.samples_file)
    with pytest.raises(LabError, match="on everybody") as refused:
        of_runs([everybody], HELD_OUT)
    assert refused.value.kind == "everybody" and not calls


def test_an_attribute_that_no_test_photo_tells_cannot_be_asked_about_there(tmp_path, calls):
    run = told_by_few(tmp_path, test=True)
    for fold in run.folds():
        run.weights_file(fold, "best").touch()
    with pytest.raises(LabError, match=f"{run.id}:Young: no test photo tells this attribute") as refused:
        of_runs([opened(f"{run.id}:Young", run.dir.parent)], TEST)
    assert refused.value.kind == "no-test" and not calls
