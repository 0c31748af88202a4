"""What may be logged of a failure: its type and place, not its words.

An exception's message may hold what a visitor typed, and a request's line does: addresses, which
are personal.
"""

import sys
import traceback
from typing import Any

from gunicorn.glogging import Logger


def described(error: BaseException) -> str:
    """Describe an exception without its message: its type, and the lines it came through."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{frames}".rstrip()


class GunicornLogger(Logger):  # type: ignore[misc]
    """Gunicorn's, which names the requests that fail, and quotes those that it cannot read."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning. Those of requests come while their exception is handled."""
        error = sys.exception()
        if error is None:
            super().warning(msg, *args, **kwargs)
        else:
            super().warning("A request was not understood: %s", type(error).__name__)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 (Logger's)
        """Log an exception that the application did not answer."""
        error = sys.exception()
        if error is not None:
            super().error("A request failed: %s", described(error))
