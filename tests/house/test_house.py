"""The rules of the house, kept in a fresh process and on the source itself."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from core.config import to_yaml
from core.config.recipes import load_recipe
from core.places import HOME, lab_folder
from tests.house.source import begun_inside, imported, nodes_of, saying, text_of, tree_of, walk

CORE = sorted((HOME / "core").rglob("*.py"))
ROOMS = ("core", "pages", "bench", "tests")
PYTHON = [HOME / "app.py", *sorted(path for room in ROOMS for path in (HOME / room).rglob("*.py"))]
LAB = lab_folder(Path())
# What a page imports before it shows anything. plan, data and folds are among them through jobs.
QUICK = [
    "config.parts",
    "config.run_config",
    "errors",
    "storage.files",
    "storage.locks",
    "storage.lab_file",
    "machine",
    "jobs.halt",
    "runs.deaths",
    "jobs.gpus",
    "runs.states",
    "runs.metrics_file",
    "runs.run",
    "jobs.control",
    "jobs.elsewhere",
    "jobs.worker",
    "jobs.queue",
    "jobs.slots",
    "predict.extras.measured",
    "predict.extras.words",
    "predict.extras.ladder",
    "predict.job",
    "figures.extras",
    "export.made",
    "export.snippets",
    "studies.grid",
    "studies.records",
    "studies.healing",
    "plan.plan",
    "jobs.speed",
    "network.weights",
    "data.labels.corrections",
    "figures.dataset",
    "figures.stress",
    "data.counts",
    "data.duplicates",
    "data.thumbnails",
    "figures.curves",
    "stats.metrics",
    "answers.mistakes",
    "answers.label_errors",
    "text",
    "config.settings",
    "runs.notes",
    "runs.lists.index",
    "runs.lists.query",
    "runs.lists.summaries",
    "runs.create",
    "runs.ancestry",
    "storage.spreadsheet",
    "jobs.trash",
    "cli.main",
    "compare.members",
    "stats.paired",
    "stats.calibration",
    "answers.certainty",
    "answers.together",
    "figures.certainty",
    "compare.pairs",
    "compare.contrast",
    "compare.cost",
    "figures.comparison_curves",
    "figures.comparison",
    "config.transforms",
    "augment.pipeline",
    "augment.exchange",
    "augment.steps",
    "augment.effects",
    "augment.preview",
    "config.recipes",
    "places",
]
LONGEST = 450  # lines; from 300 on ask whether a file has two concerns


# The rooms of core from the ground up, "" for its own files; rooms of one floor do not know each other.
FLOORS = [
    "stats",
    "",
    "storage",
    "config demo",
    "data",
    "runs",
    "network augment",
    "plan answers",
    "training",
    "jobs",
    "engines",
    "inside",
    "predict",
    "export",
    "studies",
    "compare",
    "figures",
    "report",
    "cli",
]


def tracked():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=HOME, capture_output=True, check=False)
    if listing.returncode:  # an unpacked archive has no git
        skip = (".venv", "runs", "demo", ".git", "__pycache__")
        return [p for p in HOME.rglob("*") if p.is_file() and not set(p.relative_to(HOME).parts) & set(skip)]
    return [HOME / name for name in listing.stdout.decode().split("\0") if name and (HOME / name).is_file()]


# What is loaded once the lab, what it reads, a command and a page of it have begun, one after another in one process.
BEGINS = f"""
import json, sys
HEAVY = ("torch", "torchvision", "albumentations", "cv2", "scipy.stats", "ray")
begun = {{}}
def has_begun(what, among=HEAVY):
    begun[what] = [name for name in among if name in sys.modules]

import app
has_begun("app", list(sys.modules))
from core.config import recipes
from core.jobs import control, speed
from core.runs.lists.summaries import summaries
recipes.load_recipe("study")
summaries(); control.waiting(); control.ensure_workers(); speed.known(recipes.load_recipe("quick"))
has_begun("recipes and runs")
import core.cli.main, core.engines.engine, core.engines.ray_cluster, core.engines.desk
import pages.parts.run.apart, pages.parts.run.certainty, pages.parts.run.extras
has_begun("a command and the page of a run")
for name in {QUICK}:
    __import__("core." + name)
    has_begun(name)
