import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.runs.lists import conditions, expression
from core.runs.lists.index import Listed
from core.runs.notes import Notes


def run(name, *, f1=None, depth=18, tags=(), note="", state="done", created=0.0, **settings):
    scores = None if f1 is None else {"best_f1": f1, "final_f1": f1, "best_accuracy": f1, "final_accuracy": f1}
    summary = {
        **{"id": f"20260101-000000-{name}-0000", "name": name, "state": state, "created": created, "epochs": 3},
        **{"dataset": "Label noise (2)", "task": "gender-age", "depth": depth, "study": None, "recipe": ["quick", 0]},
        "settings": {"model.depth": depth, "mix.method": "none", "data.mask": None, **settings},
        "folds": [{"fold": 0, "state": state, "scores": scores}],
    }
    return Listed(summary, Notes(tuple(tags), note))


def at(*moment):
    return time.mktime((*moment, *(0,) * (8 - len(moment)), -1))


OF_DARK = {"task.only.hair color": "dark, fair"}
A = run("alpha", f1=0.7, tags=["good", "paper"], created=at(2026, 2, 28, 23, 59), **OF_DARK)
B = run("beta", f1=0.9, depth=34, note="this and that", created=at(2026, 3, 1), **{"phases.0.lr": 0.0006})
C = run(
    "gamma", depth=50, state="failed", created=at(2026, 3, 2, 12), **{"phases.0.lr": 0.00061, "mix.method": "mixup"}
)
RUNS = [A, B, C]


def met(text):
    search = expression.read(text)
    assert expression.problems(RUNS, search) == []
    return "".join(entry.name[0] for entry in RUNS if expression.meets(entry, search.tree))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f1>0.8 or tag=paper", "ab"),
        ("not f1>0.8", "ag"),
        ("not not f1>0.8", "b"),
        ("depth=18 or depth=34 and f1>0.8", "ab"),
        ("(depth=18 or depth=34) and f1>0.8", "b"),
        ("(depth=18 or depth=34) f1>0.8", "b"),
        ("not (depth=18 or depth=34)", "g"),
        ("NOT(state=done)OR(tag CONTAINS pap)", "ag"),
        ("name contains ET", "b"),
        ("not tag contains o", "bg"),
        ("note contains that", "b"),
        ("mix.method contains mix", "g"),
        ('dataset="label noise (2)" and depth>18', "bg"),
        ("beta or alpha", "ab"),
        ('"this and that"', "b"),
        ("this and that", "b"),
        ("state!=done | f1>=0.9", "bg"),
        ("study=none", "abg"),
        ("data.mask=none", "abg"),
        ("f1=none", "g"),
        ("f1!=none", "ab"),
        ("finished=0", "g"),
        ("launched=2026-02-28", "a"),
        ("launched>2026-02", "bg"),
        ("launched<=2026-03-01", "ab"),
        ("launched<2026-03-01", "a"),
        ("launched>=2026-03-01 launched<2026-03-02", "b"),
        ('launched="2026-02-28 23:59"', "a"),
        ("launched=2026", "abg"),
        ("launched<yesterday and age>2 d", "abg"),
        ("lr=0.0006", "bg"),
        ("lr=0.0006e0", "b"),
        ('"task.only.hair color"="dark, fair"', "a"),
        ('"Hair Color" CONTAINS dark or lr=0.0006e0', "ab"),
        ('not ("hair color" = none)', "a"),
        ('"this and that" and "hair color"=none', "b"),
    ],
)
def test_what_an_expression_lets_through(text, expected):
    assert met(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(f1>0.7", "( at character 1: it is never closed"),
        ("f1>0.7)", ") at character 7: there is no ( that it closes"),
        ("f1>0.7 or", "or at character 8: after it a condition or a word is missing"),
        ("f1>0.7 and or depth=18", "and at character 8: after it"),
        ("and f1>0.7", "and at character 1: before it"),
        ("f1>0.7 ()", "( at character 8: after it"),
        ("f1> and depth>", "depth> at character 9: a condition has a column"),
        ("0.7<f1<0.9", "0.7<f1<0.9 at character 1: a condition has a column"),
        ('name="alpha', 'name="alpha at character 1'),
        ("f1 contains 7", "f1 is a number, so it is compared"),
        ("state=finished", "no state is called finished. States are queued, running, done"),
        ("launched>monday", "monday is not a day such as 2026-11-20"),
        ("launched=2026-02-31", "2026-02-31 is not a day"),
        ("note>3", "only =, != and contains can be asked of it"),
        ("xyzzy=3", "Columns are f1, accuracy"),
        ('"hair colour"=dark', "no column or setting is called hair colour"),
        ('"hair color"=', "= at character 13: a condition has a column"),
        ("epoch=3 or epochs=3", "Did you mean epochs?"),
        ("(" * 60 + "f1>0.7" + ")" * 60, "at character 27: more than 25 parentheses"),
        ("a " * 1500, "has 3,000 characters"),
    ],
)
def test_what_is_not_understood_says_where_and_what_to_do(text, why):
    (problem,) = expression.problems(RUNS, expression.read(text))
    assert why in problem


@pytest.mark.parametrize(
    ("text", "understood"), [("not good", "not good"), ("a or b c", "a or (b and c)"), ("a b", "")]
)
def test_what_joins_parts_can_be_said_as_it_was_understood(text, understood):
    search = expression.read(text)
    assert (str(search) if search.joined else "") == understood


PIECES = [
    "(",
    ")",
    "and",
    "or",
    "not",
    '"',
    ",",
    " ",
    "f1",
    ">",
    "=",
    "0.7",
    "depth",
    "contains",
    "tag=x",
    '"hair color"',
    "≥",
    "é",
    "\n",
]
ANYTHING = st.one_of(
    st.text('ab1 .()<>=!|&",≥é\u0130\n', max_size=40), st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join)
)


