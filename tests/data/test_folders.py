"""Folders: which of them are classes, parts of the dataset, folds and persons."""

import shutil

import pytest

from core.config.run_config import TaskConfig
from core.data.tasks import class_names
from core.errors import LabError
from tests.photos import assert_nothing_is_skipped, draw, problems_of, read

WHERE = [(place, pet) for place in ("asia", "europe") for pet in ("cat", "dog")]


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


@pytest.mark.parametrize("home", ["train", "photos"])
def test_a_flat_test_folder_beside_labelled_ones_waits_for_prediction(tmp_path, home):
    draw_all(tmp_path, f"{home}/cat/{{3}}", f"{home}/dog/{{3}}", "test/{2}")
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    assert scanned.set_aside["sample"].tolist() == ["test/0.jpg", "test/1.jpg"]
    assert scanned.set_aside["split"].tolist() == ["unlabelled"] * 2 and scanned.set_aside["label"].isna().all()
    assert said(scanned, "unlabelled") == ["2 photos have no label: set aside for prediction (test/)."]
    assert said(scanned, "classes") == [f"The folders below {home}/ are the classes."]
    assert scanned.problems.empty


def test_a_stray_picture_beside_the_folder_of_the_dataset_is_left_out_aloud(tmp_path):
    draw_all(tmp_path, "data/train/cat/{3}", "data/train/dog/{3}", "assets/logo.png")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"} and len(scanned.samples) == 6
    assert said(scanned, "left-out") == ["Left out: 1 picture not in a class folder: assets/logo.png."]
    assert not any(fact.probable for fact in scanned.facts)
    assert problems_of(scanned, "left-over") == {"assets/": "1 file left out, not in a class folder: logo.png"}
    assert_nothing_is_skipped(scanned)


def test_a_class_folder_in_which_nothing_has_the_suffix_of_a_picture_is_told(tmp_path):
    draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}")
    for path in ("train/bird/1.jpg?w=640", "train/bird/a/2.tga", "train/dog/notes.txt", "docs/readme.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"}
    left = problems_of(scanned, "left-over")
    assert left.keys() == {"train/bird/", "train/dog/"}
    assert left["train/bird/"] == (
        "2 files left out, none with the suffix of a picture: train/bird/1.jpg?w=640 and train/bird/a/2.tga"
    )


def test_levels_that_repeat_are_attributes_and_the_classes_stay_what_they_were(tmp_path):
    draw_all(tmp_path, *(f"{part}/{place}/{pet}/{{3}}" for part in ("train", "test") for place, pet in WHERE))
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"asia": 6, "europe": 6}
    assert scanned.attributes["level 2"].counts == {"asia": 6, "europe": 6}
    assert scanned.attributes["level 3"].counts == {"cat": 6, "dog": 6}
    assert set(scanned.set_aside["attribute:level 3"]) == {"cat", "dog"}
    (fact,) = [fact for fact in scanned.facts if fact.kind == "values"]
    assert fact.settings == ("class_level",) and not fact.probable
    assert "level 2 (asia/ and europe/) and level 3 (cat/ and dog/)" in fact.text
    chosen = read(tmp_path, class_level=3)
    assert chosen.samples["label"].value_counts().to_dict() == {"cat": 6, "dog": 6}
    assert chosen.attributes["level 2"].counts == {"asia": 6, "europe": 6}
    both = TaskConfig(name="attributes", attributes=["level 2", "level 3"])
    assert class_names(both, scanned.samples) == ["asia + cat", "asia + dog", "europe + cat", "europe + dog"]


@pytest.mark.parametrize(
    "paths, settings",
    [
        (["cat/tom/{3}", "cat/lilly/{3}", "dog/rex/{3}", "dog/bo/{3}"], {}),  # nothing repeats
        (["cat/a/{3}", "dog/a/{3}"], {}),  # one folder in each class says nothing
        ([f"{place}/{pet}/{{3}}" for place, pet in WHERE], {"persons": "folder"}),  # who is in the photo
        ([f"{pet}/p{i}/{{2}}" for pet in ("cat", "dog") for i in range(21)], {}),  # too many to be kinds
    ],
)
def test_levels_that_do_not_repeat_or_are_persons_are_no_attributes(tmp_path, paths, settings):
    draw_all(tmp_path, *paths)
    assert list(read(tmp_path, **settings).attributes) == ["label"]


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
        ("photos/{}", "test/{}"),
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
    if train == "{}/train":
        draw_all(tmp_path, "cat/extra/{2}")
        scanned = read(tmp_path)
        assert len(scanned.set_aside) == 4, "a folder beside train/ and test/ had both trained on"
        assert scanned.samples["label"].value_counts().to_dict() == {"cat": 5, "dog": 3}


