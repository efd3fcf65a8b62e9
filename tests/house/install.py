"""What installing the lab says and needs: make's steps, and the pinned packages."""

import os
import re
import subprocess
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.places import HOME


def alone() -> dict[str, str]:
    """The environment of a make that is no part of the make that may run these tests."""
    ours = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTEST", "PYTHON", "N", "LAB")
    return {key: value for key, value in os.environ.items() if key not in ours}


def make(folder: Path, *words: str) -> str:
    """What make would do, without doing it."""
    done = subprocess.run(["make", "-n", *words], cwd=folder, env=alone(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pins(name: str) -> dict[str, str]:
    """Package -> version of a requirements file, or of a lock where its markers hold on this machine."""
    versions = {}
    for line in (HOME / name).read_text("utf-8").splitlines():
        text = line.split("#")[0].strip().removesuffix("\\").strip()
        if text and not text.startswith(("--hash=sha256:", "-r ")):
            requirement = Requirement(text)
            assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"{name}: {text}"
            if requirement.marker is None or requirement.marker.evaluate():
                versions[canonicalize_name(requirement.name)] = str(requirement.specifier)[2:]
    return versions
