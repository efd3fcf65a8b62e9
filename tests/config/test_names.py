"""What people call settings."""

from core.config.names import idle, last_epoch, title_of, titles_of
from core.config.recipes import all_recipes, load_recipe
from core.config.settings import flat, leaves


def test_settings_have_words_and_those_that_would_be_taken_for_another_have_their_own():
    assert title_of("phases.0.lr_head") == title_of("phases.1.lr_head", first=1) == "Phase 1: Head learning rate"
    assert title_of("model.depth") == "Depth" and title_of("mix.method") == "Mix images"
    assert title_of("transforms.Resize.params.height") == "Scale to a size: Height"
    assert title_of("transforms.HorizontalFlip 2.p") == "Mirror left and right 2: Probability"
    assert title_of("transforms.Nothing.x") == "Nothing: X" and title_of("what.is.this") == "what.is.this"
    config = load_recipe("quick")
    paths = [path for path in flat(config) if path not in ("schema_version", "name", "description", "transforms")]
    titles = [title_of(path) for path in paths]
    assert [path for path, title in zip(paths, titles, strict=True) if path == title] == []
    assert len(set(titles)) == len(titles), sorted(title for title in titles if titles.count(title) > 1)


def test_what_people_named_is_not_told_as_the_setting_that_is_called_so():
    assert title_of("task.limits.depth") == "Limits of numbers: depth"
    assert title_of("task.only.hair.p") == "Only photos with: hair.p"
    assert title_of("task.merge.St. Bernard") == "Merged classes: St. Bernard"
    assert title_of("data.attributes.epochs") == "Columns that are attributes: epochs"
    assert title_of("task.limits") == "Limits of numbers"


def test_settings_that_are_called_alike_are_told_apart():
    assert titles_of(["training.seed", "model.depth"]) == {"training.seed": "Seed", "model.depth": "Depth"}
    apart = titles_of(
        ["task.name", "phases.0.epochs", "phases.1.epochs", "here.epochs", "there.epochs"], others=["Task"]
    )
    assert list(apart.values()) == [
        *("Task (task.name)", "Phase 1: Epochs", "Phase 2: Epochs"),
        *("Epochs (here.epochs)", "Epochs (there.epochs)"),
    ]


def test_what_nothing_obeys_is_a_setting_that_there_is():
    for recipe in all_recipes().values():
        settings = recipe.model_dump(mode="json")
        assert idle(settings) <= set(dict(leaves(settings)))


def test_a_last_epoch_is_said_not_to_be_chosen_of_runs_that_do_not_stop_early():
    assert last_epoch([None, None]) == "the last epoch is not chosen"
    assert "except where early stopping" in last_epoch([None, 3]) and "flatters a little" in last_epoch([3, 5])
