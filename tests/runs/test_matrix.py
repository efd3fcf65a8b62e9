import pytest

from core.runs.lists import expression, matrix, scatter
from core.runs.lists.index import Listed
from core.runs.notes import Notes


def run(name, f1, *, depth=18, dataset="faces", folds=2, done=None, split="s1", tags=(), seconds=10.0, **settings):
    """f1: its mean; two folds lie 0.01 to either side of it. done: finished folds, all if None."""
    scores = [f1 - 0.01, f1 + 0.01, *[f1] * (folds - 2)] if f1 is not None else [None] * folds
    states = [
        {
            **{"fold": fold, "state": "done" if done is None or fold < done else "queued"},
            "scores": None if mean is None else {"best_f1": mean, "final_f1": mean / 2},
            "seconds": seconds / folds,
        }
        for fold, mean in enumerate(scores)
    ]
    summary = {
        **{"id": f"20260101-000000-{name}-0000", "name": name, "state": "done", "created": 1.0, "depth": depth},
        **{"dataset": dataset, "task": "label", "classes": 2, "samples": 100, "people": 50, "split": split},
        **{"settings": {"model.depth": depth, "training.batch_size": 32, **settings}, "folds": states},
    }
    return Listed(summary, Notes(tuple(tags)))


ALIKE = [
    *(run("a", 0.7), run("b", 0.8), run("c", 0.75, depth=34), run("d", 0.9, depth=34, **{"training.batch_size": 64})),
    run("half", 0.95, done=1),
]


def told(table):
    return {
        (table.rows[row], table.columns[column]): [
            (part.best.name, part.runs, round(part.lowest, 3), part.first) for part in cell.parts
        ]
        for (row, column), cell in table.cells.items()
    }


def test_a_cell_has_its_best_finished_run_and_the_best_cell_is_marked():
    table = matrix.matrix(ALIKE, "depth", "training.batch_size", "best_f1")
    assert told(table) == {
        ("18", "32"): [("b", 2, 0.7, False)],
        ("34", "32"): [("c", 1, 0.75, False)],
        ("34", "64"): [("d", 1, 0.9, True)],
    }
    assert table.cells[0, 0].unfinished == 1 and table.kinds.words == ("",)
    heats = [part.heat for cell in table.cells.values() for part in cell.parts]
    assert heats == pytest.approx([1 / 3, 0.0, 1.0])


def test_runs_of_other_photos_or_folds_are_split_in_a_cell_and_not_ranked_with_the_others():
    others = [run("e", 0.99, dataset="pets", split="s2"), run("f", 0.5, dataset="pets", split="s2", depth=34)]
    other_folds = run("g", 0.6, folds=3, split="s3", depth=34)
    table = matrix.matrix([*ALIKE, *others, other_folds], "depth", "depth", "best_f1")
    assert told(table)["18", "18"] == [("b", 2, 0.7, False), ("e", 1, 0.99, True)]
    assert told(table)["34", "34"] == [("d", 2, 0.75, True), ("f", 1, 0.5, False), ("g", 1, 0.6, False)]
    alone = table.cells[1, 1].parts[2]
    assert alone.heat is None and alone.among == 1
    assert table.kinds.words == ("faces · 2 folds", "pets · 2 folds", "faces · 3 folds")
    assert table.cells[0, 0].asked == "depth=18"


def test_kinds_that_nothing_with_a_name_tells_apart_get_letters_and_older_labs_are_said():
    table = matrix.matrix(
        [run("a", 0.7), run("b", 0.8, split="s2"), run("c", 0.8, split=None)], "dataset", "task", "best_f1"
    )
    assert table.kinds.words == tuple(f"photos or folds {letter}" for letter in "ABC")
    assert not table.kinds.exactly and matrix.matrix(ALIKE, "dataset", "task", "best_f1").kinds.exactly


def test_what_a_cell_asks_for_are_exactly_its_runs():
    runs = [
        run("a", 0.7, tags=["x", "two words"], **{"phases.0.lr": 0.0006, "mix": "none"}),
        run("b", 0.7, **{"phases.0.lr": 0.00061, "mix": None}),
        run("c", None, dataset='a "quoted" name', **{"phases.0.lr": 1e-05}),
        run("d", 0.7, dataset="with (parentheses)", tags=["x"], done=0),
    ]
    asked = 0
    for rows, columns in (("phases.0.lr", "tag"), ("dataset", "mix"), ("tag", "tag"), ("depth", "name")):
        table = matrix.matrix(runs, rows, columns, "best_f1")
        for (row, column), cell in table.cells.items():
            inside = {
                entry.name
                for entry in runs
                if table.rows[row] in map(matrix.text_of, matrix.values_of(entry, rows))
                and table.columns[column] in map(matrix.text_of, matrix.values_of(entry, columns))
            }
            assert len(inside) == sum(part.runs for part in cell.parts) + cell.unfinished
            if '"' in table.rows[row]:
                assert cell.asked is None
                continue
            search = expression.read(cell.asked)
            assert expression.problems(runs, search) == []
            assert {entry.name for entry in runs if expression.meets(entry, search.tree)} == inside
            asked += 1
    assert asked > 10


