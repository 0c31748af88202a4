"""The attackers of drills, against a server of this machine that notes who comes."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from deadline import until

from tools.drill.attackers import KINDS, NOT_CONNECTED, attacking

REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
SOURCE = "127.0.0.9"


@dataclass
class Site:
    """Refuses requests that are whole, and closes where it is asked to; holds all others."""

    server: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    clients: list[tuple[socket.socket, str]] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)

    def serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, (address, _) = self.server.accept()
                self.clients.append((client, address))
                threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client: socket.socket) -> None:
        said = client.recv(4096)
        self.said.append(said)
        if b"POST" in said or not said.endswith(b"\r\n\r\n"):
            return
        client.sendall(REFUSAL)
        if b"Connection: close" in said:
            client.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.serve, daemon=True)
    thread.start()
    yield site
    site.server.shutdown(socket.SHUT_RDWR)
    site.server.close()
    thread.join()
    for client, _ in site.clients:
        client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_attackers_come_until_the_attack_is_over(site: Site, kind: str) -> None:
    port = site.server.getsockname()[1]
    with attacking((), f"http://localhost:{port}", kind, SOURCE) as attack:
        until(lambda: len(site.said) >= 10)
    assert attack.began < attack.ended
    assert f"Host: localhost:{port}\r\n".encode() in site.said[0]
    addresses = {address for _, address in site.clients}
    assert addresses == {SOURCE if KINDS[kind].limited is not None else "127.0.0.1"}
    answered = attack.statuses.get("429", 0)
    if KINDS[kind].reads and site.said[0].endswith(b"\r\n\r\n") and b"POST" not in site.said[0]:
        assert answered >= 9
    else:
        assert answered == 0
    # One that came last may not have been counted by either.
    assert abs(attack.connections - len(site.clients)) <= 2


def test_attackers_whom_nobody_lets_in_say_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with attacking((), f"http://localhost:{port}", "heads without end", SOURCE) as attack:
        time.sleep(3)
    assert attack.statuses.keys() == {NOT_CONNECTED}
    assert attack.connections == 0
