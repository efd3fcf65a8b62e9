"""Launch in one screen: the questions, what is proposed, the ticket with its problems, run again."""

import functools
import hashlib
import http.server
import re
import threading
from datetime import UTC, datetime
from html import unescape
from unittest.mock import Mock

import pytest

from core.config import recipes
from core.jobs import speed
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Ahead
from core.network import weights
from core.runs import Run
from core.runs.lists.summaries import summaries
from pages.parts.dock import waits
from pages.parts.form import downloads
from pages.parts.launch import source
from pages.parts.ticket import ticket
from tests.pages.launch_form import button, faces, field, open_group, open_on, open_page, text_of
from tests.photos import draw, mask_dataset


@pytest.fixture
def form(opened, tmp_path):
    return open_on(faces(tmp_path / "faces"))


def facts(page):
    """What the ticket says, as its HTML."""
    return "".join(each.proto.body for each in page.get("html") if "ticket-facts" in each.proto.body)


def learning(page):
    draft = page.session_state["launch_draft"]
    return draft["transforms"][0]["params"]["height"], draft["phases"][0]["epochs"], draft["folds"]["count"]


def test_the_ticket_says_what_would_be_trained_on_how_much_disk_and_when_by_the_clock_of_who_looks(form, monkeypatch):
    said = facts(form)
    for words in (
        ">faces<",
        ">30<",
        "unknown, perhaps in two folds",
        ">6 classes<",
        ">female &lt;30, 5 photos<",
        ">Quick<",
        ">at once<",
        " free<",
        ">about ",
    ):
        assert words in said, words

    class Noon(datetime):
        """Of a server by UTC."""

        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 6, 1, 12, tzinfo=UTC).astimezone(tz or UTC)

    monkeypatch.setattr(ticket, "datetime", Noon)
    for browser, words in (
        ({}, ">about 12:0"),
        ({"timezone_offset": -540}, ">about 21:0"),
        ({"timezone_offset": 300}, ">about 07:0"),
    ):
        form.context = browser
        assert words in facts(form.run()), browser
    monkeypatch.setattr(ahead, "ahead", lambda summaries: Ahead(slots=(110.0,), jobs=3))
    assert "in about 2 min, 3 fold jobs before it" in facts(form.run())


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (Ahead(slots=(0.0,)), "at once"),
        (Ahead(slots=(0.0, 40.0), jobs=1), "at once"),
        (Ahead(slots=(300.0,), jobs=1), "in about 5 min, 1 fold job before it"),
        (Ahead(slots=(300.0,), jobs=3, unknown=1), "in over 5 min, 3 fold jobs before it"),
        (Ahead(slots=(0.0,), jobs=2, unknown=2), "after 2 fold jobs"),
        (Ahead(slots=(300.0,), jobs=1, halted=True), "when the queue goes on"),
        (Ahead(slots=()), "at once"),
        (Ahead(slots=(), jobs=3), "after 3 fold jobs; the cluster has not said lately how many it trains at a time"),
    ],
)
def test_when_it_starts_is_said_with_the_queue_counted(before, words):
    assert waits.starts(before) == words


