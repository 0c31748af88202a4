"""The databases' passwords, in moto's Parameter Store."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.fleet import passwords


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        yield boto3.client("ssm", region_name="us-east-1", **credentials)


def stored(ssm: Any) -> dict[str, str]:
    found = ssm.get_parameters_by_path(Path="/", Recursive=True, WithDecryption=True)
    assert {each["Type"] for each in found["Parameters"]} <= {"SecureString"}
    return {each["Name"]: each["Value"] for each in found["Parameters"]}


def test_each_role_has_what_it_needs_and_no_more(ssm: Any) -> None:
    passwords.ensure(ssm, "lab")
    assert set(stored(ssm)) == {
        "/airaware/lab/database/owner_password",
        "/airaware/lab/spark_worker/owner_password",
        "/airaware/lab/controller/owner_password",
        "/airaware/lab/database/reader_password",
        "/airaware/lab/web/reader_password",
    }


def test_one_password_is_the_same_for_all_its_roles(ssm: Any) -> None:
    passwords.ensure(ssm, "lab")
    by_name: dict[str, set[str]] = {}
    for path, value in stored(ssm).items():
        by_name.setdefault(path.rpartition("/")[2], set()).add(value)
    (owner,), (reader,) = by_name["owner_password"], by_name["reader_password"]
    assert owner != reader
    assert min(len(owner), len(reader)) >= 43  # 32 bytes


def test_the_site_s_hosts_alone_have_the_ca_s_certificate_and_the_newest(ssm: Any) -> None:
    for certificate in ("old\n", "new\n"):
        passwords.keep_ca(ssm, "lab", certificate)
    assert stored(ssm) == {"/airaware/lab/web/ca_certificate": "new"}
    passwords.forget(ssm, "lab")
    assert stored(ssm) == {}


def test_what_is_there_is_kept(ssm: Any) -> None:
    passwords.ensure(ssm, "lab")
    before = stored(ssm)
    ssm.delete_parameter(Name="/airaware/lab/web/reader_password")
    passwords.ensure(ssm, "lab")
    assert stored(ssm) == before


def test_environments_share_none_and_each_forgets_its_own(ssm: Any) -> None:
    passwords.ensure(ssm, "lab")
    lab = stored(ssm)
    passwords.ensure(ssm, "staging")
    assert len(set(stored(ssm).values())) == 4
    passwords.forget(ssm, "staging")
    assert stored(ssm) == lab
