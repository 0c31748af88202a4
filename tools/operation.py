"""What all of an operator's tasks share."""

import functools
from collections.abc import Callable
from typing import Any

from fabric import task
from invoke import Exit

from airaware.errors import AirAwareError

ENV_HELP = "the environment to work on (AIRAWARE_ENV; local if neither is given)"
DRY_RUN_HELP = "only say what would be done"
YES_HELP = "do not ask"
PARAMETER_HELP = "EPA's code of a pollutant, as 44201; may be repeated (all of the default ones)"


def operation(**options: Any) -> Callable[[Callable], Any]:
    """A task of fab: a person's mistake becomes a message and exit status 1, not a traceback."""

    def decorate(body: Callable) -> Any:
        @functools.wraps(body)
        def run(*arguments: Any, **named: Any) -> None:
            try:
                body(*arguments, **named)
            except AirAwareError as error:
                raise Exit(f"fab {body.__name__.replace('_', '-')}: {error}", code=1) from None

        return task(auto_shortflags=False, **options)(run)

    return decorate