def test_a_cell_of_a_setting_that_somebody_named_asks_for_its_runs_or_for_none():
    hair, nails = "task.only.hair color", 'task.only.6" nails'
    runs = [run("a", 0.7, **{hair: "dark", nails: "yes"}), run("b", 0.8, **{hair: "dark"}), run("c", 0.9)]
    table = matrix.matrix(runs, hair, "depth", "best_f1")
    asked = [expression.read(table.cells[row, 0].asked) for row in (0, 1)]
    assert [expression.problems(runs, search) for search in asked] == [[], []] and table.rows == ("dark", "none")
    met = [[entry.name for entry in runs if expression.meets(entry, search.tree)] for search in asked]
    assert met == [["a", "b"], ["c"]]
    assert {cell.asked for cell in matrix.matrix(runs, nails, "depth", "best_f1").cells.values()} == {None}


def test_a_matrix_of_too_many_values_says_how_many_are_left_out():
    table = matrix.matrix([run(f"r{n:03}", 0.5) for n in range(60)], "name", "name", "best_f1")
    assert (len(table.rows), len(table.columns)) == (matrix.ROWS, matrix.COLUMNS)
    assert (table.more_rows, table.more_columns) == (60 - matrix.ROWS, 60 - matrix.COLUMNS)
    empty = matrix.matrix([], "depth", "dataset", "best_f1")
    assert empty.cells == {} and empty.kinds.words == ()


def test_points_lie_where_their_numbers_are():
    runs = [run("a", 0.6, seconds=60.0), run("b", 0.8, seconds=120.0), run("none", None), run("half", 0.7, done=1)]
    chart = scatter.scatter(runs, "time", "best_f1")
    assert [point.entry.name for point in chart.points] == ["a", "b", "half"]
    a, b, half = chart.points
    assert a.x < b.x and a.y < half.y < b.y and (a.whole, half.whole) == (True, False)
    assert chart.unscored == 1 and chart.levels == () and a.across == "1 min 00 s"
    # a straight axis: what lies at a tick's number lies at the tick
    by_label = {label: place for place, label in chart.x.ticks}
    assert by_label["1 min 00 s"] == pytest.approx(a.x) and by_label["2 min 00 s"] == pytest.approx(b.x)
    assert all(0 <= place <= 1 for place, _ in (*chart.x.ticks, *chart.y.ticks)) and len(chart.y.ticks) > 2


def test_numbers_over_decades_get_a_log_axis_and_whole_ones_whole_ticks():
    rates = [run(str(rate), 0.5, lr=rate) for rate in (1e-5, 1e-4, 1e-3)]
    chart = scatter.scatter(rates, "lr", "best_f1")
    assert chart.x.log and [label for _, label in chart.x.ticks] == ["1e-05", "0.0001", "0.001"]
    assert chart.points[1].x == pytest.approx(0.5)
    depths = scatter.scatter([run("a", 0.5), run("b", 0.5, depth=20)], "depth", "best_f1")
    assert [label for _, label in depths.x.ticks] == ["18", "19", "20"] and not depths.x.log


def test_words_make_groups_with_a_mean_of_each_kind_of_runs():
    runs = [
        run("a", 0.6),
        run("b", 0.8),
        run("c", 0.1, split="s2"),
        run("d", 0.3, split="s2"),
        run("e", 0.9, dataset="pets"),
    ]
    chart = scatter.scatter([*runs, run("half", 0.99, done=1)], "dataset", "best_f1")
    assert chart.x.groups and [label for _, label in chart.x.ticks] == ["faces", "pets"]
    assert sorted((round(level.mean, 6), level.runs) for level in chart.levels) == [(0.2, 2), (0.7, 2)]
    assert all(point.x < 0.5 for point in chart.points if point.entry.summary["dataset"] == "faces")
    tagged = scatter.scatter([run("a", 0.6, tags=["x", "y"]), run("b", 0.7)], "tag", "best_f1")
    assert [label for _, label in tagged.x.ticks] == ["x", "y", "none"] and len(tagged.points) == 3


@pytest.mark.parametrize("across", ["time", "launched", "depth", "dataset", "training.batch_size", "size"])
def test_one_run_and_none_can_be_drawn(across):
    for runs in ([], [run("a", 0.6)], [run("a", None)]):
        chart = scatter.scatter(runs, across, "final_f1")
        assert len(chart.points) == (len(runs) if runs and runs[0].name == "a" and runs[0].scores["best_f1"][2] else 0)
        assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 for point in chart.points)
