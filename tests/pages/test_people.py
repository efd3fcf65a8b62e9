"""A lab that several people share, through Streamlit's own test runner, and one in which somebody is alone.

Streamlit takes no click on a button that was drawn greyed. Where one was drawn for whoever might press it then, or a
page forgot to grey it, the verb answers.
"""

import importlib

import numpy as np
import pandas as pd
import pytest

from core.config import drafts
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction
from core.jobs import queue
from core.runs import notes
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from core.text import plain
from pages.parts.people import people
from pages.parts.runs import table
from tests.answered import made, photo, probabilities_of, table_of
from tests.pages.app import button, captions, elements, html, labels, page
from tests.pages.launch_form import faces, field, open_group, open_page, take_folder, text_of
from tests.pages.trials import make_run
from tests.people import ADMIN, ANNA, BERT, acting
from tests.photos import draw

EVIL = "<b>anna</b> **bold** :smile:"


@pytest.fixture(autouse=True)
def door():
    """Says who asks from when it is first imported on; from then on those who act here do."""
    importlib.import_module("pages.parts.door.person")


@pytest.fixture
def run(folder):
    """A run of anna's that waits."""
    run = make_run(folder, "hers", ("queued", "queued"), info={"by": "anna"})
    queue.enqueue(run, run.folds())
    return run


@pytest.fixture
def study(folder, run):
    other = make_run(folder, "other", ("queued", "queued"), info={"by": "anna"})
    queue.enqueue(other, other.folds())
    members = [StudyRun(each.id, each.id, each.config().model_dump(mode="json")) for each in (run, other)]
    record = Study("20260101-000000-two-abcd", "two", "", 0.0, {}, members, by="anna")
    record_file.folder_of(folder).mkdir(parents=True)
    record_file.write(record, folder)
    return record


@pytest.fixture
def doubted(folder):
    """A run that is sure that p017 and p008 are labelled wrongly; its dataset."""
    root = folder / "Photos"  # no name that a run could have
    samples = table_of(root)
    for row, sample in enumerate(samples["sample"]):
        photo(root / sample, row)
    p = probabilities_of(samples["y"], sure=0.8)
    p[17] = 0.001 * p[17] + 0.999 * np.eye(6)[3]
    p[8] = 0.01 * p[8] + 0.99 * np.eye(6)[5]
    return made(folder, samples, probabilities=p, root=root), root


def deciders(root):
    """Photo -> who decided about its label."""
    path = reviews.file(root)
    table = pd.read_csv(path) if path.exists() else pd.DataFrame({"sample": [], "by": []}, dtype=str)
    confirmed = dict(zip(table["sample"].str.split("\t").str[0], table["by"], strict=True))
    return confirmed | {each.sample: each.by for each in corrections.load(root)}


def forged(button):
    """The message of a click on a greyed button, which no browser sends: it names the button, not how it looks."""
    assert button.disabled
    button.proto.disabled = False
    return button.click().run()


@pytest.fixture
def greys_nothing(monkeypatch):
    """Pages that do not know who may press what."""
    monkeypatch.setattr(people, "locked", lambda owners: "")


def states(run):
    return [state.state for state in run.states()]


def words(at):
    """All that stands on a page, and what its tooltips say."""
    texts = [html(at), captions(at)]
    for element in elements(at.main):
        texts += [str(getattr(element, name, "") or "") for name in ("label", "value", "help")]
    return "\n".join(texts)


def test_one_person_alone_sees_no_word_of_people(run, study):
    addresses = {"home": {}, "live": {"run": run.id}, "runs": {"runs": run.id, "mine": "true"}, "studies": {}}
    for name, address in addresses.items():
        at = page(name, **address)
        said = words(at)
        for word in ("anna", "Mine", "is shared", "launched by", "take turns", "belongs"):
            assert word not in said, (name, word)
        assert not any(each.disabled for each in at.button if each.label in ("Cancel", "Archive", "Delete"))
    at = page("studies", study=study.id)
    assert "anna" not in words(at)
    button(at, "Cancel").click().run()
    assert states(run) == ["cancelled"] * 2, "what somebody else launched is one's own where one is alone"


