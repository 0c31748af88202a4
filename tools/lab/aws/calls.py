"""Which action a request to AWS's API asks for, by botocore's models of the services."""

import gzip
import io
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

REGION = "us-west-2"  # the lab's
# What services sign by -> their names in botocore, where these differ. Where two share it, the
# API's version distinguishes them.
SIGNED_AS = {
    "elasticloadbalancing": ("elbv2", "elb"),
    "monitoring": ("cloudwatch",),
    "tagging": ("resourcegroupstaggingapi",),
}
# A code of the lab's own: no client retries it, or takes it for an answer of AWS's.
UNKNOWN = "ActionNotInLab"


class RefusalError(Exception):
    """Why AWS, or the lab, refuses a request: an error code, a message, and HTTP's status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep them; the exception's text has code and message."""
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def unknown(action: str) -> RefusalError:
    """Return the refusal of an action that the lab does not have."""
    return RefusalError(UNKNOWN, f"The lab does not know {action}.")


@dataclass(frozen=True)
class Call:
    """A request's action, its parameters by name (without what S3 streams), and its region."""

    operation: OperationModel
    parameters: dict[str, Any]
    region: str

    @property
    def service(self) -> str:
        """The service's name in botocore."""
        return str(self.operation.service_model.service_name)

    @property
    def action(self) -> str:
        """The action's name, such as RunInstances."""
        return str(self.operation.name)


def read(environ: dict[str, Any]) -> Call:
    """Return the call that a WSGI request makes; leave its body readable.

    Raises:
        RefusalError: It is no action of AWS's.
    """
    service, region = scope(environ)
    models = _models(service)
    # S3's bodies may be large, and do not name the action.
    request = Request(environ) if service == "s3" else kept(environ)
    if len(models) > 1:
        models = [m for m in models if str(m.api_version) == request.values.get("Version")]
    try:
        for model in models:
            try:
                operation, labels = get_service_router(str(model.service_name)).match(request)
            except NotFound:
                continue
            if service == "s3" and not _is_streamed(operation, request):
                request = kept(environ)
            return Call(operation, _parameters(operation, request, labels), region)
        raise unknown(f"{service} {_named(service, request)}")
    finally:
        if isinstance(environ["wsgi.input"], io.BytesIO):
            environ["wsgi.input"].seek(0)


def _is_streamed(operation: OperationModel, request: Request) -> bool:
    """Return whether a request to S3 has no body, or one of bytes that no model describes."""
    shape = operation.input_shape
    payload = shape.members.get(shape.serialization.get("payload")) if shape else None
    is_blob = payload is not None and payload.type_name == "blob"
    return is_blob or request.method not in ("POST", "PUT")


def _parameters(
    operation: OperationModel, request: Request, labels: dict[str, Any]
) -> dict[str, Any]:
    """Return the action's parameters. `labels`: those that the path names.

    Raises:
        RefusalError: One is not of its type, such as a word for a number.
    """
    in_s3 = operation.service_model.service_name == "s3"
    protocol = determine_request_protocol(operation.service_model, request.mimetype)
    parts: Any = {
        **{"method": request.method, "headers": request.headers},
        **{"url_path": request.path, "url_params": labels},
        "values": request.args if in_s3 else request.values,
        "body": b"" if in_s3 and _is_streamed(operation, request) else request.get_data(),
    }
    try:
        return dict(PROTOCOL_PARSERS[protocol](operation).parse(parts))
    except (ValueError, RequestParserError) as error:
        code = "InvalidArgument" if in_s3 else "MalformedInput"
        raise RefusalError(code, f"{operation.name}: {error}") from error


def scope(environ: dict[str, Any]) -> tuple[str, str]:
    """Return the service and region that a request is signed for; without, S3 in the lab's."""
    request = Request(environ)
    credential = request.headers.get("Authorization", "").partition("Credential=")[2]
    credential = credential.partition(",")[0] or request.args.get("X-Amz-Credential", "")
    parts = credential.split("/")
    return (parts[3].lower(), parts[2]) if len(parts) == 5 else ("s3", REGION)


def protocol(environ: dict[str, Any]) -> str:
    """Return how a request's service answers: ec2, query, json, rest-json or rest-xml."""
    model = next(iter(_models(scope(environ)[0])), get_service_model("sts"))
    try:
        return determine_request_protocol(model, Request(environ).mimetype)
    except NotImplementedError:
        return str(model.protocol)


def _models(service: str) -> list[ServiceModel]:
    """Return botocore's models of the services that sign by this name."""
    try:
        return [get_service_model(name) for name in SIGNED_AS.get(service, (service,))]
    except UnknownServiceError:
        return []


def _named(service: str, request: Request) -> str:
    """Return the name that a request gives its action."""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    action = "" if service == "s3" else request.values.get("Action", "")
    return target or action or f"{request.method} {request.path}"


def kept(environ: dict[str, Any]) -> Request:
    """Return the request with its body unpacked, in memory: it can be read more than once."""
    body = Request(environ).get_data(parse_form_data=False)
    if environ.pop("HTTP_CONTENT_ENCODING", "") == "gzip":
        body = gzip.decompress(body)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    return Request(environ)
