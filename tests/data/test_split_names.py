"""What people call the parts of a dataset, and what only sounds like one."""

import pytest

from core.data.readers.split_names import Part, parts_of


@pytest.mark.parametrize(
    "role, names",
    {
        "train": "train Training TRN trainset train2017 images_train train-images Training.Set 1.Training trainval",
        "validation": "val Valid validation DEV images_val valset val_2",
        "test": "test Testing TST eval holdout hold-out hold_out testset test1 images-test TestData",
        "unlabelled": "unlabelled Unlabeled train_unlabeled prediction pred",
    }.items(),
)
def test_usual_names_are_read_whatever_their_case_and_the_usual_words_around(role, names):
    for name in names.split():
        assert parts_of([name, "train"])[name] == Part(role), name


@pytest.mark.parametrize("name, fold", [("fold_1", 1), ("Fold 12", 12), ("fold0", 0), ("kfold-3", 3), ("5_fold", 5)])
def test_folds_carry_their_number(name, fold):
    assert parts_of([name]) == {name: Part("fold", fold)}


def test_an_unusual_word_is_fine_where_several_parts_have_it():
    assert {name: part.role for name, part in parts_of(["seg_train", "seg_test", "seg_pred"]).items()} == {
        "seg_train": "train",
        "seg_test": "test",
        "seg_pred": "unlabelled",
    }


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog"],
        ["train", "car"],  # vehicles
        ["valid", "invalid"],
        ["test_tube"],
        ["bullet_train", "steam_train"],
        ["dog_train", "cat_test"],
        ["train_test"],
        ["trainer", "tester"],
        ["folder_1"],
        ["fold"],
        ["1", "2"],
    ],
)
def test_one_that_is_no_part_makes_all_of_them_none(names):
    assert parts_of(names) == {}


def test_nothing_is_no_part():
    assert parts_of([]) == {}
