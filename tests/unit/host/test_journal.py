"""What a host's programs write into their journals."""

import subprocess
import sys

from tools.machine.checkout import CHECKOUT

SAY = """
import logging
from airaware.host import journal
journal.begin()
for name in ("airaware.host.watchdog", "botocore.credentials"):
    logging.getLogger(name).info("%s tells", name)
    logging.getLogger(name).warning("%s warns", name)
"""


def test_a_program_tells_of_itself_and_other_packages_only_warn() -> None:
    said = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, cwd=CHECKOUT)
    assert said.stderr.splitlines() == [
        "airaware.host.watchdog tells",
        "airaware.host.watchdog warns",
        "botocore.credentials warns",
    ]
