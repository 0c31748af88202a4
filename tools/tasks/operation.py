"""What all tasks of `fab` share."""

import errno
import functools
import inspect
import signal
from collections.abc import Callable, Mapping
from typing import Any

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError
from fabric import task
from invoke import Exit

from airaware.errors import AirAwareError, explained
from tools.machine import environ, interrupts

DATABASE_ENDED = (psycopg2.errors.AdminShutdown, psycopg2.errors.CrashShutdown)
# Of the arguments that many tasks have.
HELP = {
    "year": "the year, as 2017",
    "parameter": "EPA's code of a pollutant, as 44201; may be repeated (all of the default ones)",
    "env": "the environment to work on (AIRAWARE_ENV; local if neither is given)",
    "dry_run": "only say what would be done",
    "yes": "do not ask",
}


def operation(
    help: Mapping[str, str] | None = None,
    **options: Any,
) -> Callable[[Callable[..., None]], Any]:
    """Make a task of fab that turns expected errors into a message and exit status 1.

    Those are an operator's mistakes and what the machine refuses: a full disk, a missing
    permission, an error of a database or of AWS. Ctrl-C stops what fab started in the background.

    Args:
        help: Describes the arguments that `HELP` does not, or describes them better.
        options: Of fabric's `task`.
    """

    def decorate(body: Callable[..., None]) -> Any:
        @functools.wraps(body)
        def run(*arguments: Any, **named: Any) -> None:
            name = f"fab {body.__name__.replace('_', '-')}"
            try:
                environ.allow_open_files()
                _stopping_when_interrupted(body, *arguments, **named)
            except (AirAwareError, OSError, psycopg2.Error, BotoCoreError, ClientError) as error:
                raise Exit(f"{name}: {_explained(error)}", code=1) from None
            except KeyboardInterrupt:
                message = f"{name}: interrupted; the same command goes on from here"
                raise Exit(message, code=128 + signal.SIGINT) from None
            except ModuleNotFoundError as error:
                # `make demo` installs less than all.
                message = f"{name}: the package {error.name} is missing: make setup"
                raise Exit(message, code=1) from None

        usual = {name: HELP[name] for name in inspect.signature(body).parameters if name in HELP}
        return task(auto_shortflags=False, help=usual | dict(help or {}), **options)(run)

    return decorate


def _stopping_when_interrupted(body: Callable[..., None], *arguments: Any, **named: Any) -> None:
    try:
        body(*arguments, **named)
    except KeyboardInterrupt:
        interrupts.undo()
        raise
    except OSError as error:
        if error.errno == errno.EIO:  # the terminal is gone, and its signal on the way
            interrupts.be_silent()
            interrupts.undo()
        raise


def _explained(error: Exception) -> str:
    """Return what the operator can do about an error."""
    said = str(error).strip()
    if isinstance(error, OSError):
        return explained(error)
    if isinstance(error, psycopg2.errors.DiskFull):
        return f"the database's disk is full: make room, then run the same command again ({said})"
    if isinstance(error, DATABASE_ENDED) or type(error) is psycopg2.OperationalError:
        return f"a database has ended: `fab deploy` starts it, then try again ({said})"
    return said
