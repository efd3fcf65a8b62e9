import numpy as np
import pandas as pd
import pytest

from core.config.run_config import TaskConfig
from core.data.tasks import (
    attributes_of,
    class_names,
    class_parts,
    label_as,
    label_samples,
    possible_tasks,
    proposed_task,
    with_limits,
)
from core.data.values import OWN
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


# Attributes of a dataset's own


def people():
    """Twelve photos: hair, smiling and height, and a gender and an age."""
    rows = range(12)
    return pd.DataFrame(
        {
            "sample": [f"{i}.jpg" for i in rows],
            "person": [f"{i}.jpg" for i in rows],
            "mask": [None] * 12,
            "gender": [["female", "male"][i % 2] for i in rows],
            "age": [20.0 + 5 * i for i in rows],
            "label": [None] * 12,
            "attribute:hair": [["dark brown", "fair", "red"][i % 3] for i in rows],
            "attribute:smiling": [["no", "yes"][i // 6] for i in rows],
            "attribute:height": [150.0 + 5 * i for i in rows],
        }
    )


def chosen(*names, **settings):
    return TaskConfig(name="attributes", attributes=list(names), **settings)


def test_one_attribute_makes_a_class_of_each_value():
    labelled, names, dropped = label_samples(people(), chosen("hair"))
    assert names == ["dark brown", "fair", "red"] and dropped == 0
    assert class_parts(chosen("hair"), names)[0] == {"hair": "dark brown"}
    assert [names[y] for y in labelled["y"]] == labelled["class_name"].tolist() == people()["attribute:hair"].tolist()


def test_of_several_attributes_the_combinations_that_occur_are_classes_and_their_parts_are_read_back():
    samples = people().query("not (`attribute:hair` == 'red' and `attribute:smiling` == 'yes')")
    task = chosen("hair", "smiling")
    names = label_samples(samples, task)[1]
    assert names == [
        "dark brown + smiling no",
        "dark brown + smiling yes",
        "fair + smiling no",
        "fair + smiling yes",
        "red + smiling no",
    ]
    assert class_names(task, samples) == names
    assert class_parts(task, names)[1] == {"hair": "dark brown", "smiling": "yes"}
    assert class_parts(task, names)[4] == {"hair": "red", "smiling": "no"}


def test_a_number_is_cut_where_the_task_says_into_any_number_of_groups():
    task = chosen("height", limits={"height": [160, 175, 190, 500]})
    labelled, names, _ = label_samples(people(), task)
    assert names == ["<160", "160-174", "175-189", "190-499"], "the group that no photo has is no class"
    assert labelled["class_name"].value_counts().to_dict() == {"<160": 2, "160-174": 3, "175-189": 3, "190-499": 4}
    halves = people().assign(**{"attribute:height": people()["attribute:height"] + 0.5})
    assert label_samples(halves, task)[1] == ["<160", "160 to <175", "175 to <190", "190 to <500"]
    years = chosen("age", "gender", limits={"age": [30, 40, 50, 60]})
    assert label_samples(people(), years)[1][:3] == ["<30 + female", "<30 + male", "30-39 + female"]


def test_the_groups_of_numbers_of_more_than_six_digits_have_names_of_their_own():
    dates = people().assign(**{"attribute:height": [20240101.0 + number for number in range(len(people()))]})
    _, names, _ = label_samples(dates, chosen("height", limits={"height": [20240103, 20240106.0, 20240109]}))
    assert names == ["<20240103", "20240103-20240105", "20240106-20240108", ">=20240109"]
    halves = dates.assign(**{"attribute:height": dates["attribute:height"] + 0.25})
    _, names, _ = label_samples(halves, chosen("height", limits={"height": [20240103, 20240106.5]}))
    assert names == ["<20240103", "20240103 to <20240106.5", ">=20240106.5"]
    with pytest.raises(LabError, match=r"height is a number \(20240101 to 20240112\)") as caught:
        label_samples(dates, chosen("height"))
    assert "{height: [20240105, 20240109]}" in caught.value.remedy


def test_a_number_without_limits_is_no_task_and_the_message_proposes_some():
    with pytest.raises(LabError, match=r"height is a number \(150 to 205\)") as caught:
        label_samples(people(), chosen("height"))
    assert "task.limits" in caught.value.remedy and "{height: [" in caught.value.remedy
    limits = with_limits(chosen("height"), people()).limits["height"]
    counts = label_samples(people(), chosen("height", limits={"height": limits}))[0]["class_name"].value_counts()
    assert len(counts) == 3 and counts.min() >= 3


def test_only_narrows_leave_out_drops_and_merge_joins_for_any_task():
    labelled, names, dropped = label_samples(people(), chosen("hair", only={"gender": ["male"]}))
    assert set(labelled["gender"]) == {"male"} and dropped == 6 and len(names) == 3
    labelled, names, dropped = label_samples(people(), chosen("hair", leave_out=["fair"]))
    assert names == ["dark brown", "red"] and dropped == 4 and set(labelled["y"]) == {0, 1}
    merged = TaskConfig(name="gender-age", merge={"older": ["female 30-59", "female >=60"]}, leave_out=["male <30"])
    labelled, names, _ = label_samples(people(), merged)
    assert names == ["female <30", "older", "male 30-59", "male >=60"]
    assert class_parts(merged, names)[1] == {"gender": "female", "age": "30-59 or >=60"}
    assert (labelled["class_name"] == "older").sum() == 5


@pytest.mark.parametrize(
    "task, message",
    [
        (chosen(), "no attribute is chosen; the photos tell gender, age, hair, smiling, height"),
        (chosen("eyes"), "no attribute 'eyes'"),
        (chosen("hair", only={"eyes": ["blue"]}), "no attribute 'eyes'"),
        (chosen("hair", only={"gender": ["other"]}), "no photo has gender 'other'"),
        (chosen("hair", leave_out=["green"]), "no class 'green' to leave out"),
        (chosen("hair", merge={"x": ["green", "red"]}), "no class 'green' to merge"),
        (chosen("hair", merge={"red": ["fair", "dark brown"]}), "'red' is a class already"),
        (chosen("hair", leave_out=["fair", "red"]), "one class only, 'dark brown'"),
    ],
)
def test_what_is_not_in_the_dataset_is_said(task, message):
    with pytest.raises(LabError, match=message) as caught:
        label_samples(people(), task)
    assert caught.value.kind == "task" and caught.value.remedy


def test_a_product_of_too_many_combinations_is_refused_with_what_to_do():
    samples = pd.concat([people()] * 12, ignore_index=True)
    samples["attribute:height"] = [float(number) for number in range(len(samples))]
    task = chosen("hair", "height", limits={"height": [float(limit) for limit in range(2, 142, 4)]})
    with pytest.raises(LabError, match=r"\d+ combinations occur; a product of attributes has at most 64") as caught:
        label_samples(samples, task)
    assert "fewer attributes" in caught.value.remedy
    with pytest.raises(LabError, match="combinations occur"):
        label_samples(samples, chosen("height", "hair", limits=task.limits))


def test_a_dataset_of_attributes_alone_has_the_task_that_chooses_them():
    samples = people().assign(gender=None, age=float("nan"))
    assert possible_tasks(samples) == ["attributes"]
    assert proposed_task("attributes", samples).attributes == ["hair"]
    assert attributes_of(chosen("hair", "smiling")) == ("hair", "smiling")
    assert attributes_of(TaskConfig()) == ("gender", "age") and chosen("hair", "smiling").title == "hair x smiling"


OTHERS = TaskConfig(name="attributes", attributes=["hair", "height"], limits={"height": [160.0]})


def own(hair, height):
    """Photos of a dataset with two attributes of its own, hair and height."""
    return samples_of(*((f"p{n}", None) for n in range(len(hair)))).assign(
        **{OWN + "hair": pd.Series(hair, dtype="object"), OWN + "height": height}
    )


def test_other_photos_get_the_classes_of_the_samples_and_no_others():
    samples = own(["red", "red", "grey", "grey"], [150.0, 170.0, 150.0, 171.0])
    _, names, _ = label_samples(samples, OTHERS)
    others = own(["red", "grey", "green", "red", None], [159.9, 160.5, 150.0, float("nan"), 150.0])
    labelled, unknown, dropped = label_as(others, samples, OTHERS, names)
    assert labelled["class_name"].tolist() == ["red + <160", "grey + >=160"], "159.9 does not rename the groups"
    assert [names[y] for y in labelled["y"]] == labelled["class_name"].tolist()
    assert labelled[OWN + "height"].tolist() == [159.9, 160.5], "rounded for the class alone"
    assert unknown == {"green + <160": 1} and dropped == 2


def test_limits_between_whole_numbers_hold_for_other_photos_too():
    task = TaskConfig(name="attributes", attributes=["height"], limits={"height": [1.5]})
    samples = own(["red"] * 4, [1.0, 2.0, 1.0, 2.0])
    _, names, _ = label_samples(samples, task)
    labelled, unknown, _ = label_as(own(["red"] * 2, [1.7, 1.2]), samples, task, names)
    assert [names[y] for y in labelled["y"]] == [names[1], names[0]] and not unknown


def test_a_number_that_other_photos_write_in_words_and_the_other_way_round():
    samples = own(["1", "2", "1", "2"], [150.0, 170.0, 150.0, 171.0])
    task = TaskConfig(name="attributes", attributes=["height"], limits={"height": [160.0]})
    others = own(["1", "2"], pd.Series(["about 150", "170"], dtype="object"))
    labelled, _, dropped = label_as(others, samples, task, label_samples(samples, task)[1])
    assert labelled["class_name"].tolist() == [">=160"] and dropped == 1
    words = TaskConfig(name="attributes", attributes=["hair"])
    numbers = own(["1", "2"], [1.0, 2.0]).assign(**{OWN + "hair": [2.0, 3.0]})
    labelled, unknown, _ = label_as(numbers, samples, words, ["1", "2"])
    assert labelled["class_name"].tolist() == ["2"] and unknown == {"3": 1}
    numbers = numbers.assign(**{OWN + "hair": [20240131.0, 2.0]})
    dated = own(["20240131", "2"] * 2, [150.0] * 4)
    labelled, unknown, _ = label_as(numbers, dated, words, ["2", "20240131"])
    assert labelled["class_name"].tolist() == ["20240131", "2"] and not unknown


def test_classes_that_the_task_merges_or_leaves_out_are_so_for_other_photos():
    samples = own(["red", "grey", "white", "black"] * 2, [150.0] * 8)
    task = TaskConfig(name="attributes", attributes=["hair"], merge={"light": ["grey", "white"]}, leave_out=["black"])
    _, names, _ = label_samples(samples, task)
    labelled, unknown, _ = label_as(own(["white", "black", "red"], [150.0] * 3), samples, task, names)
    assert labelled["class_name"].tolist() == ["light", "red"] and unknown == {"black": 1}