def test_on_a_cluster_no_time_is_told_that_rests_on_this_machine(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_ENGINE", "ray")
    monkeypatch.setattr(speed, "start_measuring", lambda config, folder=None: pytest.fail("nothing is measured"))
    page = open_on(faces(tmp_path / "faces"))
    assert ">at once<" in facts(page) and ">not known yet<" in facts(page) and "about " not in facts(page)
    words, said = text_of(page), "How long a fold takes on the cluster shows once one has ended there"
    assert f"{said}: only this machine is measured." in words
    assert "How long it takes on the cluster is not known before a fold has ended there." in words
    assert not re.search(r"(about|roughly) [\d.]+ \w+ here", words)
    assert not [each for each in page.button if each.label.startswith("Measure")]


def test_a_problem_leads_to_its_field_and_each_change_back_to_the_recipe(form):
    field(open_group(form, "phases"), "phases.0.lr_head").set_value("-1").run()
    form.button(key="open-phases").click().run()
    assert "phases" not in form.session_state["groups_open"]
    form.button(key="problem-phases.0.lr_head").click().run()
    assert "phases" in form.session_state["groups_open"]
    assert form.session_state["lead_to"][1:] == ("launch-ticket", ["phases-0-lr_head", "group-phases"])
    field(form, "phases.0.epochs").set_value("3").run()
    version = form.session_state["launch_version"]
    form.button(key=f"form{version}.reset.phases.0.lr_head").click().run()
    values = {each.label: each.value for each in form.text_input}
    assert (values["Learning rate, head"], values["Epochs"]) == ("0.001", "3")
    assert not button(form).disabled
    assert not [each for each in form.button if each.key == f"form{version}.reset.phases.0.lr_head"]


def test_what_is_proposed_is_taken_by_a_click_and_dataset_task_and_name_stay(form, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "known", lambda config, folder=None: 1.0)  # 25 epochs take longer than 15 minutes
    open_group(form, "task")
    form.selectbox(key=f"form{form.session_state['launch_version']}.task.name").set_value("gender").run()
    field(form, "name").set_value("mine").run()
    assert learning(form) == (64, 25, 5), "nothing is taken by itself"
    with monkeypatch.context() as removed:  # the recipe's file, since the page was drawn
        gone = recipes.not_known("quick", "Choose another one.")
        removed.setattr(source, "take_recipe", Mock(side_effect=gone))
        form.button(key="take-proposal").click().run()
    assert not form.exception and learning(form) == (64, 25, 5)
    assert "recipe 'quick' is not known" in unescape(text_of(form))
    form.button(key="take-proposal").click().run()
    assert not form.exception and learning(form) == (64, 10, 5)
    draft = form.session_state["launch_draft"]
    assert (draft["name"], draft["task"]["name"]) == ("mine", "gender")
    assert draft["data"]["root"] == str(tmp_path / "faces")
    assert form.button(key="take-proposal").disabled and "Phase 1: Epochs: " in text_of(form)
    form.segmented_control(key="launch-as").set_value("best").run()
    again = open_page(recipe="quick", form=form.session_state["launch_token"])
    assert learning(again) == (64, 10, 5)
    assert again.segmented_control(key="launch-as").value == "best", "a reload keeps the answers too"


def test_weights_are_fetched_and_a_crop_that_is_too_large_is_fitted_by_a_click_each(opened, tmp_path, monkeypatch):
    content = b"weights of a network" * 1000
    name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / name).write_bytes(content)
    monkeypatch.setitem(weights.IMAGENET, 18, (name, 1))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        monkeypatch.setenv("FACET_WEIGHTS", f"http://127.0.0.1:{server.server_port}")
        page = open_on(faces(tmp_path / "faces"), recipe="study")
        assert button(page).disabled and "needs 1 MB of weights" in text_of(page)
        page.button(key="problem-download").click().run()
        downloads._FETCHES[18].thread.join(60)
        server.shutdown()
    page.run()
    assert weights.imagenet_file(18).read_bytes() == content
    assert not button(page).disabled and "needs 1 MB of weights" not in text_of(page)
    assert "is larger than" in text_of(page)
    next(each for each in page.button if each.label.startswith("Fit the crop")).click().run()
    assert not page.exception and "is larger than" not in text_of(page)
    assert not page.session_state["launch_draft"]["transforms"][0]["enabled"]  # of 8 x 6 pixels no crop is left
    assert not button(page).disabled


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def test_a_run_is_launched_again_as_it_was_or_changed_first(form, opened, tmp_path):
    button(form).click().run()
    first = opened[0][1]["run"]
    changed = open_page(**{"from": first})
    assert "Photos, labels and folds are as they were." in text_of(changed)
    changed.button(key="again-change").click().run()
    assert not [each for each in changed.button if each.key == "again-change"] and len(summaries()) == 1
    draw(tmp_path / "faces" / "5_0_0_20170109179900000.jpg", (9, 99, 9))
    again = open_page(**{"from": first})
    assert "1 photo is new." in text_of(again)
    again.button(key="again-as-it-was").click().run()
    assert len(summaries()) == 2
    assert len(Run(opened[-1][1]["run"]).samples()) == 31


def test_a_task_of_one_class_offers_those_that_have_more_a_click_each(opened, tmp_path):
    root = mask_dataset(tmp_path / "women", [(f"{n:03d}", "female", 20 + 25 * (n % 3)) for n in range(12)])
    page = open_on(root, "task", recipe="quick")
    page.selectbox(key=f"form{page.session_state['launch_version']}.task.name").set_value("gender").run()
    assert "One class only" in text_of(page)
    page.button(key="problem-task-age").click().run()
    assert not page.exception and page.session_state["launch_draft"]["task"]["name"] == "age"
    assert "One class only" not in text_of(page)
