"""A person of the machine who may do nothing that its files do not allow to all."""

import os


def as_nobody(work):
    """repr(work()) of a forked child that has given up root."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            answer = repr(work())
        except BaseException as error:  # also an OSError of setuid must end in the parent's hands
            answer = f"failed: {error!r}"
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    assert not answer.startswith("failed"), answer
    return answer
