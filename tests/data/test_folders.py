"""Folders: which of them are classes, parts of the dataset, folds and persons."""

import pytest

from core.errors import LabError
from tests.photos import assert_nothing_is_skipped, draw, problems_of, read


def draw_all(root, *paths):
    """Each path once, in a colour of its own; {3} at the end of a path stands for three photos."""
    number = 0
    for path in paths:
        start, _, times = path.partition("{")
        for i in range(int(times.rstrip("}")) if times else 1):
            number += 1
            draw(root / (f"{start}{i}.jpg" if times else path), (number, 3 * number % 250, 7 * number % 250))
    return root


def labels_of(table):
    return dict(zip(table["sample"], table["label"], strict=True))


def said(scanned, kind):
    return [fact.text for fact in scanned.facts if fact.kind == kind]


def fact_of(scanned, kind):
    (fact,) = [fact for fact in scanned.facts if fact.kind == kind]
    return fact


def test_a_flat_test_folder_beside_labelled_ones_waits_for_prediction(tmp_path):
    draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}", "test/{2}")
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    assert scanned.set_aside["sample"].tolist() == ["test/0.jpg", "test/1.jpg"]
    assert scanned.set_aside["split"].tolist() == ["unlabelled"] * 2 and scanned.set_aside["label"].isna().all()
    assert said(scanned, "unlabelled") == ["2 photos have no label: set aside for prediction (test/)."]
    assert said(scanned, "classes") == ["The folders below train/ are the classes."]
    assert scanned.problems.empty


def test_a_stray_picture_beside_the_folder_of_the_dataset_is_left_out_aloud(tmp_path):
    draw_all(tmp_path, "data/train/cat/{3}", "data/train/dog/{3}", "assets/logo.png")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"} and len(scanned.samples) == 6
    assert said(scanned, "left-out") == ["Left out: 1 picture not in a class folder: assets/logo.png."]
    assert not any(fact.probable for fact in scanned.facts)
    assert problems_of(scanned, "left-over") == {"assets/": "1 file left out, not in a class folder: logo.png"}
    assert_nothing_is_skipped(scanned)


def test_a_labelled_test_set_is_set_aside_and_pooled_on_demand(tmp_path):
    parts = ("train", "valid", "test")
    draw_all(tmp_path, *(f"{part}/{name}/{part}-{{3}}" for part in parts for name in ("cat", "dog")))
    scanned = read(tmp_path)
    assert len(scanned.samples) == 12 and not scanned.samples["sample"].str.startswith("test/").any()
    assert scanned.set_aside["split"].tolist() == ["test"] * 6
    assert labels_of(scanned.set_aside)["test/dog/test-0.jpg"] == "dog"
    fact = fact_of(scanned, "split")
    assert fact.settings == ("test_set",) and fact.text == (
        "Set aside as the test set, never trained on: test/ (6 photos). Cross-validated: train/ and valid/ (12 photos)."
    )
    pooled = read(tmp_path, test_set="pool")
    assert len(pooled.samples) == 18 and pooled.set_aside.empty
    assert fact_of(pooled, "split").text == (
        "Cross-validated, the test set among the rest: train/, valid/ and test/ (18 photos)."
    )


@pytest.mark.parametrize(
    "train, test",
    [
        ("Training/{}", "Testing/{}"),
        ("images_train/{}", "images_test/{}"),
        ("seg_train/seg_train/{}", "seg_test/seg_test/{}"),
        ("data/train/{}", "data/eval/{}"),
        ("data/archive/Train/{}", "data/archive/holdout/{}"),
        ("train/images/{}", "tst/images/{}"),
        ("{}/train", "{}/test"),
        ("data/{}/trn", "data/{}/test"),
        ("{}/anna/train", "{}/ben/test"),
        ("fold_1/{}", "test/{}"),
    ],
)
def test_parts_are_found_above_and_below_the_class(tmp_path, train, test):
    kept = [f"{train.format(name)}/a{{3}}" for name in ("cat", "dog")]
    draw_all(tmp_path, *kept, *(f"{test.format(name)}/b{{2}}" for name in ("cat", "dog")))
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    assert scanned.set_aside["label"].value_counts().to_dict() == {"cat": 2, "dog": 2}
    assert set(scanned.set_aside["split"]) == {"test"}
    assert scanned.problems.empty


@pytest.mark.parametrize("unlabelled", ["test/images/{2}", "test/test/{2}", "pred/{2}", "unlabelled/x/{2}", "eval/{2}"])
def test_photos_of_a_part_without_a_class_are_unlabelled(tmp_path, unlabelled):
    draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}", unlabelled)
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"}
    assert scanned.set_aside["split"].tolist() == ["unlabelled"] * 2 and scanned.set_aside["label"].isna().all()


