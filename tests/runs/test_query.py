import pytest

from core.runs.lists import expression
from core.runs.lists.index import Listed
from core.runs.lists.query import Query, choices, choose, grouped, ordered, varying
from core.runs.notes import Notes


def entry(name, *, depth=18, f1=None, tags=(), archived=None, created=1.0, state="done", text="", epochs=3, **settings):
    scores = None if f1 is None else {"best_f1": f1, "final_f1": f1, "best_accuracy": f1, "final_accuracy": f1}
    summary = {
        **{"id": f"20260101-000000-{name}-0000", "name": name, "state": state, "created": created},
        **{"dataset": "demo", "task": "gender-age", "depth": depth, "study": None, "recipe": ["quick", 0]},
        "epochs": epochs,
        "settings": {"model.depth": depth, "mix.method": "none", **settings},
        "folds": [{"fold": 0, "state": "done", "scores": scores, "started": 1.0, "ended": 3.0}],
    }
    return Listed(summary, Notes(tuple(tags), text, archived))


A = entry("alpha", f1=0.7, tags=["good", "paper"], created=3.0)
B = entry("beta", depth=34, f1=0.9, created=2.0, text="Overfits the OLDEST", **{"mix.method": "mixup"})
C = entry("gamma", depth=50, created=1.0, state="failed", archived=5.0)


def names(entries):
    return [listed.name for listed in entries]


def test_archived_runs_have_their_own_list():
    assert names(choose([A, B, C], Query())) == ["alpha", "beta"]
    assert names(choose([A, B, C], Query(archived=True))) == ["gamma"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ALPHA", ["alpha"]),
        ("oldest overfits", ["beta"]),
        ("paper demo", ["alpha"]),
        ("paper beta", []),
        ("mix.method=mixup", ["beta"]),
        ("method=MIXUP", ["beta"]),
        ("model.depth=34 beta", ["beta"]),
        ("model.depth=3", []),
        ("=", ["alpha", "beta"][:0]),
        ("", ["alpha", "beta"]),
    ],
)
def test_search_looks_at_words_notes_tags_and_settings(text, expected):
    assert names(choose([A, B], Query(text=text))) == expected


LONG = entry("delta", f1=0.8456, tags=["good"], epochs=25, **{"phases.0.lr_head": 6e-4, "training.seed": 7})


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("f1>0.7", False),
        ("f1 >= 0.7", True),
        ("f1=0.70 depth=18", True),
        ("f1≤70%", True),
        ("depth!=34", True),
        ("tag=PAPER", True),
        ("tag!=paper", False),
        ("name=alpha state=done", True),
        ('"paper"', True),
        ("time<3s", True),
        ("time>1 min", False),
        ("epochs>3", False),
        ("folds==1", True),
        ("f1>0.6 and folds=1", True),
        ("name=alpha, state=done, paper, & f1>0.6", True),
        ("f1>0.6 and folds=2", False),
        ('f1>0.6 "and"', False),
    ],
)
def test_conditions_on_columns(text, fits):
    assert (names(choose([A], Query(text=text))) == ["alpha"]) is fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [("epochs>3", ["delta"]), ("lr_head=6e-4", ["delta"]), ("seed>=7", ["delta"]), ("f1>0.8 f1<0.846", ["delta"])],
)
def test_conditions_on_settings_and_what_a_run_lacks(text, expected):
    assert names(choose([A, LONG], Query(text=text))) == expected


def test_a_condition_says_what_is_not_understood_and_then_fits_no_run():
    def why(text):
        return expression.problems([A, B], expression.read(text))

    assert why("f1>0.7 depth=18 method=mixup nothing") == []
    (typing_error,) = why("epoch>3")
    assert "no column or setting is called epoch." in typing_error and "Did you mean epochs?" in typing_error
    assert "three is not a number" in why("depth>three")[0]
    assert "is not a size such as 500 MB" in why("size>500")[0]
    assert "only =, != and contains can be asked" in why("dataset>demo")[0]
    assert names(choose([A, B], Query(text="epoch!=3"))) == []
    assert names(choose([A, B], Query(text="f1>0.6 or folds=2"))) == ["alpha", "beta"]
    assert names(choose([A, B], Query(text="paper or and"))) == [] == why("paper or and")


def test_filters_are_all_required_and_their_values_are_alternatives():
    assert names(choose([A, B], Query(depth=(18, 34)))) == ["alpha", "beta"]
    assert names(choose([A, B], Query(depth=(18,), tag=("good",)))) == ["alpha"]
    assert names(choose([A, B], Query(depth=(34,), tag=("good",)))) == []
    assert names(choose([A, B], Query(state=("failed",)))) == []


def test_runs_without_a_score_come_last_in_both_directions():
    assert names(ordered([C, A, B], "best_f1", descending=True)) == ["beta", "alpha", "gamma"]
    assert names(ordered([C, A, B], "best_f1", descending=False)) == ["alpha", "beta", "gamma"]
    assert names(ordered([C, A, B], "no such column", descending=False)) == ["gamma", "beta", "alpha"]


def test_groups_by_field_setting_and_tag():
    def groups(listed, by):
        return [(value, names(runs)) for value, runs in grouped(listed, by)]

    assert groups([A, B, C], "depth") == [("18", ["alpha"]), ("34", ["beta"]), ("50", ["gamma"])]
    assert groups([A, B], "mix.method") == [("mixup", ["beta"]), ("none", ["alpha"])]
    assert groups([A, B], "tag") == [("good", ["alpha"]), ("paper", ["alpha"]), ("none", ["beta"])]


def test_values_of_different_kinds_can_be_grouped_together():
    odd = [entry("a", x=1), entry("b", x="one"), entry("c", x=None), entry("d", x=0.5)]
    assert [value for value, _ in grouped(odd, "x")] == ["0.5", "1", "one", "none"]


def test_what_varies():
    assert varying([A, B]) == ["model.depth", "mix.method"]
    assert varying([A, A]) == [] == varying([])
    assert varying([A, entry("other", extra=1)]) == ["extra"]
    assert varying([entry("other", extra=1), A]) == ["extra"]


def test_choices_are_what_occurs():
    assert choices([A, B, C], "depth") == [18, 34, 50]
    assert choices([A, B], "tag") == ["good", "paper"]
    assert choices([A, B], "study") == []


def test_scores_are_of_finished_folds_and_time_of_ended_ones():
    summary = {**A.summary, "folds": [*A.summary["folds"], {"fold": 1, "state": "running", "scores": {"best_f1": 0.1}}]}
    assert Listed(summary).scores["best_f1"][::2] == (0.7, 1)
    assert Listed(summary).seconds == 2.0
    assert Listed(summary).done == (1, 2)
    assert Listed({"id": "x", "unreadable": "summary.json is missing"}).seconds is None
