import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LabError
from core.plan.folds import absence, absent_classes, assign_folds, audit, fold_table, gaps, sole_folds
from core.runs.create import support
from core.stats.metrics import class_scores, confusion

NAMES = [f"class {letter}" for letter in "abcdefghijklmnopqr"]


def labelled(people):
    """Labelled samples from {person: classes of its photos}."""
    rows = [(f"{person}/{i}.jpg", person, y) for person, classes in people.items() for i, y in enumerate(classes)]
    table = pd.DataFrame(rows, columns=["sample", "person", "y"])
    return table.assign(class_name=[NAMES[y] for y in table["y"]])


@st.composite
def datasets(draw):
    """People of one class each, one to four photos; each class has at least as many people as there are folds."""
    folds = draw(st.integers(2, 6))
    sizes = draw(st.lists(st.integers(folds, 25), min_size=2, max_size=6))
    photos = draw(st.integers(1, 4))
    people = {f"p{y}-{i}": [y] * photos for y, size in enumerate(sizes) for i in range(size)}
    return labelled(people), folds, photos, draw(st.integers(0, 2**31 - 1))


@settings(max_examples=60)
@given(datasets())
def test_no_person_in_two_folds_and_equal_shares(case):
    table, folds, photos, seed = case
    table["fold"] = assign_folds(table, folds, seed)
    assert table.groupby("person")["fold"].nunique().max() == 1
    assert audit(table) == []
    assert set(table["fold"]) == set(range(folds))
    counts = fold_table(table).drop(columns=["people", "photos"]) / photos
    assert ((counts.max() - counts.min()) <= 1).all()  # each class: equal up to one person


