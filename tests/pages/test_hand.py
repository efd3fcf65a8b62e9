"""The run in hand: it goes along through the menu, stands in every address, and can be changed and put down."""

import pytest

from core.runs import FoldState, notes
from core.runs.lists import index
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from pages.parts.launch import source
from tests.closed import close
from tests.pages.app import button, captions, html, page
from tests.pages.trials import make_run

pytestmark = pytest.mark.usefixtures("folder")

OLD, NEW = "20260101-000000-old-0000", "20260201-000000-new-0000"
STUDY = "20260301-000000-depths-0000"


@pytest.fixture
def two(folder, monkeypatch):
    monkeypatch.setenv("FACET_DEMO", str(folder / "demo"))
    return [make_run(folder, name, run_id=run_id) for name, run_id in (("old", OLD), ("new", NEW))]


@pytest.fixture
def depths(folder):
    """A study of two runs, older than another run."""
    runs = [make_run(folder, f"depths r{d}", run_id=f"20260301-00000{d}-r-0000", info={"study": STUDY}) for d in (1, 2)]
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in runs]
    with record_file.locked(folder):
        record_file.write(Study(STUDY, "depths", "Does depth help?", 1.0, {}, members), folder)
    make_run(folder, "alone", run_id="20260401-000000-alone-0000")
    return runs


def follow(at, name, **address):
    """A click in the menu, which leads to the page's bare address; or on a link that names more."""
    for key in list(at.query_params):
        del at.query_params[key]
    for key, value in address.items():
        at.query_params[key] = value
    at.switch_page(f"pages/{name}.py")
    for key, value in address.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


@pytest.mark.parametrize("name", ["home", "look_inside"])
def test_a_run_that_was_looked_at_goes_along_through_the_menu(two, name):
    at = follow(page("live", run=OLD), name)
    assert at.query_params["run"] == OLD
    at = follow(at, "live")
    assert at.query_params["run"] == OLD and ">old</div>" in html(at)


def test_compare_begins_with_the_run_in_hand_until_its_box_is_emptied(two):
    at = follow(page("live", run=OLD), "compare")
    assert at.query_params["runs"] == OLD and at.multiselect(key="compare-runs").value == [OLD]
    at.multiselect(key="compare-runs").unselect(OLD).run()
    assert not at.exception and "runs" not in at.query_params
    assert follow(follow(at, "live", run=NEW), "compare").query_params["runs"] == NEW


def test_compare_begins_with_the_run_that_measured_one_on_everybody(two, folder):
    on_everybody = make_run(folder, "old everybody", ("done",), everybody=OLD)
    assert follow(page("live", run=on_everybody.id), "compare").query_params["runs"] == OLD
    at = page("compare", runs=f"{on_everybody.id},{NEW}")
    assert "was trained on everybody" in html(at)
    button(at, "Compare the cross-validated runs in their place").click().run()
    assert at.query_params["runs"] == f"{OLD},{NEW}" and "everybody" not in html(at)


def test_put_down_the_newest_run_is_opened_again(two):
    at = follow(page("live", run=OLD), "runs")
    put_down(at)
    assert "run" not in at.query_params
    assert follow(at, "live").query_params["run"] == NEW


def test_an_archived_run_is_opened_by_itself_only_where_there_is_no_other(two, monkeypatch):
    notes.archive([NEW])
    with monkeypatch.context() as patch:
        close(patch, two[0].config_file)
        assert source.parent_for("/photos/demo") == NEW, "the other cannot be read, and is asked for once more"
    assert page("live").query_params["run"] == OLD and source.parent_for("/photos/demo") == OLD
    notes.archive([OLD])
    assert page("live").query_params["run"] == NEW and source.parent_for("/photos/demo") == NEW


def put_down(at):
    at.session_state["hand-chip"] = True  # the popover is open
    at.run()
    button(at, "Clear").click().run()
    assert not at.exception, at.exception


