import pytest

from core.errors import LabError
from core.export.formats import names

pytestmark = pytest.mark.long  # beside the others that have its fixtures


def test_forms_are_put_in_order_and_named_once():
    assert names.checked(["int8", "onnx", "int8"]) == ["onnx", "int8"]
    assert names.checked(names.USUAL) == ["onnx", "safetensors"]


@pytest.mark.parametrize(
    ("formats", "words"), [(["onnx", "zip"], "no form 'zip'"), (["pt2"], "answer with ONNX"), ([], "answer with ONNX")]
)
def test_other_forms_and_a_package_that_could_not_answer_are_refused(formats, words):
    with pytest.raises(LabError, match=words) as caught:
        names.checked(formats)
    assert caught.value.kind == "config"


def test_the_size_that_is_told_is_about_that_of_the_files(joint):
    weights = (joint.folder / "folds/0/model.safetensors").stat().st_size
    for name, file in names.FILES.items():
        size = (joint.folder / "folds/0" / file).stat().st_size
        assert size == pytest.approx(names.size_of(weights, [name]), rel=0.1), name