@pytest.mark.parametrize(
    "unlabelled",
    [
        *(["test/images/{2}"], ["test/test/{2}"], ["pred/{2}"], ["unlabelled/x/{2}"], ["eval/{2}"]),
        *(["val/images/{2}"], ["Valid/Images/x/{2}"], ["val/images/{1}", "test/images/{1}"]),
    ],
)
def test_photos_of_a_part_without_a_class_are_unlabelled(tmp_path, unlabelled):
    draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}", *unlabelled)
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"}
    assert scanned.set_aside["split"].tolist() == ["unlabelled"] * 2 and scanned.set_aside["label"].isna().all()


@pytest.mark.parametrize(
    "paths, settings, labels",
    [
        (["val/images/{2}"], {}, {"cat", "dog"}),
        (["train/Images/{3}", "val/images/{2}"], {}, {"cat", "dog", "Images", "images"}),  # a class that is called so
        (["val/images/{2}", "val/cat/v{2}"], {}, {"cat", "dog", "images"}),
        (["val/bird/{2}"], {}, {"cat", "dog", "bird"}),
        (["val/images/{2}"], {"class_level": 2}, {"cat", "dog", "images"}),  # as somebody chose
    ],
)
def test_only_a_folder_that_holds_photos_alone_is_no_class_of_what_is_validated_on(tmp_path, paths, settings, labels):
    scanned = read(draw_all(tmp_path, "train/cat/{3}", "train/dog/{3}", *paths), **settings)
    is_aside = labels == {"cat", "dog"}
    assert set(scanned.samples["label"]) == labels and scanned.set_aside.empty != is_aside
    text = "The photos of val/ in images/ have no label: train/ has no such class."
    assert (text in said(scanned, "classes")) == is_aside


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
        (("test/{3}", "control/{3}"), {"test", "control"}),
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
    assert refusal.value.kind == "classes" and "data.class_level" in refusal.value.remedy
    assert set(read(tmp_path, class_level=1).samples["label"]) == {"cat", "dog"}


@pytest.mark.parametrize(
    "paths",
    [
        *(("train/{3}", "test/{2}"), ("images/train/{3}", "images/val/{2}"), ("photos/{3}", "test/{2}")),
        *(("set/all/{3}", "set/val/{2}"), ("JPEGImages/{3}", "train/{2}"), ("train/{2}", "test/{2}", "extra/{1}")),
    ],
)
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


def questions(scanned):
    return [fact.text for fact in scanned.facts if fact.probable]


def test_folders_that_name_a_class_and_a_part_are_both(tmp_path):
    draw_all(tmp_path, "cat_train/{3}", "dog_train/{3}", "cat_test/t{1}", "dog_test/t{1}")
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    assert labels_of(scanned.set_aside) == {"cat_test/t0.jpg": "cat", "dog_test/t0.jpg": "dog"}
    assert questions(scanned) == [
        "The folders cat_test/, cat_train/, dog_test/ and dog_train/ each name a class and a part of the dataset."
    ]
    assert len(read(tmp_path, class_level=1).samples["label"].unique()) == 4


@pytest.mark.parametrize("labelled, unlabelled", [("labelled", "unlabelled"), ("labeled", "unlabeled")])
def test_a_labelled_part_beside_an_unlabelled_one(tmp_path, labelled, unlabelled):
    scanned = read(draw_all(tmp_path, f"{labelled}/cat/{{3}}", f"{labelled}/dog/{{3}}", f"{unlabelled}/{{4}}"))
    assert set(scanned.samples["label"]) == {"cat", "dog"}
    assert scanned.set_aside["split"].tolist() == ["unlabelled"] * 4


def test_a_cross_validation_that_is_written_out_holds_each_photo_once(tmp_path):
    """fold_1/test is what fold_2/train and fold_3/train hold, too."""
    for k in (1, 2, 3):
        for name in ("cat", "dog"):
            for other in (1, 2, 3):
                part = "test" if other == k else "train"
                draw(tmp_path / f"fold_{k}/{part}/{name}/{name}{other}.jpg", (40 * other, len(name), ord(name[0])))
    scanned = read(tmp_path)
    assert set(scanned.samples["sample"]) == {
        f"fold_{k}/test/{n}/{n}{k}.jpg" for k in (1, 2, 3) for n in ("cat", "dog")
    }
    assert (scanned.samples["given_fold"].astype("str") == scanned.samples["sample"].str[5]).all()
    assert scanned.set_aside.empty and (scanned.problems["severity"] == "warning").all()
    assert said(scanned, "split")[0] == (
        "Each of 3 folds holds a part to train on and a test part: the 6 photos of the test parts are used, and the "
        "12 copies to train on are left out."
    )
    assert_nothing_is_skipped(scanned)


def test_folds_with_parts_of_other_photos_are_no_cross_validation_written_out(tmp_path):
    draw_all(
        tmp_path,
        *(f"fold_{k}/{part}/{name}/{k}{part}{{1}}" for k in "12" for part in ("train", "test") for name in "ab"),
    )
    scanned = read(tmp_path)
    assert len(scanned.samples) == 4 and scanned.set_aside["split"].tolist() == ["test"] * 4


