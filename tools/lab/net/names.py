"""The region's name server: private zones for the hosts, balancers' names for everyone.

It answers at once, also where it knows nothing: a host without a way out must not wait for a name.
"""

import random
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from tools.lab import model
from tools.lab.net import namespaces
from tools.lab.net.network import NAMES_ADDRESS, ROUTER_ADDRESS

PORT = 53
TTL_SECONDS = 60  # of an ALB's name; private zones are no longer believed

# Of a name in lower case, without the dot at its end.
Addresses = Mapping[str, Sequence[IPv4Address]]


class Names:
    """Serves names in the router's namespace, over UDP and TCP, from its making on."""

    def __init__(self, router: str) -> None:
        """Serve at once; no name is known yet."""
        self._hosts = _Resolver(RCODE.NXDOMAIN)
        self._internet = _Resolver(RCODE.REFUSED)
        self._servers = [
            namespaces.within(router, partial(_server, resolver, address, tcp))
            for resolver, address in (
                (self._hosts, str(NAMES_ADDRESS)),
                (self._internet, str(ROUTER_ADDRESS)),
            )
            for tcp in (False, True)
        ]
        for server in self._servers:
            server.start_thread()

    def apply(self, region: model.Region, in_service: Addresses) -> None:
        """Answer for the region from now on; `in_service` has the nodes by balancer's name."""
        balancers = {_plain(name): tuple(nodes) for name, nodes in in_service.items()}
        self._internet.addresses = balancers
        known = balancers | private(region)
        self._hosts.addresses = known | aliases(region, known)

    def stop(self) -> None:
        """Serve no more."""
        for server in self._servers:
            server.stop()
            server.server.server_close()


def private(region: model.Region) -> dict[str, tuple[IPv4Address, ...]]:
    """Return the addresses of each name in the private zones."""
    found: dict[str, tuple[IPv4Address, ...]] = {}
    for name, address in region.records:
        found[_plain(name)] = (*found.get(_plain(name), ()), address)
    return found


def aliases(region: model.Region, known: Addresses) -> dict[str, Sequence[IPv4Address]]:
    """Return the addresses of what each private alias stands for, where that is known."""
    pairs = ((_plain(name), _plain(target)) for name, target in region.aliases)
    return {name: known[target] for name, target in pairs if target in known}


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def _server(resolver: "_Resolver", address: str, tcp: bool) -> DNSServer:
    quiet = DNSLogger("-request,-reply,-truncated,-error")
    return DNSServer(resolver, address=address, port=PORT, tcp=tcp, logger=quiet)


class _Resolver(BaseResolver):  # type: ignore[misc]
    """Answers from `addresses`, and with the code `otherwise` for a name that is not there."""

    def __init__(self, otherwise: int) -> None:
        self.addresses: Addresses = {}
        self._otherwise = otherwise

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:  # noqa: ARG002
        """Return the answer: addresses in random order, so that clients spread over them."""
        reply = request.reply(ra=0)
        found = self.addresses.get(_plain(str(request.q.qname)))
        if found is None:
            reply.header.rcode = self._otherwise
        elif request.q.qtype in (QTYPE.A, QTYPE.ANY):
            for address in random.sample(found, len(found)):
                reply.add_answer(
                    RR(request.q.qname, QTYPE.A, rdata=A(str(address)), ttl=TTL_SECONDS)
                )
        return reply