print(json.dumps(begun))
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """By what has begun, in the order of BEGINS: which heavy libraries are loaded by then; by the app: all modules."""
    environment = {**os.environ, "FACET_RUNS": str(tmp_path_factory.mktemp("runs"))}
    done = subprocess.run([sys.executable, "-c", BEGINS], cwd=HOME, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_pages_open_with_leaves_torch_and_albumentations_out(begun):
    for name in QUICK:
        assert not {"torch", "torchvision", "albumentations"} & set(begun[name]), name


def test_reading_recipes_and_runs_needs_no_torch(begun):
    assert not {"torch", "albumentations", "cv2"} & set(begun["recipes and runs"])


def test_commands_engines_and_the_page_of_a_run_begin_without_scipy_torch_and_ray(begun):
    """scipy takes half a second, as long as all the rest of `status`; who computes an interval imports it then."""
    assert not {"scipy.stats", "torch", "ray"} & set(begun["a command and the page of a run"])


def test_no_page_gets_half_a_package_that_another_page_imports_at_the_same_time(begun):
    """Who imports a.b holds its lock and waits for a; who imports a waits for a.b, where a/__init__.py imports it.
    Python ends such a knot by handing out a module that is not done. So a package that imports its own modules is
    imported first: the lab's by app.py before all pages, a library's by each file that wants a module of it.
    """
    inits = [path for path in PYTHON if path.name == "__init__.py" and {"core", "pages"} & set(imported(path))]
    names = [".".join(path.parent.relative_to(HOME).parts) for path in inits]
    assert "core.config" in names
    assert set(names) <= set(begun["app"])
    libraries = ("torch", "torchvision", "pandas", "albumentations")
    paths = [path for path in saying(PYTHON, *libraries) if path.relative_to(HOME).parts[0] in ("core", "pages")]
    assert not {path: begins for path in paths if (begins := begun_inside(path, libraries))}


def test_core_imports_neither_streamlit_nor_pages():
    above = {"streamlit", "pages", "app"}
    imports = {path: above & set(imported(path)) for path in saying(CORE, *above)}
    faults = [f"{path.relative_to(HOME)}: {', '.join(sorted(names))}" for path, names in imports.items() if names]
    assert not faults


def test_no_file_names_somebodys_home_folder():
    homes = rb"/%s/(?!you)[a-z]|/%s/|/%s/[A-Za-z]" % (b"home", b"root", b"Users")  # apart, so that this is none
    pattern = re.compile(rb"(?<![A-Za-z0-9_.~-])(%s)" % homes)
    homes_named = []
    for path in tracked():
        if path.suffix not in (".png", ".jpg", ".gif", ".webp"):
            homes_named += [f"{path.relative_to(HOME)}: {hit[0]!r}" for hit in pattern.finditer(path.read_bytes())]
    assert not homes_named


def test_where_the_lab_lies_is_spelt_in_places_only():
    """Its folder (HOME) and what it keeps beside the runs (lab_folder) come from core/places.py."""
    faults = []
    for path in saying(PYTHON, "parents", LAB.name):
        name = path.relative_to(HOME).as_posix()
        if name == "core/places.py":
            continue
        for node in nodes_of(path):
            if isinstance(node, ast.Attribute) and node.attr == "parents" and "__file__" in ast.unparse(node.value):
                faults.append(f"{name}:{node.lineno}: use core.places.HOME")
            part = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else None
            if isinstance(part, ast.Constant) and str(part.value).split("/")[0] == LAB.name:
                faults.append(f"{name}:{node.lineno}: use core.places.lab_folder")
    assert not faults


def test_a_home_folder_is_looked_up_by_what_does_not_raise():
    """Path.expanduser ends in a traceback where somebody types ~nobody; os.path.expanduser leaves that as it is."""
    faults = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for path in saying(PYTHON, "expanduser")
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute) and node.attr == "expanduser" and ast.unparse(node.value) != "os.path"
    ]
    assert not faults


def test_what_users_keep_is_still_where_it_was(tmp_path):
    assert lab_folder(tmp_path) == Path(f"{tmp_path}/.lab")
    assert (HOME / "app.py").is_file()


