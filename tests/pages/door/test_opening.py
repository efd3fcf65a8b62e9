"""The lab starts behind the door that its settings want, or not at all, in words."""

import os
import subprocess
import sys

import pytest
from streamlit import auth_util, config
from streamlit.runtime.secrets import secrets_singleton

from core import machine
from core.places import HOME
from pages.parts.door import opening
from pages.parts.door.keepers.alone import Alone
from pages.parts.door.keepers.oidc import Oidc, Provider
from pages.parts.door.keepers.proxy import Proxy
from tests.pages.door.made import SECRET

AUTH = f"""[auth]
redirect_uri = "https://lab.example.org/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "lab"
client_secret = "of the provider"
server_metadata_url = "https://login.example.org/.well-known/openid-configuration"
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Writes lab.toml and Streamlit's secrets of a lab of its own, and says where it listens."""
    for name in ("FACET_DOOR", "FACET_DOOR_PUBLISHED", "FACET_DOOR_SECRET", "FACET_LAB_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    options = {name: config.get_option(name) for name in ("server.address", "server.allowedHosts", "secrets.files")}
    config.set_option("server.address", "127.0.0.1")
    config.set_option("server.allowedHosts", ["127.0.0.1", "localhost"])
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    monkeypatch.setattr(secrets_singleton, "_secrets", None)
    monkeypatch.setattr(auth_util, "is_authlib_installed", lambda: True)

    def write(text: str = "", address: str = "127.0.0.1", auth: str = "") -> None:
        (tmp_path / "lab.toml").write_text(text)
        if auth:
            (tmp_path / "secrets.toml").write_text(auth)
        config.set_option("server.address", address)

    yield write
    for name, value in options.items():
        config.set_option(name, value)


def keeper():
    (gate,) = opening.opened()["middleware"]
    return gate.kwargs["keeper"]


def test_a_lab_of_which_nothing_is_said_is_alone(lab):
    lab()
    assert isinstance(keeper(), Alone) and keeper().person == machine.account() and not keeper().published


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", None])
def test_beyond_loopback_the_door_of_one_machine_is_none(lab, address):
    lab(address=address)
    with pytest.raises(SystemExit) as end:
        opening.opened()
    assert "does not start" in end.value.code and '"proxy" or "oidc"' in end.value.code and "\n" in end.value.code
    lab("[door]\npublished = true\n", address=address)
    assert keeper().published


def test_a_proxy_knows_the_secret_and_the_socket_answers_to_its_name(lab, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    text = '[door]\nmode = "proxy"\nhosts = ["lab.example.org", "localhost"]\n'
    text += f'[door.proxy]\nidentity_header = "X-User"\nsecret_file = "{tmp_path}/secret"\n'
    lab(text, address="0.0.0.0")
    door = keeper()
    assert isinstance(door, Proxy) and door._secret == SECRET.encode() and door.identity_header == "x-user"
    assert config.get_option("server.allowedHosts") == ["127.0.0.1", "localhost", "lab.example.org"]
    monkeypatch.setenv("FACET_DOOR_SECRET", "f" * 32)
    assert keeper()._secret == b"f" * 32


def test_people_who_log_in_come_in_by_the_list(lab):
    lab('[door]\nmode = "oidc"\n[door.oidc]\nallow = ["@example.org"]\nhours = 8\n', auth=AUTH, address="0.0.0.0")
    door = keeper()
    assert isinstance(door, Oidc) and door.allow == {"@example.org"} and door.days == 8 / 24
    assert door.provider == Provider(SECRET, "https://lab.example.org", ("default",))


ALLOW = '[door]\nmode = "oidc"\n[door.oidc]\nallow = ["@example.org"]\n'


@pytest.mark.parametrize(
    ("text", "auth", "words"),
    [
        ("[door\n", "", "lab.toml is not TOML"),
        ("[door]\nmood = 'oidc'\n", "", "has no 'mood'"),
        ("[door]\nmode = 'proxy'\n", "", "shares a secret with the lab, and none is given"),
        ("[door]\nmode = 'proxy'\n[door.proxy]\nsecret_file = '/no/such/file'\n", "", "/no/such/file cannot be read"),
        ("[door]\nmode = 'oidc'\n", AUTH, "nobody is allowed to log in"),
        (ALLOW, "", "secrets.toml"),
        (ALLOW, AUTH.replace("client_secret", "client_key"), "client_secret"),
        (ALLOW, AUTH.replace(SECRET, "short"), "cookie_secret is shorter than 32"),
        (ALLOW, AUTH.replace("/oauth2callback", "/elsewhere"), "redirect_uri"),
    ],
)
def test_settings_that_would_let_in_nobody_or_everybody_start_nothing(lab, text, auth, words):
    lab(text, auth=auth)
    with pytest.raises(SystemExit) as end:
        opening.opened()
    assert end.value.code.startswith("The lab does not start. ") and words in end.value.code


@pytest.mark.parametrize("secret", ["short", "ä" * 40, "a" * 31])
def test_a_secret_that_can_be_guessed_is_none(lab, secret, monkeypatch):
    lab("[door]\nmode = 'proxy'\n")
    monkeypatch.setenv("FACET_DOOR_SECRET", secret)
    with pytest.raises(SystemExit) as end:
        opening.opened()
    assert "32 ASCII characters" in end.value.code and secret not in end.value.code


def test_without_the_package_that_logs_in_nothing_starts(lab, monkeypatch):
    lab(ALLOW, auth=AUTH)
    monkeypatch.setattr(auth_util, "is_authlib_installed", lambda: False)
    with pytest.raises(SystemExit, match="authlib"):
        opening.opened()


def test_a_real_start_beyond_loopback_ends_in_words(tmp_path):
    env = {**os.environ, "FACET_RUNS": str(tmp_path)}
    command = ["-m", "streamlit", "run", "app.py", "--server.port", "0", "--server.address", "0.0.0.0"]
    done = subprocess.run([sys.executable, *command], cwd=HOME, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1 and "It would listen on 0.0.0.0" in done.stderr and "Traceback" not in done.stderr