@settings(max_examples=150, deadline=None)
@given(ANYTHING)
def test_whatever_is_typed_is_understood_or_its_fault_is_told(text):
    search = expression.read(text)
    problems = expression.problems(RUNS, search)
    assert problems == [] if search.tree is None and not search.fault else all(problems)
    if search.tree is not None:
        again = expression.read(str(search))
        assert [expression.meets(entry, search.tree) for entry in RUNS] == [
            again.tree is not None and expression.meets(entry, again.tree) for entry in RUNS
        ]


LEAVES = [
    ("f1>0.8", "f1 > 0.8"),
    ("depth<=34", "depth <= 34"),
    ("depth!=50", "depth != 50"),
    ("name=beta", "name == 'beta'"),
]
TREES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not ({one[0]})", f"(not ({one[1]}))")),
        inner.map(lambda one: (f"not {one[0]}", f"not {one[1]}")),  # of a joint: of its first part alone, as in Python
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: (f"{parts[0][0]} {parts[1]} {parts[2][0]}", f"{parts[0][1]} {parts[1]} {parts[2][1]}")
        ),
        inner.map(lambda one: (f"({one[0]})", f"({one[1]})")),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_an_expression_means_what_python_means_by_it(tree):
    ours, theirs = tree
    for entry, f1, depth, name in ((A, 0.7, 18, "alpha"), (B, 0.9, 34, "beta"), (C, float("nan"), 50, "gamma")):
        expected = eval(theirs, {}, {"f1": f1, "depth": depth, "name": name})
        assert expression.meets(entry, expression.read(ours).tree) is expected


def test_a_search_is_narrowed_and_a_value_is_asked_for_exactly():
    assert met(expression.narrowed("alpha or gamma", "depth=50")) == "g"
    assert met(expression.narrowed("", "depth=50")) == "g"
    values = [0.0006, 0.00061]
    assert conditions.as_typed("phases.0.lr", 0.0006, values) == "phases.0.lr=0.0006e0"
    assert met(conditions.as_typed("phases.0.lr", 0.00061, values)) == "g"
    assert met(conditions.as_typed("dataset", "Label noise (2)")) == "abg"
    assert met(conditions.as_typed("phases.0.lr", None)) == "a"
    assert conditions.as_typed("name", 'a "quoted" one') is None


KEYS = ["name", "epochs", "task.only.hair color", "task.merge.<1.5", "task.limits.waist.cm", "task.only.ärmel, (links)"]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KEYS), st.sampled_from(["=", "!=", ">", "<=", "contains"]), st.text("ab1 .,()<>=!|&é\n", min_size=1)
)
def test_a_condition_that_is_put_together_is_read_as_it_was_meant(key, sign, value):
    asked = conditions.condition(key, sign, value)
    assert expression.read(str(expression.Search(asked))).tree == asked
    assert expression.read(expression.narrowed("a or b", str(expression.Search(asked)))).conditions == [asked]


def test_a_setting_whose_name_cannot_be_typed_is_not_offered():
    odd = run("odd", **{'task.only.6" nails': "yes", "task.only.two\nlines": "yes", "task.only.hair color": "dark"})
    names = conditions.askable([odd])
    assert "task.only.hair color" in names and not [name for name in names if '"' in name or "\n" in name]
    assert conditions.as_typed('task.only.6" nails', "yes") is None
    assert met(conditions.as_typed("task.only.hair color", "dark, fair")) == "a"
