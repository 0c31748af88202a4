"""What a host asks the metadata service, and is told; by boto3 where boto3 asks."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

import boto3
import pytest

from tools.lab import model
from tools.lab.aws.metadata import TOKEN, TTL, Metadata


@dataclass
class Host:
    """A host as the service sees it: this machine's loopback stands for its address."""

    url: str
    instance: model.Instance

    def ask(self, path: str, method: str = "GET", **headers: str) -> str:
        """What it is told; HTTPError where it is not."""
        words = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.url}{path}", headers=words, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def status(self, path: str, method: str = "GET", **headers: str) -> int:
        """The status of a request that is refused."""
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.ask(path, method, **headers)
        refused.value.close()
        return refused.value.code

    def token(self, seconds: str = "60") -> str:
        return self.ask("/latest/api/token", "PUT", **{TTL: seconds})

    def get(self, path: str) -> str:
        """What it is told, by a new token."""
        return self.ask(f"/latest/{path}", **{TOKEN: self.token()})


@pytest.fixture(scope="module")
def host(served) -> Iterator[Host]:
    region = served.moto.read()
    (instance,) = (i for i in region.instances.values() if i.role == "web")
    interface = replace(instance.interface, address=IPv4Address("127.0.0.1"))
    here = replace(instance, interface=interface)
    listening = socket.create_server(("127.0.0.1", 0))
    metadata = Metadata(served.moto, listening)
    metadata.apply(replace(region, instances={here.id: here}))
    yield Host(f"http://127.0.0.1:{listening.getsockname()[1]}", here)
    metadata.stop()
    listening.close()


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/latest/meta-data/instance-id", "GET", {}, 401),
        ("/latest/meta-data/instance-id", "GET", {TOKEN: "guessed"}, 401),
        ("/latest/meta-data/iam/security-credentials/web", "GET", {}, 401),
        ("/latest/user-data", "GET", {}, 401),
        ("/latest/api/token", "GET", {TTL: "60"}, 401),
        ("/latest/api/token", "PUT", {}, 400),
        ("/latest/api/token", "PUT", {TTL: "0"}, 400),
        ("/latest/api/token", "PUT", {TTL: "21601"}, 400),
        ("/latest/api/token", "PUT", {TTL: "60", "X-Forwarded-For": "10.0.0.1"}, 403),
    ],
)
def test_refused(host: Host, path: str, method: str, headers: dict, status: int) -> None:
    assert host.status(path, method, **headers) == status


def test_what_is_not_there(host: Host) -> None:
    token = host.token()
    for path in ("meta-data/ami-id/x", "meta-data/spot", "meta-data/tags/instance/Role", "other"):
        assert host.status(f"/latest/{path}", **{TOKEN: token}) == 404
    assert host.status("/latest/user-data", **{TOKEN: token}) == 404


def test_a_token_ends_with_its_time(host: Host) -> None:
    token = host.token("1")
    assert host.ask("/latest/meta-data/instance-id", **{TOKEN: token}) == host.instance.id
    time.sleep(1.01)
    assert host.status("/latest/meta-data/instance-id", **{TOKEN: token}) == 401


def test_a_token_is_of_one_host(host: Host, served) -> None:
    token = host.token()
    listening = socket.create_server(("127.0.0.1", 0))
    other = Metadata(served.moto, listening)
    other.apply(model.Region(instances={host.instance.id: host.instance}))
    there = Host(f"http://127.0.0.1:{listening.getsockname()[1]}", host.instance)
    assert there.status("/latest/meta-data/instance-id", **{TOKEN: token}) == 401
    other.apply(model.Region())
    assert there.status("/latest/api/token", "PUT", **{TTL: "60"}) == 404
    other.stop()
    listening.close()


def test_tree(host: Host) -> None:
    instance = host.instance
    assert host.get("meta-data/instance-id") == instance.id
    assert host.get("meta-data/local-ipv4") == "127.0.0.1"
    assert host.get("meta-data/hostname") == instance.hostname
    assert host.get("meta-data/placement/") == "availability-zone\nregion"
    assert host.get("meta-data/placement/availability-zone") == instance.zone
    assert host.get("meta-data/placement/region") == "us-west-2"
    assert host.get("meta-data/public-keys/") == "0=operator"
    assert host.get("meta-data/public-keys/0/") == "openssh-key"
    assert host.get("meta-data/public-keys/0/openssh-key") == instance.public_key
    assert host.get("meta-data/iam/security-credentials/") == "web"
    assert "placement/" in host.get("meta-data/").splitlines()
    document = json.loads(host.get("dynamic/instance-identity/document"))
    assert (document["instanceId"], document["region"]) == (instance.id, "us-west-2")


def test_tags_where_the_instance_says_so(host: Host, served) -> None:
    served.client("ec2").modify_instance_metadata_options(
        InstanceId=host.instance.id, HttpTokens="required", InstanceMetadataTags="enabled"
    )
    assert host.get("meta-data/tags/instance/Role") == "web"


def test_boto3_gets_credentials_that_the_endpoint_accepts(
    host: Host, served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", host.url)
    sts = boto3.Session(region_name="us-west-2").client(
        "sts", endpoint_url=served.endpoint, verify=str(served.ca)
    )
    session = f"arn:aws:sts::123456789012:assumed-role/web/{host.instance.id}"
    assert sts.get_caller_identity()["Arn"] == session
