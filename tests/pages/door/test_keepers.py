"""What each door does with what people and strangers send: tokens, cookies, names, addresses."""

import asyncio
import logging
import re
from urllib.parse import quote, unquote, urljoin

import pytest
from starlette.requests import HTTPConnection

from pages.parts.door.keepers.alone import Alone, is_loopback
from pages.parts.door.keepers.oidc import Oidc, Provider
from pages.parts.door.keepers.proxy import Proxy
from pages.parts.door.verdict import ComesIn
from pages.parts.door.wrong import FREE, LOG, Wrong
from tests.pages.door.made import LOGIN, ORIGIN, SECRET, logged_in

BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def logged():
    """What the door writes into the server's log meanwhile."""
    lines, handler = [], logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    LOG.addHandler(handler)
    yield lines
    LOG.removeHandler(handler)


def asked(path="/", query="", headers=(), *, method="GET", server=("127.0.0.1", 8501), scheme="http"):
    """A request as a server hands it on."""
    pairs = dict(headers).items()
    return HTTPConnection(
        {
            "type": "websocket" if method == "WEBSOCKET" else "http",
            "method": method,
            "scheme": scheme,
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in pairs],
            "server": server,
            "client": ("127.0.0.1", 50_000),
        }
    )


def body(answer) -> str:
    return answer.body.decode()


# Alone


@pytest.fixture
def keeper():
    return Alone("ann", "here")


def cookie_of(answer) -> dict[str, str]:
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_the_link_becomes_a_cookie_and_the_address_loses_the_token(keeper):
    assert keeper.link("http://127.0.0.1:8501") == f"http://127.0.0.1:8501/?token={keeper.token}"
    answer = keeper.judge(asked("/compare", f"runs=a,b&token={keeper.token}&x=%20y"))
    assert answer.status_code == 303 and answer.headers["location"] == "./compare?runs=a,b&x=%20y"
    assert keeper.token not in str(answer.headers)
    attributes = answer.headers["set-cookie"].lower().split("; ")[1:]
    assert sorted(attributes) == ["httponly", "samesite=strict"]
    assert keeper.judge(asked("/compare", "runs=a,b", cookie_of(answer))) == ComesIn("ann")
    assert "no-store" in answer.headers["cache-control"] and answer.headers["referrer-policy"] == "no-referrer"


def test_below_tls_the_cookie_is_secure_and_below_a_base_path_it_holds_there_alone():
    keeper = Alone("ann", "here", base="/team/lab/")
    assert keeper.link("https://lab.example.org") == f"https://lab.example.org/team/lab/?token={keeper.token}"
    for path in ("/team/lab", "/team/lab/", "/team/lab/runs"):
        answer = keeper.judge(asked(path, f"token={keeper.token}", scheme="https"))
        attributes = answer.headers["set-cookie"].lower().split("; ")[1:]
        assert sorted(attributes) == ["httponly", "path=/team/lab", "samesite=strict", "secure"]
        assert urljoin(f"https://lab.example.org{path}", answer.headers["location"]).endswith(path)
    for path in ("/", "/team", "/team/labor", "/elsewhere"):
        assert keeper.judge(asked(path, f"token={keeper.token}")).status_code == 403


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "./"),
        ("/\\evil.example", "./%5Cevil.example"),
        ("/http:evil.example", "./http%3Aevil.example"),
        ("/%0d%0aset-cookie:x", "./%0D%0Aset-cookie%3Ax"),
        ("//evil.example", None),
        ("//evil.example/", None),
        ("/..//evil.example", None),
    ],
)
def test_the_way_back_leads_nowhere_else(keeper, path, location):
    answer = keeper.judge(asked(path, f"token={keeper.token}"))
    assert (answer.status_code, answer.headers.get("location")) == ((303, location) if location else (403, None))


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "WEBSOCKET"])
def test_a_token_is_taken_where_a_page_is_opened_and_nowhere_else(keeper, method):
    assert not isinstance(keeper.judge(asked("/", f"token={keeper.token}", method=method)), ComesIn)
    assert "set-cookie" not in keeper.judge(asked("/", f"token={keeper.token}", method=method)).headers
    assert keeper.judge(asked("/media/photo", f"token={keeper.token}")).status_code == 403


