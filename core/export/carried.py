"""The programs that a package carries: the lab's own sources, under names of their own.

A photo is decoded, prepared and answered by the same lines in the lab and in a package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import PurePath

from core import __version__
from core.data.images import HEIC_SUFFIXES
from core.data.pictures import dicom
from core.export.runtime.decoders import PI_HEIF, PYDICOM
from core.places import HOME
from core.text import listed

ROOM = "facet"  # the folder of the sources in a package
SOURCES = {
    "core.errors": "errors",
    "core.data.reach.opening": "opening",
    "core.data.pictures.decoders": "decoders",
    "core.data.pictures.depth": "depth",
    "core.data.pictures.dicom": "dicom",
    "core.data.pictures.limit": "limit",
    "core.data.images": "images",
    "core.data.readers.systems": "systems",
    "core.export.runtime.pixels": "pixels",
    "core.export.runtime.package_folder": "package_folder",
    "core.export.runtime.command": "command",
    "core.export.runtime.batching": "batching",
    "core.export.runtime.counters": "counters",
    "core.export.runtime.guard": "guard",
    "core.export.runtime.described": "described",
    "core.export.runtime.server": "server",
}
STAND_INS = {  # for what asks a lab's settings, or names its folder
    "core.data.pictures.decoders": "core.export.runtime.decoders",
    "core.data.pictures.limit": "core.export.runtime.limit",
    "core.data.reach.opening": "core.export.runtime.opening",
}
PREDICTING, SERVING = ("onnxruntime", "numpy", "pillow"), ("starlette", "uvicorn", "python-multipart")
DECODERS = {PYDICOM: dicom.SUFFIXES, PI_HEIF: HEIC_SUFFIXES}  # for photos that Pillow does not read
_IMPORT = re.compile(r"^(\s*from )(core[\w.]*)( import )(.*)$", re.MULTILINE)

PREDICT = '''"""Answer photos with this package: python predict.py PHOTO|FOLDER... [--out FILE.csv] [--fold K]

Needs {needs}: python -m pip install -r requirements.txt
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # also where Python was started with -I

from facet.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE))
'''

SERVE = '''"""Answer photos over HTTP: python serve.py [--host HOST] [--port PORT] [--token TOKEN]

Needs what requirements-serve.txt names: python -m pip install -r requirements-serve.txt
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from facet.server import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE))
'''
DOCKERFILE = """FROM python:3.13-slim
WORKDIR /package
COPY requirements.txt requirements-serve.txt ./
RUN python -m pip install --no-cache-dir -r requirements-serve.txt
COPY . .
RUN useradd --system facet
USER facet
ENV ORT_DISABLE_TELEMETRY=1
EXPOSE 8000
HEALTHCHECK CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz')"
# Others reach it in here, so FACET_TOKEN has to be given: docker run -e FACET_TOKEN=... -p 127.0.0.1:8000:8000 IMAGE
CMD ["python", "serve.py", "--host", "0.0.0.0"]
"""


def decoders_of(photos: Iterable[str]) -> list[str]:
    """Of DECODERS, those that some of these files need."""
    suffixes = {PurePath(photo).suffix.lower() for photo in photos}
    return [package for package, of_it in DECODERS.items() if suffixes.intersection(of_it)]


def files(decoders: Sequence[str] = ()) -> dict[str, str]:
    """Name in the package -> text. decoders: of DECODERS, those without which photos like the run's cannot be read."""
    needs = listed(["onnxruntime", "numpy", "Pillow", *(package.partition("==")[0] for package in decoders)], most=5)
    texts = {
        f"{ROOM}/__init__.py": f'"""What this package runs: sources of Facet Lab {__version__}, MIT licence."""\n',
        "predict.py": PREDICT.format(needs=needs if decoders else f"{needs} alone"),
        "serve.py": SERVE,
        "requirements.txt": _pinned(PREDICTING) + "".join(f"{package}\n" for package in decoders),
        "requirements-serve.txt": "-r requirements.txt\n" + _pinned(SERVING),
        "Dockerfile": DOCKERFILE,
        ".dockerignore": "folds/*/*.safetensors\nfolds/*/*.pt2\n",
    }
    if (licence := HOME / "LICENSE").is_file():
        texts[f"{ROOM}/LICENSE"] = licence.read_text("utf-8")
    for module, name in SOURCES.items():
        source = (HOME / f"{STAND_INS.get(module, module).replace('.', '/')}.py").read_text("utf-8")
        texts[f"{ROOM}/{name}.py"] = _IMPORT.sub(_renamed, source)
    return texts


def _pinned(names: Sequence[str]) -> str:
    """The versions that this lab runs with."""
    return "".join(f"{name}=={version(name)}\n" for name in names)


def _renamed(match: re.Match[str]) -> str:
    """An import of a module, or of names out of one, in a package, where all modules lie in one folder."""
    start, module, word, names = match.groups()
    room = ROOM if module not in SOURCES else f"{ROOM}.{SOURCES[module]}"
    if room == ROOM and not all(f"{module}.{name.strip()}" in SOURCES for name in names.split(",")):
        raise KeyError(f"a package does not carry {module}: {names}")
    return f"{start}{room}{word}{names}"
