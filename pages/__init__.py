"""The screens: one file a page, run by app.py."""
