"""The error that a person sees without a traceback, and the machine's errors in plain words."""

import errno


class AirAwareError(Exception):
    """Something a person can mend: the message says what happened, where, and what to do next."""


def explained(error: OSError) -> str:
    """Return what the machine refused, which file it is about, and what to do if that is known."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        full = "the disk is full" if error.errno == errno.ENOSPC else "your disk quota is used up"
        return f"{full}{where}: make room, then run the same command again"
    if error.errno == errno.EMFILE:
        return f"too many open files{where}: raise the limit (`ulimit -n`), then try again"
    return f"{error.strerror}{where}" if error.strerror else str(error)