def test_nothing_that_is_made_while_working_is_tracked():
    for path in tracked():
        parts = path.relative_to(HOME).parts
        assert not {"__pycache__", ".venv", ".pytest_cache", ".hypothesis", ".ruff_cache"} & set(parts)
        assert parts[0] != "runs" or path.name in (".gitkeep", ".gitignore", "README.md")
        frozen = parts[:3] == ("tests", "fixtures", "old_runs")  # runs of an earlier version, kept for tests
        assert frozen or path.suffix not in (".pt", ".pth", ".safetensors", ".pyc")


def test_a_file_is_one_room():
    lines = {path: len(text_of(path).splitlines()) for path in CORE}
    faults = [f"{path.relative_to(HOME)}: {count} lines" for path, count in lines.items() if count > LONGEST]
    assert not faults


def called(path):
    """Names of everything that a file calls: Name for Name(...) and for module.Name(...)."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))


def test_every_lock_is_made_in_one_place():
    """A lock that falls back to a file which merely exists would outlive its holder."""
    makers = {"FileLock", "UnixFileLock", "SoftFileLock", "WindowsFileLock", "AsyncFileLock", "ReadWriteLock"}
    places = [p for part in ("core", "pages", "bench") for p in (HOME / part).rglob("*.py") if makers & set(called(p))]
    assert places == [HOME / "core" / "storage" / "locks.py"]


def test_torchs_one_generator_is_seeded_in_one_place():
    """Sessions are threads: one that seeds it by itself changes what another one draws."""
    places = [
        path
        for part in ("core", "pages")
        for path in (HOME / part).rglob("*.py")
        if "fork_rng" in called(path) or "torch.manual_seed(" in path.read_text()
    ]
    assert places == [HOME / "core" / "network" / "drawing.py"]


def test_predictions_are_counted_in_one_place():
    """One confusion matrix and one F1: core/stats/metrics.py, on bincount; nobody else adds up pairs of classes."""
    alone = {"regions.py", "split.py", "paired.py"}  # they sum over people or groups, not over pairs of classes
    for path in tracked():
        if path.suffix == ".py" and path.relative_to(HOME).parts[0] in ("core", "pages", "bench"):
            source = path.read_text("utf-8")
            assert path.name in alone or "np.add.at" not in source, path.name
            assert "torchmetrics" not in source, path.name


def test_cores_and_memory_are_counted_in_one_place():
    """Elsewhere a container's limits would not count, and macOS has no sched_getaffinity."""
    counts = {"cpu_count", "sched_getaffinity", "process_cpu_count"}
    places = [p for part in ("core", "pages", "bench") for p in (HOME / part).rglob("*.py") if counts & set(called(p))]
    assert places == [HOME / "core" / "machine.py"]
    for path in [*CORE, *(HOME / "pages").rglob("*.py")]:
        assert not re.search(r"(Thread|Process)PoolExecutor\(\)", path.read_text("utf-8")), path


def test_a_small_picture_of_a_photo_is_made_in_one_place():
    """Image.thumbnail((width, height)) is for core/data/thumbnails.py; what the network sees is no small picture."""
    for path in saying(PYTHON, "thumbnail"):
        if path.relative_to(HOME).parts[0] not in ("core", "pages") or path.name == "thumbnails.py":
            continue
        for node in nodes_of(path):
            match node:
                case ast.Call(func=ast.Attribute(attr="thumbnail"), args=[ast.Tuple()]):
                    raise AssertionError(f"{path.name}:{node.lineno}")


def test_the_pixels_of_a_datasets_photo_come_from_one_place():
    """Who loads a file by its path alone does not know the bits that its dataset uses: it asks the StoredPhoto.

    Photos that are in no dataset are what predict and export load; they name the bits of the run.
    """
    doors = ("core.data.images", "core.data.pictures.photo", "core.predict.", "core.export.")
    for path in [*CORE, *(HOME / "pages").rglob("*.py")]:
        if not dotted_name(path).startswith(doors):
            assert not re.search(r"import .*\bload_image\b|images\.load_image", path.read_text("utf-8")), path


