"""Who asks, and what they may change."""

import pytest

from core import machine
from core.errors import LabError
from core.storage import asking
from core.storage.asking import Asker
from tests.people import ADMIN, ANNA, acting


def test_a_process_of_which_nobody_said_otherwise_acts_as_its_account_and_may_change_everything():
    who = asking.asker()
    assert who == Asker(machine.account(), admin=True, shared=False)
    assert who.may_change("somebody else") and who.may_change("")


def test_what_is_anothers_or_nobodys_is_changed_by_an_admin_alone(monkeypatch):
    assert [ANNA.may_change(owner) for owner in ("anna", "bert", "")] == [True, False, False]
    assert all(ADMIN.may_change(owner) for owner in ("anna", "bert", ""))
    acting(monkeypatch, ANNA)
    with pytest.raises(LabError) as error:
        asking.check("bert", "run 'x'")
    assert str(error.value) == "run 'x' belongs to bert. Ask them, or an admin of the lab."
    assert error.value.kind == "not-yours"
    with pytest.raises(LabError, match="nobody's: it is older than"):
        asking.check("", "run 'x'")
    with pytest.raises(LabError, match="a setting of the whole lab"):
        asking.check_lab("how much a zip may hold")
    asking.check("anna", "run 'x'")


def test_somebody_without_a_name_owns_nothing():
    """A thread of which the door cannot tell for whom it works."""
    assert not Asker("", admin=False, shared=True).may_change("")