@pytest.mark.parametrize(
    "paths, question",
    [
        (
            [f"{where}/{name}/{{2}}" for where in ("asia", "europe") for name in ("cat", "dog")],
            "The folders cat/ and dog/ repeat below asia/ and europe/: they may be the classes (class folder 2).",
        ),
        (
            [f"{where}/train/{name}/{{2}}" for where in ("site1", "site2") for name in ("cat", "dog")],
            "The folders cat/ and dog/ repeat below site1/ and site2/: they may be the classes (class folder 3).",
        ),
        (["cat/{3}", "dog/{3}", "assets/logo.png"], "assets/ (1 picture) may be no class."),
        (
            ["train/{3}", "test/{3}", "car/{3}", "bus/{3}"],
            "By their names the folders test/ and train/ may be parts of the dataset, no classes. If so, choose the "
            "class folder, or add a table of the path and class of each photo.",
        ),
    ],
)
def test_classes_that_look_right_and_may_be_wrong_are_asked_about(tmp_path, paths, question):
    assert questions(read(draw_all(tmp_path, *paths))) == [question]


@pytest.mark.parametrize(
    ("paths", "classes", "question"),
    [
        (
            ["cells/ill/a{2}", "cells/well/b{2}", "cells/new/ill/c{3}", "cells/new/well/d{3}"],
            {"ill": 5, "well": 5},
            "new/ is no class: its photos are of the classes ill/ and well/, as its folders are called.",
        ),
        (
            [f"102{n}/{state}/{{2}}" for n in range(4) for state in (0, 1)],
            {"0": 8, "1": 8},
            "The folders 0/ and 1/ repeat below 1020/, 1021/, 1022/ and 1023/, which are numbers: they are taken for "
            "the classes.",
        ),
        (
            [f"2{n}0/{side}/{{2}}" for n in range(3) for side in "ab"],
            {"200": 4, "210": 4, "220": 4},
            "they may be the classes",
        ),
        (
            ["train/ill/{2}", "train/well/{2}", "test/ill/{1}", "test/new/ill/{2}", "test/new/well/{2}"],
            {"ill": 2, "well": 2},
            "new/ is no class",
        ),
        (
            [
                "old/old/{4}",
                "new/new/photos/train/cat/{2}",
                "new/new/photos/test/cat/{2}",
                "new/new/photos/train/dog/{2}",
            ],
            {"cat": 2, "dog": 2},
            "The dataset is taken to be new/ alone, without the 4 pictures in old/.",
        ),
    ],
    ids=["more of them", "patients", "coins", "more to test on", "two beside each other"],
)
def test_folders_that_hold_the_classes_once_more_or_number_whom_they_show_are_no_classes(
    tmp_path, paths, classes, question
):
    scanned = read(draw_all(tmp_path, *paths))
    assert scanned.samples["label"].value_counts().to_dict() == classes
    asked, *of_persons = questions(scanned)
    assert question in asked and all("may be the person" in text for text in of_persons)
    assert_nothing_is_skipped(scanned)


def test_an_archive_that_was_packed_twice_holds_each_photo_once_unless_its_photos_are_only_called_alike(tmp_path):
    draw_all(tmp_path, *(f"{home}/{state}/{{3}}" for home in ("cells", "cells/cells") for state in ("ill", "well")))
    scanned = read(tmp_path)
    assert len(scanned.samples) == 6 * 2 and "cells/ is no class" in questions(scanned)[0], "numbered anew"
    for state in ("ill", "well"):
        shutil.rmtree(tmp_path / "cells/cells" / state)
        shutil.copytree(tmp_path / "cells" / state, tmp_path / "cells/cells" / state)
    scanned = read(tmp_path)
    assert scanned.samples["label"].value_counts().to_dict() == {"ill": 3, "well": 3}
    assert questions(scanned) == ["cells/ holds the photos of ill/ and well/ beside it once more: it is left out."]
    assert_nothing_is_skipped(scanned)


@pytest.mark.parametrize(
    "paths", [["cat/a/{1}", "cat/b/{1}", "dog/c/{1}"], ["cat/images/{2}", "dog/images/{2}"], ["docs/{4}", "cats/{3}"]]
)
def test_classes_that_nothing_speaks_against_are_not_asked_about(tmp_path, paths):
    assert questions(read(draw_all(tmp_path, *paths))) == []


def test_persons_above_the_class_are_suggested_once_the_class_is_chosen(tmp_path):
    draw_all(tmp_path, *(f"p{n}/{state}/{{2}}" for n in range(4) for state in ("ill", "well")))
    asked = questions(read(tmp_path))
    assert len(asked) == 1 and "(class folder 2)" in asked[0]
    chosen = read(tmp_path, class_level=2)
    assert set(chosen.samples["label"]) == {"ill", "well"}
    assert "The folder above the class may be the person: 4 folders" in questions(chosen)[0]
    assert read(tmp_path, class_level=2, persons="folder").persons.people == 4
