"""Tasks that bring an environment up, show it, and take it down."""

from pathlib import Path

from fabric import Connection
from invoke import Exit

from tools import environments, overview
from tools.operation import DRY_RUN_HELP, ENV_HELP, YES_HELP, operation
from tools.steps import carry_out, console


@operation(help={"env": ENV_HELP, "dry_run": DRY_RUN_HELP})
def deploy(_: Connection, env: str = "", dry_run: bool = False) -> None:
    """Start the databases and the site of this checkout."""
    carry_out(environments.find(env).deploy(), dry_run)


@operation(help={"env": ENV_HELP})
def status(_: Connection, env: str = "") -> None:
    """Show what runs, the site's address, and the years loaded."""
    overview.show(environments.find(env))


@operation(help={"env": ENV_HELP, "dry_run": DRY_RUN_HELP})
def stop(_: Connection, env: str = "", dry_run: bool = False) -> None:
    """Stop the site and the databases; all data stay."""
    carry_out(environments.find(env).stop(), dry_run)


@operation(help={"env": ENV_HELP, "yes": YES_HELP, "dry_run": DRY_RUN_HELP})
def destroy(_: Connection, env: str = "", yes: bool = False, dry_run: bool = False) -> None:
    """Stop all, and delete databases, raw files and logs."""
    place = environments.find(env)
    if not (yes or dry_run) and place.folder.exists() and not _agreed_to_lose(place.folder):
        raise Exit("Nothing was deleted.", code=1)
    carry_out(place.destroy(), dry_run)


def _agreed_to_lose(folder: Path) -> bool:
    try:
        answer = console.input(
            f"Delete {folder} with all databases and raw files? [y/N] ", markup=False
        )
    except EOFError:
        raise Exit("Nobody is there to answer: use --yes. Nothing was deleted.", code=1) from None
    return answer.strip().lower() in ("y", "yes")
