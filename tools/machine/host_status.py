"""Print, as JSON, how far a host's first run has come.

Runs on the host as root (`sudo python3 -`), with the standard library alone: nothing else need be
installed yet. The one optional argument is a folder to take for `/`.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

CONNECT_SECONDS = 2
MASTER_PORT = 8140
# Whose CPU time is work. While a host waits for its certificate, only the start of the master's
# server is: the rest are retries.
WORKERS = re.compile(r"/first-run |puppet agent|cloud-init")
SERVER = re.compile(r"puppetserver|puppet-server")
TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_LINE = 300


def main(root: Path) -> None:
    """Print the status of the host whose files are below `root`."""
    lines, phase = log_lines(root), state(root)
    server = setting(root, "server")
    print(
        json.dumps(
            {
                "state": phase,
                # Retries repeat the same lines with other numbers: only new ones count.
                "lines": len({re.sub(r"[0-9]+", "", line) for line in lines}),
                "package_bytes": size(root / "var/log/dpkg.log")
                + sum(
                    size(path)
                    for folder in ("var/cache/apt", "var/lib/apt/lists")
                    for path in (root / folder).rglob("*")
                ),
                "cpu_seconds": cpu_seconds(
                    root / "proc", SERVER if phase == "certificate" else WORKERS
                ),
                "last_line": lines[-1][:LONGEST_LINE] if lines else "",
                "master": server,
                "master_error": master_error(server) if server else "",
            }
        )
    )


def state(root: Path) -> str:
    """Return installing, certificate, applying or done."""
    if (root / "var/lib/airaware/first-run").exists():
        return "done"
    if not (root / "usr/bin/puppet").exists() or not setting(root, "certname"):
        return "installing"
    certificate = root / f"var/lib/puppet/ssl/certs/{setting(root, 'certname')}.pem"
    return "applying" if certificate.exists() else "certificate"


def setting(root: Path, name: str) -> str:
    """Return a setting of puppet.conf; empty where there is none yet."""
    with contextlib.suppress(OSError):
        text = (root / "etc/puppet/puppet.conf").read_text()
        if found := re.search(rf"^{name} *= *(\S+)", text, re.MULTILINE):
            return found[1]
    return ""


def log_lines(root: Path) -> list[str]:
    """Return what cloud-init and then the first run have said."""
    lines = []
    with contextlib.suppress(OSError):
        lines += (root / "var/log/cloud-init-output.log").read_text(errors="replace").splitlines()
    words = ["journalctl", "-u", "first-run", "-o", "cat", "--no-pager", "-q"]
    with contextlib.suppress(OSError):
        lines += subprocess.run(
            words, capture_output=True, text=True, errors="replace"
        ).stdout.splitlines()
    return [line for line in lines if line.strip()]


def cpu_seconds(proc: Path, who: re.Pattern[str]) -> int:
    """Return the CPU time of these commands with all their children, ended ones too."""
    parents, ticks, roots = {}, {}, set()
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            pid = int(folder.name)
            parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))
            if who.search((folder / "cmdline").read_bytes().decode().replace("\0", " ")):
                roots.add(pid)

    def works(pid: int) -> bool:
        while pid in parents and pid not in roots:
            pid = parents[pid]
        return pid in roots

    return sum(ticks[pid] for pid in ticks if works(pid)) // TICKS


def master_error(server: str) -> str:
    """Return why the Puppet master cannot be reached from here; empty where it can."""
    try:
        socket.create_connection((server, MASTER_PORT), CONNECT_SECONDS).close()
    except OSError as error:
        return str(error)
    return ""


def size(path: Path) -> int:
    """Return a file's bytes; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/"))
