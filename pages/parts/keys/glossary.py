"""Words that stop a newcomer, each with a plain sentence: the one table of them.

In the browser a word is dotted where it first stands on a page, and its sentence comes under the pointer, at the focus
and at a tap (see dotting.py); all of them are listed by "?" and on Settings.
"""

from __future__ import annotations

from html import escape

GLOSSARY = {
    "fold": "One part of the people when they are divided for cross-validation. Each fold has a network of its own, "
    "which learns from all other folds and is scored on this one.",
    "held out": "Not trained on: the photos of a fold that its network never saw and is scored with.",
    "cross-validation": "Training as many times as there are folds, each time with another fold held out, so that "
    "every photo is answered once by a network that never saw its person.",
    "fold job": "One fold of one run: what is queued and trains at a time.",
    "out-of-fold": "Answered by the network of the fold that had held this person out.",
    "set aside": "Photos of a test set, or without a label: no fold trains on them or is scored with them.",
    "macro F1": "F1 of each class (how many are found, how many are right), then the mean: rare classes count as much.",
    "mean ± deviation": "The mean over folds, and how far single folds lie from it; in brackets how many there are.",
    "±": "How far single folds lie from their mean: the standard deviation over folds. Of an interval: how far it "
    "reaches to either side.",
    "epoch": "One pass over all photos that are trained on.",
    "phase": "A stretch of epochs with one optimizer and one course of the learning rate.",
    "best epoch": "The epoch of the highest F1 on the held-out fold. It is chosen there, which flatters.",
    "last epoch": "What training ended with; nobody chose it, except where early stopping ended training by the F1 of "
    "held-out photos. Its weights are called final.",
    "seed": "The number that all chance of a run comes from: same seed, same order, same augmentation, same result.",
    "joint": "The class of all attributes together, such as female and under 30: right only where all are right.",
    "factored head": "One output for each attribute; a class has the sum of its attributes' logits.",
    "yes/no head": "One output for each yes/no attribute, answered apart from the others, so that several may be yes.",
    "logit": "What a network's last layer gives for a class, before it becomes a probability.",
    "overfitting": "Getting better on the photos that are trained on and worse on those that are held out: learning "
    "them by heart.",
    "augmentation": "Changing photos at random while training (turned, cropped, darker), so that a network learns what "
    "does not depend on that.",
    "mixup": "Training on two photos laid over each other, with both labels in the same shares.",
    "cutmix": "Training on a photo with a piece of another one in it, with both labels in the shares of their areas.",
    "label smoothing": "Asking for a little less than certainty of the right class, so that a network is less sure.",
    "learning rate": "How far the weights go at each step. Too high diverges, too low does not get there.",
    "backbone": "All of a network but its last layer; it turns a photo into features.",
    "Grad-CAM": "A map of which places of a photo spoke for a class, at one layer, whose channels its gradients weigh.",
    "calibration": "Whether 80 % sure is right 80 % of the time.",
    "temperature": "One number by which logits are divided, to mend calibration: it changes how sure, not which class.",
    "everybody-run": "One network trained on all photos, to be used. Nobody was held out, so it has no score.",
}


def word(term: str) -> str:
    """HTML of a word of GLOSSARY, dotted, which says what it means."""
    return f'<span class="lab-word" tabindex="0" data-word="{escape(term, quote=True)}">{escape(term)}</span>'


def listed() -> str:
    """HTML of all words with their sentences."""
    rows = "".join(f"<dt>{escape(term)}</dt><dd>{escape(sentence)}</dd>" for term, sentence in GLOSSARY.items())
    return f'<dl class="lab-words">{rows}</dl>'
