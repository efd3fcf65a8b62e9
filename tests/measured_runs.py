"""Finished runs with test photos whose networks answer what a test says, in seconds that a test says."""

import numpy as np

from core.predict.extras import asking
from core.predict.extras.ways import PARTS, WAYS, passes_of
from tests.answered import CLASSES, made, photo, probabilities_of, table_of

READING, PASS = 0.01, 0.02  # seconds for a photo
WRONG = {"photo": 3, "flip": 3, "crops": 2, "flip+crops": 4}  # every so many photos are answered wrongly
DEVICE = "an abacus"


def runs_with_test(folder, names=("first", "second"), people=24, folds=2, **settings):
    """Runs of the same people in the same folds, of whom other photos are the test set: two photos each of people."""
    samples = drawn(table_of(folder / "photos", people=people, folds=folds), folder / "photos")
    test = table_of(folder / "photos", people=people, photos=2).drop(columns="fold")
    test["sample"], test["person"] = "test/" + test["sample"], "t" + test["person"]
    test = drawn(test, folder / "photos")
    runs = []
    for seed, name in enumerate(names):
        labels = samples["y"].to_numpy()
        wrong = {row: (labels[row] + 1) % 6 for row in range(seed, people, 4)}
        shares = probabilities_of(labels, seed, wrong, 0.6)
        run = made(folder / "runs", samples, probabilities=shares, run_id=name, root=folder / "photos", **settings)
        for fold in run.folds():
            run.weights_file(fold, "best").write_bytes(f"{name} {fold}".encode())
        test.to_parquet(run.test_file, index=False)
        runs.append(run)
    return runs


def drawn(table, root):
    """A samples table whose photos are drawn, with what a scan knows of their files."""
    for row in table.itertuples():
        photo(root / row.sample, seed=row.Index)
    paths = [root / sample for sample in table["sample"]]
    sizes, times = zip(*((path.stat().st_size, path.stat().st_mtime_ns) for path in paths), strict=True)
    return table.assign(path=[str(p) for p in paths], bytes=sizes, mtime_ns=times, person_known=True)


def made_up(monkeypatch):
    """Networks answer by lot, better in crops, each fold and run in its own way; the list of what was asked."""
    calls = []

    def asked(members, loaders, ways, *, who, which, device, progress):
        run = members[0].run
        tables = [table for table in (run.test_photos(), run.samples()) if table is not None]
        labels_of = {row.sample: row.y for table in tables for row in table.itertuples()}
        labels = np.array([labels_of[load.args[0].sample] for load in loaders])
        calls.append((run.id, len(loaders), tuple(ways)))
        answers = {way: np.full((len(members), len(loaders), len(CLASSES)), np.nan) for way in ways}
        for place, member in enumerate(members):
            for way in ways:
                seed = 100 * member.fold + len(way) + len(run.id)
                rows = np.random.default_rng(seed).permutation(len(labels))[:: WRONG[way]]
                wrong = {row: (labels[row] + 1) % 6 for row in rows}
                answers[way][place] = probabilities_of(labels, seed, wrong, 0.5)
            for way in ways:
                answers[way][place, ~who[place]] = np.nan
        progress(1, 2)
        progress(2, 2)
        passes = {part: who.sum(axis=1) * PASS * PARTS[part] for part in passes_of(ways)}
        return asking.Asked(answers, READING * len(loaders), passes, who.sum(axis=1), device or DEVICE)

    monkeypatch.setattr(asking, "asked", asked)
    assert set(WRONG) == set(WAYS)
    return calls
