"""An action that the lab lacks fails at once, by its name, and is not tried again."""

import socket
import ssl
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(client: Any, action: str, **parameters: Any) -> tuple[str, str]:
    """The code and message that an action is refused with: at the first request, by retries as
    they are by default."""
    sent: list[object] = []

    def note(request: object, **_: Any) -> None:
        sent.append(request)

    client.meta.events.register("before-send", note)
    with pytest.raises(ClientError) as caught:
        getattr(client, action)(**parameters)
    client.meta.events.unregister("before-send", note)
    assert len(sent) == 1
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("service", "action", "parameters"),
    [
        ("ec2", "DescribeFleetHistory", {"FleetId": "fleet-1", "StartTime": "2026-01-01"}),
        (
            *("autoscaling", "AttachTrafficSources"),
            {"AutoScalingGroupName": "web", "TrafficSources": [{"Identifier": "arn"}]},
        ),
        ("ssm", "GetInventory", {}),
        ("cloudwatch", "ListMetricStreams", {}),
        ("route53", "ListCidrCollections", {}),  # moto has no path for it
        ("arc-zonal-shift", "ListZonalShifts", {}),  # nor a service
    ],
)
def test_an_action_that_the_lab_lacks_fails_at_once_by_its_name(
    served, service: str, action: str, parameters: dict[str, Any]
) -> None:
    client = served.client(service)
    name = next(k for k, v in client.meta.method_to_api_mapping.items() if v == action)
    code, message = refused(client, name, **parameters)
    assert code == "ActionNotInLab"
    assert f"{service} {action}" in message


def test_a_refusal_is_logged_once(served, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        refused(served.client("ssm"), "get_inventory_schema")
    assert (
        caplog.text.count("refused: ActionNotInLab: The lab does not know ssm GetInventorySchema")
        == 1
    )


@pytest.mark.parametrize("service", ["sts", "no-such-service"])
def test_an_action_that_aws_lacks_is_named(served, service: str) -> None:
    answer = raw(served, service, b"Action=MakeCoffee&Version=2011-06-15")
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert b"ActionNotInLab" in answer
    assert f"{service} MakeCoffee".encode() in answer


def test_large_and_packed_bodies_come_through(served) -> None:
    s3, content = served.client("s3"), b"\0" * 3_000_000
    s3.create_bucket(Bucket="bodies", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="bodies", Key="large", Body=content)
    assert s3.get_object(Bucket="bodies", Key="large")["Body"].read() == content
    points = [{"MetricName": f"metric-{n}", "Value": 1.0} for n in range(400)]
    cloudwatch = served.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Packed", MetricData=points)  # beyond 10 kB, by gzip
    found = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Packed")
    assert sum(len(page["Metrics"]) for page in found) == len(points)


def raw(served, service: str, form: bytes) -> bytes:
    """What a form, sent as no client of AWS's would send it, is answered."""
    host, port = served.endpoint.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=str(served.ca))
    scope = f"key/20260101/us-west-2/{service}/aws4_request"
    head = (
        f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(form)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, Signature=x\r\n\r\n"
    )
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(head.encode() + form)
        return tls.recv(1 << 16)
