"""Every route that the server has, and its socket: refused without an identity, served with one, behind each door."""

import json
from dataclasses import dataclass

import pytest
from streamlit import auth_util
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core import machine
from core.text import plain
from pages.parts.door.keepers.alone import Alone
from pages.parts.door.keepers.oidc import Oidc, Provider
from pages.parts.door.keepers.proxy import Proxy
from pages.parts.door.verdict import Keeper
from tests.pages.door.made import LOGIN, ORIGIN, SECRET, logged_in
from tests.pages.door.served import HOST, SOCKET, Sent, served


@dataclass
class Case:
    keeper: Keeper
    person: str
    identity: Sent
    strangers: list[Sent]  # what those send who have none
    strangers_reach: tuple[str, ...] = ()


def alone() -> Case:
    keeper, yesterday = Alone("ann", "here"), Alone("ann", "here")
    assert keeper.cookie == yesterday.cookie
    guesses = ("guess", yesterday._pass, keeper.token, "", keeper._pass[:-1], "\u00e9")
    strangers: list[Sent] = [[("cookie", f"{keeper.cookie}={guess}")] for guess in guesses]
    strangers += [[], [("x-facet-person", "ann")], [("authorization", f"Bearer {keeper.token}")]]
    return Case(keeper, "ann", [("cookie", f"{keeper.cookie}={keeper._pass}")], strangers)


def proxy() -> Case:
    keeper = Proxy(SECRET, "X-Forwarded-User", "X-Facet-Secret")
    name, secret = ("x-forwarded-user", "ann"), ("x-facet-secret", SECRET)
    strangers: list[Sent] = [[], [name], [secret], [name, ("x-facet-secret", SECRET[:-1])]]
    strangers += [[name, ("x-facet-secret", "")], [name, ("x-facet-secret", f"{SECRET}\u00e9")]]
    strangers += [[("x-forwarded-user", "owner"), name, secret], [name, secret, ("x-facet-secret", "guess")]]
    strangers += [[("x-forwarded-user", "  "), secret], [("x-forwarded-user", "a" * 300), secret]]
    strangers += [[("x-facet-person", "ann")], [("x-facet-person", "ann"), secret]]
    return Case(keeper, "ann", [name, secret], strangers)


def oidc() -> Case:
    keeper = Oidc(Provider(SECRET, ORIGIN), ["@example.org", "bo@else.org"], hours=12)
    strangers: list[Sent] = [[], [("cookie", f"{USER_COOKIE_NAME}={json.dumps(LOGIN)}")]]
    strangers += [[("x-facet-person", "ann@example.org")]]
    strangers += [logged_in(secret="f" * 64), logged_in(age=13 * 3600), logged_in(is_logged_in=False)]
    strangers += [logged_in(origin="https://other.example.org"), logged_in(email="eve@else.org")]
    strangers += [logged_in(email="eve@sub.example.org"), logged_in(email="eve@else.org@example.org")]
    strangers += [logged_in(email=["ann@example.org"]), logged_in(email=None), logged_in(email="@example.org\nx")]
    strangers += [logged_in(email_verified=False), logged_in(email_verified="true"), logged_in(email="example.org")]
    opened = ("/auth/login", "/auth/logout", "/oauth2callback")
    return Case(keeper, "ann@example.org", logged_in(age=11 * 3600), strangers, opened)


@pytest.fixture(scope="module", params=[alone, proxy, oidc], ids=lambda case: case.__name__)
def door(request, tmp_path_factory):
    case = request.param()
    with pytest.MonkeyPatch.context() as patch, served(tmp_path_factory.mktemp("served"), case.keeper) as lab:
        patch.setattr(auth_util, "encode_provider_token", lambda name: f"signed-{name}")
        yield case, lab


def test_no_route_is_reached_without_an_identity(door):
    case, lab = door
    lab.reached.clear()
    addresses = lab.addresses()
    assert ("WEBSOCKET", SOCKET) in addresses and len(addresses) > 40
    for stranger in case.strangers:
        for method, path in addresses:
            answer = lab.ask(method, path, stranger)
            if method == "GET" and path in case.strangers_reach:
                assert lab.reached == [path]
                lab.reached.clear()
            else:
                # a proxy's secret that is guessed again and again is slowed
                assert answer.shut and answer.status in (403, 429), (method, path, stranger, answer)
    assert lab.reached == []


def test_every_route_is_served_to_who_has_an_identity(door):
    case, lab = door
    for method, path in lab.addresses():
        lab.reached.clear()
        answer = lab.ask(method, path, case.identity)
        assert not answer.shut and lab.reached == [path], (method, path, answer)
    assert lab.ask("GET", "/_stcore/health", case.identity).status == 200
    assert lab.ask("GET", "/", case.identity).status == 200
    assert lab.ask("WEBSOCKET", SOCKET, case.identity).status == 101


def test_a_page_is_told_who_asks_whatever_the_browser_says(door):
    case, lab = door
    text, session = lab.page([("x-facet-person", "owner"), *case.identity, ("X-FACET-PERSON", "owner")])
    assert text.startswith(f"asked by {case.person}, ") and SECRET not in text
    assert "X-Facet-Secret" not in text and "X-Forwarded-User" not in text
    way_out = f"You are logged in as {plain(case.person)}. [Log out](/auth/logout)"
    assert text.endswith(way_out if case.strangers_reach else "nobody logs in")
    again, same = lab.page([*case.identity, ("x-facet-person", "owner")], session)
    assert same == session and again.startswith(f"asked by {case.person}, ")


def test_a_page_of_another_server_opens_no_socket_and_changes_nothing(door):
    case, lab = door
    upload = "/_stcore/upload_file/session/photo"
    for origin in ("http://evil.example", f"http://{HOST}.evil.example", "http://127.0.0.1:9999", "null", "http://["):
        lab.reached.clear()
        for method, path in (("WEBSOCKET", SOCKET), ("PUT", upload), ("DELETE", upload), ("POST", "/runs")):
            answer = lab.ask(method, path, case.identity, origin)
            assert answer.shut and answer.status == 403, (method, origin, answer)
        assert lab.reached == []
    assert not lab.ask("PUT", upload, case.identity).shut
    assert not lab.ask("PUT", upload, case.identity, origin="").shut  # a program, which is no page


def test_a_person_who_takes_over_a_session_is_told_as_that_person(tmp_path):
    keeper = Proxy(SECRET, "X-Forwarded-User", "X-Facet-Secret")
    with served(tmp_path, keeper) as lab:
        text, session = lab.page([("x-forwarded-user", "ann"), ("x-facet-secret", SECRET)])
        assert text.startswith("asked by ann,")
        text, same = lab.page([("x-forwarded-user", "bo"), ("x-facet-secret", SECRET)], session)
        assert same == session and text.startswith("asked by bo,")


def test_a_page_without_the_door_says_so_and_shows_nothing(tmp_path):
    with served(tmp_path, None) as lab:
        text, _ = lab.page([("x-facet-person", "owner")])
    assert "without the lab's door" in text and "asked by" not in text


def test_a_page_in_a_test_is_asked_for_by_this_account():
    from streamlit.testing.v1 import AppTest

    def page():
        import streamlit as st

        from pages.parts.door.person import guard, person

        guard()
        st.text(person())

    assert AppTest.from_function(page).run().text[0].value == machine.account()
