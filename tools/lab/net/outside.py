"""Runs a command on the lab's Internet side, with the name server that visitors ask.

python -m tools.lab.net.outside LAB COMMAND [ARGUMENT ...]
"""

import ctypes
import os
import sys
import tempfile
from pathlib import Path

from tools.lab.commands import MARK
from tools.lab.net import namespaces, network

WORDS = (sys.executable, "-m", "tools.lab.net.outside")  # that run this
RESOLVER = Path("/etc/resolv.conf")
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def main(lab: str, *command: str) -> None:
    """Become the command. The other name server is this process's and its children's alone."""
    namespaces.enter(namespaces.FOLDER / network.Network(lab).internet, namespaces.CLONE_NEWNET)
    _checked(_libc.unshare(CLONE_NEWNS), "unshare")
    _mount("none", "/", MS_REC | MS_PRIVATE)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"nameserver {network.ROUTER_ADDRESS}\n")
        file.flush()
        Path(file.name).chmod(0o644)  # what runs there may be another account's
        _mount(file.name, str(RESOLVER.resolve()), MS_BIND)
    os.execvpe(command[0], command, os.environ | {MARK: lab})


def _mount(source: str, target: str, flags: int) -> None:
    result = _libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None)
    _checked(result, f"mount {target}")


def _checked(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{' '.join(sys.argv[2:])}: {error}")