@pytest.mark.fault(35)
def test_a_thousand_wrong_tokens_are_slowed_and_the_right_one_is_not(keeper, logged):
    now = [0.0]
    keeper._wrong = Wrong("the start token", clock=lambda: now[0])
    answers = [keeper.judge(asked("/", f"token={number:x}{keeper.token[4:]}")) for number in range(1000)]
    assert [answer.status_code for answer in answers] == [403] * FREE + [429] * (1000 - FREE)
    assert answers[-1].headers["retry-after"] == "60" and "set-cookie" not in answers[-1].headers
    assert len(logged) == 1 and keeper.token[4:] not in logged[0]
    opened = keeper.judge(asked("/", f"token={keeper.token}"))
    assert opened.status_code == 303 and keeper.judge(asked("/", "", cookie_of(opened))) == ComesIn("ann")
    now[0] = 61.0
    assert keeper.judge(asked("/", "token=mistyped")).status_code == 403


def test_the_cookie_and_the_link_of_yesterday_open_nothing(keeper):
    yesterday = cookie_of(keeper.judge(asked("/", f"token={keeper.token}")))
    today = Alone("ann", "here")
    refused = today.judge(asked("/", "", BROWSER | yesterday))
    assert refused.status_code == 403 and "started anew" in body(refused)
    assert "core link</code>, with <code>--runs FOLDER</code> where its runs lie elsewhere" in body(refused)
    assert today.judge(asked("/", f"token={keeper.token}", yesterday)).status_code == 403
    # in a browser that has the new link too, the old one in a bookmark is no trouble
    now = cookie_of(today.judge(asked("/", f"token={today.token}", yesterday)))
    assert now.keys() == yesterday.keys() and now != yesterday
    assert today.judge(asked("/runs", f"token={keeper.token}", now)).headers["location"] == "./runs"


def test_two_labs_on_one_name_keep_their_cookies_apart(keeper):
    assert keeper.cookie != Alone("ann", "there").cookie and keeper.token != Alone("ann", "here").token


def test_who_follows_a_link_from_another_site_is_sent_on_from_the_labs_own_page(keeper):
    """The browser leaves a strict cookie out of that first request."""
    from_mail = BROWSER | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert '<meta http-equiv="refresh" content="0">' in body(keeper.judge(asked("/runs", "", from_mail)))
    again = BROWSER | {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
    assert "refresh" not in body(keeper.judge(asked("/runs", "", again)))


def test_a_lab_that_is_alone_answers_its_own_machine_only(keeper):
    here = cookie_of(keeper.judge(asked("/", f"token={keeper.token}")))
    refused = keeper.judge(asked("/", "", here, server=("192.168.1.7", 8501)))
    assert refused.status_code == 403 and "not open to the network" in body(refused)
    assert "set-cookie" not in keeper.judge(asked("/", f"token={keeper.token}", server=("::", 8501))).headers
    assert keeper.judge(asked("/", "", here, server=("::1", 8501))) == ComesIn("ann")
    published = Alone("ann", "here", published=True)
    opened = published.judge(asked("/", f"token={published.token}", server=("172.17.0.2", 8501)))
    assert published.judge(asked("/", "", cookie_of(opened), server=("172.17.0.2", 8501))) == ComesIn("ann")
    assert published.judge(asked("/", "", server=("172.17.0.2", 8501))).status_code == 403


def test_loopback_is_known_by_its_address():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "localhost.example.org", "", "::ffff:8.8.8.8")))


# Proxy


def test_names_are_taken_as_they_are_sent_and_what_is_no_name_is_refused():
    keeper = Proxy(SECRET, "X-Forwarded-User", "X-Facet-Secret", ["lab.example.org"])

    def named(name: str):
        return keeper.judge(asked(headers={"x-facet-secret": SECRET, "x-forwarded-user": name}))

    assert named("김 ann@example.org").person == "김 ann@example.org"
    for name in ("", " ", "a" * 201, "a\tb", "a\x00b"):
        assert "named nobody" in body(named(name))
    assert keeper.hidden == {b"x-facet-secret", b"x-forwarded-user"}
    assert "//lab.example.org/" in body(keeper.judge(asked("/", "", BROWSER)))