def test_the_names_of_a_runs_files_are_spelt_where_a_run_is():
    """run.py names what lies in a run's folder, create.py freezes it before it has its name."""
    names = {"run.json", "summary.json", "samples.parquet", "ancestry.parquet", "state.json", "progress.json"}
    names |= {"metrics.csv", "starts.json", "notes.json", "last.pt"}
    for path in CORE:
        constants = {node.value for node in nodes_of(path) if isinstance(node, ast.Constant)}
        assert dotted_name(path) in ("core.runs.run", "core.runs.create") or not names & constants, path


def test_a_variable_is_named_after_what_it_holds():
    """These five held anything and everything; Persons.known alone says what it is."""
    empty = {"found", "wanted", "shown", "told", "known"}
    named = []
    for path in [*CORE, *(HOME / "pages").rglob("*.py")]:
        for node in nodes_of(path):
            name = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else ""
            if name in empty and (isinstance(node, ast.arg) or isinstance(node.ctx, ast.Store)):
                named.append(f"{path.relative_to(HOME)}:{node.lineno} {name}")
    assert [place.split(":")[0] for place in named] == ["core/data/persons.py"], named


def test_there_are_no_rooms_without_a_purpose():
    names = {path.stem for path in tracked() if path.suffix == ".py"}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def test_every_public_module_says_what_it_is_for():
    for path in CORE:
        if path.stem != "__main__" and path.stat().st_size:
            assert ast.get_docstring(tree_of(path)), path.name


def test_requirements_are_pinned():
    lines = (HOME / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line.strip() and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in pins)


def test_a_run_records_its_whole_configuration_for_every_recipe():
    for name in ("quick", "study", "study-adam-sgd"):
        text = to_yaml(load_recipe(name))
        assert "lr_backbone" in text
        assert "hole_height_range" in text
        assert "leave_out_problems" in text


def core_imports(path):
    """Modules of core that a file imports, also inside its functions, by their dotted names; not for types alone."""
    tree = tree_of(path)
    typing = [n for n in walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    unused = {id(inner) for block in typing for inner in walk(block)}
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in unused and (node.module or "").split(".")[0] == "core":
            for name in node.names:
                dotted = f"{node.module}.{name.name}"
                yield dotted if dotted in MODULES else node.module


def dotted_name(path):
    """The name under which Python imports a file of the lab."""
    parts = path.relative_to(HOME).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted_name(path): path for path in CORE}


def room_of(path):
    """The folder of core in which a file stands: "data" for core/data/readers/tree.py, "" for core's own files."""
    parts = path.relative_to(HOME / "core").parts
    return parts[0] if len(parts) > 1 else ""


def test_a_room_imports_rooms_of_floors_below_its_own_only():
    floor = {room: height for height, rooms in enumerate(FLOORS) for room in rooms.split() or [""]}
    assert floor.keys() == {room_of(path) for path in CORE}
    upwards = []
    for path in CORE:
        for name in core_imports(path) if path.name != "__main__.py" else ():
            own, other = room_of(path), room_of(MODULES[name])
            if own != other and floor[other] >= floor[own]:
                upwards.append(f"{path.relative_to(HOME)} ({own}) imports {name}")
    assert not upwards


def test_rooms_stay_small_enough_to_be_looked_over():
    for folder in {path.parent for path in [*CORE, *(HOME / "pages").rglob("*.py")]}:
        assert len(list(folder.glob("*.py"))) <= (6 if folder == HOME / "core" else 14), folder
    assert len({room_of(path) for path in CORE} - {""}) <= 21


def test_no_file_imports_a_page():
    """Pages are Streamlit's to run; what two of them share stands in pages/parts."""
    pages = {path.stem for path in (HOME / "pages").glob("*.py")}
    for path in saying(PYTHON, "pages"):
        for node in nodes_of(path):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pages":
                names = {f"{node.module}.{name.name}".split(".")[1] for name in node.names}
                assert not names & (pages - {"__init__"}), path


def test_no_two_modules_of_core_import_each_other_in_a_circle():
    needs = {name: set(core_imports(path)) - {name} for name, path in MODULES.items()}
    while free := [name for name, imports in needs.items() if not imports & needs.keys()]:
        for name in free:
            del needs[name]
    assert not needs, f"in a circle, or above one: {sorted(needs)}"