@pytest.mark.parametrize(("who", "may"), [(ANNA, True), (BERT, False), (ADMIN, True)], ids=["owner", "other", "admin"])
def test_a_run_is_cancelled_by_whoever_launched_it_or_an_admin(run, monkeypatch, who, may):
    acting(monkeypatch, who)
    at = page("live", run=run.id)
    assert "launched by anna" in html(at)
    cancel = button(at, "Cancel")
    assert cancel.disabled is not may
    if may:
        cancel.click().run()
    else:
        assert cancel.help == plain("Belongs to anna. Ask them, or an admin of the lab.")
        forged(cancel)
    assert states(run) == (["cancelled"] if may else ["queued"]) * 2


@pytest.mark.usefixtures("greys_nothing")
def test_a_click_that_comes_all_the_same_is_refused_in_words(run, study, folder, monkeypatch):
    stopped = make_run(folder, "stopped", ("failed", "done"), info={"by": "anna"})
    acting(monkeypatch, BERT)
    at = page("live", run=run.id)
    button(at, "Cancel").click().run()
    assert f"run '{run.id}' belongs to anna. <i>Ask them, or an admin of the lab.</i>" in at_text(at)
    at = page("home")
    button(at, "Resume").click().run()
    assert f"run '{stopped.id}' belongs to anna" in at_text(at)
    for label in ("Archive", "Delete"):
        at = page("runs", runs=stopped.id)
        button(at, label).click().run()
        assert f"run '{stopped.id}' belongs to anna" in at_text(at), label
    for label in ("Pause", "Cancel", "Delete this study"):
        at = page("studies", study=study.id)
        button(at, label).click().run()
        assert "study 'two' belongs to anna" in at_text(at), label
    at = page("studies", study=study.id)
    at.button(key=f"arrow_downward-{run.id}").click().run()
    assert "study 'two' belongs to anna" in at_text(at)
    assert record_file.load(study.id) == study
    assert states(run) == ["queued"] * 2 and states(stopped) == ["failed", "done"]
    assert notes.read_notes(stopped).archived is None


def at_text(at):
    return html(at).replace("&#x27;", "'")


def test_others_see_everything_of_a_run_and_its_note_and_change_nothing(run, folder, monkeypatch):
    notes.change_notes(run, text="a first try", add=["seed 1"])
    acting(monkeypatch, BERT)
    at = page("runs", runs=run.id)
    assert "Who launched something may change it" in captions(at)
    assert "a first try" in [text.value for text in at.text] and "seed 1" in captions(at)
    assert "Save" not in labels(at)
    assert button(at, "Archive").disabled and button(at, "Delete").disabled
    assert not button(at, "Compare").help.startswith("Belongs")


def test_the_list_of_runs_is_filtered_and_grouped_by_who_launched_them(run, folder, monkeypatch):
    make_run(folder, "his", info={"by": "bert"})
    make_run(folder, "old")
    acting(monkeypatch, BERT)
    at = page("runs", mine="true")
    assert at.toggle(key="mine").value and "1 of 3 runs" in captions(at)
    at.toggle(key="mine").set_value(False).run()
    assert "3 runs" in captions(at)
    assert "Who" in at.selectbox(key="group").options


def test_a_study_is_paused_cancelled_ordered_and_deleted_by_whoever_launched_it(study, run, monkeypatch):
    acting(monkeypatch, BERT)
    at = page("studies", study=study.id)
    assert "launched by anna" in html(at)
    greyed = [button(at, label) for label in ("Pause", "Cancel", "Delete this study", "Add a run")]
    greyed.append(at.button(key=f"arrow_downward-{run.id}"))
    assert all(each.disabled and each.help.startswith("Belongs to anna") for each in greyed)
    acting(monkeypatch, ANNA)
    button(page("studies", study=study.id), "Pause").click().run()
    assert record_file.load(study.id).paused


def test_ones_own_studies(study, monkeypatch):
    acting(monkeypatch, BERT)
    at = page("studies")
    assert "Who launched something may change it" in captions(at) and "launched by anna" in html(at)
    at = page("studies", mine="true")
    assert "None of the studies is yours." in at.info[0].value


