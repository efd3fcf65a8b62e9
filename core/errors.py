"""The one exception that people see, and what tells a lack of memory from the others."""

import contextlib
import errno
from collections.abc import Iterator

_NO_MEMORY = (  # in lower case
    "out of memory",  # "CUDA error: out of memory", "HIP out of memory", torch.AcceleratorError
    "_status_alloc_failed",  # of CUBLAS, CUDNN, CUSOLVER, CUSPARSE
    "allocate memory",  # "DefaultCPUAllocator: can't allocate memory"
    "defaultcpuallocator: not enough memory",
    "std::bad_alloc",
    "insufficient memory",  # OpenCV
)


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
        return in_sentences(self.message, self.remedy)


def ended(text: str) -> str:
    """The text with the stop that ends a sentence, where it has no end of its own; 'a.jpg: is gone' has none."""
    return text if text.endswith((".", "!", "?", ":", ";")) else f"{text}."


def in_sentences(text: str, more: str) -> str:
    """What happened and what to do, or what else there is to say, one after the other; one alone stays as it is."""
    return f"{ended(text)} {more}" if text and more else text or more


def out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, of the machine or of a GPU, in an error or in what caused it.

    The errors of torch, numpy and OpenCV are known by name and text, without importing them.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        name, text = type(error).__name__, str(error).lower()
        if isinstance(error, MemoryError) or name == "OutOfMemoryError":
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if not isinstance(error, LabError) and any(words in text for words in _NO_MEMORY):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


@contextlib.contextmanager
def memory_in_words(what: str, remedy: str) -> Iterator[None]:
    """A lack of memory in the block, or in the function that this decorates, as LabError(kind 'memory').

    what: what could not be done, such as 'maps'. remedy: what to choose or wait for.
    """
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise LabError(f"{what}: there is not enough memory for this.", remedy, kind="memory") from error
