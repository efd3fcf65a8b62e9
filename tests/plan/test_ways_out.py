import shlex

import numpy as np
import pytest

from core.config.classes import merged, without
from core.config.parts import FoldsConfig, TaskConfig
from core.config.run_config import from_dict, with_setting
from core.data.tasks import classes_of, label_samples
from core.errors import LabError
from core.plan.folds import absent_classes, assign_folds
from core.plan.ways_out import as_settings, most_folds, ways_out, ways_to_fill, with_settings_named
from tests.photos import all_kinds, draw, read

LABEL = TaskConfig(name="label")
FIVE = FoldsConfig(count=5)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    root = tmp_path_factory.mktemp("rare")
    for name, photos in (("common", 9), ("few", 2), ("one", 1), ("rare", 3), ("usual", 7)):
        for number in range(photos):
            draw(root / name / f"{number}.png")
    return read(root)


def can_be_split(scanned, task, folds):
    table, names, _ = label_samples(scanned.samples, task)
    return not absent_classes(table.assign(fold=assign_folds(table, folds, 0)), names)


def test_each_way_out_leads_out(scanned):
    with pytest.raises(LabError):
        can_be_split(scanned, LABEL, 5)
    ways = ways_out(scanned, LABEL, FIVE)
    assert ways.rare == ("one", "few", "rare") and ways.others == ("common", "usual")
    assert ways.people == {"common": 9, "few": 2, "one": 1, "rare": 3, "usual": 7} and ways.folds is None
    assert ways.to_merge == ways.rare, "together they are enough"
    assert can_be_split(scanned, without(LABEL, ways.rare), 5)
    assert can_be_split(scanned, merged(LABEL, ways.to_merge, ways.merged_name), 5)


def test_one_rare_class_is_merged_with_the_smallest_other_or_given_fewer_folds(scanned):
    task = without(LABEL, ["one", "few"])
    ways = ways_out(scanned, task, FIVE)
    assert (ways.rare, ways.folds, ways.to_merge) == (("rare",), 3, ("rare", "usual"))
    assert can_be_split(scanned, task, ways.folds)
    assert can_be_split(scanned, merged(task, ways.to_merge, ways.merged_name), 5)


def test_no_way_leads_to_a_single_class(scanned):
    ways = ways_out(scanned, without(LABEL, ["one", "few", "common"]), FIVE)
    assert (ways.rare, ways.others, ways.can_leave_out, ways.to_merge) == (("rare",), ("usual",), False, ())
    assert ways.folds == 3
    ways = ways_out(scanned, without(LABEL, ["common", "usual"]), FIVE)
    assert (ways.others, ways.can_leave_out, ways.to_merge, ways.folds) == ((), False, (), None)


def test_where_nothing_is_rare_or_something_else_is_wrong_there_is_nothing_to_offer(scanned):
    assert ways_out(scanned, without(LABEL, ["one", "few", "rare"]), FIVE) is None
    assert ways_out(scanned, TaskConfig(name="gender-age"), FIVE) is None
    assert ways_out(scanned, LABEL.model_copy(update={"leave_out": ["nobody"]}), FIVE) is None


def test_people_count_and_not_their_photos(tmp_path):
    for name, people in (("a", 6), ("b", 6), ("rare", 2)):
        for person in range(people):
            for number in range(4):
                draw(tmp_path / name / f"{name}{person}_{number}.png")
    ways = ways_out(read(tmp_path, person_pattern="^([a-z]+[0-9]+)_"), LABEL, FIVE)
    assert (ways.people["rare"], ways.state, ways.folds) == (2, "known", 2)


def test_a_class_that_no_photo_has_can_be_left_out():
    samples = all_kinds()
    samples = samples[~((samples["gender"] == "female") & (samples["age"] >= 60))].reset_index(drop=True)
    task = TaskConfig(name="gender-age")
    with pytest.raises(LabError, match="has no photos"):
        label_samples(samples, task)
    class_of, names = classes_of(samples, task)
    assert len(names) == 6 and len(class_of) == len(samples) and "female >=60" not in set(class_of)
    assert label_samples(samples, without(task, ["female >=60"]))[1] == [
        name for name in names if name != "female >=60"
    ]


def test_the_datasets_own_folds_give_way(tmp_path):
    for fold in (1, 2, 3):
        for name in ("a", "b", *(["rare"] if fold == 2 else [])):
            for number in range(3):
                draw(tmp_path / f"fold_{fold}" / name / f"{number}.png")
    scanned = read(tmp_path)
    ways = ways_out(scanned, LABEL, FoldsConfig(count=3, given=True))
    assert (ways.rare, ways.given, ways.folds, ways.can_leave_out) == (("rare",), True, None, True)
    ways = ways_out(scanned, without(LABEL, ["rare"]), FoldsConfig(count=5, given=True))
    assert (ways.rare, ways.given, ways.folds) == ((), True, 3)


def test_folds_without_a_class_are_filled_by_fewer_of_them_where_that_helps(scanned):
    """Folds that were taken over from elsewhere, in which all of a class stand in two of three."""
    table, names, _ = label_samples(scanned.samples, without(LABEL, ["one", "few"]))
    number = np.arange(len(table))
    split = table.assign(fold=np.where(table["class_name"] == "rare", number % 2, number % 3))
    ways = ways_to_fill(split, names, FoldsConfig(count=3))
    assert (ways.rare, ways.others, ways.folds, ways.given) == (("rare",), ("common", "usual"), 2, False)
    assert can_be_split(scanned, without(LABEL, ["one", "few"]), 2)
    assert ways_to_fill(split, names, FoldsConfig(count=3, given=True)).given
    even = table.assign(fold=[number % 3 for number in range(len(table))])
    assert ways_to_fill(even, names, FoldsConfig(count=3)) is None


def test_settings_for_the_command_line_are_read_as_they_are_written(scanned):
    task = without(LABEL, ["one", "few"])
    ways = ways_out(scanned, task, FIVE)
    base = {"data": {}, "task": task.model_dump(), "folds": {"count": 5}, "phases": [{"optimizer": "adam"}]}
    outcomes = []
    for words in as_settings(ways, task):
        settings = base
        for setting in [word for word in shlex.split(words) if word != "--set"]:
            settings = with_setting(settings, *setting.split("=", 1))
        outcomes.append(from_dict(settings))
    assert [outcome.folds.count for outcome in outcomes] == [3, 5, 5]
    assert [outcome.task.leave_out for outcome in outcomes] == [["one", "few"], ["one", "few", "rare"], ["one", "few"]]
    assert [outcome.task.merge for outcome in outcomes] == [{}, {}, {"rare or usual": ["rare", "usual"]}]
    error = LabError("folds: too few", "Lower them.", "folds")
    assert with_settings_named(error, None, task) is error


def test_the_smallest_class_says_how_many_folds_there_can_be(scanned, tmp_path):
    assert most_folds(scanned, LABEL) == "These photos allow no folds: class 'one' has 1 photo."
    without_one = without(without(LABEL, ["one"]), ["few"])
    assert most_folds(scanned, without_one) == "These photos allow 3 folds: class 'rare' has 3 photos."
    assert most_folds(scanned, TaskConfig(name="gender")) == "", "a task that this dataset has no labels for"
    for name in ("many", "more"):
        for number in range(20):
            draw(tmp_path / name / f"{number}.png")
    assert most_folds(read(tmp_path), LABEL) == ""
