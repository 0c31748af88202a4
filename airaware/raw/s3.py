"""A client of S3 whose waits have deadlines, and what S3 refuses, in plain words.

boto3 is imported where it is used: it takes half a second, which each of the job's workers would
spend for a raw store in a folder, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from airaware.errors import AirAwareError

# boto3's own are 60 s each, five times. No request of ours is without a byte for half a minute.
DEADLINES = {"connect_timeout": 5, "read_timeout": 30, "retries": {"total_max_attempts": 4}}


def client() -> Any:
    """Return a client by boto3's own settings: credentials, AWS_REGION, AWS_ENDPOINT_URL."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(**DEADLINES))


@contextmanager
def explained(what: str, setting: str) -> Iterator[None]:
    """Raise AirAwareError for an error of boto3's while doing `what`.

    `setting` is the environment variable that names the bucket.
    """
    from boto3.exceptions import Boto3Error

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise AirAwareError(
            f"Cannot {what}: {error}. Check {setting}, the credentials and AWS_ENDPOINT_URL."
        ) from None
