"""The pages of the lab, and the keys that each of them knows."""

from __future__ import annotations

PAGES = (  # name of its file, what it is called, its icon
    ("home", "Home", ":material/home:"),
    ("data", "Data", ":material/photo_library:"),
    ("augment", "Augmentation", ":material/auto_fix_high:"),
    ("launch", "Launch", ":material/rocket_launch:"),
    ("live", "Live", ":material/show_chart:"),
    ("runs", "Runs", ":material/table_rows:"),
    ("studies", "Studies", ":material/grid_on:"),
    ("compare", "Compare", ":material/compare_arrows:"),
    ("look_inside", "Look inside", ":material/visibility:"),
    ("predict", "Predict", ":material/online_prediction:"),
    ("settings", "Settings", ":material/settings:"),
)
_CURVES = ("double click", "all of the curves again, after a zoom")
KEYS = {  # page -> (keys, what they do) of that page alone
    "data": (
        ("P N", "of an open photo: the previous, the next one"),
        ("Esc", "close the photo, or clear what is selected"),
        ("Z", "undo the correction just saved"),
    ),
    "live": (_CURVES,),
    "look_inside": (
        ("P N", "the previous, the next photo"),
        ("1 2 3 Z", "Likely wrong labels: the label is right, relabel, leave the photo out, undo"),
        ("F", "Likely wrong labels: one photo large; Esc leaves"),
        ("← ↑ → ↓", "another cell of the matrix, another photo, another place of a map; Enter chooses"),
        ("PgUp PgDn", "the previous, the next map"),
    ),
    "compare": (_CURVES,),
}
