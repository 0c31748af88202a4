"""The instance metadata service, version 2: what a host can learn of itself, its credentials too.

A host is known by the address that it asks from. Version 1 is refused, whatever an instance's
options say: the fleet's instances all require tokens.
"""

import json
import secrets
import socket
import time
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound, Unauthorized
from werkzeug.wrappers import Request, Response

from tools.lab import model
from tools.lab.aws.calls import REGION
from tools.lab.aws.region import Moto, Server

LONGEST_TOKEN_SECONDS = 21600
CREDENTIALS_SECONDS = 6 * 3600
RENEWED_BEFORE_SECONDS = 3600
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


class Metadata:
    """The service; `apply` gives it the instances that there are."""

    def __init__(self, moto: Moto, listening: socket.socket) -> None:
        """Serve on the socket at once."""
        self._moto = moto
        self._by_address: dict[IPv4Address, model.Instance] = {}
        self._tokens: dict[str, tuple[str, float]] = {}  # -> instance id, and until when
        self._credentials: dict[tuple[str, str], AssumedRole] = {}  # by instance id and role
        self._server = Server(listening, self._serve)

    def apply(self, region: model.Region) -> None:
        """Answer for this region from now on."""
        self._by_address = {i.interface.address: i for i in region.instances.values()}
        for token, (instance_id, end) in list(self._tokens.items()):
            if instance_id not in region.instances or end < time.monotonic():
                del self._tokens[token]

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            response: Any = self._answer(Request(environ))
        except HTTPException as error:
            response = Response(f"{error.code} - {error.name}\n", error.code)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        instance = self._by_address.get(IPv4Address(request.remote_addr or "0.0.0.0"))
        if instance is None:
            raise NotFound
        if request.path == "/latest/api/token":
            return self._token(request, instance)
        owner, end = self._tokens.get(request.headers.get(TOKEN, ""), ("", 0.0))
        if request.method != "GET" or owner != instance.id or end < time.monotonic():
            raise Unauthorized
        area, _, path = request.path.removeprefix("/latest/").partition("/")
        if area == "user-data":
            if not instance.user_data:
                raise NotFound
            return Response(instance.user_data, mimetype="application/octet-stream")
        trees = {"meta-data": self._meta_data, "dynamic": _dynamic}
        if area not in trees:
            raise NotFound
        with self._moto.lock:
            known = ec2_backends[DEFAULT_ACCOUNT_ID][REGION].get_instance(instance.id)
            tree = trees[area](instance, known)
        return Response(_look_up(tree, path), mimetype="text/plain")

    def _token(self, request: Request, instance: model.Instance) -> Response:
        if request.method != "PUT":
            raise Unauthorized
        if "X-Forwarded-For" in request.headers:  # a proxy asks for somebody else
            raise Forbidden
        wanted = request.headers.get(TTL, "")
        if not wanted.isdecimal() or not 1 <= int(wanted) <= LONGEST_TOKEN_SECONDS:
            raise BadRequest
        token = secrets.token_urlsafe(40)
        self._tokens[token] = instance.id, time.monotonic() + int(wanted)
        return Response(token, mimetype="text/plain", headers={TTL: wanted})

    def _meta_data(self, instance: model.Instance, known: Any) -> dict[str, Any]:
        """Return the tree of /latest/meta-data: a folder is a dict, a file a str."""
        address, hostname = str(instance.interface.address), instance.hostname
        tree: dict[str, Any] = {
            "hostname": hostname,
            "instance-id": instance.id,
            "instance-type": instance.type,
            "local-hostname": hostname,
            "local-ipv4": address,
            "placement": {"availability-zone": instance.zone, "region": REGION},
            "services": {"domain": "amazonaws.com", "partition": "aws"},
        }
        if instance.public_key:
            tree["public-keys"] = {f"0={known.key_name}": {"openssh-key": instance.public_key}}
        if known.metadata_options.instance_metadata_tags == "enabled":
            tree["tags"] = {"instance": dict(instance.tags)}
        if role := _role(known):
            credentials = json.dumps(self._temporary(instance.id, role), indent=1)
            tree["iam"] = {"security-credentials": {role.name: credentials}}
        return tree

    def _temporary(self, instance_id: str, role: Any) -> dict[str, str]:
        """Return the instance's credentials for its role; renew them an hour before they end."""
        held = self._credentials.get((instance_id, role.arn))
        now = datetime.now(UTC).replace(tzinfo=None)
        if held is None or (held.expiration - now).total_seconds() < RENEWED_BEFORE_SECONDS:
            held = sts_backends[DEFAULT_ACCOUNT_ID]["aws"].assume_role(
                region_name=REGION,
                role_session_name=instance_id,
                role_arn=role.arn,
                policy="",
                duration=CREDENTIALS_SECONDS,
                external_id="",
            )
            self._credentials[instance_id, role.arn] = held
        return {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "AccessKeyId": held.access_key_id,
            "SecretAccessKey": held.secret_access_key,
            "Token": held.session_token,
            "Expiration": f"{held.expiration:%Y-%m-%dT%H:%M:%SZ}",
        }


def _role(instance: Any) -> Any:
    """Return the role of an instance's profile; None without."""
    arn = (instance.iam_instance_profile or {}).get("Arn")
    profiles = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].instance_profiles.values()
    roles = [role for profile in profiles if profile.arn == arn for role in profile.roles]
    return roles[0] if roles else None


def _dynamic(instance: model.Instance, known: Any) -> dict[str, Any]:
    document = {
        "accountId": DEFAULT_ACCOUNT_ID,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "imageId": known.image_id,
        "instanceId": instance.id,
        "instanceType": instance.type,
        "privateIp": str(instance.interface.address),
        "region": REGION,
        "version": "2017-09-30",
    }
    return {"instance-identity": {"document": json.dumps(document, indent=1)}}


def _look_up(tree: dict[str, Any], path: str) -> str:
    """Return a file's text, or a folder's entries; those that are folders end in a slash.

    The folder of a key is listed as 0=NAME, and asked for as 0.
    """
    found: Any = tree
    for name in filter(None, path.split("/")):
        entries = found.items() if isinstance(found, dict) else ()
        found = next((entry for key, entry in entries if key.split("=")[0] == name), None)
    if found is None:
        raise NotFound
    if isinstance(found, str):
        return found
    return "\n".join(
        key if isinstance(entry, str) or "=" in key else f"{key}/" for key, entry in found.items()
    )
