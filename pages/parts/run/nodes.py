"""Which node of a cluster trains a fold, or trained it last, beneath its card."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from core.runs import FoldState
from core.runs.use import words as use_words
from core.text import rate


def node_html(fold: FoldState, progress: Mapping[str, Any]) -> str:
    """Node, device, memory and, while it trains, speed; empty for a fold that this machine trains.

    progress: of the fold, empty while it does not train.
    """
    worker = fold.worker or {}
    if fold.state == "queued" or "attempt" not in worker:
        return ""
    words = [f"on {worker.get('name') or 'a node'}", use_words.device(worker.get("device"))]
    words.append(f"{worker['memory'] / 1e9:.0f} GB" if isinstance(worker.get("memory"), (int, float)) else "")
    words.append(rate(progress["images_per_second"]) if progress.get("images_per_second") else "")
    words.append(f"attempt {worker['attempt']}" if worker["attempt"] != 1 else "")
    return f'<div class="lab-meta">{escape(" · ".join(word for word in words if word))}</div>'
