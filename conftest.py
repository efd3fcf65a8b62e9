"""pytest loads plugins only from the conftest at the root."""

pytest_plugins = ["tests.browser.screen"]
