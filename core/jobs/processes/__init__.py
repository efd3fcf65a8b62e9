"""Processes beside the lab: how one is started, and one that waits until it is needed."""
