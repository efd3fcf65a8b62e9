import pytest

from core.errors import LabError
from core.places import lab_folder
from core.runs.lists import views
from tests.people import ANNA, BERT, acting


def test_each_person_keeps_their_own_columns(runs_folder, monkeypatch):
    assert views.columns() is None
    acting(monkeypatch, ANNA)
    views.keep_columns(["state", "best_f1"])
    acting(monkeypatch, BERT)
    assert views.columns() is None
    views.keep_columns(["bytes"])
    acting(monkeypatch, ANNA)
    assert views.columns() == ["state", "best_f1"]
    views.keep_columns(None)
    assert views.columns() is None
    assert len(list((lab_folder(runs_folder) / "views").glob("*.json"))) == 2


def test_a_damaged_file_says_nothing_and_one_that_cannot_be_written_is_told(runs_folder):
    views.keep_columns(["state"])
    (file,) = (lab_folder(runs_folder) / "views").glob("*.json")
    file.write_text("{")
    assert views.columns() is None
    file.unlink()
    file.mkdir()
    with pytest.raises(LabError, match="cannot be written"):
        views.keep_columns(["state"])
