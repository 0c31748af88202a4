"""The program `fab`: Fabric's, which reads this checkout's settings and no others."""

import signal
import sys

import fabric
from fabric.main import Fab

from tools.machine import interrupts


class Settings(fabric.Config):  # type: ignore[misc]
    """Fabric's settings, without those of the user's other projects."""

    def load_base_conf_files(self) -> None:
        """Read no ~/.fabric.* and no /etc/fabric.*: they may rename tasks, or be broken."""


def run() -> None:
    """Run the tasks that the command line names."""
    program = Fab(
        name="Fabric",
        version=fabric.__version__,
        binary="fab",
        executor_class=fabric.Executor,
        config_class=Settings,
    )
    interrupts.listen()
    try:
        program.run()
    except KeyboardInterrupt:  # before, after or between tasks
        interrupts.undo()
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # as by `fab -l | head -1`
        interrupts.be_silent()
        sys.exit(128 + signal.SIGPIPE)
