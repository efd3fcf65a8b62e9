"""People for tests: who asks, as the door of a shared lab would say it."""

from core.storage import asking
from core.storage.asking import Asker

ANNA, BERT = (Asker(name, admin=False, shared=True) for name in ("anna", "bert"))
ADMIN = Asker("carla", admin=True, shared=True)


def acting(monkeypatch, who):
    """From now on `who` asks."""
    monkeypatch.setattr(asking, "_answer", lambda: who)
