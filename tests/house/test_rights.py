"""Whatever a page lets somebody change is asked for in core: no page can forget it, and no forged click gets past it.

A function of core that a page names, and that comes to write, move or remove what people made, has to come to one of
the questions of core/storage/asking.py too, or stand in OPEN with the reason.
"""

import ast

from core.places import HOME

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


MODULES = {
    dotted(path): ast.parse(path.read_text("utf-8"))
    for room in ("core", "pages")
    for path in (HOME / room).rglob("*.py")
}
FUNCTIONS = {
    f"{module}.{node.name}": node
    for module, tree in MODULES.items()
    for node in tree.body
    if isinstance(node, ast.FunctionDef)
}


def imports(tree):
    """Name in a file -> dotted name of what it is."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


IMPORTS = {module: imports(tree) for module, tree in MODULES.items()}


def resolved(name):
    """A function under the name of the file that it stands in."""
    module, _, last = name.rpartition(".")
    while name not in FUNCTIONS and last in IMPORTS.get(module, {}) and IMPORTS[module][last] != name:
        name = IMPORTS[module][last]
        module, _, last = name.rpartition(".")
    return name


def named(module, node):
    """The functions that some code names, be it to call them or to hand them on."""
    known_here = IMPORTS[module]
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in known_here:
            yield resolved(f"{known_here[each.value.id]}.{each.attr}")
        elif isinstance(each, ast.Name):
            yield resolved(known_here.get(each.id, f"{module}.{each.id}"))


NAMED = {name: set(named(name.rpartition(".")[0], node)) & FUNCTIONS.keys() for name, node in FUNCTIONS.items()}


def reaching(goals):
    """Every function that names one of the goals, or comes to one through others."""
    reached = fresh = set(goals)
    while fresh:
        fresh = {name for name, others in NAMED.items() if name not in reached and others & fresh}
        reached |= fresh
    return reached


def writes(tree):
    """Lines in which something on disk is written, moved or removed; columns of a table are no files."""
    for node in ast.walk(tree):
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if called in WRITES and all(keyword.arg != "columns" for keyword in node.keywords):
            yield node.lineno


def of_pages():
    """The functions of core that pages name."""
    of_core = {name for name in FUNCTIONS if name.startswith("core.")}
    return {
        name for module in MODULES if module.startswith("pages") for name in named(module, MODULES[module])
    } & of_core


def test_every_change_that_a_page_offers_is_asked_for_in_core():
    changing = of_pages() & reaching(
        name for name, node in FUNCTIONS.items() if name.rpartition(".")[0] in KEPT and list(writes(node))
    )
    unasked = changing - reaching(QUESTIONS)
    assert unasked == OPEN.keys(), sorted(unasked ^ OPEN.keys())
    assert {"core.jobs.control.cancel", "core.jobs.trash.delete", "core.studies.records.pause"} <= changing - unasked


def test_pages_write_and_remove_nothing_themselves():
    """Else nobody would be asked; that the tour was put away is nothing that anybody made."""
    writing = {module for module, tree in MODULES.items() if module.startswith("pages") and list(writes(tree))}
    assert writing == {"pages.parts.live.tour"}
