"""Facet Lab's core: everything the lab does, without a browser."""

__version__ = "0.2.0.dev0"  # the one place: pyproject.toml, the command line, the pages and run.json read it here
