"""What the lab writes into a host's root before it boots: who and where it is, its user data."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tools.lab.model import Instance, Region
from tools.lab.net.network import NAMES_ADDRESS

HOST_CPU_SECONDS = 10  # at the clock's own speed
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
TRUSTED = "usr/local/share/ca-certificates/aws.crt"
# What only the lab puts into a host, all of it anew for each one.
WRITTEN = (
    *("var/lib/cloud/seed/nocloud/meta-data", "var/lib/cloud/seed/nocloud/user-data"),
    *("etc/systemd/network/10-host0.network", "etc/resolv.conf", "etc/environment"),
    *("etc/systemd/system.conf.d/aws.conf", "etc/sudoers.d/aws", TRUSTED),
)


@dataclass(frozen=True)
class Endpoint:
    """Where the hosts find AWS, and the certificate of who vouches for it (PEM).

    `clock_factor` is how much faster than real time its CloudWatch is: so are the hosts' metrics.
    """

    url: str
    region: str
    ca_pem: str
    clock_factor: float = 1

    def environ(self) -> dict[str, str]:
        """Return the environment variables by which AWS's libraries and tools find it."""
        faster = {"AIRAWARE_HOST_CPU_SECONDS": f"{HOST_CPU_SECONDS / self.clock_factor:g}"}
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CA_BUNDLE": f"/{BUNDLE}",
            **(faster if self.clock_factor != 1 else {}),
        }


def write(root: Path, instance: Instance, region: Region, endpoint: Endpoint) -> None:
    """Write it all; the same again where the host starts again."""
    subnet = region.subnets[instance.interface.subnet_id]
    address = f"{instance.interface.address}/{subnet.network.prefixlen}"
    files = {
        "var/lib/cloud/seed/nocloud/meta-data": json.dumps(metadata(instance)),
        "etc/systemd/network/10-host0.network": network_file(address, subnet.gateway),
        "etc/resolv.conf": resolver_file(region),
        "etc/environment": "".join(f"{k}={v}\n" for k, v in endpoint.environ().items()),
        "etc/systemd/system.conf.d/aws.conf": manager_file(endpoint),
        # sudo begins anew, without what /etc/environment says.
        "etc/sudoers.d/aws": f'Defaults env_keep += "{" ".join(endpoint.environ())}"\n',
        TRUSTED: endpoint.ca_pem,
        BUNDLE: trusting((root / BUNDLE).read_text(), endpoint.ca_pem),
    }
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(content)
    user_data = root / "var/lib/cloud/seed/nocloud/user-data"
    user_data.touch(mode=0o600)
    user_data.write_bytes(instance.user_data)


def remove(root: Path, endpoint: Endpoint) -> None:
    """Take out of a disk what `write` had written: it is to be another host's."""
    for path in WRITTEN:
        (root / path).unlink(missing_ok=True)
    if (root / BUNDLE).exists():
        text = (root / BUNDLE).read_text()
        (root / BUNDLE).write_text(text.replace(endpoint.ca_pem, ""))
    for link in (root / "etc/ssl/certs").glob("*"):
        if link.is_symlink() and TRUSTED in str(link.readlink()):
            link.unlink()


def metadata(instance: Instance) -> dict[str, object]:
    """cloud-init's view of the instance (its NoCloud data source; JSON is YAML)."""
    keys = [instance.public_key] if instance.public_key else []
    return {
        "dsmode": "local",  # all of it is here: cloud-init need not wait for the network
        "instance-id": instance.id,
        "local-hostname": instance.hostname,
        "public-keys": keys,
    }


def network_file(address: str, gateway: IPv4Address) -> str:
    """Return the static address of `host0`, the interface that systemd-nspawn gives it."""
    return f"""\
[Match]
Name=host0

[Network]
Address={address}
Gateway={gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


def resolver_file(region: Region) -> str:
    """Return the lab's name server, and the region's private zone to search, if there is one."""
    zones = sorted({name.rstrip(".").partition(".")[2] for name, _ in region.records} - {""})
    search = f"search {' '.join(zones)}\n" if zones else ""
    return f"nameserver {NAMES_ADDRESS}\n{search}"


def manager_file(endpoint: Endpoint) -> str:
    """Return the file that gives all services that environment."""
    pairs = " ".join(f'"{k}={v}"' for k, v in endpoint.environ().items())
    return f"[Manager]\nDefaultEnvironment={pairs}\n"


def trusting(bundle: str, ca_pem: str) -> str:
    """Return the bundle of certificates with this one in it."""
    return bundle if ca_pem in bundle else bundle + ca_pem
