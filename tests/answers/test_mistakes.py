"""Pooled out-of-fold answers: joined right, filtered right, worst first, and never about a face that was trained on."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import confusion_matrix

from core.answers import certainty, mistakes
from core.answers.mistakes import Filter
from core.errors import LabError
from core.training import checkpoint
from tests.answered import CLASSES, answer, made, probabilities_of, table_of

WRONG = {0: 1, 3: 0, 6: 5, 13: 14 % 6, 20: 2}


@pytest.fixture
def samples(tmp_path):
    table = table_of(tmp_path / "photos")
    table.loc[0, "age"] = 29.0  # a mistake about age, one year from the limit
    return table


@pytest.fixture
def probabilities(samples):
    return probabilities_of(samples["y"], wrong=WRONG)


@pytest.fixture
def run(tmp_path, samples, probabilities):
    return made(tmp_path, samples, probabilities=probabilities)


@pytest.fixture
def answers(run):
    return mistakes.load_answers(run)


def test_every_face_has_one_answer_by_the_fold_that_held_it_out(run, answers, samples, probabilities):
    assert sorted(answers.table["sample"]) == sorted(samples["sample"])
    at = samples.set_index("sample")
    assert (answers.table["fold"].to_numpy() == at.loc[answers.table["sample"], "fold"].to_numpy()).all()
    expected = pd.DataFrame(probabilities, index=samples["sample"]).loc[answers.table["sample"]].to_numpy()
    np.testing.assert_array_equal(answers.probabilities, expected)
    assert answers.folds == (0, 1) and answers.missing == ()


def test_confusion_equals_scikit_learns(answers):
    counts = mistakes.confusion(answers)
    expected = confusion_matrix(answers.table["true"], answers.table["predicted"], labels=CLASSES)
    np.testing.assert_array_equal(counts, expected)


def test_the_attribute_at_fault_is_named(answers):
    at = answers.table.set_index("sample")
    assert at.loc["p000/0.jpg", "fault"] == "age"  # female <30 -> female 30-59
    assert at.loc["p003/0.jpg", "fault"] == "gender"  # male <30 -> female <30
    assert at.loc["p006/0.jpg", "fault"] == "gender + age"  # female <30 -> male >=60
    assert (at.loc[at["right"], "fault"] == "").all()
    assert len(mistakes.select(answers, Filter(fault="gender"))) == sum(
        "gender" in fault for fault in answers.table["fault"]
    )


def test_what_a_merged_class_leaves_open_is_no_fault_and_no_question_of_how_sure_a_run_is(tmp_path, samples):
    names = [*CLASSES[:2], "the old", *CLASSES[3:5]]
    y = np.where(samples["y"] == 5, 2, samples["y"])  # whoever is 60 is of one class
    old = samples.assign(y=y, class_name=np.asarray(names, dtype=object)[y])
    task = {"name": "gender-age", "merge": {"the old": CLASSES[2::3]}}
    shares = probabilities_of(y, wrong={0: 2, 2: 3, 3: 0, 6: 4}, classes=5)
    run = made(tmp_path, old, probabilities=shares, names=names, task=task)
    fault = mistakes.load_answers(run).table.set_index("sample")["fault"]
    assert fault["p000/0.jpg"] == fault["p002/0.jpg"] == "age", "the old are of either gender"
    assert fault["p003/0.jpg"] == "gender" and fault["p006/0.jpg"] == "gender + age"
    assert [question.attribute for question in certainty.load(run).questions] == ["", "age"]


@pytest.mark.parametrize(("age", "years"), [(27, 3), (28, 2), (29, 1), (30, 1), (31, 2), (45, 15), (60, 1), (61, 2)])
def test_years_to_the_nearest_age_limit(tmp_path, samples, age, years):
    samples["age"] = float(age)
    answers = mistakes.load_answers(made(tmp_path, samples, probabilities=probabilities_of(samples["y"])))
    assert (mistakes.is_near("age", answers.table["age"].to_numpy(), (30, 60)) == (years <= 2)).all()


def test_only_age_mistakes_near_a_limit_are_marked(answers):
    marked = answers.table[answers.table["near"] != ""]
    assert marked["sample"].tolist() == ["p000/0.jpg"] and marked["near"].tolist() == ["age 29"]
    kept = answers.table.iloc[mistakes.select(answers, Filter(far=True))]["sample"]
    assert "p000/0.jpg" not in set(kept) and len(kept) == (~answers.table["right"]).sum() - 1


@pytest.mark.parametrize(
    ("selection", "condition"),
    [
        (Filter(answer="all", fold=1), lambda t: t["fold"] == 1),
        (Filter(answer="right", true="male <30"), lambda t: t["right"] & (t["true"] == "male <30")),
        (Filter(answer="all", predicted="female <30"), lambda t: t["predicted"] == "female <30"),
        (Filter(answer="all", person="p006"), lambda t: t["person"] == "p006"),
        (
            Filter(answer="all", groups=(("gender", "male"), ("age", "<30"), ("age", ">=60"))),
            lambda t: (t["gender"] == "male") & ((t["age"] >= 60) | (t["age"] < 30)),
        ),
        (Filter(answer="all", low=0.92, high=0.96), lambda t: (t["confidence"] >= 0.92) & (t["confidence"] <= 0.96)),
        (Filter(), lambda t: ~t["right"]),
    ],
)
def test_filters(answers, selection, condition):
    expected = np.flatnonzero(condition(answers.table))
    np.testing.assert_array_equal(mistakes.select(answers, selection), expected)


def test_faces_are_filtered_by_any_attribute_asked_for_or_not_and_a_number_by_its_groups(
    tmp_path, samples, probabilities
):
    hair = ["dark", "fair", None]
    samples["attribute:hair"] = [hair[i % 3] for i in range(len(samples))]
    samples["attribute:height"] = [150.0 + i for i in range(len(samples))]
    answers = mistakes.load_answers(made(tmp_path, samples, probabilities=probabilities))
    values = {name: group.cat.categories.tolist() for name, group in answers.groups.items()}
    assert values == {
        "gender": ["female", "male"],
        "age": ["<30", "30-59", ">=60"],
        "hair": ["dark", "fair"],
        "height": ["<158", "158-165", ">=166"],
    }
    rows = mistakes.select(answers, Filter(answer="all", groups=(("hair", "fair"), ("height", ">=166"))))
    kept = set(answers.table["sample"].iloc[rows])
    fair = (samples["attribute:hair"] == "fair") & (samples["attribute:height"] >= 166)
    assert kept == set(samples.loc[fair, "sample"]) and len(kept) > 1


def test_a_number_of_the_datasets_own_near_its_limit_is_marked(tmp_path, samples):
    heights = np.array([150.0, 179, 181, 250] * 6)
    samples = samples.assign(**{"attribute:height": heights}, y=(heights >= 180).astype(int))
    samples["class_name"] = np.array(["<180", ">=180"])[samples["y"]]
    task = {"name": "attributes", "attributes": ["height"], "limits": {"height": [180]}}
    probabilities = probabilities_of(samples["y"], wrong={0: 1, 1: 1, 2: 0}, classes=2)
    run = made(tmp_path, samples, probabilities=probabilities, names=["<180", ">=180"], task=task)
    near = mistakes.load_answers(run).table.set_index("sample")["near"]
    assert near[near != ""].to_dict() == {"p001/0.jpg": "height 179", "p002/0.jpg": "height 181"}


def test_worst_first(answers):
    rows = mistakes.select(answers, Filter())
    losses = answers.table["loss"].to_numpy()[mistakes.order(answers, rows, "loss")]
    assert (np.diff(losses) <= 0).all() and len(losses) == len(rows)
    sure = answers.table["confidence"].to_numpy()[mistakes.order(answers, rows, "confidence")]
    assert (np.diff(sure) <= 0).all()


def test_disagreement_of_two_runs_is_the_squared_jensen_shannon_distance(tmp_path, samples, answers):
    other = made(tmp_path, samples, name="other", probabilities=probabilities_of(samples["y"], seed=5, wrong={1: 2}))
    others = mistakes.load_answers(other)
    disagreement = mistakes.between_runs([answers, others])
    a, b = (pd.DataFrame(x.probabilities, index=x.table["sample"]) for x in (answers, others))
    for sample in samples["sample"]:
        assert disagreement[sample] == pytest.approx(jensenshannon(a.loc[sample], b.loc[sample], base=2) ** 2, abs=1e-9)
    rows = mistakes.select(answers, Filter(answer="all"))
    ordered = mistakes.order(answers, rows, "runs", disagreement)
    assert (np.diff(disagreement[answers.table["sample"].to_numpy()[ordered]]) <= 0).all()
    assert mistakes.between_runs([answers, answers]).max() == pytest.approx(0, abs=1e-12)


def test_runs_with_other_classes_cannot_be_compared(tmp_path, samples, answers):
    two = samples.assign(y=samples["y"] // 3, gender=["female", "male"] * 12)
    shares = probabilities_of(two["y"], classes=2)
    run = made(tmp_path, two, name="gender", task={"name": "gender"}, names=["female", "male"], probabilities=shares)
    with pytest.raises(LabError, match="different classes") as fault:
        mistakes.between_runs([answers, mistakes.load_answers(run)])
    assert fault.value.kind == "classes"
    two, answered = two.assign(class_name=[["no", "yes"][y] for y in two["y"]]), []
    for attribute in ("smiling", "male"):  # a yes to which is no yes to the other
        asked = {"name": "attributes", "attributes": [attribute]}
        for task, column in ((asked, None), ({"name": "label"}, attribute)):  # or that a run calls its label
            settings = {"task": task, "data": {"root": "/photos", "label_column": column}}
            yes_no = made(tmp_path, two, names=["no", "yes"], probabilities=shares, **settings)
            answered.append(mistakes.load_answers(yes_no))
    for of_smiling, of_male in itertools.product(answered[:2], answered[2:]):
        with pytest.raises(LabError, match="different classes"):
            mistakes.between_runs([of_smiling, of_male])
    assert len(mistakes.between_runs(answered[:2])) == len(two)


def test_final_and_best_are_told_apart(tmp_path, samples, probabilities):
    run = made(tmp_path, samples)
    answer(run, samples, probabilities, which=("best",))
    answer(run, samples, probabilities_of(samples["y"]), which=("final",))
    assert not mistakes.load_answers(run, "best").table["right"].all()
    assert mistakes.load_answers(run, "final").table["right"].all()


def test_a_run_without_predictions_says_so(tmp_path, samples):
    with pytest.raises(LabError, match="no best predictions yet") as fault:
        mistakes.load_answers(made(tmp_path, samples))
    assert fault.value.kind == "missing"


def test_folds_that_have_not_answered_are_named(tmp_path, samples, probabilities):
    run = made(tmp_path, samples)
    answer(run, samples, probabilities, folds=[1])
    answers = mistakes.load_answers(run)
    assert answers.folds == (1,) and answers.missing == (0,)
    assert len(answers.table) == (samples["fold"] == 1).sum()


def test_an_answer_about_a_face_of_another_fold_is_refused(tmp_path, samples, probabilities):
    run = made(tmp_path, samples)
    shifted = samples.assign(fold=1 - samples["fold"])
    answer(run, shifted, probabilities)
    with pytest.raises(LabError, match="holds out") as fault:
        mistakes.load_answers(run)
    assert fault.value.kind == "leak"


@pytest.mark.parametrize("damage", ["bytes", "footer", "column", "class", "sample"])
def test_damaged_predictions_are_a_sentence(run, damage):
    path = run.predictions_file(0, "best")
    frame = run.predictions(0)
    if damage == "bytes":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "footer":  # which pyarrow tells as an OSError
        whole = path.read_bytes()
        path.write_bytes(whole[:-40] + b"\xff" * 32 + whole[-8:])
    else:
        changed = {
            "column": lambda: frame.drop(columns="p_male <30"),
            "class": lambda: frame.assign(predicted="somebody"),
            "sample": lambda: frame.assign(sample=[f"x{i}" for i in range(len(frame))]),
        }[damage]()
        checkpoint.save_predictions(path, changed)
    with pytest.raises(LabError, match=" is damaged ") as fault:
        mistakes.load_answers(run)
    assert fault.value.kind == "unreadable"


def failing_predictions(error):
    def predictions(*_):
        raise error

    return predictions


def test_what_may_not_be_read_is_not_said_to_be_damaged(run, monkeypatch):
    monkeypatch.setattr(type(run), "predictions", failing_predictions(PermissionError(13, "Permission denied")))
    with pytest.raises(LabError, match=r"cannot be read \(Permission denied\)") as fault:
        mistakes.load_answers(run)
    assert "backup" not in fault.value.remedy and fault.value.kind == "unreadable"


def test_a_lack_of_memory_is_not_said_to_be_damage(run, monkeypatch):
    monkeypatch.setattr(type(run), "predictions", failing_predictions(MemoryError()))
    with pytest.raises(LabError, match="not enough memory") as fault:
        mistakes.load_answers(run)
    assert fault.value.kind == "memory"


def test_a_deleted_run_is_gone(tmp_path, run):
    run.delete()
    with pytest.raises(LabError) as fault:
        mistakes.load_answers(run)
    assert fault.value.kind == "gone"
