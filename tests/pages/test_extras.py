"""What each extra costs and brings, on a run's page: measured once somebody asks, each look at a test set counted."""

import errno
import os
import threading

import pytest

from core.predict import job as predict_job
from core.runs import FoldState, looks
from core.storage import files
from core.studies.relocate import relocate
from pages.parts.run import extras as section
from tests.answered import made
from tests.measured_runs import drawn, made_up, runs_with_test
from tests.pages.app import button, captions, html, labels, page


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    made_up(monkeypatch)
    return runs_with_test(tmp_path)


def opened(run):
    return page("live", session={f"live-extras-{run.id}": True}, run=run.id)


def ended(at):
    """The page after its job, which may have ended before the page looked."""
    if section.JOB in at.session_state:
        assert at.session_state[section.JOB].wait(100)
    at.run()
    assert not at.exception, at.exception
    return at


def measure(at):
    """Ask for what was not measured yet; the page once it ended."""
    next(each for each in at.button if each.label.startswith("Measure what they bring")).click().run()
    ended(at)


def touch(run):
    """Its photos have another time than when an older lab, which kept no hashes, launched it."""
    for row in [*run.samples().itertuples(), *run.test_photos().itertuples()]:
        os.utime(row.path, ns=(7, 7))


def sentences(at):
    return ("\n".join(each.value for each in at.markdown) + captions(at)).replace("\\", "")


def test_a_test_set_is_measured_on_a_click_and_shown_again_to_others_as_a_look(runs):
    at = opened(runs[0])
    assert "all 2 folds" not in html(at) and not looks.times(runs[0])
    button(at, "Measure what they bring (test set, look 1)").click().run()
    at = ended(at)
    drawn = html(at)
    assert "all 2 folds" in drawn and "mean of 2, 0." in drawn and "+ five crops" in drawn and "1.7 times" in drawn
    assert "2 folds bring" in sentences(at) and "Measured on an abacus" in sentences(at)
    assert len(looks.times(runs[0])) == 1
    at.run()
    assert html(at) == drawn and len(looks.times(runs[0])) == 1, "drawn again is no further look"
    other = opened(runs[0])
    assert "all 2 folds" not in html(other)
    button(other, "Show what they bring (test set, look 2)").click().run()
    assert "all 2 folds" in html(ended(other)) and len(looks.times(runs[0])) == 2


def test_held_out_photos_with_another_run_are_no_look(runs):
    at = opened(runs[0])
    at.segmented_control(key="live-extras-place-first").set_value("held-out").run()
    at.multiselect(key="live-extras-with-first").set_value(["second"]).run()
    at.pills(key="live-extras-views-first").set_value([]).run()
    button(at, "Measure what they bring").click().run()
    at = ended(at)
    assert "2 runs, weighted" in html(at) and "first: one fold" in html(at)
    assert "cannot be told of held-out photos" in sentences(at) and not looks.times(runs[0])
    again = opened(runs[1])
    again.segmented_control(key="live-extras-place-second").set_value("held-out").run()
    assert "Measure what they bring" in labels(again), "that run was asked without other views"


def test_what_is_chosen_with_the_click_is_measured(runs):
    at = opened(runs[0])
    at.segmented_control(key="live-extras-place-first").set_value("held-out").run()
    at.multiselect(key="live-extras-with-first").set_value(["second"])
    at.pills(key="live-extras-views-first").set_value([])
    button(at, "Measure what they bring").click().run()
    assert "2 runs, weighted" in html(ended(at)) and not looks.times(runs[0])
    at.pills(key="live-extras-views-first").set_value(["flip"])
    button(at, "Measure again").click().run()
    assert "mirrored views" in html(ended(at))


def test_a_look_at_a_test_set_that_the_button_did_not_name_is_none(runs):
    at = opened(runs[0])
    at.segmented_control(key="live-extras-place-first").set_value("held-out").run()
    at.segmented_control(key="live-extras-place-first").set_value("test")
    button(at, "Measure what they bring").click().run()
    assert "of the test set it is look 1, which the button did not say" in sentences(at)
    looks.add(runs[0], "page")  # by another tab
    button(at, "Measure what they bring (test set, look 1)").click().run()
    assert "of the test set it is look 2," in sentences(at) and section.JOB not in at.session_state
    assert len(looks.times(runs[0])) == 1
    button(at, "Measure what they bring (test set, look 2)").click().run()
    assert "all 2 folds" in html(ended(at)) and len(looks.times(runs[0])) == 2


def test_what_goes_wrong_is_told_and_no_look_is_counted(runs):
    at = opened(runs[0])
    runs[0].weights_file(1, "best").unlink()
    button(at, "Measure what they bring (test set, look 1)").click().run()
    assert "weights of fold 1 are gone" in html(ended(at)) and not looks.times(runs[0])
    runs[1].test_looks_file.write_text("garbage")
    assert "test_looks.json is damaged" in html(opened(runs[1]))


