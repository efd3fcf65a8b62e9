"""lab.toml: what holds for a whole lab and not for one run, such as who comes in and where it may look.

The one reader. A name that no section has, a value of another kind or a file that is no TOML is refused: what keeps
people out must not be left out in silence because of a letter. Imports no torch.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StrictBool, ValidationError

from core import places
from core.errors import LabError

KIND = "lab-file"  # of every LabError about it
MODE, PUBLISHED = "FACET_DOOR", "FACET_DOOR_PUBLISHED"  # win over [door] mode and published
REMEDY = "Correct it, then start the lab again."
Event = Literal["done", "failed", "diverged", "memory", "interrupted", "queue", "study"]
SECRET = ("alerts", "to", "url")  # settings whose value no error repeats


def _absolute(path: Path) -> Path:
    path = Path(os.path.expanduser(path))
    if not path.is_absolute():
        raise ValueError("a folder is named from the root on, such as /data/photos")
    return path


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProxyDoor(_Section):
    """[door.proxy]: a web server in front says who is asking, and proves with a secret that it is that server."""

    identity_header: str = Field("X-Forwarded-User", pattern=r"^[A-Za-z0-9-]+$")
    secret_header: str = Field("X-Facet-Secret", pattern=r"^[A-Za-z0-9-]+$")
    secret_file: Annotated[Path, AfterValidator(_absolute)] | None = None  # else FACET_DOOR_SECRET


class OidcDoor(_Section):
    """[door.oidc]: people log in at a provider, which .streamlit/secrets.toml names; of them these come in."""

    allow: tuple[str, ...] = ()  # addresses, or @domain for all of a domain
    unverified: StrictBool = False  # also addresses of which the provider does not say that it has verified them
    hours: float = Field(24, gt=0, le=720)  # after which one logs in anew


class Door(_Section):
    """[door]: who comes in."""

    mode: Literal["alone", "proxy", "oidc"] = "alone"
    hosts: tuple[str, ...] = ()  # names under which people reach the lab, besides those of this machine itself
    published: StrictBool = False  # "alone" in a container, whose port is reached from outside it
    proxy: ProxyDoor = ProxyDoor()
    oidc: OidcDoor = OidcDoor()


class Data(_Section):
    """[data]: where the lab may look."""

    folders: tuple[Annotated[Path, AfterValidator(_absolute)], ...] | None = None  # of datasets; None: nothing is said


class People(_Section):
    """[people]: who may do what, where several come in."""

    admins: tuple[str, ...] = ()  # as the door names them: may change what is not theirs, and the lab's settings


class Queue(_Section):
    """[queue]: how the lab's people share its machines."""

    each: int | None = Field(None, ge=1)  # fold jobs of one person that train at a time; None: as many as there is room


class AlertTo(_Section):
    """One [[alerts.to]]: an address that is told, see core/jobs/alerts/addresses.py."""

    url: SecretStr  # who knows it can write there
    kind: Literal["", "json", "slack", "discord", "ntfy"] = ""  # what its messages look like; empty: as its host says
    events: tuple[Event, ...] | None = None  # None: all of them


class Alerts(_Section):
    """[alerts]: who is told when a run or a study ends, besides whom the page Settings names."""

    address: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")  # of this lab's pages, for links
    to: tuple[AlertTo, ...] = ()


class LabFile(_Section):
    """All of lab.toml, a section a field."""

    door: Door = Door()
    data: Data = Data()
    people: People = People()
    queue: Queue = Queue()
    alerts: Alerts = Alerts()


def read(runs: Path | None = None) -> LabFile:
    """What lab.toml says (places.lab_file), the defaults where there is none; FACET_DOOR and FACET_DOOR_PUBLISHED win.

    runs: the folder of the runs, runs_folder() if None. Raises LabError(kind 'lab-file') naming the file and the line
    or the setting.
    """
    path = places.lab_file(runs)
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # also where a file stands in the place of the runs folder
        content = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LabError(f"{path} is not TOML: {error}.", REMEDY, kind=KIND) from error
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror or error}.", REMEDY, kind=KIND) from error
    given = {"mode": os.environ.get(MODE), "published": _switch(os.environ.get(PUBLISHED))}
    given = {name: value for name, value in given.items() if value not in (None, "")}  # False says something
    if given and isinstance(content.get("door", {}), dict):
        content = content | {"door": content.get("door", {}) | given}
    try:
        return LabFile.model_validate(content)
    except ValidationError as error:
        wrong = [fault["loc"] for fault in error.errors()]
        variables = {"mode": MODE, "published": PUBLISHED}
        sources = [*(variables[name] for name in given if ("door", name) in wrong), str(path)]
        raise LabError(f"{' and '.join(sources)}: {'; '.join(_in_words(error))}.", REMEDY, kind=KIND) from error


def _switch(text: str | None) -> bool | str | None:
    """A variable of the environment as a bool, as it is where it is none."""
    return {"1": True, "true": True, "0": False, "false": False}.get((text or "").lower(), text)


def _in_words(error: ValidationError) -> list[str]:
    sentences = []
    for fault in error.errors():
        *section, name = (str(part) for part in fault["loc"] if not isinstance(part, int))
        place = f"[{'.'.join(section)}]" if section else "the file"
        if fault["type"] == "extra_forbidden":
            names = ", ".join(_names(section))
            sentences.append(f"{place} has no '{name}'; it has {names}")
        else:
            text = fault["msg"].removeprefix("Value error, ")
            value = "" if name in SECRET else f" = {fault['input']!r}"
            sentences.append(f"{place} {name}{value}: {text[:1].lower()}{text[1:]}")
    return sentences


def _names(section: list[str]) -> list[str]:
    """The names that a section knows."""
    model: type[BaseModel] = LabFile
    for name in section:
        kind: Any = model.model_fields[name].annotation
        model = next(iter(get_args(kind)), kind)  # of a list of sections one
    return list(model.model_fields)