def test_labelled_and_unlabelled_parts_stand_side_by_side(tmp_path):
    draw_all(tmp_path, *(f"seg_{part}/seg_{part}/{name}/{part}{{3}}" for part in ("train", "test") for name in "ab"))
    draw_all(tmp_path, "seg_pred/seg_pred/{4}")
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"a": 3, "b": 3}
    assert scanned.set_aside["split"].value_counts().to_dict() == {"test": 6, "unlabelled": 4}


@pytest.mark.parametrize(
    "paths, classes",
    [
        (("train/{6}", "car/{6}", "bus/{6}"), {"train", "car", "bus"}),
        (("train/steam/{3}", "train/diesel/{3}", "car/{6}", "bus/{6}"), {"train", "car", "bus"}),
        (("bullet_train/a/{2}", "bullet_train/b/{2}", "steam_train/{2}"), {"bullet_train", "steam_train"}),
        (("valid/{3}", "invalid/{3}"), {"valid", "invalid"}),
        (("glass/test_tube/{3}", "steel/test_tube/{3}"), {"glass", "steel"}),
        (("test/cat/{3}", "test/dog/{3}"), {"cat", "dog"}),  # the only part: nothing else to train on
        (("cat/test/{3}", "dog/{3}"), {"cat", "dog"}),
    ],
)
def test_what_only_sounds_like_a_part_is_trained_on(tmp_path, paths, classes):
    scanned = read(draw_all(tmp_path, *paths))
    assert set(scanned.samples["label"]) == classes and scanned.set_aside.empty


def test_a_class_that_may_hold_the_classes_is_asked_about_and_can_be_opened(tmp_path):
    draw_all(tmp_path, "train/steam/{3}", "train/diesel/{3}", "car/{6}")
    fact = fact_of(read(tmp_path), "classes")
    assert fact.probable and fact.settings == ("class_level",)
    assert fact.text == "train/ may hold the classes; as it stands it is one, beside car/."
    opened = read(tmp_path, class_level=2)
    assert set(opened.samples["label"]) == {"steam", "diesel"}
    assert "Left out: 6 pictures not in a class folder" in fact_of(opened, "left-out").text


def test_a_folder_beside_the_parts_that_is_as_large_as_a_class_is_left_out_and_asked_about(tmp_path):
    draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}", "test/cat/t{1}", "test/dog/t{1}", "raw/{9}")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"} and len(scanned.samples) == 6
    (fact,) = [fact for fact in scanned.facts if fact.probable]
    assert fact.settings == ("class_level",)
    assert fact.text == "The dataset is taken to be test/ and train/ alone, without the 9 pictures in raw/."
    assert "Left out: 9 pictures" in fact_of(scanned, "left-out").text


def test_a_class_level_that_no_photo_has_is_refused_in_words(tmp_path):
    draw_all(tmp_path, "cat/{2}", "dog/{2}")
    with pytest.raises(LabError, match="nothing that names their classes") as refusal:
        read(tmp_path, class_level=4)
    assert "class level" in refusal.value.remedy
    assert set(read(tmp_path, class_level=1).samples["label"]) == {"cat", "dog"}


@pytest.mark.parametrize("paths", [("train/{3}", "test/{2}"), ("images/train/{3}", "images/val/{2}")])
def test_parts_without_any_class_are_no_classes(tmp_path, paths):
    with pytest.raises(LabError, match="5 images but nothing that names their classes"):
        read(draw_all(tmp_path, *paths))


def test_photos_of_the_trained_part_outside_any_class_are_left_out_aloud(tmp_path):
    draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}", "train/stray.jpg", "test/0.jpg", "cover.jpg")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"} and len(scanned.samples) == 6
    assert scanned.set_aside["sample"].tolist() == ["test/0.jpg"]
    assert said(scanned, "left-out") == ["Left out: 2 pictures not in a class folder: cover.jpg and train/stray.jpg."]


def test_folders_of_folds_are_told_and_carried_along(tmp_path):
    draw_all(tmp_path, *(f"fold_{k}/{name}/{k}{{2}}" for k in (1, 2, 3) for name in ("cat", "dog")), "test/cat/t0.jpg")
    scanned = read(tmp_path)
    assert str(scanned.samples["given_fold"].dtype) == "Int64"
    assert (scanned.samples["given_fold"].astype("str") == scanned.samples["sample"].str[5]).all()
    (fact,) = [fact for fact in scanned.facts if "folds.given" in fact.text]
    assert fact.probable and "3 folds of its own" in fact.text
    assert "given_fold" not in scanned.set_aside


def test_a_dataset_without_folds_has_no_column_of_them(tmp_path):
    assert "given_fold" not in read(draw_all(tmp_path, "cat/{2}", "dog/{2}")).samples
