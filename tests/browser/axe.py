"""What axe-core says against a page that is open: who does not see it well, or does not see it at all, cannot use it.

axe-core comes with the package axe-playwright-python; nothing is asked of a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

GRAVE = ("serious", "critical")
MOST = 6  # kinds of places that are told of one violation
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(fault => ({
  rule: fault.id, impact: fault.impact || "minor", help: fault.help,
  places: fault.nodes.map(node => [(node.any[0] || node.all[0] || node.none[0] || {message: node.html}).message
    .split("\\n")[0], node.target.flat().join(" ")])}))"""


@dataclass(frozen=True)
class Violation:
    """impact: minor, moderate, serious or critical. places: what is wrong with each element, and its selector."""

    rule: str
    impact: str
    help: str
    places: list[tuple[str, str]]

    def __str__(self) -> str:
        """One element of each kind: an alphabet of captions with one colour is one fault."""
        kinds: dict[str, tuple[str, int]] = {}
        for fault, selector in self.places:
            kinds[fault] = kinds.get(fault, (selector, 0))[0], kinds.get(fault, ("", 0))[1] + 1
        lines = [f"\n    {fault} {number}x, first {first[-160:]}" for fault, (first, number) in kinds.items()]
        return f"{self.impact}: {self.rule} ({self.help})" + "".join(lines[:MOST]) + ("\n    ..." * (len(lines) > MOST))


def violations(page: Any) -> list[Violation]:
    """All that axe-core's rules find on the page as it stands, the worst first. A colour that fades counts as it is."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    faults = [Violation(**fault) for fault in page.evaluate(RUN)]
    return sorted(faults, key=lambda fault: fault.impact not in GRAVE)


def grave(page: Any) -> list[str]:
    """Those that are serious or critical, in words."""
    return [str(fault) for fault in violations(page) if fault.impact in GRAVE]
