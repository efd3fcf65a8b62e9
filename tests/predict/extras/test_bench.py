"""The bench's test set: everything of a fifth of the people of each class, of whom nothing is trained on."""

from bench.extras import with_test_people
from core.config import from_dict
from core.data.scan import scan
from tests.photos import mask_dataset


def test_nobody_of_the_test_set_is_trained_on_and_every_class_has_some(tmp_path):
    people = [(f"{number:06d}", ("male", "female")[number % 2], 20 + number) for number in range(12)]
    root = mask_dataset(tmp_path / "mask", people)
    config = from_dict(
        {"data": {"root": str(root)}, "task": {"name": "gender", "unmasked": True}, "folds": {"count": 2}}
    )
    plan = with_test_people(config, scan(config.data, threads=1))
    tested, trained = plan.apart.photos, plan.samples
    assert not set(tested["person"]) & set(trained["person"]) and plan.apart.people_shared == 0
    assert tested["person"].nunique() == 2 and len(trained) + len(tested) == len(people)
    assert set(tested["class_name"]) == set(trained["class_name"]) == set(plan.class_names)
