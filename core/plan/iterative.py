"""Folds for photos that have several labels each: iterative stratification, by whole groups. Imports no torch."""

import numpy as np


def iterative_groups(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, shape (n,), int64: groups stay whole, each label comes in about equal shares.

    labels: bool (n, labels), each row in as many as it has. groups: (n,) names. The same for any order of the rows.
    Again and again the label with the fewest groups that have no fold yet is taken; of its groups, those with most of
    it first, each goes to the fold that lacks most of that label, of several to the one that lacks most photos. So
    rare labels are shared out while all folds are open: the first groups of a label that no group before had stand in
    as many folds as there are. Groups without any label go last, to the fold that lacks most photos.
    Source: Sechidis, Tsoumakas & Vlahavas 2011, On the stratification of multi-label data, with groups for examples.
    """
    _, group_of, photos = np.unique(groups, return_inverse=True, return_counts=True)
    counts = np.stack([np.bincount(group_of[column], minlength=len(photos)) for column in labels.T], axis=1).astype(
        float
    )
    order = np.random.default_rng(seed).permutation(len(photos))
    lacking = np.tile(counts.sum(axis=0) / folds, (folds, 1))  # of each label, photos that a fold should still get
    room = np.full(folds, photos.sum() / folds)
    fold_of = np.full(len(photos), -1, np.int64)

    def place(group: int, label: int | None) -> None:
        wants = room if label is None else lacking[:, label]
        best = np.flatnonzero(wants >= wants.max() - 1e-9)
        fold = int(best[np.argmax(room[best])])
        fold_of[group] = fold
        lacking[fold] -= counts[group]
        room[fold] -= photos[group]

    open_groups = (counts > 0).sum(axis=0)  # of each label, groups without a fold
    while open_groups.any():
        label = int(np.argmin(np.where(open_groups > 0, open_groups, np.iinfo(np.int64).max)))
        waiting = order[(fold_of[order] < 0) & (counts[order, label] > 0)]
        for group in waiting[np.argsort(-counts[waiting, label], kind="stable")].tolist():
            place(group, label)
        open_groups = (counts[fold_of < 0] > 0).sum(axis=0)
    for group in order[fold_of[order] < 0].tolist():
        place(group, None)
    return fold_of[group_of]