def test_names_are_text_and_a_run_that_is_not_done_has_no_such_section(runs, tmp_path):
    names = ["<b>x</b>", "**y** $z$"]
    a, b = (
        made(tmp_path / "runs", run.samples(), name=name, run_id=f"n{place}", root=tmp_path / "photos")
        for place, (run, name) in enumerate(zip(runs, names, strict=True))
    )
    for run in (a, b):
        for fold in run.folds():
            run.weights_file(fold, "best").touch()
    at = opened(a)
    at.multiselect(key="live-extras-with-n0").set_value(["n1"]).run()
    button(at, "Measure what they bring").click().run()
    at = ended(at)
    assert "&lt;b&gt;x&lt;/b&gt;: one fold" in html(at) and "<b>x" not in html(at)
    assert "\\*\\*y\\*\\*" in "\n".join(each.value for each in at.markdown)
    a.samples().assign(fold=-1).to_parquet(a.samples_file)
    assert "on everybody: it has no folds" in html(opened(a))
    runs[0].write_state(FoldState(1, "failed", reason="x"))
    assert not [box for box in page("live", run=runs[0].id).expander if box.label == section.TITLE]


@pytest.mark.parametrize("place", ["test", "held-out"])
def test_the_page_asks_where_nobody_can_tell_whether_the_photos_are_the_same(runs, place):
    touch(runs[0])
    at = opened(runs[0])
    at.segmented_control(key="live-extras-place-first").set_value(place).run()
    measure(at)
    assert "nobody can tell" in html(at) and "Look there" in labels(at)
    (agree,) = [box for box in at.checkbox if "the same photos" in box.label]
    agree.check()
    button(at, "Look there").click().run()
    assert not at.exception and "nobody can tell" not in html(at) and "Look there" not in labels(at)
    measure(at)
    assert "Measured on an abacus" in sentences(at)


def test_of_another_run_its_own_page_asks(runs):
    table = runs[1].samples()
    elsewhere = drawn(table, runs[1].dir.parent.parent / "others")
    elsewhere.to_parquet(runs[1].samples_file, index=False)
    touch(runs[1])
    at = opened(runs[0])
    at.segmented_control(key="live-extras-place-first").set_value("held-out").run()
    at.multiselect(key="live-extras-with-first").set_value(["second"]).run()
    measure(at)
    assert f"second: {len(table)} photos have another time" in html(at) and "Look there" not in labels(at)
    at.query_params["run"] = "second"
    at.run()
    assert "nobody can tell" in html(at) and "Look there" in labels(at)


def test_what_was_measured_after_all_is_asked_about_no_more(runs):
    touch(runs[0])
    at = opened(runs[0])
    at.segmented_control(key="live-extras-place-first").set_value("held-out").run()
    measure(at)
    assert "Look there" in labels(at)
    relocate(runs[0], runs[0].config().data.root, same_sizes=True)  # as the message says of the command line
    measure(at)
    at.run()
    assert "Measured on an abacus" in sentences(at) and "Look there" not in labels(at)


def test_where_one_look_cannot_be_counted_nothing_is_shown_and_none_is_counted_however_often_it_is_drawn(
    runs, monkeypatch
):
    write = files.write_json

    def refuse(path, content, **options):
        if path == runs[1].test_looks_file:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        write(path, content, **options)

    at = opened(runs[0])
    at.multiselect(key="live-extras-with-first").set_value(["second"]).run()
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_json", refuse)
        button(at, "Measure what they bring (test set, look 1)").click().run()
        assert "the look cannot be counted (Read-only file system)" in html(ended(at))
        for _ in range(3):
            assert "2 runs" not in html(ended(at))
        assert not looks.times(runs[0])
    button(at, "Show what they bring (test set, look 1)").click().run()
    assert "2 runs, weighted" in html(ended(at)) and [len(looks.times(run)) for run in runs] == [1, 1]


def test_what_a_closed_page_asked_for_is_measured_no_further(runs, monkeypatch):
    begun, closed = threading.Event(), threading.Event()
    monkeypatch.setattr(section, "still_open", lambda: lambda: not closed.is_set())
    monkeypatch.setattr(predict_job, "now", lambda: 2 * predict_job.PATIENCE if closed.is_set() else 0.0)

    def waiting(*asked, progress, **more):
        begun.set()
        assert closed.wait(60)
        progress(1, 12)
        raise AssertionError("it goes on")

    monkeypatch.setattr(section, "of_runs", waiting)
    at = opened(runs[0])
    button(at, "Measure what they bring (test set, look 1)").click().run()
    job = at.session_state[section.JOB]
    assert begun.wait(60) and "Cancel" in labels(at)
    closed.set()
    assert job.wait(60) and job.was_cancelled and job.result() is None and not looks.times(runs[0])
