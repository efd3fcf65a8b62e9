"""nginx as a process, with docs/nginx.conf: only its places are replaced, so that what is documented is what is tested.

Where there is no nginx the tests are left out and say so; FACET_REQUIRE_BROWSER=1 makes that a failure.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import machine
from core.places import HOME
from tests.serving import port_of
from tests.workers import until

CONF = HOME / "docs" / "nginx.conf"
NAME = "lab.example.org"  # as docs/nginx.conf calls the lab
PERSON, PASSWORD = "ada", "not a secret"
LEFT_OUT = "NGINX TESTS WERE LEFT OUT: no nginx on the path; install Debian's nginx-light, then run them again"
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Front:
    """nginx that listens on port; certificate: of its own authority, for NAME, localhost and 127.0.0.1."""

    port: int
    certificate: Path
    log: Path

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def program() -> str:
    """nginx on the path, also where only root has it there. Leaves the test out, or fails it, where there is none."""
    place = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if place is None and os.environ.get("FACET_REQUIRE_BROWSER") == "1":
        pytest.fail("FACET_REQUIRE_BROWSER=1, but there is no nginx on the path")
    if place is None:
        pytest.skip(LEFT_OUT)
    return place


def replaced(text: str, places: dict[str, str]) -> str:
    """docs/nginx.conf with other places; each stands in it once."""
    for place, other in places.items():
        assert text.count(place) == 1, f"docs/nginx.conf has {place!r} {text.count(place)} times"
        text = text.replace(place, other)
    return text


@contextlib.contextmanager
def nginx(folder: Path, *, lab: int, secret: str) -> Iterator[Front]:
    """docs/nginx.conf on a free port as long as this block lasts. folder: its own. lab: the port behind it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = port_of(probe)
    certificate, key = _certificate(folder)
    (folder / "passwords").write_text(f"{PERSON}:{{PLAIN}}{PASSWORD}\n")
    (folder / "secret.conf").write_text(f'proxy_set_header X-Facet-Secret "{secret}";\n')
    site = replaced(
        CONF.read_text("utf-8"),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            f"server_name {NAME};": f"server_name {NAME} localhost;",
            f"/etc/ssl/{NAME}.crt": str(certificate),
            f"/etc/ssl/{NAME}.key": str(key),
            "/etc/nginx/facet-lab.htpasswd": str(folder / "passwords"),
            "/etc/nginx/facet-lab-secret.conf": str(folder / "secret.conf"),
            "proxy_pass http://127.0.0.1:8501;": f"proxy_pass http://127.0.0.1:{lab};",
        },
    )
    (folder / "site.conf").write_text(site)
    itself = f"user {machine.account()};" if os.geteuid() == 0 else ""  # else nobody, who may not read a test's folder
    (folder / "main.conf").write_text(itself + MAIN.format(folder=folder))
    front = Front(port, certificate, folder / "error.log")
    command = [program(), "-p", str(folder), "-e", str(front.log), "-c", str(folder / "main.conf")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or _answers(port), "nginx answers")
        assert process.poll() is None, front.log.read_text()
        yield front
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    names = [x509.DNSName(NAME), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    today = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(today - datetime.timedelta(days=1))
    builder = builder.not_valid_after(today + datetime.timedelta(days=2))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    places = folder / "certificate.pem", folder / "key.pem"
    places[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    places[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return places