@pytest.mark.fault(35)
def test_a_secret_that_is_guessed_is_slowed_and_the_proxy_is_not(logged):
    keeper = Proxy(SECRET, "X-Forwarded-User", "X-Facet-Secret")
    keeper._wrong = Wrong("the proxy's secret", clock=lambda: 0.0)
    guesses = [asked(headers={"x-facet-secret": f"{n:064d}", "x-forwarded-user": "owner"}) for n in range(1000)]
    answers = [keeper.judge(guess).status_code for guess in guesses]
    assert answers == [403] * FREE + [429] * (1000 - FREE) and SECRET not in "".join(logged)
    assert keeper.judge(asked()).status_code == 403  # who sends none guesses none
    ann = keeper.judge(asked(headers={"x-facet-secret": SECRET, "x-forwarded-user": "ann"}))
    assert isinstance(ann, ComesIn) and ann.person == "ann"


# OpenID Connect


def oidc(*allow: str, names=("default",), **options) -> Oidc:
    return Oidc(Provider(SECRET, ORIGIN, names), allow, **options)


def test_addresses_and_domains_come_in_whatever_the_letters():
    keeper = oidc("@Example.org", "Bo@Else.org")
    for address in ("ann@example.org", "ANN@EXAMPLE.ORG", "bo@else.org"):
        assert keeper.judge(asked(headers=logged_in(email=address))) == ComesIn(address.lower())


def test_who_is_not_allowed_is_told_as_whom_and_can_log_out_and_nothing_else():
    refused = oidc("@example.org", base="/lab").judge(
        asked("/lab/runs", "", dict(logged_in(email="eve@<b>else.org")) | BROWSER)
    )
    text = body(refused)
    assert refused.status_code == 403 and "eve@&lt;b&gt;else.org" in text and "<b>" not in text
    assert re.findall(r'href="([^"]*)"', text) == ["/lab/auth/logout"] and "script" not in text


def test_an_address_that_nobody_verified_comes_in_only_where_the_owner_says_so():
    login = {key: value for key, value in LOGIN.items() if key != "email_verified"}
    assert not isinstance(oidc("@example.org").judge(asked(headers=logged_in(login))), ComesIn)
    assert oidc("@example.org", unverified=True).judge(asked(headers=logged_in(login))) == ComesIn("ann@example.org")


def test_a_login_leads_to_the_provider_that_was_clicked_with_a_fresh_signature(monkeypatch):
    monkeypatch.setattr("streamlit.auth_util.encode_provider_token", lambda name: f"signed {name}")
    keeper = oidc("@example.org", names=("google", "our own"), base="lab")
    page = body(keeper.judge(asked("/lab/", "", BROWSER)))
    assert re.findall(r'href="([^"]*)"', page) == [f"/lab/auth/login?with={quote(n)}" for n in ("google", "our own")]
    let = keeper.judge(asked("/lab/auth/login", "with=our%20own&provider=forged"))
    assert let == ComesIn("", scope={"query_string": b"provider=signed+our+own"})
    assert keeper.judge(asked("/lab/auth/login", "with=else")).status_code == 403
    for path in (
        "/auth/login",
        "/lab/auth/login/",
        "/lab/auth/login/../../media/x",
        "/lab/oauth2callback/x",
        "/lab/auth",
    ):
        assert not isinstance(keeper.judge(asked(path)), ComesIn), path
    assert not isinstance(keeper.judge(asked("/lab/oauth2callback", method="POST")), ComesIn)


# What is said at the door


def test_a_program_is_told_in_plain_text_and_a_browser_by_a_page_that_loads_nothing(keeper):
    plain = keeper.judge(asked())
    assert plain.media_type == "text/plain" and "<" not in body(plain) and "`" not in body(plain)
    page = keeper.judge(asked(headers=BROWSER))
    assert page.media_type == "text/html" and not re.search(r"<(script|link|img|iframe)|url\(|@import", body(page))
    assert "default-src 'none'" in page.headers["content-security-policy"]
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(page(asked(headers=BROWSER).scope, None, send))
    assert sent[0]["status"] == 403 and b"treamlit" not in sent[1]["body"]
