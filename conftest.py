"""Before any test is imported; pytest loads plugins only from the conftest at the root."""

import gc

pytest_plugins = ["tests.browser.screen"]

gc.disable()  # until all is imported


def pytest_collection_finish():
    """What was imported lives as long as this process: to look through it again and again took a tenth of the time."""
    gc.freeze()
    gc.enable()