def test_of_a_study_the_run_of_the_highest_f1_predicts(depths):
    """Its newest run did, however badly it had learned."""
    for fold, state in enumerate(depths[0].states()):
        higher = {name: value + 0.1 for name, value in state.scores.items()}
        depths[0].write_state(FoldState(fold, "done", epoch=4, best_epoch=state.best_epoch, scores=higher))
    at = page("predict", study=STUDY)
    assert at.selectbox(key="run-picker").value == depths[0].id
    assert "the run with the highest F1 answers" in captions(at)
    assert page("predict", study=STUDY, run=depths[1].id).selectbox(key="run-picker").value == depths[1].id


def test_of_a_study_whose_runs_tell_different_classes_none_is_the_highest_and_the_newest_predicts(depths):
    depths[1].update_info(class_names=["a", "b", "c"])
    at = page("predict", study=STUDY)
    assert at.selectbox(key="run-picker").value == depths[1].id
    words = captions(at).replace("\\", "")
    assert "The runs of depths tell different classes, so none of them has the highest F1; the newest answers." in words


def test_a_run_that_was_deleted_leaves_the_hand(two):
    at = page("live", run=OLD)
    for path in sorted(two[0].dir.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    two[0].dir.rmdir()
    at = follow(at, "runs")
    assert "run" not in at.query_params
    assert follow(at, "live").query_params["run"] == NEW


def test_an_address_that_names_no_run_leaves_the_hand_as_it_is(two):
    at = follow(page("live", run=OLD), "live", run="../../etc/passwd")
    assert "is not a run id" in html(at)
    assert follow(at, "live").query_params["run"] == OLD


def test_a_study_is_in_hand_with_its_run_or_without(depths, folder, monkeypatch):
    at = follow(page("live", run=depths[0].id), "compare")
    assert at.query_params["runs"] == f"{depths[0].id},{depths[1].id}", "the run in hand is the baseline"
    alone = index.summaries()[0]["id"]
    at = follow(at, "live", run=alone)
    assert follow(at, "compare").query_params["runs"] == alone
    at = follow(at, "studies", study=STUDY)
    assert "run" not in at.query_params, "what is no run of the study that is looked at leaves the hand"
    with monkeypatch.context() as patch:
        close(patch, record_file.folder_of(folder))
        assert "runs" not in follow(at, "compare").query_params, "which these are nobody can tell"
    at = follow(at, "home")
    assert at.query_params["study"] == STUDY
    assert follow(at, "live").query_params["run"] == depths[1].id, "the newest of the study, not of all"


def test_a_run_outside_the_study_in_hand_can_be_chosen_on_every_page(depths, folder):
    alone = index.summaries()[0]["id"]
    at = page("live", study=STUDY)
    assert at.query_params["run"] == depths[1].id
    at.selectbox(key="run-picker").set_value(alone).run()
    assert dict(at.query_params) == {"run": alone} and ">alone</div>" in html(at)
    at = follow(follow(at, "live", run=depths[0].id), "studies", study=STUDY)
    at.session_state["hand-chip"] = True  # the popover is open
    at.run()
    next(box for box in at.selectbox if box.label == "Run").set_value(alone).run()
    assert at.run().query_params["run"] == alone and at.query_params["study"] == STUDY, "the page shows a study"
    with record_file.locked(folder):
        record_file.write(Study("20260301-000000-seeds-0000", "seeds", "", 1.0, {}, []), folder)
    at.run()
    next(box for box in at.selectbox if box.label == "Study").set_value("20260301-000000-seeds-0000").run()
    assert "run" not in at.query_params, "what is no run of the study that was opened leaves the hand"


def test_from_a_study_back_to_the_list(depths):
    at = page("studies", study=STUDY)
    button(at, "All studies").click().run()
    assert not at.exception and "study" not in at.query_params
    assert "Studies</div>" in html(at)
