"""What people did not write themselves is never markup: each text that Streamlit reads as Markdown is followed home.

Labels, tooltips, tabs, the options of button groups, progress and toasts are Markdown; options of select boxes are not.
A text is safe when it stands in the source, is made by core.text, or is a number by its format. A name is all that its
function assigns to it; a parameter makes its function one more that takes Markdown, and its callers are looked at; of a
function of the pages everything that it returns is looked at. What cannot be followed stands in KNOWN.
"""

import ast
import functools
from collections import Counter

import pytest

from core.places import HOME
from tests.house.source import tree_of, walk


def short_name(path):
    """launch.py of a page, launch/plan.py of a part."""
    return path.name if path.parent.parent.name != "parts" else f"{path.parent.name}/{path.name}"


FILES = [HOME / "app.py", *(HOME / "pages").rglob("*.py")]
ELEMENTS = """
markdown caption info error success warning toast expander button download_button form_submit_button metric
checkbox toggle radio selectbox segmented_control pills tabs popover spinner link_button page_link
file_uploader text_input text_area number_input slider select_slider multiselect header subheader title status
write progress feedback
"""
STREAMLIT = set(ELEMENTS.split())
GROUPS = {"radio", "segmented_control", "pills", "select_slider"}
WRITERS = {"plain", "count", "duration", "score", "rate", "spread", "ago", "len", "round", "int", "float", "sum", "abs"}
WRITERS |= {"number_of", "size", "units", "noun", "missing_tensorboard"}  # of core, from numbers and states alone
WRITERS |= {"last_epoch", "next_one"}
FUNCTION = ast.FunctionDef | ast.Lambda
# What cannot be followed, file by file. Nothing of it can hold a text that stands in a file, an address or a field.
KNOWN = {
    # page files
    "home/lines.py": {"HOME"},
    "home/demo_run.py": {"estimate(seconds)", "waits.starts(before)"},  # from numbers
    "home/around.py": {"HOME"},
    "studies.py": {"Path(__file__).parent", "status.rows"},  # of the rows their place, names are plain
    # whole numbers that were counted, or that the configuration checked
    "augment/views.py": {
        "config.training.batch_size",
        "config.training.seed",
        "inputs.fold",
        "mixed.step",
        "_short",
        "param.unit",
        "param.help",
        "st.number_input('Epoch', 1, 100000, key='augment-batch-epoch', width=110)",
        "st.number_input('Fold', 0, inputs.config.folds.count - 1, key='augment-batch-fold', width=110)",
    },
    "data/duplicates.py": {"pair.distance"},
    "data/overview.py": {"MEAN_PHOTOS", "sizes.iloc", "table.size"}
    | {"view.corrected.persons.warning", "view.corrected.persons.noun", "who.capitalize()"},  # people, or photos
    # sides in pixels; folds and slots
    "launch/sections.py": {"config.input_size", "effect.crop", "effect.photo", "config.folds.count"}
    | {"queue.slot_count(places.runs_folder())"},
    "live.py": {"config.mix.method"},
    "augment/stress.py": {"HOME"},
    "run/everybody.py": {"HOME"},
    "launch/study_plan.py": {"queue.slot_count(places.runs_folder())"},
    # words of core: sentences about numbers, why a class is thin (its name is plain), descriptions of settings
    "compare.py": {"paired.fold_note(min(folds))", "persons.warning(state)", "persons.warning(state)[0].lower()"},
    "shared/fold_verdict.py": {"MEND_ABSENT", "also.removeprefix(', and ').capitalize()"},  # a sentence of callers
    "compare/charts.py": {"paired.points(within)"},
    "compare/pick.py": {"METRICS", "WHICH"},
    "data.py": {"possible_tasks(scan.samples)"},
    "data/folds.py": {"thin_classes(table, folds)"},
    "data/photo.py": {"what.capitalize()"},  # mask, gender, age, label, person
    "dataset/labels.py": {"DataConfig.model_fields[name].description", "meaning.capitalize()"},
    "form/settings.py": {"info.description"},
    "form/fields.py": {"info.description", "path.split('.')"},  # paths that the form itself spells
    "launch/source.py": {
        "recipe.epochs",
        "recipe.input_size",
        "recipe.model.depth",
        "recipe.model.init.partition(':')",
    },  # the last looked up in a table of words
    "look_inside/maps.py": {"MEANING"},
    "doubts/decisions.py": {"attribute.capitalize()"},
    "look_inside/regions.py": {"base64.b64encode(data).decode()", "error.kind", "form.lower()"},
    "form/transforms.py": {
        "show(param.high)",
        "show(param.low)",
        "param.help",
        "param.kind",
        "param.unit",
        "table.help",
        "table.params",
        "name.replace('_', ' ').removesuffix(' range').removesuffix(' limit').capitalize()",
    },  # the table of transforms
    "launch/study_form.py": {
        "StudyConfig.model_fields[name].description",
        "ShrinkConfig.model_fields[name].description",
        "info.description",
        "show(value)",
        "value",  # values of a fixed list
    },
}


