"""The answer about one photo: what of it is a sign of doubt, and that names of classes are text."""

import numpy as np
import pytest

from core.config import from_dict
from core.config.recipes import load_recipe
from core.predict.doubt import Doubt
from core.predict.members import Member
from core.predict.predictions import Predictions
from core.runs import Run
from pages.parts.answer import answer
from pages.parts.answer.answer import Judged

NAMES = ("female <30", "female >=60", "male <30", "male >=60")
# Three folds about two photos: the likeliest class of the first is not of the likelier gender; one fold was not asked.
OF_FOLDS = np.array(
    [
        [[0.4, 0.0, 0.3, 0.3], [0.1, 0.1, 0.7, 0.1]],
        [[0.4, 0.0, 0.3, 0.3], [0.1, 0.1, 0.7, 0.1]],
        [[0.3, 0.1, 0.35, 0.25], [np.nan] * 4],
    ]
)


@pytest.fixture
def said(monkeypatch):
    """What stands on the page, by whether it is HTML or a caption."""
    texts = {"html": "", "caption": ""}
    for name in texts:
        monkeypatch.setattr(answer.st, name, lambda text, name=name: texts.__setitem__(name, text.replace("\\", "")))
    return texts


@pytest.fixture
def predictions(monkeypatch):
    recipe = load_recipe("quick").model_dump(mode="json") | {"name": "made", "task": {"name": "gender-age"}}
    monkeypatch.setattr(Run, "config", lambda run: from_dict(recipe))
    return Predictions((), tuple(Member(Run("made"), fold) for fold in range(3)), NAMES, OF_FOLDS)


def test_folds_that_differ_and_a_joint_answer_that_its_attributes_do_not_bear_out_are_told(predictions, said):
    answer.show(predictions, 0, Judged(None, "its own answers are gone."))
    assert "female &lt;30</div>" in said["html"] and "2 of 3 folds say so" in said["html"]
    assert "set:" not in said["html"]
    assert "By itself gender would be male (60%)." in said["caption"]
    assert "Nothing is said about how sure that is: its own answers are gone." in said["caption"]
    assert 'class="answer-sure' not in said["html"], "nobody knows how sure it is"


def test_sure_not_sure_and_far_stand_beside_the_class(predictions, said):
    of_two = Doubt(None, np.array([True, False]), 0.6, ("Not sure: below 0.60.",))
    answer.show(predictions, 1, Judged(of_two, accuracy=0.95))
    assert '<div class="predict-answer">male &lt;30</div><span class="answer-share">70%</span>' in said["html"]
    assert "sure, by 95%" in said["html"] and "2 of 2 folds say so" in said["html"]
    assert 'aria-label="male &lt;30: 0.700; the folds say 0.70, 0.70"' in said["html"]
    assert "By itself" not in said["caption"] and "Not sure: below 0.60." in said["caption"]
    answer.show(predictions, 1, Judged(of_two, accuracy=0.95, far=True))
    assert ">not sure</span>" in said["html"] and "far from anything trained on" in said["html"]
    answer.show(predictions, 0, Judged(of_two, accuracy=0.95))
    assert ">not sure</span>" in said["html"]


def test_an_attribute_that_is_the_same_in_all_classes_is_no_answer(predictions, said):
    """Of a run about women alone: whatever a photo shows, "female 1.000" would stand there."""
    shares = np.array([[[0.8, 0.2]], [[0.7, 0.3]], [[0.6, 0.4]]])
    women = Predictions(predictions.photos, predictions.members, NAMES[:2], shares)
    answer.show(women, 0, Judged(None))
    assert "<b>age</b>" in said["html"] and "<b>gender</b>" not in said["html"]


def test_an_attribute_that_a_merged_class_leaves_open_is_told_and_contradicts_nothing(predictions, said, monkeypatch):
    merge = {"between": ["female 30-59", "male 30-59"], "the old": [NAMES[3], NAMES[1]]}
    monkeypatch.setattr(Run, "config", lambda run: from_dict({"task": {"name": "gender-age", "merge": merge}}))
    shares = np.array([[[0.4, 0.3, 0.3]]] * 3)
    merged = Predictions(predictions.photos, predictions.members, (NAMES[0], *merge), shares)
    answer.show(merged, 0, Judged(None))
    assert "<span>female</span>" in said["html"] and said["html"].count("<span>female or male</span>") == 1
    assert "<span>male or female</span>" not in said["html"], "in whichever order they were merged"
    assert "By itself" not in said["caption"]
    answer.show(Predictions(predictions.photos, predictions.members, tuple(merge), shares[..., 1:]), 0, Judged(None))
    assert "<b>age</b>" in said["html"] and "<b>gender</b>" not in said["html"], "both leave the same open"
