"""The nodes of a Ray cluster that may train. Imports no ray: it is handed in."""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.engines.parcel import Node


def nodes_of(ray: Any) -> list[Node]:
    """Those that live and have a core; machines of one host name are told apart by their id."""
    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    names = Counter(node["NodeManagerHostname"] for node in alive)
    nodes = []
    for node in alive:
        name, resources = node["NodeManagerHostname"], node["Resources"]
        name = name if names[name] == 1 else f"{name} {node['NodeID'][:6]}"
        memory = int(resources.get("memory", 0))
        nodes.append(Node(node["NodeID"], name, resources["CPU"], resources.get("GPU", 0.0), memory))
    return nodes
