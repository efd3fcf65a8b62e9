"""How a run is used in code, filled with its id: Python, PyTorch, command line, HTTP. Tests run each as it stands."""

from __future__ import annotations

from core import places
from core.runs import Run

PYTHON = """\
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, "{run}")  # the package, unpacked
from facet.package_folder import PackageFolder

package = PackageFolder(Path("{run}"))
photos = sorted(Path("photos").iterdir())
shares = package.answers(np.stack([package.prepared(photo) for photo in photos]))  # (photos, classes)
for photo, row in zip(photos, shares):
    print(photo.name, package.in_words(row))
"""
COMMAND_LINE = """\
python -m core package {run} --out {run}.zip{runs}
python -m zipfile -e {run}.zip .
python -m pip install -r {run}/requirements.txt
python {run}/predict.py photos --out answers.csv
"""
API = """\
python -m core serve {run} --port 8000{runs} &
curl -F photos=@a.jpg -F photos=@b.jpg http://127.0.0.1:8000/predict
curl --data-binary @a.jpg http://127.0.0.1:8000/predict
"""


PYTORCH = """\
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, "{run}")  # the package, unpacked; it was made with the form pt2
from facet.package_folder import PackageFolder

package = PackageFolder(Path("{run}"), folds=[])  # prepares photos; torch answers
photos = sorted(Path("photos").iterdir())
network = torch.export.load("{run}/folds/{fold}/model.pt2").module()
shares = network(torch.from_numpy(np.stack([package.prepared(photo) for photo in photos])))  # (photos, classes)
for photo, row in zip(photos, shares):
    print(photo.name, package.in_words(row.numpy()))
"""


def snippets(run: Run) -> dict[str, tuple[str, str]]:
    """Title -> (language, code)."""
    texts = {
        "Python": ("python", PYTHON),
        "PyTorch": ("python", PYTORCH),
        "Command line": ("bash", COMMAND_LINE),
        "API": ("bash", API),
    }
    fold = next((state.fold for state in run.states() if state.state == "done"), 0)
    filled = {"run": run.id, "fold": fold, "runs": places.runs_option(run.dir.parent)}
    return {title: (language, text.format(**filled)) for title, (language, text) in texts.items()}