def test_a_table_is_drawn_in_one_place_with_a_download_that_runs_no_formula():
    config = tomllib.loads((HOME / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["client"]["disableDataExport"] is True
    direct = re.compile(r"\.(dataframe|data_editor)\(|\bst\.table\(")
    drawn = {path.name for path in (HOME / "pages").rglob("*.py") if direct.search(path.read_text("utf-8"))}
    assert drawn == {"tables.py"}


def charts_that_offer_an_upload(tree):
    """Lines that draw a figure whose mode bar may send it to plotly's own server."""
    tables = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Dict)
    }
    for node in walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "plotly_chart":
            options = {}
            for keyword in node.keywords:
                value = tables.get(getattr(keyword.value, "id", ""), keyword.value)
                if keyword.arg in ("config", None) and isinstance(value, ast.Dict):
                    options |= ast.literal_eval(value) if keyword.arg is None else {"config": ast.literal_eval(value)}
            if options.get("config", {}).get("showSendToCloud") is not False:
                yield node.lineno


def test_no_chart_of_a_page_offers_to_be_uploaded():
    """Those that Streamlit draws; the lab's own element is held to it in tests/pages/test_live.py."""
    drawing = saying(sorted((HOME / "pages").rglob("*.py")), ".plotly_chart(")
    assert {path.name for path in drawing} >= {"overview.py", "stress.py", "views.py"}
    wrong = {path.name: lines for path in drawing if (lines := list(charts_that_offer_an_upload(tree_of(path))))}
    assert not wrong, "pass config={..., 'showSendToCloud': False}"


@pytest.mark.parametrize(
    "code",
    [
        "st.plotly_chart(figure)",
        "left.plotly_chart(figure, config={'displaylogo': False})",
        "st.plotly_chart(figure, config={'showSendToCloud': True})",
        "st.plotly_chart(figure, key='classes', **LOOK); LOOK = {'config': {'displayModeBar': False}}",
        "st.plotly_chart(figure, config=somebodys)",
    ],
)
def test_the_rule_of_uploads_sees_a_chart_in_each_way_of_drawing_one(code):
    assert list(charts_that_offer_an_upload(ast.parse(code))) == [1]


def kinds_of_keys(trees):
    """key, where it is spelt out -> what is drawn under it."""
    kinds = {}
    for node in (node for tree in trees for node in walk(tree) if isinstance(node, ast.Call)):
        for keyword in node.keywords:
            if keyword.arg == "key" and isinstance(keyword.value, ast.Constant):
                drawn = node.args[0] if ast.unparse(node.func) in ("field", "begin") else node.func
                kinds.setdefault(keyword.value.value, set()).add(ast.unparse(drawn).rpartition(".")[2])
    return kinds


def test_what_is_drawn_under_one_key_is_of_one_kind():
    """Two elements of one key on one page are a traceback, of which nothing is seen until both of them are drawn."""
    kinds = kinds_of_keys(map(tree_of, saying(sorted((HOME / "pages").rglob("*.py")), "key=")))
    assert len(kinds) > 100 and not {key: names for key, names in kinds.items() if len(names) > 1}
    code = "field(st.selectbox, 'Number', key='number'); st.plotly_chart(figure, key='number')"
    assert kinds_of_keys([ast.parse(code)]) == {"number": {"selectbox", "plotly_chart"}}


def test_no_style_asks_of_every_element_what_it_has():
    """A rule such as `.a > :has(> .b)` makes the browser look at the page anew at each change of it, while plotly draws
    too: an element is named before it is asked."""
    of_all = re.compile(r"(^|[\s>+~,(]):has\(", re.M)
    assert of_all.search(".a > :has(> .b) {") and not of_all.search("div:has(> .b), [data-testid]:has(.c) {")
    assert [path for path in sorted((HOME / "pages").rglob("*.py")) if of_all.search(path.read_text())] == []


def test_yaml_is_read_and_written_in_one_place():
    for path in [*CORE, *(HOME / "pages").rglob("*.py")]:
        assert path.name == "plain_yaml.py" or "yaml" not in set(imported(path)), path.name


def imports_of_tests(tree):
    """Names of test files that something is imported from."""
    for node in walk(tree):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{name.name}" for name in node.names]
        else:
            continue
        yield from (module for module in modules if re.search(r"\btests\.(\w+\.)*test_", module))


