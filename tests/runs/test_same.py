from core.runs.lists.index import Listed
from core.runs.lists.same import KEPT, kept


def entries(*names):
    return [Listed({"id": name, "name": name, "folds": []}) for name in names]


def test_an_answer_is_kept_for_as_long_as_the_runs_are_the_same():
    asked = []

    @kept
    def names(runs, suffix):
        asked.append(suffix)
        return [entry.name + suffix for entry in runs]

    first = entries("a", "b")
    assert names(first, "!") == names(list(first), "!") == names(entries("a", "b"), "!") == ["a!", "b!"]
    assert asked == ["!"]
    assert names(first, "?") == ["a?", "b?"] and names(first[:1], "?") == ["a?"] and names(iter(first), "!")
    assert asked == ["!", "?", "?"]
    renamed = [Listed({**first[0].summary, "name": "c"}), first[1]]
    assert names(renamed, "!") == ["c!", "b!"], "of a run that changed nothing is kept"


def test_what_a_caller_does_with_an_answer_stays_with_it():
    names = kept(lambda runs: [entry.name for entry in runs])
    runs = entries("a")
    names(runs).append("spoilt")
    assert names(runs) == ["a"]


def test_no_more_answers_than_a_few_are_kept():
    asked = []

    @kept
    def number(runs, which):
        asked.append(which)
        return [which]

    runs = entries("a")
    for which in range(KEPT + 1):
        number(runs, which)
    number(runs, KEPT)
    assert len(asked) == KEPT + 1
    number(runs, 0)
    assert asked[-1] == 0, "the oldest is found out anew"
