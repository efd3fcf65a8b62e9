"""The Dockerfile read, and followed without Docker: `python -m tests.container ROOT` builds in a bare Debian there.

ROOT is what `debootstrap --variant=minbase bookworm ROOT` makes, which is what the Dockerfile's FROM holds too. It
wants root and Linux: a RUN lives in ROOT with namespaces of its own, a COPY takes what .dockerignore lets through.
PIP_* is handed on. `python -m tests.container ROOT COMMAND...` runs a command in what was built, as the Dockerfile's
user and with its environment, over which FACET_* and STREAMLIT_* win; `start` stands for its CMD, `health` for its
HEALTHCHECK.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.places import HOME

FILE, IGNORED = HOME / "Dockerfile", HOME / ".dockerignore"
WORDS = ("FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD")


@dataclass
class Image:
    """What a Dockerfile says: base, what is done in which order, and how a container of it starts."""

    base: str = ""
    steps: list[tuple[str, str]] = field(default_factory=list)  # RUN and COPY, as they follow each other
    env: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "root"
    volumes: list[str] = field(default_factory=list)
    port: int = 0
    health: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)


def read(text: str | None = None) -> Image:
    """The Dockerfile, by default the lab's. Raises ValueError for a word that it does not know."""
    lines = [line for line in (text or FILE.read_text("utf-8")).splitlines() if not line.lstrip().startswith("#")]
    image = Image()
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            image.base = rest
        elif word in ("RUN", "COPY"):
            image.steps.append((word, rest))
        elif word == "ENV":
            image.env |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            image.steps.append((word, rest))
        elif word == "WORKDIR":
            image.folder = rest
            image.steps.append((word, rest))
        elif word == "USER":
            image.user = rest
        elif word == "VOLUME":
            image.volumes = json.loads(rest)
        elif word == "EXPOSE":
            image.port = int(rest)
        elif word == "HEALTHCHECK":
            image.health = json.loads(rest.partition("CMD ")[2])
        elif word == "CMD":
            image.start = json.loads(rest)
        elif word:
            raise ValueError(f"Dockerfile: {word} is not one of {', '.join(WORDS)}")
    return image


def sent(source: str) -> list[Path]:
    """The files that `COPY source` takes: those that .dockerignore lets through, whose last word about a path holds."""
    paths = [HOME / source] if (HOME / source).is_file() else sorted((HOME / source).rglob("*"))
    return [path for path in paths if path.is_file() and lets_through(path.relative_to(HOME))]


def copy(image: Image, root: Path) -> None:
    """All that the COPY steps bring, below root."""
    for word, rest in image.steps:
        if word == "COPY":
            _copy(rest, root)


def lets_through(path: Path) -> bool:
    """Whether .dockerignore lets a path of the lab's folder through to the builder."""
    through = True
    for line in IGNORED.read_text("utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not line.startswith("#") and _matches(path, pattern):
            through = line.startswith("!")
    return through


def _matches(path: Path, pattern: str) -> bool:
    """Whether a pattern names the path or a folder that it lies in, as Docker's .dockerignore means it."""
    above = [PurePosixPath(path.as_posix()), *PurePosixPath(path.as_posix()).parents][:-1]
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(each.name, pattern[3:]) for each in above)
    return any(
        len(each.parts) == len(PurePosixPath(pattern).parts) and fnmatch.fnmatchcase(str(each), pattern)
        for each in above
    )


def _copy(rest: str, root: Path) -> None:
    *sources, place = rest.split()
    for source in sources:
        for path in sent(source):
            inside = path.name if (HOME / source).is_file() else path.relative_to(HOME / source)
            target = root / place.lstrip("/") / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def build(image: Image, root: Path) -> None:
    """Follow RUN and COPY in a Debian root, in their order."""
    env, folder = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, "/"
    env |= {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    env["DEBIAN_FRONTEND"] = "noninteractive"
    for word, rest in image.steps:
        print(f"{word} {rest}", flush=True)
        if word == "COPY":
            _copy(rest, root)
        elif word == "ENV":
            env |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "WORKDIR":
            folder = rest
            (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        else:
            within(root, ["/bin/sh", "-c", rest], env=env, folder=folder)


def within(root: Path, words: Sequence[str], *, env: dict[str, str], folder: str, user: str = "root") -> None:
    """A command that sees root as /, its own processes alone, and a /dev/shm of its own, like one in a container."""
    inner = f"cd {shlex.quote(folder)} && exec {shlex.join(words)}"
    settings = [f"{key}={value}" for key, value in env.items()]
    outer = f"""
        mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && mount -t tmpfs -o size=2g shm {root}/dev/shm
        exec chroot --userspec={user}: {root} /usr/bin/env -i {shlex.join(settings)} /bin/sh -c {shlex.quote(inner)}
    """
    subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", outer], check=True)


def main(root: Path, words: Sequence[str]) -> None:
    image = read()
    if not words:
        return build(image, root)
    words = {"start": image.start, "health": image.health}.get(words[0], words)
    env = image.env | {"HOME": f"/home/{image.user}"}
    env |= {key: value for key, value in os.environ.items() if key.startswith(("FACET_", "STREAMLIT_"))}
    return within(root, words, env=env, folder=image.folder, user=image.user)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve(strict=True), sys.argv[2:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
