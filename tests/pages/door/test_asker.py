"""Who asks behind each door, and what a message that no page would send gets done: nothing."""

import pytest

from core import machine, places
from core.jobs import control
from core.places import HOME
from core.storage.asking import Asker
from pages.parts.door.keepers.alone import Alone
from pages.parts.door.keepers.proxy import Proxy
from tests.pages.door.served import served
from tests.pages.trials import make_run

SECRET = "0123456789abcdef" * 4
ASKER = """
import threading
import streamlit as st
from core.storage import asking
import pages.parts.door.person

said = []
elsewhere = threading.Thread(target=lambda: said.append(asking.asker()))
elsewhere.start()
elsewhere.join()
st.text(f"{asking.asker()}; {said[0]}")
"""
LAB = f"""
import runpy
runpy.run_path({str(HOME / "app.py")!r}, run_name="__main__")
"""


def from_proxy(name):
    return [("x-forwarded-user", name), ("x-facet-secret", SECRET)]


@pytest.fixture
def proxy():
    return Proxy(SECRET, "X-Forwarded-User", "X-Facet-Secret")


def test_who_is_alone_is_the_account_also_in_a_thread_of_the_lab(folder, tmp_path):
    keeper = Alone("anybody", "here")
    with served(tmp_path, keeper, ASKER) as lab:
        text, _ = lab.page([("cookie", f"{keeper.cookie}={keeper._pass}")])
    account = Asker(machine.account())
    assert text == f"{account}; {account}"


def test_behind_a_proxy_it_is_whom_the_proxy_names_and_lab_toml_says_who_is_an_admin(folder, tmp_path, proxy):
    places.lab_file().write_text('[people]\nadmins = ["carla", "Dora@Example.org"]\n')
    nobody = Asker("", admin=False, shared=True)
    with served(tmp_path, proxy, ASKER) as lab:
        for name, admin in (("anna", False), ("carla", True), ("Carla", False), ("dora@example.org", True)):
            text, _ = lab.page(from_proxy(name))
            assert text == f"{Asker(name, admin=admin, shared=True)}; {nobody}", "a thread works for nobody"
        for broken in ("[people]\nadmins = 7\n", "[people", "[people]\nadmin = ['carla']\n"):
            places.lab_file().write_text(broken)
            assert lab.page(from_proxy("carla"))[0].startswith(f"{Asker('carla', admin=False, shared=True)}")


def test_another_persons_run_is_not_cancelled_by_a_forged_message_of_a_click(folder, tmp_path, proxy):
    run = make_run(folder, "hers", ("queued", "queued"), info={"by": "anna"})
    address = {"name": "live", "query": f"run={run.id}"}

    def cancel(elements):
        (button,) = [each.button for each in elements if each.button.label == "Cancel"]
        return button

    def said(elements):
        return " ".join(each.html.body for each in elements)

    with served(tmp_path, proxy, LAB) as lab:
        elements, session = lab.drawn(from_proxy("bert"), **address)
        assert "launched by anna" in said(elements)
        assert cancel(elements).disabled and "anna" in cancel(elements).help
        lab.drawn(from_proxy("bert"), session, press=cancel(elements).id, **address)
        assert [state.state for state in run.states()] == ["queued"] * 2
        elements, session = lab.drawn(from_proxy("anna"), **address)
        hers = cancel(elements)
        assert not hers.disabled
        elements, same = lab.drawn(from_proxy("bert"), session, press=hers.id, **address)
        assert same == session and "belongs to anna" in said(elements), "drawn for anna, pressed by bert"
        assert [state.state for state in run.states()] == ["queued"] * 2
        lab.drawn(from_proxy("anna"), session, press=hers.id, **address)
        assert [state.state for state in run.states()] == ["cancelled"] * 2
    control.cancel(run)