TESTS = sorted((HOME / "tests").rglob("*.py"))
SLEEPERS = {"screen.py": "soon", "workers.py": "until"}  # the two that look again until something is so


def test_a_test_runs_once_and_waits_for_what_it_needs_not_for_a_time():
    forbidden = re.compile(r"\bflak[y]\b|reruns\b\s*=|wait_for_timeou[t]|networkidl[e]|(?<!\w)sleep[(]")
    faults = []
    for path in TESTS:
        source = text_of(path)
        if path.name in SLEEPERS:
            functions = [n for n in nodes_of(path) if isinstance(n, ast.FunctionDef)]
            (own,) = (ast.get_source_segment(source, n) for n in functions if n.name == SLEEPERS[path.name])
            assert len(re.findall(r"time\.sleep[(]", own)) == 1, path
            source = source.replace(own, "")
        faults += [f"{path.relative_to(HOME)}: {words}" for words in forbidden.findall(source)]
    assert not faults


def test_no_test_asserts_how_long_something_took():
    """A machine with other work would make it fail; what things cost is measured in bench/."""
    clocks = re.compile(r"perf_counter|monotonic[(]|time\.time[(]")
    faults = []
    for path in saying(TESTS, "perf_counter", "monotonic(", "time.time("):
        asserted = [ast.unparse(node) for node in nodes_of(path) if isinstance(node, ast.Assert)]
        faults += [f"{path.relative_to(HOME)}: {line}" for line in asserted if clocks.search(line)]
    assert not faults


def test_every_test_has_a_time_limit_and_nothing_runs_one_twice():
    assert re.search(r"^timeout = \d+", (HOME / "pyproject.toml").read_text("utf-8"), re.M)
    packages = (HOME / "requirements-dev.txt").read_text("utf-8")
    assert "pytest-timeout==" in packages and "rerun" not in packages


def caught(node):
    """Names of the exceptions that a handler, or a contextlib.suppress, stops."""
    if isinstance(node, ast.ExceptHandler):
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
    else:
        kinds = node.args
    return {ast.unparse(kind).split(".")[-1] for kind in kinds}


def lock_faults(tree):
    """Lines where a lock is waited for and its Timeout, which is an OSError, is not told apart from a failing disk."""
    lines = []

    def look(node, guards):
        """guards: the handlers around the node, from the inside out, each a list of sets of names in their order."""
        if isinstance(node, (ast.Try, ast.TryStar)):
            for inner in node.body:
                look(inner, [[caught(handler) for handler in node.handlers], *guards])
            for inner in (*node.handlers, *node.orelse, *node.finalbody):
                look(inner, guards)
            return
        if isinstance(node, (ast.With, ast.AsyncWith)):
            within = guards
            for item in node.items:
                call = item.context_expr
                name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
                if name.endswith("suppress"):
                    within = [[caught(call)], *within]
                elif name.endswith("lock"):
                    judge(call, within)
                else:
                    look(call, within)
            for inner in node.body:
                look(inner, within)
            return
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "acquire":
            judge(node, guards)
        inside = [] if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) else guards
        for inner in ast.iter_child_nodes(node):
            look(inner, inside)

    def judge(node, guards):
        """The first thing that stops it must name Timeout alone."""
        for handlers in guards:
            for names in handlers:
                if names & {"Timeout", "OSError", "TimeoutError", "Exception", "BaseException"}:
                    if names != {"Timeout"}:
                        lines.append(node.lineno)
                    return
        lines.append(node.lineno)

    look(tree, [])
    return lines


@pytest.mark.parametrize(
    ("good", "code"),
    [
        (True, "try:\n    lock.acquire()\nexcept Timeout:\n    pass\nexcept OSError:\n    pass"),
        (False, "try:\n    lock.acquire()\nexcept (LabError, OSError):\n    pass\nexcept Timeout:\n    pass"),
        (False, "try:\n    lock.acquire()\nexcept OSError:\n    pass"),
        (False, "lock.acquire()"),
        (True, "with contextlib.suppress(Timeout), run.fold_lock(0).acquire():\n    pass"),
        (False, "with contextlib.suppress(OSError, Timeout), run.fold_lock(0):\n    pass"),
        (False, "try:\n    with locks.lock(path, timeout=5):\n        pass\nexcept OSError:\n    pass"),
        (True, "try:\n    with locks.held(path, 'a file'):\n        pass\nexcept OSError:\n    pass"),
    ],
)
def test_what_waits_for_a_lock_is_found(good, code):
    assert bool(lock_faults(ast.parse(code))) != good


