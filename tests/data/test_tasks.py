import numpy as np
import pytest

from core.config.run_config import TaskConfig
from core.data.tasks import class_names, class_parts, label_samples
from core.errors import LabError
from tests.photos import all_kinds, samples_of

SIX = ["female <30", "female 30-59", "female >=60", "male <30", "male 30-59", "male >=60"]


def test_gender_age_has_the_studys_classes_and_limits():
    samples = all_kinds(("normal", "mask", "incorrect"))
    labelled, names, dropped = label_samples(samples, TaskConfig(name="gender-age"))
    assert names == SIX == class_names(TaskConfig(name="gender-age"), samples)
    assert dropped == 24 and set(labelled["mask"]) == {"normal"}
    assert labelled["class_name"].tolist() == [name for name in SIX[3:] + SIX[:3] for _ in range(2)]
    assert [names[y] for y in labelled["y"]] == labelled["class_name"].tolist()
    assert labelled["y"].dtype == np.int64
    other = TaskConfig(name="gender-age", age_limits=(25, 59))
    assert class_names(other, samples)[:3] == ["female <25", "female 25-58", "female >=59"]


def test_photos_of_unknown_mask_count_as_unmasked():
    labelled, _, dropped = label_samples(all_kinds((None, "mask")), TaskConfig(name="gender-age"))
    assert len(labelled) == 12 and dropped == 12


def test_mask_gender_age_has_eighteen_classes():
    _, names, dropped = label_samples(all_kinds(("normal", "mask", "incorrect")), TaskConfig(name="mask-gender-age"))
    assert names == [f"{mask} {six}" for mask in ("mask", "incorrect", "normal") for six in SIX] and dropped == 0


@pytest.mark.parametrize(
    "task, expected",
    [("mask", ["mask", "incorrect", "normal"]), ("gender", ["female", "male"]), ("age", ["<30", "30-59", ">=60"])],
)
def test_one_attribute_alone(task, expected):
    assert label_samples(all_kinds(("normal", "incorrect", "mask")), TaskConfig(name=task))[1] == expected


def test_a_value_that_the_dataset_lacks_is_left_out_but_no_combination():
    task = TaskConfig(name="mask-gender-age")
    assert len(label_samples(all_kinds(("normal", "mask")), task)[1]) == 12
    lacking = all_kinds(("normal", "mask")).query("not (mask == 'mask' and gender == 'male' and age >= 60)")
    with pytest.raises(LabError, match="class 'mask male >=60' has no photos"):
        label_samples(lacking, task)


def test_labels_are_sorted_and_rows_without_one_dropped():
    labelled, names, dropped = label_samples(samples_of(("1", "b"), ("2", "a"), ("3", None)), TaskConfig(name="label"))
    assert names == ["a", "b"] and labelled["y"].tolist() == [1, 0] and dropped == 1


def test_one_class_only_is_an_error_that_names_it():
    with pytest.raises(LabError, match=r"one class only, 'cat' \(2 photos\)"):
        label_samples(samples_of(("1", "cat"), ("2", "cat")), TaskConfig(name="label"))


@pytest.mark.parametrize("task", ["gender-age", "mask-gender-age", "mask", "gender", "age"])
def test_a_task_that_the_dataset_cannot_serve_says_what_it_has(task):
    with pytest.raises(LabError, match="they tell label"):
        label_samples(samples_of(("1", "cat"), ("2", "dog")), TaskConfig(name=task))
    with pytest.raises(LabError, match="none of 0 photos"):
        label_samples(samples_of(("1", "cat")).iloc[:0], TaskConfig(name=task))


def test_class_parts_read_the_attributes_back_from_the_names():
    parts = class_parts(TaskConfig(), SIX)
    assert parts[0] == {"gender": "female", "age": "<30"}
    assert parts[5] == {"gender": "male", "age": ">=60"}
    masked = class_parts(TaskConfig(name="mask-gender-age"), ["incorrect male >=60"])
    assert masked == [{"mask": "incorrect", "gender": "male", "age": ">=60"}]
    assert class_parts(TaskConfig(name="label"), ["a b c"]) == [{"label": "a b c"}]
