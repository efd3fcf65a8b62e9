"""The one exception that people see, and what tells a lack of memory from the others."""


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


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU; torch's errors are known by name, without importing it."""
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return known or "allocate memory" in str(error)
