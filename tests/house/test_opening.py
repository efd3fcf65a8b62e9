"""What a dataset holds is opened in one place, core/data/reach/opening.py, which knows where the lab may look."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.places import HOME
from tests.house.source import nodes_of, walk

ROOMS = ("data", "predict", "inside", "augment", "plan", "answers", "compare", "report", "figures", "training")
FOLDERS = [*(HOME / "core" / room for room in ROOMS), HOME / "core" / "runs" / "moves", HOME / "pages"]
FILES = [HOME / "core" / "studies" / "relocate.py", *sorted(path for each in FOLDERS for path in each.rglob("*.py"))]
METHODS = {"read_bytes", "read_text", "iterdir", "glob", "rglob"}  # of any Path
FUNCTIONS = {  # of libraries, as they are called here
    "os": {"open", "scandir", "listdir", "walk", "fwalk"},
    "io": {"open"},
    "Image": {"open"},
    "np": {"load", "fromfile", "memmap", "loadtxt", "genfromtxt"},
    "pd": {"read_parquet", "read_csv", "read_excel", "read_json", "read_table", "read_pickle"},
    "cv2": {"imread"},
    "zipfile": {"ZipFile"},
    "torch": {"load"},
    "safetensors": {"safe_open"},
    "safetensors.torch": {"load_file"},
    "pydicom": {"dcmread"},
    "shutil": {"copy", "copy2", "copyfile", "copytree"},
}
BARE = {"open", "ZipFile", "load_workbook", "safe_open", "load_file", "dcmread", "imread", "memmap"}
OWN = {  # module -> (the calls in it that open something else than what a dataset holds, what that is)
    "core/augment/presets.py": ({"PRESETS.read_text"}, "the list beside it"),
    "core/data/chosen/selections.py": ({"everybody.glob"}, "the lab's own folder of selections"),
    "core/data/counts.py": ({"Image.open"}, "a thumbnail in memory"),
    "core/data/duplicates.py": (
        {"Image.open", "np.load", "memory.read_bytes"},
        "what open_file opened; signatures that the lab keeps",
    ),
    "core/data/labels/corrections.py": ({"path.read_bytes"}, "the lab's list"),
    "core/data/labels/reviews.py": ({"path.read_text"}, "the lab's list"),
    "core/data/pictures/dicom.py": ({"pydicom.dcmread"}, "what was opened by load_image or open_file"),
    "core/data/pictures/kept.py": ({"folder.glob", "path.parent.glob"}, "decoded pixels"),
    "core/data/tables/workbook.py": ({"zipfile.ZipFile", "load_workbook"}, "what open_file opened"),
    "core/data/thumbnails.py": ({"os.listdir", "place.read_bytes"}, "small pictures, once the photo may be opened"),
    "core/data/verify.py": ({"pd.read_parquet"}, "verdicts that the lab keeps"),
    "core/data/zips/contents.py": ({"ZipFile"}, "an upload"),
    "core/data/zips/unpack.py": ({"home.glob", "os.listdir", "open"}, "the lab's own folder of unpacked zips"),
    "core/answers/ensemble_scores.py": ({"pd.read_parquet"}, "a run's answers"),
    "core/predict/extras/measured.py": ({"np.load", "run.extras_file(place).read_bytes"}, "a run's file"),
    "core/predict/resembling.py": (
        {"np.load", "member.run.features_file(member.fold, which).read_bytes"},
        "a run's file",
    ),
    "core/training/batches.py": ({"np.load"}, "decoded pixels"),
    "core/training/checkpoint.py": ({"torch.load"}, "a run's checkpoint"),
    "core/training/course.py": ({"pd.read_parquet", "safetensors.torch.load_file"}, "a run's files"),
    "core/training/device.py": ({"Path('/proc/self/status').read_text"}, "the machine's"),
    "core/training/pixel_cache.py": ({"path.parent.glob", "folder.glob", "open"}, "decoded pixels"),
    "core/training/resident.py": ({"np.load"}, "decoded pixels"),
    "pages/parts/door/keepers/proxy.py": ({"settings.secret_file.read_text"}, "the door's secret"),
    "pages/parts/home/welcome.py": ({"Image.open"}, "a picture of the lab's own"),
}
OPENING = METHODS.union(BARE, *FUNCTIONS.values())
THE_PLACE = "core/data/reach/opening.py"


def opening_calls(nodes: Iterable[ast.AST]) -> set[str]:
    """The calls of a module that open or list a file or folder, as they are written."""
    calls = set()
    for node in nodes:
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", getattr(node.func, "id", "")) not in OPENING:
            continue  # to write down each call that a module makes takes most of the time
        written = ast.unparse(node.func)
        base, _, name = written.rpartition(".")
        if (not base and name in BARE) or (base and name in METHODS) or name in FUNCTIONS.get(base, ()):
            calls.add(written)
    return calls


def test_what_a_dataset_holds_is_opened_in_one_place():
    assert len(FILES) > 150
    for path in FILES:
        module, calls = path.relative_to(HOME).as_posix(), opening_calls(nodes_of(path))
        if module == THE_PLACE:
            assert calls == {"open", "os.open", "os.scandir"}
            continue
        allowed, _ = OWN.get(module, (set(), ""))
        others = ", ".join(sorted(calls - allowed))
        assert not others, f"{module}: {others}: open it by {THE_PLACE}, or say in OWN what else it is"
        assert allowed <= calls, f"{module}: OWN lists calls that are not there any more"


def test_every_module_of_the_list_is_there():
    assert set(OWN) <= {path.relative_to(HOME).as_posix() for path in FILES}


@pytest.mark.parametrize(
    "line",
    [
        "open(path)",
        "path.read_bytes()",
        "Path(root).iterdir()",
        "os.scandir(root)",
        "Image.open(path)",
        "cv2.imread(str(path))",
        "pd.read_csv(path)",
        "np.fromfile(path)",
        "list(root.rglob('*'))",
        "safetensors.torch.load_file(path)",
    ],
)
def test_a_new_way_of_opening_would_be_seen(line):
    assert opening_calls(walk(ast.parse(f"from pathlib import {Path.__name__}\n{line}\n")))
