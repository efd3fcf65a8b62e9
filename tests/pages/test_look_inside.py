"""Look inside, run without a browser on made-up answers: what it shows, and what it says when something is missing."""

import dataclasses
import gc
import json
import re
import weakref
from contextlib import contextmanager
from html import escape, unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.config import to_yaml
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction
from core.errors import LabError
from core.inside import attend, face_maps, fold_models, regions, trust
from core.inside import maps as gradcam
from core.inside.layers import class_key
from core.jobs import control
from core.places import HOME
from core.predict import photos
from core.predict.predictor import Predictor
from core.runs import FoldState, Run
from core.runs.lists.summaries import summaries
from core.runs.run import ID
from pages.parts.look_inside import address, controls
from tests.answered import CLASSES, answer, copied, judged, made, photo, probabilities_of, table_of
from tests.fold_runs import draw_faces
from tests.fold_runs import make_run as unanswered

pytestmark = pytest.mark.usefixtures("narrow")

APP = HOME / "app.py"
WRONG = {0: 1, 3: 0, 6: 5, 12: 1, 20: 3}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def samples(tmp_path):
    table = table_of(tmp_path / "photos")
    for row in range(len(table)):
        photo(Path(table.loc[row, "path"]), row)
    return table


def page(**params):
    at = AppTest.from_file(APP, default_timeout=60)
    at.switch_page("pages/look_inside.py")
    for key, value in params.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def walk(block):
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from walk(child)
        else:
            yield child


def html(at):
    return "\n".join(child.proto.body for child in walk(at.main) if child.type == "html")


def sent(at, name):
    """What the page sent to its element of that name, None if it is not on the page."""
    for child in walk(at.main):
        if child.type == "bidi_component" and child.proto.component_name == name:
            return json.loads(child.proto.json)
    return None


def gallery(at):
    return [face["sample"] for face in sent(at, "facet_gallery")["faces"]]


def infos(at):
    return "\n".join(info.value for info in at.info)


def button(at, label):
    return next(button for button in at.button if button.label == label)


def test_no_run_says_what_to_do():
    at = page()
    assert "No run yet" in at.info[0].value and button(at, "Launch")


def test_the_newest_answered_run_opens_with_its_worst_mistakes_first(folder, samples):
    run_id = "20260101-000000-old-0000"
    answers = probabilities_of(samples["y"], wrong=WRONG)
    made(folder, samples, name="old", probabilities=answers, run_id=run_id, root=samples["path"][0])
    at = page()
    assert at.query_params["run"] == run_id
    run = Run(run_id, folder)
    answered = pd.concat([run.predictions(fold) for fold in run.folds()])
    wrong = answered[answered["label"] != answered["predicted"]].sort_values("loss", ascending=False)
    assert gallery(at) == wrong["sample"].tolist()
    matrix = sent(at, "facet_confusion")
    assert matrix["names"] == CLASSES
    expected = pd.crosstab(answered["label"], answered["predicted"]).reindex(index=CLASSES, columns=CLASSES).fillna(0)
    np.testing.assert_array_equal(matrix["counts"], expected.astype(int))


def test_classes_that_are_never_predicted_are_said_beneath_the_matrix(folder, samples):
    wrong = {row: 4 for row in np.flatnonzero(samples["y"] == 1)}
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=wrong))
    assert f"Never predicted: {escape(CLASSES[1])}: no photo was taken for it." in html(page(run=run.id))
    whole = made(folder, samples, name="whole", probabilities=probabilities_of(samples["y"]))
    assert "Never predicted" not in html(page(run=whole.id, answer="all"))


