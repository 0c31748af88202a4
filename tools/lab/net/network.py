"""The lab's networks: namespaces of its own with the zones' bridges, and no way out of them.

    <name>-net (the Internet) --198.51.100.0/24-- <name> (the router) --bridge per zone-- hosts

The machine's own namespace gets no interface, address or route of the lab.
"""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab import model
from tools.lab.commands import run
from tools.lab.net.namespaces import FOLDER, within

ROUTER_ADDRESS = IPv4Address("198.51.100.1")
INTERNET_ADDRESS = IPv4Address("198.51.100.2")
# Each connection from the Internet side has the next of these: visitors are many. A program that
# binds its socket to one of them keeps it.
VISITORS = IPv4Network("198.51.100.128/25")
*VISITORS_IN_TURN, ONE_VISITOR = VISITORS.hosts()
TURNS = ", ".join(f"{turn} : {address}" for turn, address in enumerate(VISITORS_IN_TURN))
SPREAD = f"""
table ip airaware {{
    chain visitors {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "router" ip saddr {INTERNET_ADDRESS} \\
            snat to numgen inc mod {len(VISITORS_IN_TURN)} map {{ {TURNS} }}
    }}
}}
"""
METADATA_ADDRESS = IPv4Address("169.254.169.254")
NAMES_ADDRESS = IPv4Address("169.254.169.253")
ENDPOINT_ADDRESS = IPv4Address("192.0.2.1")
SERVICES = (METADATA_ADDRESS, NAMES_ADDRESS, ENDPOINT_ADDRESS)  # the router's own
ROUTER_SETTINGS = {
    "ipv4/ip_forward": "1",
    # What stays within a bridge passes the firewall too.
    "bridge/bridge-nf-call-iptables": "1",
    # Two subnets share a zone's bridge: without this, redirects would have hosts bypass the router.
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
}


def bridge(zone: str) -> str:
    """Return the bridge of a zone: br-a."""
    return f"br-{zone[-1]}"


def namespaces(name: str) -> list[str]:
    """Return the namespaces of the lab `name` that exist."""
    if not FOLDER.is_dir():
        return []
    return sorted(file.name for file in FOLDER.iterdir() if f"{file.name}-".startswith(f"{name}-"))


class Network:
    """The namespaces of one lab, and what is in them."""

    def __init__(self, name: str) -> None:
        """Name it; `create` makes it."""
        self.name = name
        self.router = name
        self.internet = f"{name}-net"
        self._forget()

    def node(self, address: IPv4Address) -> str:
        """Return the namespace of the balancer node that has this address."""
        return f"{self.name}-lb-{int(address):08x}"

    def up(self) -> None:
        """Make the router and the Internet's side."""
        for namespace in (self.router, self.internet):
            run("ip", "netns", "add", namespace)
        within(self.router, _set_up_router)
        self._ip(
            self.router,
            "link set lo up",
            *(f"addr add {address}/32 dev lo" for address in SERVICES),
            f"link add internet type veth peer name router netns {self.internet}",
            f"addr add {ROUTER_ADDRESS}/24 dev internet",
            "link set internet up",
        )
        self._ip(
            self.internet,
            "link set lo up",
            f"addr add {INTERNET_ADDRESS}/24 dev router",
            "link set router up",
            f"route add default via {ROUTER_ADDRESS}",
            f"route add local {VISITORS} dev lo",
        )
        run("nsenter", f"--net={FOLDER / self.internet}", "nft", "-f", "-", stdin=SPREAD)

    def apply(self, region: model.Region) -> None:
        """Bring bridges, gateways and the balancers' nodes in step with the region."""
        subnets = region.subnets.values()
        self._add_bridges({bridge(subnet.zone) for subnet in subnets})
        self._move_gateways(
            {(bridge(s.zone), f"{s.gateway}/{s.network.prefixlen}") for s in subnets}
        )
        self._move_nodes(
            {
                node.interface.address: (
                    bridge(node.zone),
                    f"{node.interface.address}/{subnet.network.prefixlen}",
                    str(subnet.gateway),
                )
                for balancer in region.balancers
                for node in balancer.nodes
                if (subnet := region.subnets.get(node.interface.subnet_id))
            }
        )

    def down(self) -> None:
        """Remove all of it; the interfaces of hosts go with the router."""
        for namespace in namespaces(self.name):
            run("ip", "netns", "delete", namespace)
        self._forget()

    def _forget(self) -> None:
        """Forget what was made."""
        self._bridges: set[str] = set()
        self._gateways: set[tuple[str, str]] = set()
        self._nodes: dict[IPv4Address, tuple[str, str, str]] = {}

    def _add_bridges(self, wanted: set[str]) -> None:
        """Add what is missing; a bridge stays, as hosts may outlive their subnet by a moment."""
        new = sorted(wanted - self._bridges)
        # With an address of its own it keeps it, whichever hosts come and go.
        self._ip(
            self.router,
            *(
                f"link add {name} address 02:00:00:00:00:{ord(name[-1]):02x}"
                " type bridge forward_delay 0"
                for name in new
            ),
            *(f"link set {name} up" for name in new),
        )
        self._bridges |= wanted

    def _move_gateways(self, wanted: set[tuple[str, str]]) -> None:
        self._ip(
            self.router,
            *(f"addr del {address} dev {dev}" for dev, address in self._gateways - wanted),
            *(f"addr add {address} dev {dev}" for dev, address in wanted - self._gateways),
        )
        self._gateways = wanted

    def _move_nodes(self, wanted: dict[IPv4Address, tuple[str, str, str]]) -> None:
        """Make and remove namespaces of nodes: address -> its bridge, network and gateway."""
        for address in [a for a, place in self._nodes.items() if wanted.get(a) != place]:
            run("ip", "netns", "delete", self.node(address))
            del self._nodes[address]
        for address in wanted.keys() - self._nodes.keys():
            self._add_node(address, *wanted[address])
            self._nodes[address] = wanted[address]

    def _add_node(self, address: IPv4Address, dev: str, network: str, gateway: str) -> None:
        namespace, end = self.node(address), f"lb-{int(address):08x}"
        run("ip", "netns", "add", namespace)
        self._ip(
            self.router,
            f"link add {end} type veth peer name eth0 netns {namespace}",
            f"link set {end} master {dev} up",
        )
        self._ip(
            namespace,
            "link set lo up",
            f"addr add {network} dev eth0",
            "link set eth0 up",
            f"route add default via {gateway}",
        )

    def _ip(self, namespace: str, *lines: str) -> None:
        """Give lines to `ip` in a namespace, all at once."""
        if lines:
            run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")


def _set_up_router() -> None:
    """Set the router's kernel settings; to be run within it."""
    for setting, value in ROUTER_SETTINGS.items():
        path = Path("/proc/sys/net") / setting
        try:
            path.write_text(value)
        except FileNotFoundError as error:
            raise AirAwareError(
                f"The kernel has no {path}: load what it belongs to (modprobe br_netfilter)"
            ) from error
