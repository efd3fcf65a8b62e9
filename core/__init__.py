"""Facet Lab's core: everything the lab does, without a browser."""
