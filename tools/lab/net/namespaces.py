"""Enters network namespaces without leaving one's own: a thread of its own goes there.

A socket keeps the namespace that it was made in, and is usable anywhere afterwards.
"""

import ctypes
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from airaware.errors import AirAwareError

FOLDER = Path("/run/netns")  # where `ip netns` keeps them
CLONE_NEWNET = 0x40000000

T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace: Path, kind: int) -> None:
    """Move this thread into a namespace, named by its file; `kind` is its CLONE_NEW flag."""
    with namespace.open() as file:
        if _libc.setns(file.fileno(), kind) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(namespace))


def within(namespace: str, act: Callable[[], T]) -> T:
    """Return what `act` returns (or raises) in the network namespace of that name."""

    def enter_and_act() -> T:
        try:
            enter(FOLDER / namespace, CLONE_NEWNET)
        except OSError as error:
            raise AirAwareError(f"Cannot enter the namespace {namespace}: {error}") from error
        return act()

    with ThreadPoolExecutor(1, thread_name_prefix=namespace) as thread:
        return thread.submit(enter_and_act).result()


def listening_socket(namespace: str | None, address: str, port: int) -> socket.socket:
    """Return a TCP socket that listens there; None is the machine's own namespace."""

    def listen() -> socket.socket:
        return socket.create_server((address, port), backlog=128)

    return listen() if namespace is None else within(namespace, listen)


def connect(namespace: str, address: str, port: int, timeout_seconds: float) -> socket.socket:
    """Return a TCP connection from there; OSError where it does not come about in time."""
    return within(
        namespace, lambda: socket.create_connection((address, port), timeout=timeout_seconds)
    )
