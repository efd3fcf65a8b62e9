"""How a search goes on that was typed in part."""

import pytest

from core.runs.lists import expression
from core.runs.lists.completing import completions
from core.runs.lists.index import Listed
from core.runs.notes import Notes


def run(name, depth, tags=(), state="done", **settings):
    summary = {
        **{"id": f"20260101-000000-{name}-0000", "name": name, "state": state, "created": 0.0, "epochs": 3},
        **{"dataset": "Label noise (2)", "task": "gender-age", "depth": depth, "study": None, "recipe": ["quick", 2]},
        "settings": {"model.depth": depth, "mix.method": "none", **settings},
        "folds": [{"fold": 0, "state": state}],
    }
    return Listed(summary, Notes(tuple(tags)))


NAMED = {"task.only.eye color": "light brown"}
RUNS = [
    run("alpha", 18, tags=["paper", "to keep"], **NAMED),
    run("beta", 34, state="failed", **{"mix.method": "mixup"}),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dep", ["depth=", "model.depth="]),
        ("(f1>0.7 or tag", ["tag="]),
        ("met", ["mix.method="]),
        ("sta", ["state="]),
        ("state=", ["state=done", "state=failed"]),
        ("not state=D", ["state=done"]),
        ("tag=", ["tag=paper", 'tag="to keep"']),
        ('x and tag="to', ['tag="to keep"']),
        ("depth>", ["depth>18", "depth>34"]),
        ("recipe=", ['recipe="Quick, 2 changed"']),
        ("State = fa", ["state=failed"]),
        ("eye", ['"task.only.eye color"=']),
        ('not "eye color"=li', ['"eye color"="light brown"']),
        ('"eye color" = ', ['"eye color"="light brown"']),
        ('"eye color"', []),
        ("alp", []),  # a word that a run is found by
        ("s", []),
        ("state=done", []),
        ("state=done ", []),
        ("name contains st", []),
        ("size>", []),
        ("nothing=", []),
        ("f1>0.7 or", []),
        ("", []),
    ],
)
def test_the_end_of_a_search_goes_on(text, expected):
    assert [end for end, _ in completions(RUNS, text)] == expected


def test_what_is_chosen_is_the_search_with_its_end_and_is_understood():
    for text in ("(depth=18 or state=", "not tag=", "mix.method=mi", "depth=18 and recipe=", '"eye color"='):
        for end, whole in completions(RUNS, text):
            assert whole.endswith(end) and whole.startswith(text[:4])
            closed = whole + ")" * (whole.count("(") - whole.count(")"))
            assert expression.problems(RUNS, expression.read(closed)) == []
            assert any(expression.meets(each, expression.read(closed).tree) for each in RUNS)


def test_a_recipe_is_found_by_what_it_is_called_and_as_older_labs_called_it():
    def met(text):
        return [each.name for each in RUNS if expression.meets(each, expression.read(text).tree)]

    assert met('recipe="quick, 2 changed"') == met('recipe="quick +2"') == met("recipe contains quick") == met("quick")
    assert met("recipe=quick") == [] and met("not recipe=quick") == ["alpha", "beta"]