def test_a_name_from_outside_is_text(folder, monkeypatch):
    run = make_run(folder, "evil", ("queued", "failed"), info={"by": EVIL})
    acting(monkeypatch, BERT)
    for name, address in {"home": {}, "live": {"run": run.id}, "runs": {"runs": run.id}}.items():
        at = page(name, **address)
        assert "<b>anna" not in html(at), name
        greyed = [each.help for each in at.button if "elongs to" in each.help]
        assert greyed and all(text.startswith(f"Belongs to {plain(EVIL)}") for text in greyed), name


def test_home_offers_to_resume_ones_own(folder, monkeypatch):
    run = make_run(folder, "hers", ("failed", "done"), info={"by": "anna"})
    acting(monkeypatch, BERT)
    at = page("home")
    assert button(at, "Resume").disabled
    files.write_json(run.info_file, run.info() | {"by": "bert"})
    run.summary_file.unlink()
    assert not button(page("home"), "Resume").disabled


def test_the_table_of_runs_says_who_where_there_are_several(run, monkeypatch):
    drawn = []
    monkeypatch.setattr(table, "_TABLE", lambda **options: drawn.append(options["data"]))
    page("runs")
    acting(monkeypatch, BERT)
    page("runs")
    alone, shared = drawn
    for data in drawn:
        assert all(len(row["cells"]) == len(data["columns"]) for group in data["groups"] for row in group["rows"])
    assert [column["title"] for column in shared["columns"]] == [column["title"] for column in alone["columns"]] + [
        "Who"
    ]
    assert [row["cells"][-1] for group in shared["groups"] for row in group["rows"]] == ["anna"]


def test_two_people_on_one_form_launch_one_run_which_is_of_the_first(opened, tmp_path, monkeypatch):
    acting(monkeypatch, ANNA)
    hers = take_folder(open_page(), faces(tmp_path / "faces"))
    acting(monkeypatch, BERT)
    his = take_folder(open_page(form=hers.session_state["launch_token"]), tmp_path / "faces")
    acting(monkeypatch, ANNA)
    button(hers, "Launch").click().run()
    acting(monkeypatch, BERT)
    button(his, "Launch").click().run()
    assert len(opened) == 2 and opened[0] == opened[1]
    assert [summary["by"] for summary in summaries()] == ["anna"]


@pytest.mark.parametrize(
    ("who", "decide"),
    [(BERT, "Leave photo out"), (BERT, "Label is right"), (ADMIN, "Label is right"), (ANNA, "Leave photo out")],
    ids=["other leaves out", "other confirms", "admin", "second tab"],
)
def test_what_was_decided_of_a_label_on_another_page_is_not_taken_back_here(doubted, monkeypatch, who, decide):
    run, root = doubted
    acting(monkeypatch, who)
    here = page("look_inside", run=run.id, view="labels", label="p017/0.jpg")
    button(here, "Leave photo out").click().run()
    acting(monkeypatch, ANNA)
    hers = page("look_inside", run=run.id, view="labels", label="p008/0.jpg")
    button(hers, decide).click().run()
    acting(monkeypatch, who)
    assert here.query_params["label"] in ("p008/0.jpg", ["p008/0.jpg"])
    button(here, decide).click().run()
    said = at_text(here)
    button(here, "Undo").click().run()
    assert deciders(root) == {"p008/0.jpg": "anna"}, "one's own decision was the one before"
    assert button(here, "Undo").disabled
    assert "p008/0.jpg: the same was decided already, on another page." in said
    acting(monkeypatch, ANNA)
    button(hers, "Undo").click().run()
    assert deciders(root) == {}


def test_a_decision_that_one_may_not_take_back_keeps_none_of_those_before_it(doubted, monkeypatch):
    run, root = doubted
    acting(monkeypatch, BERT)
    at = page("look_inside", run=run.id, view="labels", label="p017/0.jpg")
    button(at, "Leave photo out").click().run()
    acting(monkeypatch, ANNA)  # who logs in beside him, in the same tab
    button(at, "Leave photo out").click().run()
    acting(monkeypatch, BERT)
    button(at, "Undo").click().run()
    said = at_text(at)
    button(at, "Undo").click().run()
    assert deciders(root) == {"p008/0.jpg": "anna"}
    assert "the correction of p008/0.jpg belongs to anna" in said


