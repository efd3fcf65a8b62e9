import pytest

from core.errors import LabError
from core.places import lab_folder
from core.runs.lists import saved
from tests.people import ANNA, BERT, acting

PAPER = {"q": "f1>0.7 or tag=paper", "state": ["done"], "see": "matrix", "rows": "depth", "nonsense": "x", "group": ""}


def names():
    return [view.name for view in saved.saved()]


def test_a_view_is_saved_renamed_overwritten_deleted_and_put_back(runs_folder):
    view = saved.save("  for the\npaper ", PAPER)
    assert saved.saved() == [view] and view.name == "for the paper" and not view.shared
    assert view.address == {"q": "f1>0.7 or tag=paper", "state": ["done"], "see": "matrix", "rows": "depth"}
    second = saved.save("second", {"q": "x"})
    saved.change(view.id, name="paper", address={"q": "tag=paper"})
    assert [(each.name, each.address) for each in saved.saved()] == [
        ("paper", {"q": "tag=paper"}),
        ("second", {"q": "x"}),
    ]
    deleted = saved.delete(second.id)
    assert names() == ["paper"]
    saved.put_back(deleted)
    assert names() == ["paper", "second"] and saved.saved()[1] == second
    with pytest.raises(LabError) as gone:
        saved.delete("00000000")
    assert gone.value.kind == "gone"


@pytest.mark.parametrize("name", ["", " \n", "x" * 61, "PAPER"])
def test_a_view_has_a_name_of_its_own(runs_folder, name):
    saved.save("paper", PAPER)
    other = saved.save("other", {})
    for attempt in (lambda: saved.save(name, {}), lambda: saved.change(other.id, name=name)):
        with pytest.raises(LabError) as refused:
            attempt()
        assert refused.value.kind == "view"
    saved.change(other.id, name="OTHER")
    assert names() == ["paper", "OTHER"]


def test_a_view_is_its_persons_until_it_is_shared_and_stays_theirs(runs_folder, monkeypatch):
    acting(monkeypatch, ANNA)
    mine, ours = saved.save("mine", PAPER), saved.save("ours", PAPER, shared=True)
    acting(monkeypatch, BERT)
    assert names() == ["ours"]
    saved.save("ours", {})
    assert [(view.name, view.by) for view in saved.saved()] == [("ours", BERT.name), ("ours", ANNA.name)]
    for attempt in (
        lambda: saved.delete(ours.id),
        lambda: saved.change(mine.id, shared=True),
        lambda: saved.put_back(ours),
    ):
        with pytest.raises(LabError) as refused:
            attempt()
        assert refused.value.kind == "not-yours"
    acting(monkeypatch, ANNA)
    saved.change(ours.id, shared=False)
    acting(monkeypatch, BERT)
    assert len(names()) == 1


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"views": [1, {"id": "a"}, {"id": 1, "name": 2, "by": 3}]}', '{"views": 3}']
)
def test_a_damaged_file_hides_nothing_else_and_is_written_anew(runs_folder, content):
    path = lab_folder(runs_folder) / "views" / "saved.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert saved.saved() == []
    saved.save("one", {"q": "x"})
    assert names() == ["one"]
