"""Verbs about the lab itself: the one that is open here."""