def test_a_draft_that_somebody_else_opens_by_its_link_stays_what_its_person_left(opened, tmp_path, monkeypatch):
    acting(monkeypatch, ANNA)
    hers = open_group(take_folder(open_page(), faces(tmp_path / "faces")), "phases")
    field(hers, "phases.0.epochs").set_value("5").run()
    hers.button(key="use-quick").click().run()
    field(hers, "phases.0.epochs").set_value("7").run()
    token = hers.session_state["launch_token"]
    acting(monkeypatch, BERT)
    his, another = (open_page("phases", form=token) for _ in range(2))
    said = text_of(his)
    assert field(his, "phases.0.epochs").value == "7"
    assert his.session_state["launch_token"] == token, "nothing was changed: what is launched from both is one run"
    field(his, "phases.0.epochs").set_value("3").run()
    own = his.session_state["launch_token"]
    assert own != token and his.query_params["form"] in (own, [own])
    button(another, "Start anew").click().run()
    assert not another.exception and another.session_state["launch_token"] != token
    assert "What you had prepared" not in said + text_of(another), "she did, and has it still"
    assert "Draft restored: the form is as you left it" in text_of(open_page(form=own))
    acting(monkeypatch, ANNA)
    again = open_page(form=token)
    assert "Draft restored: the form is as you left it" in text_of(again)
    assert again.session_state["launch_draft"]["phases"][0]["epochs"] == 7
    assert [drafts.whose(each) for each in (token, own)] == ["anna", "bert"]
    assert "the form is as anna left it" in said


def test_a_draft_is_not_written_over_by_who_began_on_its_form_with_something_else(opened, tmp_path, monkeypatch):
    acting(monkeypatch, ANNA)
    hers = take_folder(open_page(), faces(tmp_path / "faces"))
    token = hers.session_state["launch_token"]
    acting(monkeypatch, BERT)
    his = open_page("phases", recipe="study", form=token)
    field(his, "phases.0.epochs").set_value("3").run()
    assert his.session_state["launch_source"] == ("recipe", "study")
    assert drafts.load(token)["source"] == ["recipe", "quick"] and drafts.whose(token) == "anna"
    assert drafts.load(his.session_state["launch_token"])["source"] == ["recipe", "study"]


def test_who_changes_somebody_elses_draft_and_launches_in_one_go_launches_once(opened, tmp_path, monkeypatch):
    acting(monkeypatch, ANNA)
    hers = take_folder(open_page(), faces(tmp_path / "faces"))
    token = hers.session_state["launch_token"]
    acting(monkeypatch, BERT)
    his = open_page("phases", form=token)
    field(his, "phases.0.epochs").set_value("3")
    button(his, "Launch").click().run()
    assert not his.exception and len(opened) == 1
    assert [(summary["by"], summary["epochs"]) for summary in summaries()] == [("bert", 3)]
    assert drafts.whose(token) == "anna" and drafts.load(token)["draft"]["phases"][0]["epochs"] == 25


@pytest.mark.parametrize("who", [BERT, ADMIN], ids=["other", "admin"])
@pytest.mark.parametrize("hers", [["cats/0.jpg"], ["cats/0.jpg", "cats/1.jpg"]], ids=["one of them", "all"])
def test_undo_over_the_page_leaves_what_somebody_else_had_said_before(folder, monkeypatch, who, hers):
    root, chosen = folder / "Pets", ["cats/0.jpg", "cats/1.jpg"]
    for name in (*chosen, "cats/2.jpg", "dogs/0.jpg", "dogs/1.jpg"):
        draw(root / name)
    acting(monkeypatch, who)
    at = page("data", root=str(root), view="faces", photos=",".join(chosen))
    at.selectbox(key="data-several-what").set_value("exclude-photo").run()
    for sample in chosen:  # what is not hers was said in another tab of whoever asks
        acting(monkeypatch, ANNA if sample in hers else who)
        corrections.add(root, Correction(kind="exclude-photo", sample=sample, person=sample))
    acting(monkeypatch, who)
    button(at, "Leave these photos out").click().run()
    assert "2 photos left out." in "".join(each.value for each in at.markdown).replace("\\", "")
    undo = at.button(key="data-said-undo")
    said = undo.help
    if undo.disabled:
        forged(undo)
    else:
        undo.click().run()
    assert not at.exception and deciders(root) == dict.fromkeys(hers, "anna")
    assert said == plain("What anna had said before stays; it is listed under Corrections.")
