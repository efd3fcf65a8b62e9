from core.config.classes import apart, members_of, merged, proposed_name, without
from core.config.parts import TaskConfig

PLAIN = TaskConfig(name="label")


def checked(task):
    return TaskConfig.model_validate(task.model_dump())


def test_classes_are_left_out_once_and_a_merged_one_with_all_its_members():
    task = merged(PLAIN, ["cat", "lion"], "feline")
    assert members_of(task, "feline") == ["cat", "lion"] and members_of(task, "dog") == ["dog"]
    task = checked(without(without(task, ["dog"]), ["feline", "dog"]))
    assert (task.leave_out, task.merge) == (["dog", "cat", "lion"], {})


def test_what_is_merged_into_a_merged_class_joins_its_members():
    task = checked(merged(merged(PLAIN, ["cat", "lion"], "feline"), ["feline", "dog"], "pet"))
    assert task.merge == {"pet": ["cat", "lion", "dog"]}
    task = checked(merged(task, ["pet", "cow"], "pet"))
    assert task.merge == {"pet": ["cat", "lion", "dog", "cow"]}
    assert apart(task, "pet").merge == {}


def test_a_merged_class_has_a_name_that_is_not_taken():
    assert proposed_name(["cat", "dog"]) == "cat or dog"
    assert proposed_name(["a", "b", "c", "d"]) == "other"
    assert proposed_name(["a", "b", "c", "d"], ["other", "x"]) == "other (merged)"
