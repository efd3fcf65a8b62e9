"""Predict in a real Chromium: a photo is dropped, and there is its answer with folds, doubt and maps."""

from __future__ import annotations

import pytest
from PIL import Image

from core.predict import photos
from core.predict.predictor import Predictor
from pages.parts.keys.glossary import GLOSSARY
from tests.browser import axe
from tests.browser.hands import sees
from tests.browser.judged_runs import judged_run
from tests.browser.screen import slack, soon

pytestmark = pytest.mark.browser


def test_a_dropped_photo_is_answered_with_its_folds_and_maps(page, lab, tmp_path):
    run = judged_run(lab)
    face = tmp_path / "visitor.png"
    with Image.open(run.samples()["path"].iloc[0]) as known:
        known.resize((200, 200)).save(face)  # other bytes: nobody knows it
    expected = Predictor([run]).answer(photos.of_path(face))
    page.goto(f"/predict?run={run.id}")
    field = page.locator("input[type=file]")
    soon(lambda: field.count() == 1, 60 * slack(), "a place to drop photos")
    field.set_input_files(face)
    answer = page.locator(".predict-answer")
    soon(lambda: answer.count() == 1, 60 * slack(), "the answer")
    assert answer.inner_text() == expected.class_names[expected.classes()[0]]
    for fold in run.folds():
        row = page.locator("table.lab-table tr", has_text=f"fold {fold}").locator("td")
        share = f"{expected.answers[fold, 0].max():.3f}"
        soon(lambda row=row, share=share: share in row.all_inner_texts(), 60 * slack(), f"{share} by fold {fold}")
    sees(page, "folds say so")
    sees(page, "Compare with the training photos")
    painted = page.locator(".look-maps[data-painted='20'] canvas")  # five layers: two folds, their mean, disagreement
    soon(lambda: painted.count() == 20, 90 * slack(), "the maps of five layers")
    sees(page, "mean of 2 folds")
    word = page.locator(".lab-word").first
    word.focus()  # a word of the glossary says what it means on this page too
    tip = page.locator("#lab-tip")
    soon(lambda: tip.count() == 1, 60 * slack(), "the sentence of a dotted word")
    assert tip.inner_text() == GLOSSARY[word.get_attribute("data-word")]
    dotted = page.locator(".lab-word").evaluate_all("words => words.map(word => word.dataset.word)")
    assert {"fold", "held out"} <= set(dotted) and len(set(dotted)) == len(dotted)
    assert axe.grave(page) == []