def test_the_address_is_the_selection(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    at = page(run=run.id, true=CLASSES[0], predicted=CLASSES[1])
    assert gallery(at) and set(gallery(at)) == {"p000/0.jpg", "p012/0.jpg"}
    assert sent(at, "facet_confusion")["chosen"] == [0, 1]
    assert at.selectbox(key="look-true").value == CLASSES[0]
    at = page(run=run.id, fold="1")
    assert gallery(at) and all(samples.set_index("sample").loc[name, "fold"] == 1 for name in gallery(at))
    assert len(gallery(page(run=run.id, answer="all"))) == 12
    assert len(gallery(page(run=run.id, answer="all", page="2"))) == 12


def test_a_widget_writes_into_the_address(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    at = page(run=run.id, page="1")
    at.selectbox(key="look-answer").select("all").run()
    assert at.query_params["answer"] == "all" and "page" not in at.query_params
    at.selectbox(key="look-answer").select("wrong").run()
    assert "answer" not in at.query_params


NO_SUCH_FACES = {"fold": "9", "true": "<b>nobody</b>", "page": "9999", "low": "nan", "sort": "luck", "which": "worst"}
NO_SUCH_PEOPLE = {"samples": "../../etc/passwd", "view": "nowhere", "person": "\x00", "runs": "../x,gone-1"}
NO_SUCH_MAPS = {"class": "nobody", "layers": "layer9", "method": "magic", "models": "none", "opacity": "inf"}
NO_NUMBERS = {"fold": "\u0663", "page": "-3", "low": "1e9", "high": "x", "opacity": "nan", "page2": "x"}
NO_NAMES = {"samples": ",,%,%2C", "mask": "hat", "a": "?", "runs": ",", "layers": ",", "heat": "cold"}
TOO_LONG = {"page": "x" * 50, "samples": "a" * 5000, "person": "a" * 5000, "label": "../x"}


@pytest.mark.parametrize(
    "params",
    [
        {**NO_SUCH_FACES, **NO_SUCH_PEOPLE, **NO_SUCH_MAPS, "trust": "2", "boxes": "a_b"},
        {**NO_NUMBERS, **NO_NAMES, "colours": "pink"},
        TOO_LONG,
    ],
)
def test_nonsense_in_the_address_is_ignored(folder, samples, params):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    assert len(gallery(page(run=run.id, **params))) == len(WRONG)


def test_a_run_without_predictions_says_so(folder, samples):
    at = page(run=made(folder, samples).id)
    assert "has no best predictions yet" in html(at) and button(at, "Open in Live")


def test_folds_that_have_not_answered_are_named(folder, samples):
    run = made(folder, samples)
    answer(run, samples, probabilities_of(samples["y"], wrong=WRONG), folds=[0])
    at = page(run=run.id)
    assert "Not answered yet: fold 1." in html(at)
    assert sum(map(sum, sent(at, "facet_confusion")["counts"])) == (samples["fold"] == 0).sum()


def test_a_fold_that_answered_and_was_stopped_is_shown_and_said_to_be_unfinished(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    assert "Not finished" not in html(page(run=run.id))
    run.write_state(FoldState(1, "cancelled", epoch=2))
    at = page(run=run.id)
    assert "Not finished: fold 1 cancelled after epoch 2." in html(at)
    assert len(gallery(at)) == len(WRONG)


def test_a_class_without_mistakes_and_a_run_without_any(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    at = page(run=run.id, true="male 30-59")
    assert "No mistake about this class" in infos(at)
    button(at, "Show all mistakes").click().run()
    assert len(gallery(at)) == len(WRONG)
    perfect = made(folder, samples, name="perfect", probabilities=probabilities_of(samples["y"]))
    assert "No mistake at all" in infos(page(run=perfect.id))


def test_a_photo_that_is_gone_leaves_its_place(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    Path(samples.loc[0, "path"]).unlink()
    faces = {face["sample"]: face for face in sent(page(run=run.id), "facet_gallery")["faces"]}
    assert faces["p000/0.jpg"]["fault"] == "the photo is gone from disk" and not faces["p000/0.jpg"]["image"]
    assert faces["p003/0.jpg"]["image"].startswith("data:image/jpeg")


@pytest.mark.parametrize(
    ("run_id", "words"),
    [("../../etc/passwd", "is not a run id"), ("a\x00b", "is not a run id"), ("20260101-000000-gone-0000", "is gone")],
)
def test_a_bad_run_is_one_sentence(folder, samples, run_id, words):
    made(folder, samples, probabilities=probabilities_of(samples["y"]))
    assert words in html(page(run=run_id))


def test_damaged_predictions_are_one_sentence(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"]))
    run.predictions_file(0, "best").write_bytes(b"PAR1 no")
    assert f"{run.id}: folds/0/predictions_best.parquet is damaged" in html(page(run=run.id))


# The queue of likely wrong labels


@pytest.fixture
def doubted(folder, samples, tmp_path):
    """A run that is sure that p017 (male >=60) is male <30 and p008 (female >=60) is male >=60; several photos each."""
    p = probabilities_of(samples["y"], sure=0.8)
    p[17] = 0.001 * p[17] + 0.999 * np.eye(6)[3]
    p[8] = 0.01 * p[8] + 0.99 * np.eye(6)[5]
    return made(folder, samples, probabilities=p, root=tmp_path / "photos")


def queue(at):
    content = sent(at, "facet_gallery")
    return [face["sample"] for face in content["faces"]] if content else []


def relabel_field(at, attribute):
    """The form's one field of an attribute."""
    fields = (*at.selectbox, *at.number_input)
    (only,) = [each for each in fields if re.fullmatch(f"look-relabel-.*-{attribute}", each.key or "")]
    return only


def test_the_queue_asks_about_the_most_suspicious_first(doubted):
    at = page(run=doubted.id, view="labels")
    assert queue(at)[:2] == ["p017/0.jpg", "p008/0.jpg"]
    assert sent(at, "facet_gallery")["faces"][0]["lines"] == ["under 1 % → over 99 % sure"]
    assert "male &lt;30" in html(at) and "which held this person out" in html(at)


def test_a_network_that_is_wrong_more_often_than_right_accuses_no_label(folder, samples, tmp_path):
    wrong = {row: (int(y) + 1) % 6 for row, y in enumerate(samples["y"]) if row % 3}
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=wrong), root=tmp_path / "photos")
    at = page(run=run.id)
    assert not [one for one in at.button if "may be wrong" in one.label]
    assert f"wrong about {2 / 3:.0%} of the photos" in page(run=run.id, view="labels").warning[0].value


def test_a_network_that_is_mostly_right_sends_to_the_labels_that_it_contradicts(doubted):
    at = page(run=doubted.id)
    assert [one for one in at.button if re.match(r"\d+ labels? may be wrong", one.label)]
    assert not page(run=doubted.id, view="labels").warning


def test_a_photo_whose_person_nobody_knows_is_not_called_one(folder, samples, tmp_path):
    p = probabilities_of(samples["y"], sure=0.8)
    p[17] = 0.001 * p[17] + 0.999 * np.eye(6)[3]
    alone = samples.assign(person=samples["sample"])
    markup = html(page(run=made(folder, alone, probabilities=p, root=tmp_path / "photos").id, view="labels"))
    assert "which held this photo out" in markup and ">person<" not in markup


def test_a_confirmed_label_is_not_asked_again_and_undo_asks_again(doubted, tmp_path):
    at = page(run=doubted.id, view="labels")
    before = queue(at)
    button(at, "Label is right").click().run()
    assert queue(at) == before[1:]
    assert reviews.load(tmp_path / "photos") == {"p017/0.jpg\tgender\tage": "male >=60"}
    assert corrections.load(tmp_path / "photos") == []
    assert queue(page(run=doubted.id, view="labels")) == before[1:]
    button(at, "Undo").click().run()
    assert queue(at) == before and reviews.load(tmp_path / "photos") == {}


def test_undo_puts_back_what_a_task_of_other_limits_of_age_had_confirmed(doubted, tmp_path):
    reviews.confirm(tmp_path / "photos", "p017/0.jpg\tgender\tage", "male >=50")
    at = page(run=doubted.id, view="labels")
    button(at, "Label is right").click().run()
    assert reviews.load(tmp_path / "photos") == {"p017/0.jpg\tgender\tage": "male >=60"}
    button(at, "Undo").click().run()
    assert reviews.load(tmp_path / "photos") == {"p017/0.jpg\tgender\tage": "male >=50"}


def test_a_relabel_lands_in_the_corrections(doubted, tmp_path):
    at = page(run=doubted.id, view="labels", label="p008/0.jpg")
    assert relabel_field(at, "gender").value == "male"
    button(at, "Relabel").click().run()
    assert not at.exception
    (correction,) = corrections.load(tmp_path / "photos")
    assert (correction.kind, correction.sample) == ("relabel", "p008/0.jpg")
    assert (correction.attribute, correction.before, correction.after) == ("gender", "female", "male")
    assert "p008/0.jpg" not in queue(at) and doubted.id in correction.reason
    button(at, "Undo").click().run()
    assert corrections.load(tmp_path / "photos") == [] and "p008/0.jpg" in queue(at)


def test_another_runs_belief_about_the_same_photo_fills_the_form_anew(doubted, folder, samples, tmp_path):
    p = probabilities_of(samples["y"], sure=0.8)
    p[8] = 0.01 * p[8] + 0.99 * np.eye(6)[0]
    other = made(folder, samples, probabilities=p, root=tmp_path / "photos", run_id="other")
    at = page(run=doubted.id, view="labels", label="p008/0.jpg")
    assert relabel_field(at, "gender").value == "male"
    at.query_params["run"] = other.id
    at.run()
    assert not at.exception and "female &lt;30" in html(at)
    assert relabel_field(at, "gender").value == "female"


def test_an_age_has_to_be_told(doubted, tmp_path):
    at = page(run=doubted.id, view="labels", label="p017/0.jpg")
    button(at, "Relabel").click().run()
    assert "Nothing is changed" in html(at) and corrections.load(tmp_path / "photos") == []
    relabel_field(at, "age").set_value(27)
    button(at, "Relabel").click().run()
    (correction,) = corrections.load(tmp_path / "photos")
    assert (correction.attribute, correction.before, correction.after) == ("age", "72", "27")


def test_an_age_that_label_and_belief_leave_open_alike_stays_in_whichever_order_they_were_merged(
    folder, samples, tmp_path
):
    merge = {"women": [CLASSES[0], CLASSES[2]], "men": [CLASSES[5], CLASSES[3]]}
    names = [*merge, CLASSES[1], CLASSES[4]]
    class_of = {member: name for name, members in merge.items() for member in members}
    merged = samples["class_name"].map(lambda name: class_of.get(name, name))
    samples = samples.assign(class_name=merged, y=merged.map(names.index))
    p = probabilities_of(samples["y"], sure=0.8, classes=4)
    p[8] = 0.01 * p[8] + 0.99 * np.eye(4)[names.index("men")]
    task = {"name": "gender-age", "merge": merge}
    run = made(folder, samples, probabilities=p, root=tmp_path / "photos", names=names, task=task)
    at = page(run=run.id, view="labels", label="p008/0.jpg")
    assert relabel_field(at, "gender").value == "male" and relabel_field(at, "age").value == samples.loc[8, "age"]


def test_leaving_a_photo_out_lands_in_the_corrections(doubted, tmp_path):
    at = page(run=doubted.id, view="labels")
    button(at, "Leave photo out").click().run()
    (correction,) = corrections.load(tmp_path / "photos")
    assert (correction.kind, correction.sample, correction.person) == ("exclude-photo", "p017/0.jpg", "p017")
    assert "p017/0.jpg" not in queue(at)


def retraining():
    import streamlit as st

    from core.runs import Run
    from pages.parts.doubts import retrain

    retrain.dialog(Run(st.session_state["run"]))


def test_what_was_corrected_while_a_retraining_was_offered_is_shown_before_it_is_trained_on(
    folder, tmp_path, monkeypatch
):
    opened = []
    monkeypatch.setattr(st, "switch_page", lambda page, *, query_params: (opened.append(query_params), st.stop()))
    run = unanswered(folder, draw_faces(tmp_path / "faces"), task={"name": "gender"}, kept=())
    outs = [
        Correction(kind="exclude-photo", sample=row.sample, person=str(row.person))
        for row in run.samples().head(2).itertuples()
    ]
    corrections.add_all(run.config().data.root, outs[:1])
    at = AppTest.from_function(retraining, default_timeout=60)
    at.session_state["run"] = run.id
    at.run()
    assert not at.exception and "1 photo is not in it any more" in at.markdown[0].value and not at.warning
    corrections.add_all(run.config().data.root, outs[1:])  # from another tab
    button(at, "Queue it").click().run()
    assert not at.exception and not opened and [each["id"] for each in summaries(folder)] == [run.id]
    assert "nothing was queued" in at.warning[0].value and "2 photos are not in it any more" in at.markdown[0].value
    button(at, "Queue it").click().run()
    (address,) = opened
    assert not at.exception and len(Run(address["run"], folder).samples()) == len(run.samples()) - 2


def test_a_broken_corrections_file_is_named(doubted, tmp_path):
    path = corrections.file(tmp_path / "photos")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,nonsense\n")
    assert "line 1" in html(page(run=doubted.id, view="labels"))


def test_a_run_without_doubts_says_so(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], sure=0.95))
    at = page(run=run.id, view="labels")
    assert "No label is confidently contradicted" in at.info[0].value


# Maps


@pytest.fixture(scope="module")
def two_depths(tmp_path_factory):
    """Two runs on the same faces and folds, with random networks: the folder of the runs, and the samples."""
    root = tmp_path_factory.mktemp("depths")
    samples = table_of(root / "photos", people=12, folds=2).assign(person_known=True)
    for row in range(len(samples)):
        photo(Path(samples.loc[row, "path"]), row)
    for number, depth in enumerate((18, 34)):
        run_id = f"20260{number + 1}01-000000-depth{depth}-0000"
        model = {"depth": depth, "init": "scratch"}
        run = made(root / "runs", samples, name=f"depth {depth}", run_id=run_id, root=root / "photos", model=model)
        judged(run)
    yield root / "runs", samples
    fold_models.free()


@pytest.fixture
def depths(two_depths, folder):
    """Copies of the two runs that a test may damage; the photos are shared."""
    runs_, samples = two_depths
    names = sorted(path.name for path in runs_.iterdir() if ID.fullmatch(path.name))
    return [copied(Run(name, runs_), folder) for name in names], samples


@pytest.fixture
def folds_asked(monkeypatch):
    calls, real = [], fold_models.fold_model

    @contextmanager
    def spy(run, fold, which="best", device=None, **more):
        calls.append((run.id, fold))
        with real(run, fold, which, device, **more) as opened:
            yield opened

    monkeypatch.setattr(fold_models, "fold_model", spy)
    monkeypatch.setattr(gradcam, "fold_model", spy)
    return calls


def test_every_path_to_a_map_asks_the_fold_that_held_the_person_out(depths, folds_asked):
    """From the gallery's address, from Compare's link with several runs, for either class, and by Next."""
    (small, large), samples = depths
    at = samples.set_index("sample")["fold"]
    first, second = samples["sample"].iloc[0], samples["sample"].iloc[7]
    assert at[first] != at[second]
    expected = {(run.id, at[name]) for run in (small, large) for name in (first, second)}
    link = {"run": small.id, "runs": f"{small.id},{large.id}", "samples": f"{first},{second}"}
    for extra in ({}, {"class": "true"}, {"minus": "true"}, {"class": CLASSES[3]}):
        folds_asked.clear()
        maps = sent(page(**link, **extra), "facet_maps")
        assert set(folds_asked) == expected
        assert [row["title"] for row in maps["rows"]] == [first, first, second, second]
        assert all("held out" in row["lines"][0] for row in maps["rows"])
        assert all("% sure · map of" in row["lines"][2] for row in maps["rows"])
        assert all(len(row["cells"]) == 5 for row in maps["rows"])
    at_page = page(run=small.id, answer="all")
    button(at_page, "Next photo").click().run()
    first = at_page.query_params["samples"]
    folds_asked.clear()
    button(at_page, "Next photo").click().run()
    (now,) = [row["title"] for row in sent(at_page, "facet_maps")["rows"]]
    assert now != first and set(folds_asked) == {(small.id, at[now])}


def test_every_fold_is_asked_only_on_demand_and_says_so(depths, folds_asked):
    (small, _), samples = depths
    rows = sent(page(run=small.id, samples=samples["sample"].iloc[0], models="every"), "facet_maps")["rows"]
    assert {fold for _, fold in folds_asked} == {0, 1}
    models = [row["lines"][0].partition(" · ")[2] for row in rows]
    assert models == [
        "fold 0, held out",
        "fold 1, trained on this person",
        "mean of 2 folds",
        "disagreement of 2 folds",
    ]


def test_best_and_last_epoch_stand_side_by_side(depths):
    (small, _), samples = depths
    name, fold = samples["sample"].iloc[0], int(samples["fold"].iloc[0])
    state = safetensors.torch.load_file(small.weights_file(fold, "final"))
    state["fc.weight"] = -state["fc.weight"]
    small.weights_file(fold, "final").unlink()
    safetensors.torch.save_file(state, small.weights_file(fold, "final"))
    small.write_state(dataclasses.replace(small.written_state(fold), epoch=7, best_epoch=4))
    best, last = sent(page(run=small.id, samples=name, models="epochs"), "facet_maps")["rows"]
    assert (best["lines"][-1], last["lines"][-1]) == ("best epoch, 4", "last epoch, 7")
    assert all(f"fold {fold}, held out" in row["lines"][0] for row in (best, last))
    assert best["cells"][4]["heat"] != last["cells"][4]["heat"]
    small.weights_file(fold, "final").unlink()
    at = page(run=small.id, samples=name, models="epochs")
    assert "final weights" in html(at) and len(sent(at, "facet_maps")["rows"]) == 1


def test_any_class_minus_any_other(depths):
    (small, _), samples = depths
    at = page(run=small.id, samples=samples["sample"].iloc[0], minus=CLASSES[0], **{"class": CLASSES[3]})
    (row,) = sent(at, "facet_maps")["rows"]
    assert row["signed"] and f"map of {CLASSES[3]} minus {CLASSES[0]}" in row["lines"][2]
    assert CLASSES[3] not in at.selectbox(key="look-minus").options
    every = page(run=small.id, samples=samples["sample"].iloc[0], minus="runner-up", models="every")
    signed = {row["lines"][0].rpartition(" · ")[2]: row["signed"] for row in sent(every, "facet_maps")["rows"]}
    assert signed["mean of 2 folds"] and not signed["disagreement of 2 folds"]  # a deviation has no sign


def test_a_deleted_checkpoint_and_weights_that_are_no_numbers_are_one_sentence(depths):
    (small, large), samples = depths
    name, fold = samples["sample"].iloc[0], int(samples["fold"].iloc[0])
    path = small.weights_file(fold, "best")
    state = safetensors.torch.load_file(path)
    state["fc.bias"][0] = float("nan")
    path.unlink()
    safetensors.torch.save_file(state, path)
    assert "are no numbers" in html(page(run=small.id, samples=name))
    path.unlink()
    at = page(run=small.id, runs=f"{small.id},{large.id}", samples=name)
    assert "are gone from the run folder" in html(at)
    (row,) = sent(at, "facet_maps")["rows"]  # the other run is shown all the same
    assert "depth 34" in row["lines"][0]


def test_a_map_without_heat_says_so_and_is_not_judged(depths):
    """A head that weighs nothing: no place of the photo moves its answer."""
    (small, _), samples = depths
    name, fold = samples["sample"].iloc[0], int(samples["fold"].iloc[0])
    path = small.weights_file(fold, "best")
    state = safetensors.torch.load_file(path)
    state["fc.weight"][:] = 0
    path.unlink()
    safetensors.torch.save_file(state, path)
    (row,) = sent(page(run=small.id, samples=name, layers="layer2,layer4", trust="1"), "facet_maps")["rows"]
    assert [(cell["note"], cell["trust"]) for cell in row["cells"]] == [("no heat", None)] * 2
    other = samples["sample"][samples["fold"] != fold].iloc[0]
    (row,) = sent(page(run=small.id, samples=other, layers="layer2"), "facet_maps")["rows"]
    assert "background" in row["cells"][0]["note"], "the other fold has its weights"


def test_a_photo_that_is_gone_is_named_and_the_others_are_shown(depths, tmp_path):
    (small, _), samples = depths
    table = small.samples()
    table.loc[1, "path"] = str(tmp_path / "gone" / table.loc[1, "sample"])
    table.to_parquet(small.dir / "samples.parquet", index=False)
    at = page(run=small.id, samples=",".join(samples["sample"].iloc[:2]))
    assert "there is no such file" in html(at)
    assert [row["title"] for row in sent(at, "facet_maps")["rows"]] == [samples["sample"].iloc[0]]


def test_layers_colours_and_opacity_live_in_the_address(depths):
    (small, _), samples = depths
    look = {"layers": "layer2.0,layer4", "opacity": "0.5", "heat": "raw", "colours": "turbo", "method": "LayerCAM"}
    at = page(run=small.id, samples=samples["sample"].iloc[0], **look)
    maps = sent(at, "facet_maps")
    assert [column["name"] for column in maps["columns"][1:]] == ["layer2.0", "layer4"]
    assert (maps["style"]["opacity"], maps["style"]["overlaid"]) == (0.5, False)
    assert at.selectbox(key="look-method").value == "LayerCAM"
    at.selectbox(key="look-class").select(CLASSES[4]).run()
    assert at.query_params["class"] == CLASSES[4]
    assert f"map of {CLASSES[4]}" in sent(at, "facet_maps")["rows"][0]["lines"][2]


@pytest.mark.parametrize("words", [controls.CLASSES, controls.MINUS, {"predicted": "Predicted class"}])
def test_every_class_can_be_chosen_whatever_it_is_called(words):
    names = ["true", "predicted", "Predicted class", "class:cat", "cat"]
    options = address.with_classes(words, names)
    assert len(options) == len(set(options.values())) == len(words) + len(names)
    assert [options[class_key(name)] for name in names] == ["true", "predicted", "class Predicted class", *names[3:]]


def test_a_method_without_a_sign_cannot_show_a_difference(depths):
    (small, _), samples = depths
    at = page(run=small.id, samples=samples["sample"].iloc[0], method="EigenCAM", minus="true")
    assert "has no sign" in html(at) and sent(at, "facet_maps") is None


def test_groups_show_mean_maps_and_shares_with_intervals(depths):
    (small, _), samples = depths
    at = page(run=small.id, view="groups", a="all", b="gender-male")
    assert "photos wait" in at.info[0].value and len(sent(at, "facet_boxes")["boxes"]) == 3
    button(at, "Look at them").click().run()
    assert not at.exception
    rows = sent(at, "facet_maps")["rows"]
    assert rows[0]["title"] == "A: all photos" and rows[0]["lines"][0] == f"{len(samples)} photos"
    assert "12 people" in rows[0]["lines"][1] and rows[1]["title"] == "B: gender male"
    markup = html(at)
    # At 64 px the stem, layer1 and layer2 have cells enough for the four regions; the other two say why they have none.
    assert markup.count("<tr>") == 1 + 3 * 4 + 2 and "nose and mouth" in markup and " pt" in markup
    assert "4 x 4 cells: too few to tell regions apart" in markup and "2 x 2 cells: too few" in markup
    assert "decided by hair and background cannot be said. The map of layer4 has 2 x 2 cells" in markup
    assert [column["note"] for column in sent(at, "facet_maps")["columns"]][-1] == "2 x 2 cells"
    assert [each.label for each in at.main.get("download_button")] == ["Download PNG", "Download NPZ"]


def test_groups_that_are_chosen_with_the_click_are_looked_at(depths, monkeypatch):
    (small, _), _ = depths
    alarms_of = []
    monkeypatch.setattr(attend.Attention, "silent", "")
    monkeypatch.setattr(regions, "background_alarms", lambda *_, **given: alarms_of.append(given) or [])
    at = page(run=small.id, view="groups", a="gender-male", b="gender-male")
    at.selectbox(key="look-b").set_value("gender-female")
    button(at, "Look at them").click().run()
    assert not at.exception and not at.info
    assert [row["title"] for row in sent(at, "facet_maps")["rows"]][1] == "B: gender female"
    answered = pd.concat([small.predictions(fold) for fold in small.folds()])
    by_answer = answered.groupby(["predicted", answered["label"] == answered["predicted"]], observed=True).size()
    assert alarms_of[-1]["in_run"] == by_answer.to_dict(), "photos count by the numbers of the whole run"


@pytest.fixture
def own_photos(depths, tmp_path):
    """One of the runs, and its photos, which a test may replace."""
    (small, _), _ = depths
    table = small.samples()
    paths = [tmp_path / "own" / sample for sample in table["sample"]]
    for row, path in enumerate(paths):
        photo(path, row)
    table.assign(path=[str(path) for path in paths]).to_parquet(small.dir / "samples.parquet", index=False)
    return small, paths


def test_groups_of_which_a_photo_was_replaced_wait_to_be_looked_at_anew(own_photos):
    small, paths = own_photos
    at = page(run=small.id, view="groups", a="all", b="gender-male")
    button(at, "Look at them").click().run()
    before = sent(at, "facet_maps")["rows"]
    photo(paths[0], 99, (80, 48))
    at.run()
    assert not at.exception and sent(at, "facet_maps") is None and "photos wait" in infos(at)
    button(at, "Look at them").click().run()
    assert not at.exception and sent(at, "facet_maps")["rows"] != before


def test_boxes_that_were_moved_live_in_the_address(depths):
    (small, _), _ = depths
    moved = "0.1_0.1_0.9_0.9_0.2_0.2_0.8_0.4_0.3_0.5_0.7_0.8"
    at = page(run=small.id, view="groups", boxes=moved)
    assert sent(at, "facet_boxes")["boxes"] == [[0.1, 0.1, 0.9, 0.9], [0.2, 0.2, 0.8, 0.4], [0.3, 0.5, 0.7, 0.8]]
    for nonsense in ("0.9_0.1_0.1_0.9" + "_0" * 8, "a_b", "nan_" * 11 + "nan", "1e999_" * 11 + "1"):
        assert sent(page(run=small.id, view="groups", boxes=nonsense), "facet_boxes")["boxes"][0][0] < 0.5


def test_of_photos_that_nothing_tells_to_be_faces_no_eyes_are_guessed_and_no_hair_raises_an_alarm(own_photos):
    small, _ = own_photos
    table = small.samples().drop(columns=["mask", "gender", "age"])
    table.to_parquet(small.dir / "samples.parquet", index=False)
    at = page(run=small.id, samples=table["sample"].iloc[0], layers="layer2")
    assert [cell["note"] for row in sent(at, "facet_maps")["rows"] for cell in row["cells"]] == [""]
    at = page(run=small.id, view="groups")
    assert sent(at, "facet_boxes") is None
    button(at, "Look at them").click().run()
    markup = html(at)
    assert not at.exception and "hair" not in markup and "nose" not in markup and ">Mean maps<" in markup
    assert [each.value for each in at.caption if "Place the boxes to have shares by region." in each.value]
    button(at, "Place the boxes").click().run()
    assert not at.exception and len(sent(at, "facet_boxes")["boxes"]) == 3 and "photos wait" in infos(at)


def test_a_face_that_was_looked_at_is_not_computed_again(depths, folds_asked):
    (small, _), samples = depths
    first, second = samples["sample"].iloc[:2]
    at = page(run=small.id, samples=first)
    assert folds_asked
    folds_asked.clear()
    at.query_params["samples"] = f"{first},{second}"
    at.run()
    assert [row["title"] for row in sent(at, "facet_maps")["rows"]] == [first, second]
    assert len(folds_asked) == 1
    folds_asked.clear()
    at.query_params["opacity"] = "0.3"
    at.run()
    assert folds_asked == []


def test_disagreement_between_folds_orders_the_gallery(depths):
    (small, _), _ = depths
    faces = sent(page(run=small.id, answer="all", sort="folds"), "facet_gallery")["faces"]
    assert all(re.fullmatch(r"(over )?\d+ % sure · fold \d", face["lines"][0]) for face in faces)
    spreads = [float(face["lines"][1].split()[1]) for face in faces]
    assert spreads == sorted(spreads, reverse=True) and spreads[0] > 0


def test_folds_are_asked_anew_about_photos_that_were_replaced(own_photos):
    def spreads(at):
        faces = sent(at, "facet_gallery")["faces"]
        return {face["sample"]: face["lines"][1] for face in faces}

    small, paths = own_photos
    at = page(run=small.id, answer="all", sort="folds")
    before = spreads(at)
    for row, path in enumerate(paths):
        photo(path, 99 + row, (80, 48))
    at.run()
    assert not at.exception and spreads(at).keys() == before.keys() and spreads(at) != before


def test_trust_stands_beneath_each_map(depths):
    (small, _), samples = depths
    at = page(run=small.id, samples=samples["sample"].iloc[0], trust="1", layers="layer2,layer4")
    maps = sent(at, "facet_maps")
    (row,) = maps["rows"]
    fine, coarse = row["cells"]
    assert [column["note"] for column in maps["columns"]] == ["64 x 64 px", "8 x 8 cells", "2 x 2 cells"]
    parts = fine["note"].split(" · ")
    assert len(parts) == 4 and all(re.fullmatch(r"\w+ \d+\N{NO-BREAK SPACE}%", part) for part in parts)
    assert "background" in fine["note"] and not coarse["note"], "of few cells nothing is said about regions"
    for cell in (fine, coarse):
        beats, redrawn, tenth = cell["trust"]["figures"][:3]
        assert "random maps" in beats and "head" in redrawn and "hottest tenth" in tenth
        tones = {"trust": "good", "doubt": "warn", "no trust": "bad"}
        assert cell["trust"]["tone"] == tones[cell["trust"]["word"]]
    assert coarse["trust"]["word"] != "trust" and "too few to be trusted" in coarse["trust"]["figures"][3]
    said = "".join(caption.value for caption in at.caption)
    assert "one time in 6" in said and "fewer than 7 x 7 cells is drawn as its cells" in said


def test_why_trust_could_not_be_measured_stays_on_the_page_and_it_is_tried_again(depths, monkeypatch):
    (small, _), samples = depths
    measured = trust.check

    def short(*what):
        raise LabError("There was too little memory.", "Close what else needs it.", kind="memory")

    monkeypatch.setattr(trust, "check", short)
    at = page(run=small.id, samples=samples["sample"].iloc[0], trust="1", layers="layer2")
    assert "There was too little memory." in html(at) and "Close what else needs it." in html(at)
    assert sent(at, "facet_maps")["rows"][0]["cells"][0]["trust"] is None
    monkeypatch.setattr(trust, "check", measured)
    at = at.run()
    assert "too little memory" not in html(at) and sent(at, "facet_maps")["rows"][0]["cells"][0]["trust"]


def test_what_is_chosen_stands_first_where_a_link_brought_it_or_another_page_has_it(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    worst = gallery(page(run=run.id))
    right = next(name for name in samples["sample"] if name not in worst)

    def faces(at):
        return [(face["sample"], face["chosen"]) for face in sent(at, "facet_gallery")["faces"]]

    clicked = page(run=run.id, samples=worst[2])
    assert faces(clicked) == [(name, name == worst[2]) for name in worst], "what is clicked stays where it is"
    linked = page(run=run.id, samples=f"{right},{worst[2]}", first="2")
    others = [name for name in worst if name != worst[2]]
    assert faces(linked) == [(right, True), (worst[2], True), *((name, False) for name in others)]
    assert "2 chosen first" in "".join(caption.value for caption in linked.caption)
    elsewhere = faces(page(run=run.id, samples=f"{worst[2]},{right}"))
    assert elsewhere == [(right, True), *((name, name == worst[2]) for name in worst)]
    nothing_fits = page(run=run.id, samples=right, true="male 30-59")
    assert faces(nothing_fits) == [(right, True)] and "No mistake about this class" in nothing_fits.info[0].value
    button(linked, "Clear the choice").click().run()
    assert gallery(linked) == worst and not {"samples", "first"} & set(linked.query_params)


def test_an_uploaded_face_is_judged_by_every_fold_and_the_page_says_so(depths, folds_asked, tmp_path):
    (small, _), _ = depths
    photo(tmp_path / "new.jpg", 99)
    at = page(run=small.id, view="upload", trust="1", layers="layer4")
    files = [("new.jpg", (tmp_path / "new.jpg").read_bytes(), "image/jpeg"), ("bad.jpg", b"not an image", "image/jpeg")]
    at.file_uploader(key="look-uploads").set_value(files).run()
    assert not at.exception
    rows = sent(at, "facet_maps")["rows"]
    models = [row["lines"][0].partition(" · ")[2] for row in rows]
    assert models == ["fold 0", "fold 1", "mean of 2 folds", "disagreement of 2 folds"]
    assert {fold for _, fold in folds_asked} == {0, 1} and {row["title"] for row in rows} == {"new.jpg"}
    assert [row["cells"][0]["trust"] is not None for row in rows] == [True, True, False, False]
    assert "bad.jpg" in html(at) and "No fold has seen an uploaded photo" in "".join(c.value for c in at.caption)
    answer = Predictor([small]).answer(photos.of_uploads({"new.jpg": (tmp_path / "new.jpg").read_bytes()}))
    shares, shown = answer.probabilities()[0], unescape(html(at))
    likeliest = CLASSES[int(shares.argmax())]
    assert f'<div class="predict-answer">{likeliest}</div>' in shown and f"{shares.max():.0%}" in shown
    assert (
        "of 2 folds say so" in shown
        and "not sure" in shown
        and "No threshold of" in "".join(c.value for c in at.caption)
    )
    male = [place for place, name in enumerate(CLASSES) if name.startswith("male")]
    of_folds = answer.answers[:, 0, male].sum(axis=1)
    assert f'aria-label="male: {shares[male].sum():.3f}; the folds say {of_folds[0]:.2f}, {of_folds[1]:.2f}"' in shown
    assert f'aria-label="{likeliest}: {shares.max():.3f}; the folds say' in shown
    assert f'<i style="left:{100 * of_folds[0]:.1f}%"></i><i style="left:{100 * of_folds[1]:.1f}%"></i>' in shown
    assert shown.index("predict-answer") < shown.index("What the layers attended to")


def test_what_the_run_may_know_of_an_uploaded_photo_is_said_beside_its_answer(depths, tmp_path):
    (small, _), _ = depths
    config = small.config()
    model = config.model.model_copy(update={"init": "run:deleted"})
    small.config_file.write_text(to_yaml(config.model_copy(update={"model": model})))
    photo(tmp_path / "new.jpg", 99)
    at = page(run=small.id, view="upload", layers="layer4")
    at.file_uploader(key="look-uploads").set_value([("new.jpg", (tmp_path / "new.jpg").read_bytes(), "image/jpeg")])
    at.run()
    said = "".join(each.value for each in at.caption).replace("\\", "")
    assert not at.exception and f"{small.id} started from deleted, which is not here any more" in said


def test_an_uploaded_photo_that_the_run_knows_is_judged_by_the_fold_that_held_it_out(depths, folds_asked):
    (small, _), samples = depths
    table = small.samples()
    table["bytes"] = [Path(path).stat().st_size for path in table["path"]]
    table.to_parquet(small.dir / "samples.parquet", index=False)
    copied, fold = Path(samples["path"].iloc[7]), int(samples["fold"].iloc[7])
    at = page(run=small.id, view="upload", layers="layer4")
    at.file_uploader(key="look-uploads").set_value([("copy.jpg", copied.read_bytes(), "image/jpeg")]).run()
    assert not at.exception
    assert {asked for _, asked in folds_asked} == {fold} and "1 of 1 fold says so" in html(at)
    assert [row["lines"][0].partition(" · ")[2] for row in sent(at, "facet_maps")["rows"]] == [f"fold {fold}"]


def test_what_was_seen_in_an_upload_is_nobody_elses_and_gone_with_its_session(
    depths, folds_asked, tmp_path, monkeypatch
):
    (small, _), _ = depths
    photo(tmp_path / "new.jpg", 98)
    files = [("new.jpg", (tmp_path / "new.jpg").read_bytes(), "image/jpeg")]
    references, look = [], face_maps.of_uploads

    def remembered(*given):
        uploads = look(*given)
        references.append(weakref.ref(uploads.faces[0]))
        return uploads

    monkeypatch.setattr(face_maps, "of_uploads", remembered)
    sessions = [page(run=small.id, view="upload", layers="layer4") for _ in range(2)]
    for at in sessions:
        at.file_uploader(key="look-uploads").set_value(files).run()
        at.run()
        assert not at.exception
    assert len(references) == 2  # each session looked by itself, once
    assert references[0]() is not None
    sessions[0].file_uploader(key="look-uploads").set_value([]).run()
    gc.collect()
    assert references[0]() is None, "taken away, and still held"
    del at
    sessions.clear()
    gc.collect()
    assert references[1]() is None, "the session is over, and it is still held"


def test_the_gallery_has_pages_of_a_size_that_can_be_jumped_to(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    at = page(run=run.id, answer="all")
    every = gallery(page(run=run.id, answer="all", size="24"))
    assert len(every) == 24 and gallery(at) == every[:12]
    (jump,) = (each for each in at.number_input if each.label == "Page, of 2")
    jump.set_value(2).run()
    assert at.query_params["page"] in ("2", ["2"]) and gallery(at) == every[12:]
    for number in ("00000002", "9" * 5000):  # the last page, however far beyond it is asked for
        assert gallery(page(run=run.id, answer="all", page=number)) == every[12:], number[:10]
    (size,) = (each for each in at.selectbox if each.label == "Photos on a page")
    size.set_value(24).run()
    assert at.query_params["size"] in ("24", ["24"]) and gallery(at) == every and "page" not in at.query_params
    assert not [each for each in at.number_input if each.label.startswith("Page")]
    assert len(gallery(page(run=run.id, answer="all", size="7"))) == 12, "a size that is none of those offered"


def test_clear_all_filters_clears_the_person_the_confidence_and_the_years_too(folder, samples):
    samples.loc[0, "age"] = 29.0  # whose mistake is one year from a limit
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    at = page(run=run.id)
    at.text_input(key="look-person").set_value("p012").run()
    assert at.query_params["person"] == "p012" and set(gallery(at)) == {"p012/0.jpg"}
    at.slider(key="look-confidence").set_range(0.5, 0.99).run()
    at.checkbox(key="look-far").check().run()
    assert {name: at.query_params[name] for name in ("low", "high", "far")} == {
        "low": "0.5",
        "high": "0.99",
        "far": "1",
    }
    button(at, "Clear all filters").click().run()
    at.run()
    assert not {"person", "low", "high", "far"} & set(at.query_params) and len(gallery(at)) > 1
    assert [each.value for each in at.text_input if each.label == "Person"] == [""]
    assert [each.value for each in at.slider if each.label.startswith("Probability")] == [(0.0, 1.0)]
    assert [each.value for each in at.checkbox if each.label.startswith("Leave out age")] == [False]


def test_a_person_who_is_not_there_is_said_and_filters_nothing(folder, samples):
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=WRONG))
    at = page(run=run.id)
    before = gallery(at)
    at.text_input(key="look-person").set_value("nobody").run()
    assert any("No such person" in each.value for each in at.caption) and gallery(at) == before
    assert at.text_input(key="look-person").value == "nobody"


def test_a_person_is_found_however_the_letters_of_the_name_are_composed(folder, samples):
    apart = samples.assign(person=samples["person"].replace("p001", "Zoe\u0308"))
    run = made(folder, apart, probabilities=probabilities_of(samples["y"]))
    at = page(run=run.id, answer="all", person="Zo\u00eb")
    assert not any("No such person" in each.value for each in at.caption)
    assert set(gallery(at)) == set(apart["sample"][apart["person"] == "Zoe\u0308"])