@settings(max_examples=30)
@given(st.integers(5, 40), st.integers(2, 5), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_people_with_several_classes_stay_whole(count, folds, seed, random):
    people = {f"p{i}": random.sample(range(3), 3) * random.randint(1, 3) for i in range(count)}
    table = labelled(people)
    table["fold"] = assign_folds(table, folds, seed)
    assert audit(table) == [] and set(table["fold"]) == set(range(folds))


def study(seed=0, people=200):
    """People of six gender-age kinds in unequal numbers, seven photos each: eighteen classes."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(6, people, p=[0.3, 0.25, 0.06, 0.2, 0.13, 0.06])
    return labelled({f"{i:04d}": [kind, *[kind + 6] * 5, kind + 12] for i, kind in enumerate(kinds)})


def test_the_studys_eighteen_classes_have_equal_shares():
    table = study()
    table["fold"] = assign_folds(table, 5, 0)
    assert audit(table) == []
    counts = fold_table(table)
    assert counts["people"].max() - counts["people"].min() <= 2
    ones = counts[[NAMES[y] for y in (*range(6), *range(12, 18))]]
    assert ((ones.max() - ones.min()) <= 1).all()


def test_folds_depend_on_the_seed_and_on_nothing_else():
    table = study()
    fold = assign_folds(table, 5, 3)
    assert (assign_folds(table, 5, 3) == fold).all()
    assert (assign_folds(table, 5, 4) != fold).any()
    order = np.random.default_rng(0).permutation(len(table))
    assert (assign_folds(table.iloc[order], 5, 3) == fold[order]).all()
    assert (assign_folds(table.set_index("sample", drop=False), 5, 3) == fold).all()


def test_one_photo_a_person_is_fine():
    table = labelled({f"p{i}": [i % 2] for i in range(20)})
    table["fold"] = assign_folds(table, 5, 0)
    assert fold_table(table)["photos"].tolist() == [4] * 5


def test_a_class_with_fewer_people_than_folds_is_named_with_its_numbers():
    table = labelled({**{f"a{i}": [0] for i in range(9)}, **{f"b{i}": [1] * 50 for i in range(3)}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LabError, match="folds: class 'class b' has 3 people but 5 folds were asked for") as caught:
            assign_folds(table, 5, 0)
        assert caught.value.remedy == (
            "Lower folds to 3, leave the class out (task.leave_out) or merge it with another (task.merge)."
        )
        assert len(set(assign_folds(table, 3, 0))) == 3


def test_a_class_of_one_person_and_no_samples():
    table = labelled({**{f"a{i}": [0] for i in range(9)}, "b": [1, 1]})
    with pytest.raises(LabError, match="has 1 person but 2 folds") as caught:
        assign_folds(table, 2, 0)
    assert "Add people to it, leave the class out" in caught.value.remedy
    with pytest.raises(LabError, match="has 1 person but 2 folds") as caught:
        assign_folds(labelled({"a": [0, 0], "b": [1, 1]}), 2, 0)
    assert caught.value.remedy.startswith("If the classes are the persons, choose"), "and no person is to be added"
    with pytest.raises(LabError, match="no samples"):
        assign_folds(table.iloc[:0], 2, 0)


def test_fold_table_counts_people_photos_and_classes():
    table = labelled({"p": [0, 0], "q": [1], "r": [0], "s": [1, 1]}).assign(fold=[0, 0, 0, 1, 1, 1])
    counts = fold_table(table)
    assert counts.index.name == "fold"
    assert counts.to_dict("list") == {"people": [2, 2], "photos": [3, 3], "class a": [2, 1], "class b": [1, 2]}


def test_a_class_called_people_does_not_collide():
    table = labelled({"p": [0], "q": [1]}).assign(fold=[0, 1])
    table["class_name"] = table["y"].map({0: "people", 1: "photos"})
    assert list(fold_table(table).columns) == ["people", "photos", "class people", "class photos"]


def test_audit_names_who_leaks_and_where():
    table = labelled({"p": [0, 0], "q": [1]}).assign(fold=[2, 0, 1])
    assert audit(table) == ["person 'p' stands in folds 0, 2"]


@pytest.mark.parametrize("lacking", [1, 2, 5])
def test_a_fold_without_a_class_is_named_with_the_best_that_its_f1_can_be(lacking):
    """A perfect fold is the proof: its macro F1 is the number that was told."""
    names = NAMES[:7]
    rows = [(f"{fold}-{y}.jpg", y, fold) for fold in (0, 1) for y in range(7 - lacking * fold)]
    table = pd.DataFrame(rows, columns=["sample", "y", "fold"])
    table = table.assign(class_name=[names[y] for y in table["y"]])
    absent = absent_classes(table, names)
    assert absent == {1: names[7 - lacking :]}
    photos = {fold: {name: int(fold == 0 or y < 7 - lacking) for y, name in enumerate(names)} for fold in (0, 1)}
    assert support(table, names) == {str(fold): of_classes for fold, of_classes in photos.items()}
    held = table["y"][table["fold"] == 1]
    perfect = class_scores(confusion(held, held, 7))
    assert perfect.present == 1 and perfect.macro < 1
    sentence = absence(1, absent[1], 7)
    assert sentence.startswith("Fold 1 has no photo of 'class") and f"cannot exceed {perfect.macro:.3f}." in sentence
    assert absent_classes(table[table["fold"] == 0], names) == {}


def test_classes_that_stand_in_one_fold_alone_are_named_with_it():
    table = labelled({"p": [0, 1], "q": [0, 2], "r": [0, 3]}).assign(fold=[0, 0, 1, 1, 1, 1])
    assert sole_folds(table, NAMES[:5]) == {0: ["class b"], 1: ["class c", "class d"]}
    first, second, *absences = gaps(table, NAMES[:4])
    assert first == "Fold 0 holds all photos of 'class b': the network that is validated on it never saw it."
    assert second.endswith("of 'class c', 'class d': the network that is validated on them never saw them.")
    assert absences == [absence(0, ["class c", "class d"], 4), absence(1, ["class b"], 4)]
    assert sole_folds(table.assign(fold=-1), NAMES[:4]) == {}, "one network on everybody holds nobody out"


def test_so_are_answers_to_attributes_that_are_told_one_by_one():
    samples = [f"{place}.jpg" for place in range(4)]
    told = {"yes:A": [1, 0, 1, 0], "yes:B": [0, -1, 1, 1], "y": 0, "class_name": ""}
    table = pd.DataFrame({"sample": samples, "person": samples, "fold": [0, 0, 1, 1], **told})
    assert sole_folds(table, ["A no", "A yes", "B no", "B yes"]) == {0: ["B no"], 1: ["B yes"]}
