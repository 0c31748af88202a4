"""Puppet's autosign policy: signs what EC2 confirms, once, and says why it refuses the rest."""

import io
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto import mock_aws

from airaware.host import autosign, cleancerts
from airaware.host.autosign import Policy, RefusedError
from airaware.host.certificates import EXTENSIONS

IMAGE = "ami-12c6146b"  # one of those that moto knows
DOMAIN = "lab.airaware.internal"
OIDS = {name: oid for oid, name in EXTENSIONS.items()}


@pytest.fixture(scope="module")
def ec2() -> Iterator:
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", "us-west-2")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        yield boto3.client("ec2")


def launch(ec2, name: str = "database-a", role: str = "database", environment: str = "lab") -> str:
    """The id of a new instance in us-west-2a."""
    tags = {"Name": name, "Role": role, "Environment": environment}
    answer = ec2.run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        Placement={"AvailabilityZone": "us-west-2a"},
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
        ],
    )
    return answer["Instances"][0]["InstanceId"]


def claims(instance_id: str, **changed: str | None) -> dict[str, str]:
    """What a host's first boot writes; a claim that is None is left out."""
    all_claims = {
        "pp_role": "database",
        "pp_environment": "lab",
        "pp_zone": "us-west-2a",
        "pp_instance_id": instance_id,
    } | changed
    return {name: value for name, value in all_claims.items() if value is not None}


