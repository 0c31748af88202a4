"""A SOCKS5 proxy (RFC 1928) on the loopback into the lab: Packer's way to a builder.

It knows CONNECT to an IPv4 address, and asks for no password.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tools.lab.net import namespaces

CONNECT_SECONDS = 10
CHUNK_BYTES = 1 << 16
VERSION, NO_PASSWORD, CONNECT, IPV4 = 5, 0, 1, 1
GRANTED, UNREACHABLE, NOT_SUPPORTED = 0, 4, 7


@contextmanager
def serving(namespace: str) -> Iterator[tuple[str, int]]:
    """Yield the address and port of a proxy into the namespace, while the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, namespace), daemon=True).start()
        try:
            yield listening.getsockname()
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, namespace: str) -> None:
    with suppress(OSError):  # it was closed
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_serve, args=(client, namespace), daemon=True).start()


def _serve(client: socket.socket, namespace: str) -> None:
    with client, suppress(OSError, struct.error):
        _, methods = struct.unpack("!BB", _exactly(client, 2))
        _exactly(client, methods)
        client.sendall(bytes((VERSION, NO_PASSWORD)))
        _, command, _, kind = struct.unpack("!BBBB", _exactly(client, 4))
        if (command, kind) != (CONNECT, IPV4):
            _answer(client, NOT_SUPPORTED)
            return
        address, port = struct.unpack("!4sH", _exactly(client, 6))
        try:
            server = namespaces.connect(namespace, socket.inet_ntoa(address), port, CONNECT_SECONDS)
        except OSError:
            _answer(client, UNREACHABLE)
            return
        with server:
            server.settimeout(None)
            _answer(client, GRANTED)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _answer(client: socket.socket, code: int) -> None:
    client.sendall(struct.pack("!BBBB4sH", VERSION, code, 0, IPV4, bytes(4), 0))


def _copy(source: socket.socket, target: socket.socket) -> None:
    """All that comes, and then the end of it."""
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise OSError("the client has gone")
        data += more
    return data
