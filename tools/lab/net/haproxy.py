"""HAProxy as the carrier of one balancer node: its configuration, its process, its socket."""

import csv
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab import commands, model
from tools.lab.net.namespaces import FOLDER

CONNECT_SECONDS = 10  # an ALB's limit; it cannot be set
START_SECONDS = 10
STOP_SECONDS = 5
ANSWER_SECONDS = 5
METRICS_PORT = 8405
SERVERS_ONLY = 4  # the kind of row of `show stat`

# (backend, server): HAProxy's statistics of that server, by its own names
Rows = dict[tuple[str, str], dict[str, str]]


def backend(arn: str) -> str:
    """Return the backend that carries a target group's requests."""
    return re.sub(r"[^\w.-]", "-", arn.rpartition(":")[2])


def check_backend(arn: str) -> str:
    """Return the backend that asks a target group's targets for their health."""
    return f"check-{backend(arn)}"


def server(target: model.Target) -> str:
    """Return a target's name in both backends."""
    return f"{target.instance_id}-{target.port}"


def configuration(
    balancer: model.Balancer,
    node: model.Node,
    listeners: list[model.Listener],
    groups: tuple[model.TargetGroup, ...],
) -> str:
    """Return a node's configuration. It has no servers: those come and go through the socket."""
    return "".join(
        [
            _defaults(balancer),
            *([_metrics(node)] if listeners else []),
            *(_frontend(node, listener) for listener in listeners),
            *(_backends(balancer, group) for group in groups),
        ]
    )


def _defaults(balancer: model.Balancer) -> str:
    return f"""
defaults
    mode http
    log global
    option dontlog-normal
    option idle-close-on-response
    retries 0
    timeout connect {CONNECT_SECONDS}s
    timeout client {balancer.idle_timeout_seconds}s
    timeout server {balancer.idle_timeout_seconds}s
"""


def _metrics(node: model.Node) -> str:
    """Return the page for Prometheus; the security group decides who reaches it."""
    return f"""
frontend metrics
    bind {node.interface.address}:{METRICS_PORT}
    http-request use-service prometheus-exporter
    no log
"""


def _frontend(node: model.Node, listener: model.Listener) -> str:
    """Return the section of a listener.

    An ALB appends the client's address to what the request itself has in X-Forwarded-For.

    It distinguishes 502 (refused, broken off) from 504 (no answer in time), and says 503 only
    where no target is in use; HAProxy says 503 wherever no connection came about.
    """
    carrier = backend(listener.target_group_arn)
    return f"""
frontend listener-{listener.port}
    bind {node.interface.address}:{listener.port}
    acl forwarded req.hdr(X-Forwarded-For) -m found
    http-request set-header X-Forwarded-For "%[req.fhdr(X-Forwarded-For)], %[src]" if forwarded
    http-request set-header X-Forwarded-For %[src] unless forwarded
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Port {listener.port}
    http-request set-var(txn.targets) nbsrv({carrier})
    http-request set-var(txn.began) date(0,ms)
    http-after-response set-var(txn.took) date(0,ms),sub(txn.began)
    acl no_connection status 503
    acl by_target var(txn.answered) -m found
    acl no_target var(txn.targets) -m int 0
    acl timed_out var(txn.took) -m int ge {CONNECT_SECONDS * 1000}
    http-after-response set-status 504 if no_connection !by_target !no_target timed_out
    http-after-response set-status 502 if no_connection !by_target !no_target !timed_out
    default_backend {carrier}
"""


def _backends(balancer: model.Balancer, group: model.TargetGroup) -> str:
    """Return a group's two backends: a check has time limits of its own."""
    check = group.check
    return f"""
backend {backend(group.arn)}
    balance roundrobin
    http-response set-var(txn.answered) bool(true)

backend {check_backend(group.arn)}
    timeout connect {check.timeout_seconds}s
    timeout check {check.timeout_seconds}s
    option httpchk
    http-check send meth GET uri {check.path} ver HTTP/1.1 hdr Host {balancer.dns_name}
    http-check expect status {check.codes}
"""


class HAProxy:
    """One HAProxy in a network namespace; `files` is the path of its files without a suffix."""

    def __init__(self, lab: str, namespace: str, files: Path) -> None:
        """Name its files; `configure` starts it."""
        self._lab = lab
        self._namespace = namespace
        self._socket = files.with_name(f"{files.name}.sock")
        self._configuration = files.with_name(f"{files.name}.cfg")
        self._log = files.with_name(f"{files.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._retired: list[subprocess.Popen[bytes]] = []
        self._running = ""

    def runs(self, text: str) -> bool:
        """Whether a process with this configuration is there."""
        return self._process is not None and self._process.poll() is None and self._running == text

    def start(self, text: str) -> None:
        """Run this configuration; a process that is there takes no more connections and ends.

        It drops root's rights once it has bound its ports.
        """
        self._configuration.parent.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(
            f"global\n    stats socket {self._socket} mode 600 level admin\n"
            "    log stderr format raw daemon notice\n    nbthread 1\n    hard-stop-after 5m\n"
            f"    user haproxy\n    group haproxy\n{text}"
        )
        command = ["nsenter", f"--net={FOLDER / self._namespace}", "haproxy", "-db", "-f"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*command, str(self._configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=commands.marked(self._lab),
            )
        self._wait(process)
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)
            self._retired.append(self._process)
        self._process, self._running = process, text
        self._retired = [old for old in self._retired if old.poll() is None]

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < until:
            try:
                if f"Pid: {process.pid}\n" in self._ask("show info"):
                    return
            except OSError:
                pass
            time.sleep(0.02)
        process.kill()
        process.wait()
        raise AirAwareError(f"HAProxy does not start in {self._namespace}: see {self._log}")

    def stop(self) -> None:
        """End every process of it at once, and remove its files but the log."""
        everyone = [*self._retired, *([self._process] if self._process else [])]
        for process in everyone:
            process.terminate()
        for process in everyone:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._process, self._retired = None, []
        self._socket.unlink(missing_ok=True)
        self._configuration.unlink(missing_ok=True)

    def rows(self) -> Rows:
        """Return the statistics of every server."""
        lines = self._ask(f"show stat -1 {SERVERS_ONLY} -1").lstrip("# ").splitlines()
        return {(row["pxname"], row["svname"]): row for row in csv.DictReader(lines)}

    def send(self, *orders: str) -> None:
        """Send commands to the process, in one go."""
        if orders:
            self._ask("; ".join(orders))

    def _ask(self, order: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(self._socket))
            connection.sendall(f"{order}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