def test_a_lock_that_cannot_be_had_in_time_is_never_taken_for_a_failing_disk():
    faults = []
    for path in [*CORE, *sorted((HOME / "pages").rglob("*.py"))]:
        faults += [f"{path.relative_to(HOME)}:{line}" for line in lock_faults(tree_of(path))]
    assert not faults, "use locks.held, or catch filelock's Timeout first: it is an OSError"


WIDGETS = {  # by where their first value stands among the arguments by position
    1: "text_input text_area checkbox toggle date_input time_input color_picker",
    2: "selectbox radio multiselect select_slider",
    3: "number_input slider",
    9: "segmented_control pills data_editor",
}
FIRST_VALUE = {widget: place for place, widgets in WIDGETS.items() for widget in widgets.split()}


def first_values_beside_keys(tree):
    """Lines on which a widget with a key is given a first value, which Streamlit does not look at again."""
    for node in walk(tree):
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if name in FIRST_VALUE:
            named = {keyword.arg for keyword in node.keywords}
            if "key" in named and (named & {"value", "index", "default"} or len(node.args) > FIRST_VALUE[name]):
                yield node.lineno


def test_a_widget_with_a_key_gets_its_value_from_the_page_through_fields_alone():
    """See pages/parts/shared/fields.py: what is mounted does not follow a value that changes later."""
    faults = []
    for path in saying(sorted((HOME / "pages").rglob("*.py")), "key"):
        faults += [f"{path.relative_to(HOME)}:{line}" for line in first_values_beside_keys(tree_of(path))]
    assert not faults, f"{faults}: draw it with field() or begin() of pages/parts/shared/fields.py"


@pytest.mark.parametrize(
    "call",
    [
        "st.text_input('Person', value=now, key='person')",
        "left.selectbox('Run', runs, index=0, key='run')",
        "st.pills('Depth', depths, default=[18], key='depth')",
        "st.number_input('Epoch', 1, 9, 3, key='epoch')",
        "st.checkbox('All', True, key='all')",
    ],
)
def test_the_rule_of_first_values_sees_one_in_each_place(call):
    assert list(first_values_beside_keys(ast.parse(call))) == [1]


SEEDED = {  # what may put a value into the session under a control's key, and why it is no value of the page
    "picker.py": {"source_key", "f'{key}.source'"},  # its presence tells that the page has been drawn before
    "actions.py": {"key"},  # bound to the address by Streamlit itself, and emptied by a click
}


def control_keys(tree):
    """How the keys of a module's controls are written: the text itself, where it is one."""
    for node in walk(tree):
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if keyword.arg == "key":
                yield key_of(keyword.value)


def key_of(node):
    return node.value if isinstance(node, ast.Constant) else ast.unparse(node)


def session_writes(tree):
    """(key as above, line) of all that is put into the session."""
    for node in walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Subscript) and ast.unparse(part.value).endswith("session_state"):
                    yield key_of(part.slice), node.lineno
                elif isinstance(part, ast.Attribute) and ast.unparse(part.value).endswith("session_state"):
                    yield part.attr, node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("session_state.setdefault"):
            yield key_of(node.args[0]), node.lineno


def seeds(tree, elsewhere=frozenset()):
    """Lines that put a value under the key of a control; elsewhere: keys of other modules' controls."""
    keys = {*control_keys(tree), *elsewhere}
    passed = {arg.arg for node in walk(tree) if isinstance(node, ast.FunctionDef) for arg in node.args.args}
    for key, line in session_writes(tree):
        if key in keys or key in passed:  # a key that a caller names may be anybody's
            yield key, line


