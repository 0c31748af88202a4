"""A lab of plain network namespaces: no systems in them, only addresses, for tests of traffic."""

import http.client
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network

from tools.lab import commands, leftovers, model
from tools.lab.net import firewall, namespaces
from tools.lab.net.network import Network, bridge

EVERYWHERE = IPv4Network("0.0.0.0/0")
OPEN = (
    model.AclEntry(100, True, "all", None, EVERYWHERE, True),
    model.AclEntry(100, False, "all", None, EVERYWHERE, True),
)
NOT_ANSWERED_SECONDS = 0.5


def subnet(name: str, network: str, acl: tuple[model.AclEntry, ...] = OPEN) -> model.Subnet:
    """A subnet named after its kind and zone: `private-a`."""
    return model.Subnet(
        name, f"us-west-2{name[-1]}", IPv4Network(network), acl, name.startswith("public")
    )


def group(
    name: str, ingress: tuple[model.Rule, ...] = (), egress: tuple[model.Rule, ...] = ()
) -> model.SecurityGroup:
    """A security group."""
    return model.SecurityGroup(name, frozenset(ingress), frozenset(egress))


def tcp(port: int, peer: str | IPv4Network) -> model.Rule:
    """A rule for one port; `peer` is a group's name or a network."""
    return model.Rule("tcp", (port, port), peer)


def instance(
    name: str, address: str, subnet_name: str, *groups: str, role: str = ""
) -> model.Instance:
    """A running instance."""
    return model.Instance(
        id=name,
        state="running",
        launch=1,
        zone=f"us-west-2{subnet_name[-1]}",
        interface=model.Interface(IPv4Address(address), subnet_name, frozenset(groups)),
        layer="",
        type="t3.micro",
        user_data=b"",
        public_key="",
        hostname=name,
        tags=(("Role", role),),
        volumes=(),
    )


class PlainLab:
    """The lab's network, with a bare namespace for every instance."""

    def __init__(self) -> None:
        self.network = Network(f"awt{secrets.token_hex(3)}")
        self.router, self.internet = self.network.router, self.network.internet
        self.firewall = firewall.Firewall(self.router)
        self.region = model.Region()

    def up(self) -> None:
        """Make the network."""
        self.network.up()

    def down(self) -> None:
        """Remove all of it."""
        self.network.down()

    def apply(self, region: model.Region) -> None:
        """Bring network, hosts and firewall in step."""
        self.network.apply(region)
        for name in region.instances.keys() - self.region.instances.keys():
            self._add_host(region, region.instances[name])
        self.region = model.Region(instances=self.region.instances | region.instances)
        self.firewall.apply(region)

    def namespace(self, name: str) -> str:
        """The namespace of an instance."""
        return f"{self.network.name}-{name}"

    def _add_host(self, region: model.Region, host: model.Instance) -> None:
        where = region.subnets[host.interface.subnet_id]
        here, port = self.namespace(host.id), f"v{secrets.token_hex(4)}"
        commands.run("ip", "netns", "add", here)
        for command in (
            f"-n {here} link set lo up",
            f"-n {here} link add host0 type veth peer name {port} netns {self.router}",
            f"-n {self.router} link set {port} master {bridge(where.zone)} up",
            f"-n {here} address add {host.interface.address}/{where.network.prefixlen} dev host0",
            f"-n {here} link set host0 up",
            f"-n {here} route add default via {where.gateway}",
        ):
            commands.run("ip", *command.split())


@contextmanager
def plain_lab() -> Iterator[PlainLab]:
    """A lab that is gone afterwards, also after a failure."""
    lab = PlainLab()
    try:
        lab.up()
        yield lab
    finally:
        lab.down()
    assert leftovers.everything(lab.network.name) == []


def answers(namespace: str, address: str, port: int) -> bool:
    """Whether a TCP connection comes about from there. What is dropped takes half a second."""
    try:
        namespaces.connect(namespace, address, port, NOT_ANSWERED_SECONDS).close()
    except TimeoutError:
        return False
    return True


class Web:
    """A web server in a namespace: it names itself, and does odd things where it is asked to."""

    def __init__(self, namespace: str, name: str, port: int = 8000) -> None:
        self.ready = 200
        self.requests = 0
        self.headers: dict[str, str] = {}
        web = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1  # the answer goes out as one: a check hangs up once it has the status

            def do_GET(self) -> None:
                if self.path == "/readyz":
                    return self.say(web.ready, "")
                web.requests += 1
                web.headers = dict(self.headers)
                if self.path == "/break-off":
                    return self.connection.shutdown(socket.SHUT_RDWR)
                if self.path.startswith("/slow"):
                    time.sleep(1.5)
                return self.say(200, name)

            def say(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        listener = namespaces.listening_socket(namespace, "0.0.0.0", port)
        self._server = ThreadingHTTPServer(("", port), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listener
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Serve no more: connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def get(
    namespace: str, address: str, path: str = "/", port: int = 80, seconds: float = 5
) -> tuple[int, str]:
    """The status and body of an HTTP answer, on a connection of its own."""
    connection = http.client.HTTPConnection(address, port)
    connection.sock = namespaces.connect(namespace, address, port, seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextmanager
def webs(lab: PlainLab, *names: str) -> Iterator[dict[str, Web]]:
    """A web server in each of these instances."""
    with ExitStack() as stack:
        running = {}
        for name in names:
            running[name] = Web(lab.namespace(name), name)
            stack.callback(running[name].stop)
        yield running
