"""The pages of the lab, what stands on each, and the keys that each of them knows."""

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
PARTS = {  # page -> (what it is called there, what it is for), for "?"
    "home": (
        ("Training now", "what trains, what waits, and when it ends"),
        ("Last result", "the run that ended last: its score, its commonest mistake, and what to do next"),
        ("Your own photos", "a zip, or a folder found by clicks or by its path"),
    ),
    "data": (
        ("What was understood", "how the folder was read; each line leads to what changes it"),
        ("Photos", "all of them, by class, person, number, fold or loss; a click opens one and corrects its label"),
        ("Duplicates", "photos of different people that look the same, and would stand in two folds"),
        ("Folds", "how people would be split, and what that split cannot tell"),
    ),
    "augment": (
        ("Draws", "what training would see of one photo, epoch by epoch, beside the list of transforms"),
        ("Effect on photos", "what each transform takes away, and where"),
        ("Stress test", "what finished networks answer when held-out photos get worse"),
    ),
    "launch": (
        ("What you want", "a goal and the time you have, from which settings are proposed"),
        ("Recipe and settings", "all that can be set, and what differs from the recipe"),
        (
            "What will run",
            "its folds; time, disk and problems stand beside the button, always in sight",
        ),
    ),
    "live": (
        ("Loss", "a colour is a fold; solid was held out, dashed was trained on; the thick line is the mean"),
        ("See the mistakes", "with the other next steps on the card of the result, once a fold is done"),
        ("Take it home", "one zip of the networks, which answers photos without the lab"),
    ),
    "runs": (
        ("Search", "names and conditions, such as f1>0.7 and not tag=old"),
        ("Matrix", "the best run for each pair of settings; Chart draws a score against a cost"),
        ("Make room", "what the disk can do without"),
    ),
    "studies": (
        ("Launch a study", "runs launched together, on the same folds, so that they can be compared fold by fold"),
        ("Compare", "its runs, fold by fold; the sentence beneath answers the study's question"),
        ("More", "add a run on the same folds, export the study, or forget it"),
        ("All studies", "the list, newest first"),
    ),
    "compare": (
        ("Differences", "fold by fold, with an interval that counts that folds share their photos"),
        ("Settings that differ", "what the runs were told differently"),
        ("Flips", "photos that one run gets right and another one wrong, and what both looked at"),
    ),
    "look_inside": (
        (
            "Mistakes and maps",
            "a click on a cell of the matrix shows its photos, a click on a photo its maps",
        ),
        ("Groups", "whom it is wrong about, and where it looks on average"),
        ("Likely wrong labels", "labels that the folds contradict with confidence, decided by keys"),
    ),
    "predict": (
        ("Photos", "the answer of all folds together, and how sure it is"),
        ("Folder or table", "answers to many photos, as a table or in the form of a sample file"),
        ("Wanted accuracy", "below what certainty an answer is called not sure"),
    ),
    "settings": (
        ("Disk", "what takes it, and what can go"),
        ("Fold jobs at a time", "how many train beside each other"),
    ),
}
