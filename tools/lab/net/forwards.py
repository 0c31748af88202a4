"""Ports of 127.0.0.1 that lead to services in the lab, for a browser on this machine.

The site is reached from the Internet side, as by anyone; the services of the fleet from the router,
as by a person who has a way into the network. A connection is carried byte by byte.
"""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from airaware.errors import AirAwareError
from tools.lab import model
from tools.lab.net import namespaces
from tools.lab.net.network import Network

HOST = "127.0.0.1"
PORTS_TO_TRY = 100
CONNECT_SECONDS = 3
BLOCK_BYTES = 65536
SITE = "site"
LOAD, LOAD_PORT = "load", 8089  # Locust's web page, where it runs on the Internet side
SITE_ROLE, SITE_PORT = "web", 8000  # of the `single` variant, which has no balancer

Destination = tuple[str, int]  # address and port in the lab
InService = Mapping[str, Sequence[IPv4Address]]  # the nodes by balancer's name


@dataclass(frozen=True)
class Service:
    """A service of the fleet: the port on this machine, and where in the lab it is."""

    port: int
    role: str
    role_port: int


SERVICES = {
    "spark": Service(8080, "spark_master", 8080),
    "prometheus": Service(9090, "monitoring", 9090),
    "dashboards": Service(3000, "monitoring", 3000),
}


def site(region: model.Region, in_service: InService) -> list[Destination]:
    """Where a client finds the site: any of these."""
    for balancer in region.balancers:
        if balancer.listeners:
            port = min(listener.port for listener in balancer.listeners)
            return [(str(address), port) for address in in_service.get(balancer.dns_name, ())]
    return of_role(region, SITE_ROLE, SITE_PORT)


def of_role(region: model.Region, role: str, port: int) -> list[Destination]:
    """Return the running instances of a role, at one of their ports."""
    return [
        (str(instance.interface.address), port)
        for instance in region.instances.values()
        if instance.role == role and instance.state == "running"
    ]


class Forwards:
    """The forwards. Each has the port that it prefers, or the next one that is free."""

    def __init__(self, network: Network, site_port: int) -> None:
        """Listen at once; what is connected to is known by `apply`."""
        self._ways = {
            SITE: _Way(network.internet, site_port),
            LOAD: _Way(network.internet, LOAD_PORT),
        } | {name: _Way(network.router, service.port) for name, service in SERVICES.items()}
        self._ways[LOAD].destinations = [(HOST, LOAD_PORT)]
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="forwards", daemon=True)
        self._thread.start()

    def apply(self, region: model.Region, in_service: InService) -> None:
        """Lead to where things are now. Connections that are there stay."""
        self._ways[SITE].destinations = site(region, in_service)
        for name, service in SERVICES.items():
            self._ways[name].destinations = of_role(region, service.role, service.role_port)

    def addresses(self) -> dict[str, str]:
        """Return the URL of each, by name."""
        return {name: f"http://{HOST}:{way.port}" for name, way in self._ways.items()}

    def stop(self) -> None:
        """Break off all connections and give the ports back."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._forward())

    async def _forward(self) -> None:
        servers = [
            await asyncio.start_server(way.accept, sock=way.listener) for way in self._ways.values()
        ]
        await self._stopped.wait()
        for server in servers:
            server.close()


class _Way:
    """One forward: its listening socket, the namespace that it starts from, where it may end."""

    def __init__(self, namespace: str, preferred_port: int) -> None:
        self.destinations: list[Destination] = []
        self.listener = _listener(preferred_port)
        self.port = self.listener.getsockname()[1]
        self._namespace = namespace
        self._carrying: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to carry a connection.

        The task is kept: once the near end has said all, asyncio has no hold on it, and the
        collector would take it.
        """
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until both ends have said all.

        Where nothing answers, it is broken off at once.
        """
        with contextlib.closing(writer):
            there = await self._connect()
            if there is None:
                return
            far_reader, far_writer = await asyncio.open_connection(sock=there)
            with contextlib.closing(far_writer):
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(_copy(reader, far_writer))
                        both.create_task(_copy(far_reader, writer))
                except* OSError:
                    pass  # one end broke off; the other is closed with it

    async def _connect(self) -> socket.socket | None:
        """Return a connection to the first that answers, in random order as from a name server."""
        destinations = self.destinations
        for address in random.sample(destinations, len(destinations)):
            there = namespaces.within(self._namespace, socket.socket)
            there.setblocking(False)
            try:
                connecting = asyncio.get_running_loop().sock_connect(there, address)
                await asyncio.wait_for(connecting, CONNECT_SECONDS)
                return there
            except OSError:  # TimeoutError is one
                there.close()
        return None


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the source ends, then shut the sink down for writing; it may still send."""
    while block := await source.read(BLOCK_BYTES):
        sink.write(block)
        await sink.drain()
    sink.write_eof()


def _listener(preferred_port: int) -> socket.socket:
    """Return a listening socket at the first free port from this one on."""
    for port in range(preferred_port, preferred_port + PORTS_TO_TRY):
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, port))
    raise AirAwareError(
        f"No port of {HOST} from {preferred_port} to {preferred_port + PORTS_TO_TRY - 1} is free: "
        "stop what holds them"
    )