def request(certname: str, extensions: dict[str, str], alternative: str = "", key=None) -> bytes:
    """A certificate request, as Puppet makes it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, certname)])
    )
    for name, value in extensions.items():
        text = value.encode()
        der = bytes([0x0C, len(text)]) + text
        builder = builder.add_extension(x509.UnrecognizedExtension(OIDS[name], der), False)
    if alternative:
        names = x509.SubjectAlternativeName([x509.DNSName(alternative)])
        builder = builder.add_extension(names, False)
    key = key or ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def policy(ec2, tmp_path: Path, minutes_later: float = 0) -> Policy:
    return Policy(
        *("lab", DOMAIN, timedelta(minutes=60), tmp_path, ec2),
        lambda: datetime.now(UTC) + timedelta(minutes=minutes_later),
    )


@pytest.mark.parametrize("first", ["database-a", None], ids=["its name", "its id"])
def test_signs_a_young_instance_of_that_role(ec2, tmp_path: Path, first: str | None) -> None:
    instance_id = launch(ec2)
    certname = f"{first or instance_id}.{DOMAIN}"
    asked = request(certname, claims(instance_id))
    assert policy(ec2, tmp_path).check(certname, asked) == instance_id


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"pp_role": None}, "the request has no pp_role"),
        ({"pp_role": ""}, "the request has no pp_role"),
        ({"pp_environment": None}, "the request has no pp_environment"),
        ({"pp_zone": None}, "the request has no pp_zone"),
        ({"pp_instance_id": None}, "the request has no pp_instance_id"),
        ({"pp_role": "web"}, "says pp_role='web', but the tag Role is 'database'"),
        ({"pp_role": "databasee"}, "says pp_role='databasee', but the tag Role is 'database'"),
        ({"pp_environment": "production"}, "of the environment 'production', and this master of"),
        ({"pp_zone": "us-west-2b"}, "says pp_zone='us-west-2b', but its zone is 'us-west-2a'"),
        ({"pp_instance_id": "i-0123456789abcdef0"}, "EC2 knows no instance i-0123456789abcdef0"),
        ({"pp_instance_id": "../../etc/passwd"}, "is no instance id"),
    ],
)
def test_refuses_what_ec2_does_not_confirm(
    ec2, tmp_path: Path, changed: dict[str, str | None], why: str
) -> None:
    certname = f"database-a.{DOMAIN}"
    asked = request(certname, claims(launch(ec2), **changed))
    with pytest.raises(RefusedError) as refusal:
        policy(ec2, tmp_path).check(certname, asked)
    assert why in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_refuses_an_instance_without_tags(ec2, tmp_path: Path) -> None:
    instances = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"]
    instance_id = instances[0]["InstanceId"]
    zone = instances[0]["Placement"]["AvailabilityZone"]
    certname = f"{instance_id}.{DOMAIN}"
    with pytest.raises(RefusedError, match="the tag Role is None"):
        policy(ec2, tmp_path).check(certname, request(certname, claims(instance_id, pp_zone=zone)))


def test_refuses_an_instance_that_is_gone(ec2, tmp_path: Path) -> None:
    instance_id = launch(ec2)
    ec2.terminate_instances(InstanceIds=[instance_id])
    certname = f"database-a.{DOMAIN}"
    with pytest.raises(RefusedError, match="is terminated, not running"):
        policy(ec2, tmp_path).check(certname, request(certname, claims(instance_id)))


def test_refuses_an_old_instance(ec2, tmp_path: Path) -> None:
    instance_id = launch(ec2)
    certname = f"database-a.{DOMAIN}"
    with pytest.raises(RefusedError, match="launched 61 minutes ago, more than 60"):
        policy(ec2, tmp_path, 61.1).check(certname, request(certname, claims(instance_id)))


def test_refuses_another_hosts_name(ec2, tmp_path: Path) -> None:
    instance_id = launch(ec2)
    certname = f"puppet.{DOMAIN}"
    with pytest.raises(RefusedError, match=f"may be called database-a.{DOMAIN} or {instance_id}"):
        policy(ec2, tmp_path).check(certname, request(certname, claims(instance_id)))


def test_refuses_further_names(ec2, tmp_path: Path) -> None:
    certname = f"database-a.{DOMAIN}"
    asked = request(certname, claims(launch(ec2)), alternative=f"puppet.{DOMAIN}")
    with pytest.raises(RefusedError, match="asks for further names"):
        policy(ec2, tmp_path).check(certname, asked)


def test_signs_an_instance_once(ec2, tmp_path: Path) -> None:
    instance_id = launch(ec2)
    certname = f"database-a.{DOMAIN}"
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(2):  # The signing of the first may have been broken off.
        policy(ec2, tmp_path).check(certname, request(certname, claims(instance_id), key=key))
    with pytest.raises(RefusedError, match=f"signed for {instance_id} already: replace it"):
        policy(ec2, tmp_path).check(certname, request(certname, claims(instance_id)))


@pytest.mark.parametrize("text", [b"", b"no request\n", b"-----BEGIN CERTIFICATE REQUEST-----\n"])
def test_refuses_what_is_no_request(ec2, tmp_path: Path, text: bytes) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        policy(ec2, tmp_path).check(f"database-a.{DOMAIN}", text)


def test_refuses_when_ec2_does_not_answer(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    silent = boto3.client("ec2", region_name="us-west-2", endpoint_url="http://127.0.0.1:9")
    certname = f"database-a.{DOMAIN}"
    with pytest.raises(RefusedError, match="EC2 cannot be asked for i-0123456789abcdef0"):
        policy(silent, tmp_path).check(certname, request(certname, claims("i-0123456789abcdef0")))


def test_the_command_logs_why(ec2, tmp_path: Path, monkeypatch, caplog) -> None:
    caplog.set_level("INFO")
    certname = f"database-a.{DOMAIN}"
    instance_id = launch(ec2)
    options = [
        *("--environment", "lab", "--domain", DOMAIN, "--young-minutes", "60"),
        *("--ledger", str(tmp_path), certname),
    ]

    def answer(extensions: dict[str, str]) -> int:
        text = io.BytesIO(request(certname, extensions))
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=text))
        return autosign.main(options)

    assert answer(claims(instance_id, pp_role="web")) == 1
    assert answer(claims(instance_id)) == 0
    said = caplog.text
    assert f"refused '{certname}': {instance_id} says pp_role='web'" in said
    assert f"signed '{certname}' for {instance_id}" in said


@pytest.mark.usefixtures("ec2")
def test_throws_refused_requests_away(tmp_path: Path, capsys) -> None:
    (tmp_path / "signed").mkdir()
    (tmp_path / "requests").mkdir()
    old, new = (tmp_path / "requests" / f"{name}.pem" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("")
    os.utime(old, (0, 0))
    assert cleancerts.main(["--cadir", str(tmp_path), "--dry-run"]) == 0
    assert old.exists()
    assert cleancerts.main(["--cadir", str(tmp_path)]) == 0
    assert (old.exists(), new.exists()) == (False, True)
    assert "old: its request was refused" in capsys.readouterr().out


def test_certificates_of_instances_that_are_gone(ec2, tmp_path: Path) -> None:
    there, gone = launch(ec2), launch(ec2)
    ec2.terminate_instances(InstanceIds=[gone])
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = {
        "a": claims(there),
        "b": claims(gone),
        "c": claims("i-0123456789abcdef0"),
        "d": {},
    }
    for name, said in extensions.items():
        csr = x509.load_pem_x509_csr(request(f"{name}.{DOMAIN}", said))
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(csr.subject)
            .public_key(csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        )
        for extension in csr.extensions:
            builder = builder.add_extension(extension.value, False)
        pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)
    assert cleancerts.gone(tmp_path, ec2) == [f"b.{DOMAIN}", f"c.{DOMAIN}"]
