"""What a host learns of itself from EC2's instance metadata service."""

import urllib.error
import urllib.request

from airaware.errors import AirAwareError

METADATA = "http://169.254.169.254/latest"
GROUP_TAG = "aws:autoscaling:groupName"
TOKEN, TOKEN_SECONDS = "X-aws-ec2-metadata-token", 60


def instance_id() -> str:
    """Return this host's instance id.

    Raises AirAwareError where the metadata service does not answer.
    """
    return _read("instance-id")


def group_name() -> str:
    """Return the auto-scaling group of this host by its tags; empty without one.

    Raises AirAwareError where the metadata service does not answer.
    """
    return _read(f"tags/instance/{GROUP_TAG}")


def _read(path: str) -> str:
    """Return an entry; empty where there is none."""
    try:
        token = _ask("PUT", "api/token", {f"{TOKEN}-ttl-seconds": str(TOKEN_SECONDS)})
        return _ask("GET", f"meta-data/{path}", {TOKEN: token})
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        raise AirAwareError(f"The metadata service refuses {path}: {error}") from None
    except OSError as error:
        raise AirAwareError(f"The metadata service does not answer: {error}") from None


def _ask(method: str, path: str, headers: dict[str, str]) -> str:
    request = urllib.request.Request(f"{METADATA}/{path}", headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        text: bytes = answer.read()
    return text.decode()