def test_no_page_puts_a_value_under_a_controls_key():
    """See pages/parts/shared/fields.py: what is put into the session is lost when the next rerun cuts off its way."""
    trees = {path: tree_of(path) for path in (HOME / "pages").rglob("*.py")}
    literal = {key for tree in trees.values() for key in control_keys(tree) if re.fullmatch(r"[a-z]+(-[a-z]+)+", key)}
    wrong = [
        f"{path.name}:{line} {key}"
        for path, tree in trees.items()
        if path.name != "fields.py"
        for key, line in seeds(tree, literal)
        if key not in SEEDED.get(path.name, ())
    ]
    assert not wrong, f"{wrong}: draw it with field() or begin() of pages/parts/shared/fields.py"


@pytest.mark.parametrize(
    "code",
    [
        "st.session_state['far'] = now\nst.checkbox('Far', key='far')",
        "st.session_state[f'ask-{name}'] = now\nfield(st.checkbox, 'Far', key=f'ask-{name}')",
        "st.session_state.setdefault('far', True)\nst.checkbox('Far', key='far')",
        "st.session_state.far = now\nst.checkbox('Far', key='far')",
        "def seed(widget, value):\n    st.session_state[widget] = value",
    ],
)
def test_the_rule_of_seeds_sees_one_in_each_place(code):
    assert len(list(seeds(ast.parse(code)))) == 1


def address_keys(tree):
    """Lines of tuples with an id() in them: keys by which something is remembered."""
    for node in walk(tree):
        parts = node.elts if isinstance(node, ast.Tuple) else ()
        calls = [part.func for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
        if any(function.id == "id" for function in calls):
            yield node.lineno


def test_nothing_is_remembered_by_its_address_in_memory():
    """id() of what is gone is given to something else: what is remembered is held, and compared."""
    keys = {str(path): list(address_keys(tree_of(path))) for path in saying(PYTHON, "id(")}
    assert not {path: lines for path, lines in keys.items() if lines}
    assert list(address_keys(ast.parse("key = (id(found), settings)"))) == [1]


def test_no_test_is_imported_from():
    """What tests share stands in files beside them: a test file can be changed, or taken away, by itself."""
    borrowed = [f"{path.relative_to(HOME)}: {name}" for path in PYTHON for name in imports_of_tests(tree_of(path))]
    assert not borrowed, "move what is shared into a helper beside them, fixtures into conftest.py"


@pytest.mark.parametrize(
    "line",
    ["from tests.pages.test_live import page", "from tests.pages import test_live", "import tests.cli.test_main"],
)
def test_the_rule_of_imports_from_tests_sees_one(line):
    assert len(list(imports_of_tests(ast.parse(line)))) == 1


def unasked(tree):
    """Lines of assertions whose message compares: `assert a, b == c` asserts a, and nothing of b."""
    for node in walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.msg, ast.Compare | ast.BoolOp):
            yield node.lineno


def test_no_assertion_has_another_one_in_the_place_of_its_message():
    wrong = [f"{path.relative_to(HOME)}:{line}" for path in saying(PYTHON, "assert") for line in unasked(tree_of(path))]
    assert not wrong, f"{wrong}: compare tuples, or write two assertions"


@pytest.mark.parametrize("line", ["assert kind, photos == ('mask', 83)", "assert kind, photos and people"])
def test_the_rule_of_assertions_sees_one(line):
    assert list(unasked(ast.parse(line))) == [1]


def test_every_upload_says_how_large_it_may_be():
    """Streamlit's server takes what a dataset's zip may need; a photo or a table is refused at far less."""
    for path in (HOME / "pages").rglob("*.py"):
        for node in nodes_of(path):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "file_uploader"
            ):
                assert "max_upload_size" in {keyword.arg for keyword in node.keywords}, f"{path.name}:{node.lineno}"


def test_there_is_one_flattener():
    """Everything that makes dotted settings of a configuration does it with `leaves`."""
    recursive = []
    for path in [*(HOME / "core").rglob("*.py"), *(HOME / "pages").rglob("*.py")]:
        for function in [node for node in nodes_of(path) if isinstance(node, ast.FunctionDef)]:
            inner = list(walk(function))
            calls = [n.func.id for n in inner if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
            if function.name in calls and any(isinstance(n, ast.JoinedStr) and "}." in ast.unparse(n) for n in inner):
                recursive.append(f"{path.name}: {function.name}")
    assert recursive == ["settings.py: leaves"]
