import pytest

from core.config.run_config import TaskConfig
from core.data.of_what import are_of_the_same, told_apart_by

SIX = ["female <30", "female 30-59", "female >=60", "male <30", "male 30-59", "male >=60"]


def test_the_order_in_which_classes_were_merged_does_not_say_what_they_are():
    """Nor does an attribute that a merged class leaves open, as masks are of women here."""
    plain = told_apart_by(TaskConfig(name="gender-age"), SIX)
    across = {name: [f"mask {name}", f"normal {name}"] for name in SIX}
    shuffled = {name: members[:: 1 - 2 * (place % 2)] for place, (name, members) in enumerate(across.items())}
    partial = {name: [f"normal {name}"] if "<30" in name else members for name, members in across.items()}
    for merge in (across, shuffled, partial):
        assert told_apart_by(TaskConfig(name="mask-gender-age", merge=merge), SIX) == plain == ("age",), merge
    findings = ["absent + present", "present + absent"]  # what is present there depends on which comes first
    for order in (["lung", "heart"], ["heart", "lung"]):
        assert told_apart_by(TaskConfig(name="attributes", attributes=order), findings) == tuple(order)


@pytest.mark.parametrize(
    ("attributes", "names", "apart"),
    [
        (["species"], ["cat", "dog", "none"], ()),
        (["smiling"], ["no", "yes"], ("smiling",)),
        (["height"], ["<150", "150-169", ">=170"], ("height",)),
        (["weight"], ["<1.5", "1.5 to <2.5"], ("weight",)),
        (["years"], ["under 20", "20-29", "60+ years"], ("years",)),
        (["skin", "smiling", "height"], ["dark + smiling no + <150", "fair + smiling yes + >=150"], ("height",)),
        (["gender"], ["nobody", "yesterday"], ()),
        (["pneumonia"], ["absent", "present"], ("pneumonia",)),
        (["pneumonia"], ["no pneumonia", "pneumonia present"], ()),
        (["virus"], ["NEG", "Pos"], ("virus",)),
        (["swelling"], ["none", "Mild", "severe", "unknown"], ("swelling",)),
        (["lung"], ["abnormal", "normal"], ("lung",)),
        (["mask"], ["incorrect", "mask", "normal"], ()),
        (["tumour"], ["grade 1", "Grade II"], ("tumour",)),
        (["size"], ["10-20 mm", "> 2 cm"], ("size",)),
        (["kind"], ["A", "B"], ("kind",)),
        (["animal"], ["犬", "猫"], ()),
        (["animal"], ["K9", "n01440764"], ()),
        (["staining"], ["class_a", "class_b"], ("staining",)),
        (["lens"], ["10x", "40x"], ("lens",)),
    ],
)
def test_only_words_that_do_not_name_themselves_must_say_of_what_they_are(attributes, names, apart):
    task = TaskConfig(name="attributes", attributes=attributes)
    assert told_apart_by(task, names) == apart
    if len(attributes) == 1:
        for column, called in (("finding", "finding"), (None, "label"), ("none", "label"), ("Class", "label")):
            assert told_apart_by(TaskConfig(name="label"), names, column) == ((called,) if apart else ())
    young = task.model_copy(update={"merge": {"this": names[:1], "other": names[1:]}})
    assert not told_apart_by(young, ["this", "other"]), "called so by who merged them"


@pytest.mark.parametrize("names", [["low", "high"], ["absent", "present"], ["no", "yes"], ["0-1", "2"], ["A", "B"]])
def test_merged_classes_that_are_called_by_bare_words_must_say_of_what_they_are(names):
    degrees = ["healthy", "ill", "dying"]
    merge = {names[0]: degrees[:1], names[1]: degrees[1:]}
    for attribute in ("lung", "heart"):
        task = TaskConfig(name="attributes", attributes=[attribute], merge=merge)
        assert told_apart_by(task, names) == (attribute,)
    joint = {name: [f"{degree} + old" for degree in members] for name, members in merge.items()}
    task = TaskConfig(name="attributes", attributes=["lung", "years"], merge=joint)
    assert told_apart_by(task, names) == ("lung",), "all are old"


def test_a_label_without_a_column_may_be_any_one_attribute():
    assert are_of_the_same(("label",), ("side",)) and are_of_the_same(("side",), ("label",)) and are_of_the_same((), ())
    assert not are_of_the_same(("side",), ("view",)) and not are_of_the_same(("label",), ("side", "view"))
    assert not are_of_the_same(("label",), ()) and are_of_the_same(("Tumor Grade",), ("tumor_grade",))
