"""A region of this process, with a small fleet."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import boto3
import pytest
import smallfleet
from moto.ec2.models import ec2_backends

from tools.lab.aws import gaps, scaling
from tools.lab.aws.metadata import Metadata
from tools.lab.aws.region import Moto


@dataclass
class Served:
    """The region, its endpoint and the certificate to trust it by."""

    moto: Moto
    endpoint: str
    ca: Path
    fleet: smallfleet.Fleet

    def client(self, service: str, **credentials: str) -> Any:
        """A client of a service, as an operator has it."""
        return _client(self.endpoint, self.ca, service, **credentials)


@cache  # making a client takes longer than a request
def _client(endpoint: str, ca: Path, service: str, **credentials: str) -> Any:
    operator = {"aws_access_key_id": "operator", "aws_secret_access_key": "any"}
    return boto3.client(
        **{"service_name": service, "region_name": smallfleet.REGION, "endpoint_url": endpoint},
        **(credentials or operator),
        verify=str(ca),
    )


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The region, served; moto's state is the process's, so all tests share it."""
    ca = tmp_path_factory.mktemp("region") / "ca.pem"
    listening = socket.create_server(("127.0.0.1", 0))
    moto = Moto()
    moto.start([listening], ca)
    endpoint = f"https://127.0.0.1:{listening.getsockname()[1]}"
    made = smallfleet.make(lambda service: _client(endpoint, ca, service))
    scaling.keep_up(moto)
    yield Served(moto, endpoint, ca, made)
    moto.stop()
    listening.close()
    gaps.observed = gaps.Observed()


@pytest.fixture
def here(served, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process as a member of the group `web`; its instance's id."""
    region = served.moto.read()
    instance = next(i for i in region.instances.values() if i.role == "web")
    known = ec2_backends["123456789012"]["us-west-2"].get_instance(instance.id)
    known.metadata_options.instance_metadata_tags = "enabled"
    interface = replace(instance.interface, address=IPv4Address("127.0.0.1"))
    listening = socket.create_server(("127.0.0.1", 0))
    metadata = Metadata(served.moto, listening)
    metadata.apply(replace(region, instances={instance.id: replace(instance, interface=interface)}))
    port = listening.getsockname()[1]
    monkeypatch.setattr("airaware.host.metadata.METADATA", f"http://127.0.0.1:{port}/latest")
    for name, value in {
        **{"AWS_ENDPOINT_URL": served.endpoint, "AWS_CA_BUNDLE": str(served.ca)},
        **{"AWS_ACCESS_KEY_ID": "host", "AWS_SECRET_ACCESS_KEY": "any"},
        **{"AWS_DEFAULT_REGION": "us-west-2", "AIRAWARE_HOST_CPU_SECONDS": "0.5"},
    }.items():
        monkeypatch.setenv(name, value)
    yield instance.id
    known.metadata_options.instance_metadata_tags = "disabled"
    metadata.stop()
    listening.close()
