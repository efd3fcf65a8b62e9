"""The task that a dataset is trained for: the one asked for, or the one that its table is for where nobody asked."""

import pytest

from core.config import from_yaml, recipes, to_yaml
from core.data.tasks import possible_tasks
from core.errors import LabError
from core.plan.fitting import check_task, fit_task, leaves_task_open
from tests.data.tables import table
from tests.photos import draw, read

AGES = [f"{20 + 5 * n},{'fm'[n % 2]}" for n in range(12)]
THREE, TWELVE = [("nv", "mel", "bkl")[n // 2 % 3] for n in range(12)], [f"of {n // 2}" for n in range(12)]


def test_a_task_that_fits_stays_and_another_gives_way_to_the_first_that_makes_classes(tmp_path):
    lines = ["path,label,gender"]
    for number in range(4):
        draw(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{'ab'[number % 2]},female")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    scanned = read(tmp_path)
    assert possible_tasks(scanned.samples) == ["gender", "label", "attributes"]
    assert all(not fit_task(name, scanned).settings for name in ("label", "gender"))
    fit = fit_task("gender-age", scanned)
    assert fit.settings == {"task.name": "label"}, "all photos show women: gender would be one class"
    assert fit.note == "Task set to label: this dataset has no labels for the task gender-age."
    with pytest.raises(LabError, match="to gender or label"):
        check_task("age", scanned)


@pytest.mark.parametrize(
    ("columns", "cells", "settings", "note"),
    [
        ("dx,site", [f"{dx},{'ab'[n % 2]}" for n, dx in enumerate(THREE)], ["dx"], "Task set to dx"),
        (
            "site,Diagnosis",
            [f"{'ab'[n % 2]},{dx}" for n, dx in enumerate(THREE)],
            ["Diagnosis"],
            "Task set to Diagnosis",
        ),
        ("label,dx", [f"{'ab'[n // 3 % 2]},{dx}" for n, dx in enumerate(THREE)], "label", "Task set to label"),
        ("person,label", [f"p{n // 2},{name}" for n, name in enumerate(TWELVE)], "", "also tell label"),
        ("person,label", [f"p{n // 4},q{n // 4}" for n in range(12)], "", "also tell label"),
        ("label", [f"c{n // 2}" for n in range(12)], "", "also tell label"),
        ("label", ["ab"[n] if n < 2 else "" for n in range(12)], "", "also tell label"),
        ("label,dx", ["face,nv"] * 12, "", ""),
        ("smiling,hat", [f"{n % 2},{n // 2 % 2}" for n in range(12)], "", "also tell smiling and hat"),
        ("race", THREE, "", ""),
        ("mask,label", [f"{('mask', 'normal')[n % 2]},{dx}" for n, dx in enumerate(THREE)], "", ""),
    ],
    ids=[
        *("diagnosis", "behind another", "label", "many", "persons", "six of twelve", "of two", "one"),
        *("others", "race", "masks"),
    ],
)
def test_a_task_that_nobody_chose_is_what_the_table_labels_beside_ages_and_genders(
    tmp_path, columns, cells, settings, note
):
    """By its name, in few classes; where that cannot be told it is asked. What somebody chose stays."""
    rows = [f"{n}.jpg,{ages},{of}" for n, (ages, of) in enumerate(zip(AGES, cells, strict=True))]
    photos = [f"{n}.jpg" for n in range(12)]
    scanned = read(table(tmp_path, rows, *photos, header=f"image,age,sex,{columns}"))
    fit = fit_task("gender-age", scanned, is_open=True)
    of_attributes = {"task.name": "attributes", "task.attributes": settings}
    assert fit.settings == (
        of_attributes if isinstance(settings, list) else {"task.name": settings} if settings else {}
    )
    assert note in fit.note and bool(fit.note) == bool(note)
    chosen = fit_task("gender-age", scanned)
    assert not chosen.settings and not chosen.note


def test_the_task_of_a_recipe_is_open_where_it_says_none():
    named = recipes.all_recipes()
    assert [name for name, recipe in named.items() if not leaves_task_open(recipe, recipe)] == ["study-masked"]
    quick = named["quick"]
    saved = from_yaml(to_yaml(quick))
    assert saved == quick and not leaves_task_open(saved, saved), "who saved it saw its task"
    for changed in ({"head": "factored"}, {"init": "run:20260101-000000-first-0000"}):
        model = quick.model.model_copy(update=changed)
        assert not leaves_task_open(quick, quick.model_copy(update={"model": model}))
