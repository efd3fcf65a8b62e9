"""The verb `render-config`: a recipe with every setting written out and explained."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.options.runs import AnyRunsOption
from core.config import recipes
from core.config.written_out import to_explained_yaml


def render_config(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, a YAML file, or a run's config.yaml.")],
    runs_dir: AnyRunsOption = None,
) -> None:
    """Print the whole configuration as YAML, all defaults written out and explained. `train` reads it back."""
    print(to_explained_yaml(recipes.load_recipe(recipe, runs_dir)), end="")
