"""Whatever a page lets somebody change is asked for in core: no page can forget it, and no forged click gets past it.

A function of core that a page names, and that comes to write, move or remove what people made, has to come to one of
the questions of core/storage/asking.py too, or stand in OPEN with the reason.
"""

import ast

import pytest

from core.places import HOME
from tests.house.source import nodes_of, tree_of, walk

# Where what people made is written, moved and removed.
KEPT = {
    *("core.runs.notes", "core.runs.moves.moved", "core.runs.run", "core.jobs.control", "core.jobs.trash"),
    *("core.jobs.queue", "core.jobs.halt", "core.jobs.slots", "core.jobs.elsewhere", "core.studies.record_file"),
    *("core.studies.records", "core.data.labels.corrections", "core.data.labels.reviews", "core.config.recipes"),
    *("core.data.zips.limits", "core.data.pictures.limit", "core.data.pictures.kept", "core.storage.machine_settings"),
    *("core.jobs.room.keep", "core.runs.kept.dropped", "core.jobs.alerts.addresses", "core.runs.lists.saved"),
}
WRITES = {"write_text", "write_json", "write_whole", "change_json", "rename", "unlink", "rmtree", "rmdir"}
WRITES |= {"touch"}
QUESTIONS = {"core.storage.asking.check", "core.storage.asking.check_lab"}
OPEN = {
    "core.jobs.control.ensure_workers": "leaves what whoever started the lab named, which a page cannot choose",
    "core.jobs.control.launch": "makes a new run, of whoever asks",
    "core.studies.records.launch": "makes a new study, of whoever asks",
    "core.studies.retrain.launch": "makes a new run, of whoever asks",
    "core.studies.records.launch_plans": "makes a new study, of whoever asks",
    "core.data.labels.corrections.add_all": "one more word about a label, of whoever asks",
    "core.data.labels.corrections.take_in": "more words about labels, of whoever asks",
    "core.data.labels.reviews.confirm": "one more word about a label, of whoever asks",
    "core.inside.first_weights.measure": "computes anew what is shown of a run, and decodes its photos as a fold does",
    "core.jobs.halt.go_on": "everybody's jobs wait while the queue is stopped, and it stops again if it has to",
    "core.runs.lists.saved.save": "a new view of the list of runs, of whoever asks",
    "core.studies.healing.look_after": "does what was asked for before the lab was killed",
}


def dotted(path):
    return ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")


def imports(nodes):
    """Name in a file -> dotted name of what it is."""
    names = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def writes(tree):
    """Lines in which something on disk is written, moved or removed; columns of a table are no files."""
    for node in walk(tree):
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if called in WRITES and all(keyword.arg != "columns" for keyword in node.keywords):
            yield node.lineno


class House:
    """Every function of core and pages, and which it names; read when the first rule asks, not by whoever collects."""

    def __init__(self):
        paths = [path for room in ("core", "pages") for path in (HOME / room).rglob("*.py")]
        self.modules = {dotted(path): tree_of(path) for path in paths}
        self.functions = {
            f"{module}.{node.name}": node
            for module, tree in self.modules.items()
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        }
        self.imports = {dotted(path): imports(nodes_of(path)) for path in paths}
        self.named = {
            name: set(self.names(name.rpartition(".")[0], walk(node))) & self.functions.keys()
            for name, node in self.functions.items()
        }

    def resolved(self, name):
        """A function under the name of the file that it stands in."""
        module, _, last = name.rpartition(".")
        while (
            name not in self.functions and last in self.imports.get(module, {}) and self.imports[module][last] != name
        ):
            name = self.imports[module][last]
            module, _, last = name.rpartition(".")
        return name

    def names(self, module, nodes):
        """The functions that some code names, be it to call them or to hand them on."""
        known_here = self.imports[module]
        for each in nodes:
            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in known_here:
                yield self.resolved(f"{known_here[each.value.id]}.{each.attr}")
            elif isinstance(each, ast.Name):
                yield self.resolved(known_here.get(each.id, f"{module}.{each.id}"))

    def reaching(self, goals):
        """Every function that names one of the goals, or comes to one through others."""
        reached = fresh = set(goals)
        while fresh:
            fresh = {name for name, others in self.named.items() if name not in reached and others & fresh}
            reached |= fresh
        return reached

    def of_pages(self):
        """The functions of core that pages name."""
        pages = [(module, tree) for module, tree in self.modules.items() if module.startswith("pages")]
        return {
            name
            for module, tree in pages
            for name in self.names(module, walk(tree))
            if name in self.functions and name.startswith("core.")
        }


@pytest.fixture(scope="module")
def house():
    return House()


def test_every_change_that_a_page_offers_is_asked_for_in_core(house):
    changing = house.of_pages() & house.reaching(
        name for name, node in house.functions.items() if name.rpartition(".")[0] in KEPT and list(writes(node))
    )
    unasked = changing - house.reaching(QUESTIONS)
    assert unasked == OPEN.keys(), sorted(unasked ^ OPEN.keys())
    assert {"core.jobs.control.cancel", "core.jobs.trash.delete", "core.studies.records.pause"} <= changing - unasked


def test_pages_write_and_remove_nothing_themselves(house):
    """Else nobody would be asked; that the tour was put away is nothing that anybody made."""
    writing = {module for module, tree in house.modules.items() if module.startswith("pages") and list(writes(tree))}
    assert writing == {"pages.parts.live.tour"}


def noted(node):
    """The names of frame.py under which some code leaves a click in the session for the page to answer."""
    for each in walk(node):
        places = each.keys if isinstance(each, ast.Dict) else []
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
            places = [each.slice]
        for place in places:
            if isinstance(place, ast.Attribute) and ast.unparse(place.value) == "frame":
                yield place.attr


def test_a_page_answers_every_click_that_a_part_of_it_only_notes(house):
    """Else frame.begin_page takes it for one of another page, and says that nothing was done."""
    notes = {name: set(noted(node)) for name, node in house.functions.items() if name.startswith("pages.")}
    clicks = set().union(*notes.values())
    noting = {click: house.reaching(name for name, of in notes.items() if click in of) for click in clicks}
    assert {"DECIDED", "BASELINE"} <= clicks
    for module, tree in house.modules.items():
        if not module.startswith("pages.") or module.startswith("pages.parts"):
            continue
        named = set(house.names(module, walk(tree)))
        begun = ast.unparse(tree).partition("begin_page(")[2].partition("\n")[0]
        answered = {click for click in clicks if f"frame.{click}" in begun}
        assert answered == {click for click in clicks if named & noting[click]}, module