@pytest.fixture(scope="module", autouse=True)
def followed():
    yield
    for function in (trees, everywhere, assigned):
        function.cache_clear()


@functools.cache
def trees():
    return {short_name(path): tree_of(path) for path in FILES if path.name != "__init__.py"}


def functions(tree):
    return {node.name: node for node in walk(tree) if isinstance(node, ast.FunctionDef)}


@functools.cache
def everywhere():
    """name -> (tree, function) of each function that is alone in its name."""
    tables = [{name: (tree, node) for name, node in functions(tree).items()} for tree in trees().values()]
    counted = Counter(name for table in tables for name in table)
    return {name: home for table in tables for name, home in table.items() if counted[name] == 1}


def parameters(function):
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def targets(target, value):
    """(name, expression) of an assignment; a part of something that cannot be taken apart is that whole thing."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        alike = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for i, each in enumerate(target.elts):
            yield from targets(each, value.elts[i] if alike else value)


@functools.cache
def assigned(home):
    """name -> every expression that is assigned to it in a function or a module, not in functions inside."""
    found = {}
    inner = [n for n in walk(home) if isinstance(n, FUNCTION) and n is not home]
    hidden = {id(n) for function in inner for n in walk(function)}
    for node in walk(home):
        pairs = []
        if id(node) in hidden and not isinstance(home, FUNCTION):
            continue
        if isinstance(node, ast.Assign):
            pairs = [pair for target in node.targets for pair in targets(target, node.value)]
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            pairs = list(targets(node.target, node.value))
        elif isinstance(node, ast.For | ast.comprehension):
            parts = node.iter.elts if isinstance(node.iter, ast.Tuple | ast.List) else [node.iter]
            pairs = [pair for part in parts for pair in targets(node.target, part)]
        for name, value in pairs:
            found.setdefault(name, []).append(value)
    return found


class Follower:
    """Follows expressions of one file to what they are made of. takers: function name -> its Markdown parameters."""

    def __init__(self, tree, takers):
        self.tree, self.takers, self.at = tree, takers, {}
        for function in [n for n in walk(tree) if isinstance(n, FUNCTION)]:
            for node in walk(function):
                self.at.setdefault(id(node), []).append(function)
        self.local = functions(tree)

    def leaves(self, node, homes, seen=()):
        """The parts of an expression that are not safe, as source text."""
        follow = lambda *parts: {leaf for part in parts for leaf in self.leaves(part, homes, seen)}  # noqa: E731
        match node:
            case ast.Constant():
                return set()
            case ast.JoinedStr() | ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.BoolOp():
                return follow(*(node.elts if hasattr(node, "elts") else node.values))
            case ast.FormattedValue(format_spec=ast.JoinedStr(values=[*_, ast.Constant(value=str(spec))])) if (
                spec[-1] in "dfg%,"
            ):
                return set()
            case ast.FormattedValue() | ast.Starred() | ast.Subscript():
                return follow(node.value)
            case ast.IfExp():
                return follow(node.body, node.orelse)
            case ast.UnaryOp():
                return follow(node.operand)
            case ast.BinOp(op=ast.Mult(), right=ast.Compare() | ast.Call() | ast.BoolOp()):
                return follow(node.left)
            case ast.BinOp():
                return follow(node.left, node.right)
            case ast.GeneratorExp() | ast.ListComp():
                return follow(node.elt)
            case ast.DictComp():
                return follow(node.value)
            case ast.Attribute(attr="get"):  # of a table of words
                return follow(node.value)
            case ast.Lambda():
                return self.leaves(node.body, [node, *homes], seen)
            case ast.Name():
                return self.name(node.id, homes, seen)
            case ast.Call():
                return self.call(node, homes, seen)
        return {ast.unparse(node)}

    def name(self, name, homes, seen):
        for home in [*homes, self.tree]:
            if (home, name) in seen:
                return set()
            values = assigned(home).get(name, [])
            if isinstance(home, FUNCTION) and name in parameters(home):
                if isinstance(home, ast.Lambda):
                    return {name}
                if home.name in everywhere() or home.name in self.local:
                    self.takers.setdefault((home.name, self.key(home)), set()).add((parameters(home).index(name), name))
                if not values:
                    return set()
            if values:
                inner = homes[homes.index(home) :] if home in homes else []
                return {leaf for v in values for leaf in self.leaves(v, inner, (*seen, (home, name)))}
        return self.returned(name, seen) if name in everywhere() else {name}

    def call(self, node, homes, seen):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in WRITERS and (
            isinstance(node.func, ast.Name) or ast.unparse(node.func.value) in ("persons", "exports")
        ):
            return set()
        if name == "loss_words":  # a sentence around what it is given
            return {leaf for part in node.args for leaf in self.leaves(part, homes, seen)}
        if isinstance(node.func, ast.Attribute) and name in ("join", "get", "items", "values", "strip"):
            return {leaf for part in (node.func.value, *node.args) for leaf in self.leaves(part, homes, seen)}
        if name == "fromkeys":
            return self.leaves(node.args[0], homes, seen)
        if name in ("list", "sorted", "dict", "zip", "enumerate", "reversed", "str", "min", "max", "next"):
            return {leaf for part in node.args for leaf in self.leaves(part, homes, seen)}
        return self.returned(name, seen) if name in self.local or name in everywhere() else {ast.unparse(node)}

    def returned(self, name, seen):
        tree, function = (self.tree, self.local[name]) if name in self.local else everywhere()[name]
        if function in seen:
            return set()
        other = self if tree is self.tree else Follower(tree, self.takers)
        found = [n.value for n in walk(function) if isinstance(n, ast.Return) and n.value is not None]
        return {leaf for value in found for leaf in other.leaves(value, [function], (*seen, function))}

    def key(self, function):
        """A function that is alone in its name is known to all files, another one to its own."""
        return "" if function.name in everywhere() else id(self.tree)

    def key_of(self, func):
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        return "" if name in everywhere() else id(self.tree) if isinstance(func, ast.Name) else None

    def texts(self, call):
        """The arguments of a call that Streamlit reads as Markdown."""
        func = call.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        owner = func.value.id if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else ""
        named = {k.arg: k.value for k in call.keywords}
        found = []
        if name in STREAMLIT and isinstance(func, ast.Attribute) and owner in ("st", "place", "bar", "column", "left"):
            places = {1} if name == "progress" else {0, 1} if name in {*GROUPS, "metric"} else {0}
            found += [value for i, value in enumerate(call.args) if i in places]
            found += [named[key] for key in ("label", "body", "help", "text") if key in named]
            if name in GROUPS and "format_func" in named:
                found = [*call.args[:1], *(named[key] for key in ("format_func", "help") if key in named)]
        for index, parameter in self.takers.get((name, self.key_of(func)), ()):
            if parameter in named:
                found.append(named[parameter])
            elif index < len(call.args):
                found.append(call.args[index])
        return found


def test_every_text_that_is_read_as_markdown_is_the_labs_own_or_plain():
    takers, before = {}, None
    while before != takers:
        before = {name: set(places) for name, places in takers.items()}
        found = {}
        for file, tree in trees().items():
            follower = Follower(tree, takers)
            for call in [n for n in walk(tree) if isinstance(n, ast.Call)]:
                homes = follower.at.get(id(call), [])[::-1]
                for text in follower.texts(call):
                    for leaf in follower.leaves(text, homes) - KNOWN.get(file, set()):
                        found[f"{file}:{call.lineno}"] = found.get(f"{file}:{call.lineno}", set()) | {leaf}
    assert not found, "\n".join(
        f"{place}: {leaf}" for place, leaves in sorted(found.items()) for leaf in sorted(leaves)
    )
