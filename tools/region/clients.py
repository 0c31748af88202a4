"""Clients of AWS's services, shared by all that ask for the same one."""

import functools
import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

CLIENT_SETTINGS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"),
)
_making = threading.Lock()


def client(service: str, environ: Mapping[str, str], config: Config | None = None) -> Any:
    """Return a client of an AWS service in the region that `environ` leads to.

    The same arguments get the same client, which threads may share: to make one takes half a second
    of CPU time.
    """
    with _making:
        return _client(service, *map(environ.get, CLIENT_SETTINGS), config)


@functools.cache
def _client(
    service: str,
    key_id: str | None,
    secret: str | None,
    token: str | None,
    region: str | None,
    endpoint: str | None,
    authorities: str | None,
    config: Config | None,
) -> Any:
    return boto3.session.Session(
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        region_name=region,
    ).client(service, endpoint_url=endpoint, verify=authorities, config=config)
