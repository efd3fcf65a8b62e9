"""Datasets with a table, and what is said of them, for tests."""

from tests.photos import draw


def table(root, rows, *photos, header="path,label", name="labels.csv"):
    for path in photos:
        draw(root / path)
    (root / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return root


def labels(scanned):
    return dict(zip(scanned.samples["sample"], scanned.samples["label"], strict=True))


def facts(scanned, kind="match"):
    return {fact.text: fact.probable for fact in scanned.facts if fact.kind == kind}
