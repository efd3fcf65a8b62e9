"""The one exception that people see."""


class LabError(Exception):
    """An expected failure, told to a person: what happened and where, and what to do.

    message: what and where, one sentence ("folds: class 'female >=60' has 3 people but 5 folds were asked for").
    remedy: what to do about it, one sentence, may be empty.
    kind: a short slug that code and tests can tell failures apart by ("memory", "diverged", "disk-full", "data", ...).
    """

    def __init__(self, message: str, remedy: str = "", kind: str = "error"):
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
