"""What this account may not read, or what lies on a disk that does not answer: also where the tests run as root."""

import builtins
import errno
import io
import os


def close(monkeypatch, place, fault=errno.EACCES):
    """From now on a file cannot be opened, or a folder not be listed and nothing in it be looked at.

    pyarrow opens files by itself and is not kept from it.
    """
    place = os.path.abspath(place)

    def refusing(function, *, itself=True):
        def tried(path, *args, **options):
            text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
            if (itself and text == place) or str(text).startswith(place + os.sep):
                raise OSError(fault, os.strerror(fault), text)
            return function(path, *args, **options)

        return tried

    monkeypatch.setattr(os, "stat", refusing(os.stat, itself=False))
    for module, name in ((os, "listdir"), (os, "scandir"), (os, "open"), (io, "open"), (builtins, "open")):
        monkeypatch.setattr(module, name, refusing(getattr(module, name)))
