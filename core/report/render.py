"""A report as one HTML file that needs nothing else, or as Markdown. Imports no torch."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from core.report.blocks import Block, Figure, Report

TEMPLATES = Path(__file__).parent / "templates"


def html(report: Report) -> str:
    """One file: plotly and the photos inside, no address that a browser would load, light and dark.

    Its content security policy forbids every connection, so that this stays true whatever names contain.
    """
    page = _environment(autoescape=True)
    page.filters["base64"] = lambda data: base64.b64encode(data).decode()
    figures = [block for section in report.sections for block in section.blocks if isinstance(block, Figure)]
    return page.get_template("report.html.j2").render(
        report=report,
        plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),
        figures=Markup(_inert(json.dumps([json.loads(figure.figure.to_json()) for figure in figures]))),
        places={id(figure): number for number, figure in enumerate(figures)},
    )


def markdown(report: Report) -> str:
    """The same words and tables; figures and photos are named, since Markdown cannot hold them."""
    page = _environment(autoescape=False)
    page.filters |= {"md": escaped, "cell": _cell, "fence": _fence}
    text = page.get_template("report.md.j2").render(report=report)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escaped(text: object) -> str:
    """Text that Markdown shows as it is: one line, no markup, no HTML, no link."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", line)
    line = re.sub(r"^([+\-]|\d+[.)])(?=\s)", lambda hit: hit[0][:-1] + "\\" + hit[0][-1], line)
    return re.sub(r"(?i)(https?|ftp|www)(?=[:.])", lambda hit: f"{hit[0][:-1]}&#{ord(hit[0][-1])};", line)


def _cell(text: object) -> str:
    return escaped(text) or " "


def _fence(text: str) -> str:
    """A fence that is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def _inert(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"kind": _kind, "identity": id}
    return environment


def _kind(block: Block) -> str:
    return type(block).__name__.lower()
