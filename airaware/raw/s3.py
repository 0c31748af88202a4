"""What S3 refuses, in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from airaware.errors import AirAwareError


@contextmanager
def explained(what: str, setting: str) -> Iterator[None]:
    """Raise AirAwareError for an error of boto3's while doing `what`.

    `setting` is the environment variable that names the bucket.
    """
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise AirAwareError(
            f"Cannot {what}: {error}. Check {setting}, the credentials and AWS_ENDPOINT_URL."
        ) from None
