"""The task that lists a fleet's jobs, follows one, or cancels it."""

from fabric import Connection
from rich.table import Table

from tools.environments import catalog
from tools.fleet.controller import Job
from tools.machine.steps import Step, carry_out, console
from tools.tasks.operation import operation


@operation(
    help={
        "follow": "the id of a job: print what it says until it has ended",
        "cancel": "the id of a job that runs: stop it; what it has not loaded stays as it was",
    }
)
def jobs(
    _: Connection, follow: str = "", cancel: str = "", env: str = "", dry_run: bool = False
) -> None:
    """List a fleet's jobs, or attach to one again."""
    controller = catalog.fleet(env).controller()
    if cancel:
        carry_out([Step(f"stop the job {cancel}", lambda: controller.cancel(cancel))], dry_run)
    if follow:
        controller.follow(follow)
    elif not cancel:
        found = controller.jobs()
        if found:
            console.print(table(found))
        else:
            console.print("No job has run yet: fab fetch-year 2017, then fab submit-year 2017")


def table(found: list[Job]) -> Table:
    """Return a table with a row per job."""
    shown = Table("job", "years", "state", "started (UTC)", "seconds", "exit status")
    for job in found:
        shown.add_row(
            *(job.id, job.years, job.state, f"{job.started_at:%Y-%m-%d %H:%M:%S}"),
            f"{job.seconds:.0f}",
            "" if job.exit_status is None else str(job.exit_status),
        )
    return shown
