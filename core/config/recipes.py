"""The named recipes, complete configurations in YAML: the lab's own, and after them those that its user saved."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from core.config.run_config import DataConfig, RunConfig, read_config, to_yaml
from core.errors import LabError, in_sentences
from core.places import lab_folder
from core.storage import asking, files, locks

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
RECIPES = Path(__file__).parent / "recipes"
TITLES = {  # of the lab's own on screen, where "study" is another thing: runs launched together
    "quick": "Quick",
    "study": "As published",
    "study-adam-sgd": "Adam, then SGD",
    "study-mixup": "With mix-up",
    "study-masked": "Second stage",
}


def all_recipes(folder: Path = RECIPES, root: Path | None = None) -> dict[str, RunConfig]:
    """Name -> recipe, for every YAML file in the folder; after the lab's own those that its user saved.

    root: the runs beside which these lie, here and below; runs_folder() if None.
    """
    paths = sorted(folder.glob("*.yaml"), key=lambda path: path.stem)
    named = {path.stem: read_config(path, path.name) for path in paths}
    named = dict(sorted(named.items(), key=lambda item: item[1].model.parent is not None))  # second stages come last
    return named | (own_recipes(root)[0] if folder == RECIPES else {})


def lab_recipes() -> list[str]:
    """The names of the lab's own recipes: those that every installation has."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def title(name: str) -> str:
    """What a screen calls a recipe: people's own by the name that they gave it."""
    return TITLES.get(name, name)


def version(root: Path | None = None) -> tuple[tuple[str, int, int], ...]:
    """(file, time, size) of every recipe there is: the same value means the same recipes."""
    stamps = []
    for path in (*sorted(RECIPES.glob("*.yaml")), *_own_files(root)[0]):
        with contextlib.suppress(OSError):  # deleted since it was listed, or out of reach, which own_recipes says
            status = path.stat()
            stamps.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(stamps)


def load_recipe(name: str, root: Path | None = None) -> RunConfig:
    """A named recipe or a YAML file. Raises LabError with the names there are, and where they lie."""
    named = all_recipes(root=root)
    if name in named:
        return named[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and files.may_be_there(path):
        return read_config(path, path.name)
    remedy = f"Use one of {', '.join(named)}, or a YAML file."
    if NAME.fullmatch(name) and out_of_reach(root) is None:
        remedy = f"{remedy} Saved ones are looked for in {recipes_home(root)}."
    raise not_known(name, remedy, root)


def not_known(name: str, remedy: str, root: Path | None = None) -> LabError:
    """That a name is no recipe's; and, where it may be that of a saved one, that these are out of reach. remedy: names
    those that are there."""
    message = f"recipe '{name}' is not known."
    if NAME.fullmatch(name) and (fault := out_of_reach(root)):
        message = in_sentences(message, fault.message)
        remedy = in_sentences(remedy, "For a saved one check the rights and the disk of that folder.")
    return LabError(message, remedy, kind="config")


def recipes_home(root: Path | None = None) -> Path:
    return lab_folder(root) / "recipes"


def own_recipes(root: Path | None = None) -> tuple[dict[str, RunConfig], dict[str, LabError]]:
    """(name -> recipe, name -> what is wrong with its file), a name of the lab's own never among them."""
    named, wrong = {}, {}
    paths, fault = _own_files(root)
    if fault:
        wrong[recipes_home(root).name] = fault
    for path in paths:
        if not NAME.fullmatch(path.stem) or (RECIPES / path.name).exists():
            wrong[path.stem] = LabError(f"recipe {path}: its name cannot be used.", "Rename the file.", "config")
            continue
        try:
            named[path.stem] = read_config(path, str(path))
        except LabError as error:
            wrong[path.stem] = error
        except Exception as error:  # one file must not close every page
            message = f"recipe {path}: cannot be read ({type(error).__name__})."
            wrong[path.stem] = LabError(message, "Correct the file, or delete it.", "config")
    return named, wrong


def out_of_reach(root: Path | None = None) -> LabError | None:
    """Why saved recipes cannot be looked for; None where they can. The lab's own are there all the same."""
    return _own_files(root)[1]


def _own_files(root: Path | None) -> tuple[list[Path], LabError | None]:
    """(the files, None), or none and why."""
    home = recipes_home(root)
    try:
        return files.matching(home, "*.yaml"), None
    except OSError as error:
        message = f"Saved recipes cannot be looked for in {home} ({error.strerror or type(error).__name__})."
        return [], LabError(message, files.CHECK, "config")


def owner_of(name: str) -> str:
    """Who saved a recipe; empty where that is not known."""
    try:
        owner = files.table_of(files.read_json(_owners_file())).get(name)
    except (OSError, ValueError, RecursionError):
        return ""
    return owner if isinstance(owner, str) else ""


def _owners_file() -> Path:
    """Beside the recipes, whose files hold a configuration and nothing else."""
    return recipes_home() / "saved-by.json"


def save_recipe(name: str, config: RunConfig, *, replace: bool = False) -> Path:
    """Write a recipe without its dataset, which is then of whoever asks.

    Raises LabError for a name that cannot be used or is taken; 'not-yours' where it would replace somebody else's.
    """
    if not NAME.fullmatch(name):
        raise LabError(
            f"recipe name {name!r}: cannot be used.", "Use a-z, 0-9 and hyphens, 40 characters at most.", "name"
        )
    if (RECIPES / f"{name}.yaml").exists():
        raise LabError(f"recipe '{name}': is one of the lab's own.", "Choose another name.", "name")
    path = recipes_home() / f"{name}.yaml"
    bare = config.model_copy(update={"data": DataConfig(), "name": name})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(path.with_name(".lock"), "the list of recipes"):
            if path.exists() and not replace:
                raise LabError(
                    f"recipe '{name}': there is one already.", "Choose another name, or replace it.", "exists"
                )
            if path.exists():
                asking.check(owner_of(name), f"recipe '{name}'")
            mine = {name: asking.asker().name}
            files.change_json(_owners_file(), "who saved the recipes", lambda owners: files.table_of(owners) | mine)
            files.write_text(path, to_yaml(bare))
    except OSError as error:
        raise LabError(f"{path}: cannot be written ({error.strerror}).", "Check the folder.", "disk") from error
    return path
