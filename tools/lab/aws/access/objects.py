"""What a request to S3 needs: S3's actions in policies have names of their own."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request

from tools.lab.aws import calls
from tools.lab.aws.access import resources
from tools.lab.aws.calls import Call, unknown

# What S3's API calls an action -> what policies call it, where they differ.
NAMES = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
}
# Those of which a policy distinguishes the newest version from the others.
OF_A_VERSION = {"GetObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion"}
Wanted = tuple[str, str, str, dict[str, str]]  # action, kind, ARN, context keys


def needs(call: Call, environ: dict[str, Any]) -> Iterator[Wanted]:
    """Yield the actions in policies, each with a kind of resource, its ARN and context keys.

    Raises:
        RefusalError: The lab does not know which permission the action takes.
    """
    request = Request(environ)
    bucket, key = call.parameters.get("Bucket", ""), call.parameters.get("Key", "")
    if call.action == "DeleteObjects":
        yield from _deletions(bucket, environ)
    elif call.action == "ListBuckets":
        yield "ListAllMyBuckets", "", "*", {}
    elif not bucket or call.action == "WriteGetObjectResponse":
        raise unknown(f"the resource of s3:{call.action}")
    else:
        yield _own(call.action, bucket, key, request)
    if call.action in ("CopyObject", "UploadPartCopy"):
        source, _, version = request.headers["X-Amz-Copy-Source"].partition("?versionId=")
        action = "GetObjectVersion" if version else "GetObject"
        yield action, "object", f"arn:aws:s3:::{unquote(source).lstrip('/')}", {}
    if "X-Amz-Tagging" in request.headers:
        yield "PutObjectTagging", "object", resources.of_bucket(bucket, key), {}


def _own(action: str, bucket: str, key: str, request: Request) -> Wanted:
    name = NAMES.get(action, action)
    if "versionId" in request.args:
        name = OF_A_VERSION.get(name, name)
    facts = {
        f"s3:{fact}": request.args[fact] for fact in ("prefix", "delimiter") if fact in request.args
    }
    return name, "object" if key else "bucket", resources.of_bucket(bucket, key), facts


def _deletions(bucket: str, environ: dict[str, Any]) -> Iterator[Wanted]:
    """Yield the deletion of each object that a request for several names."""
    body = calls.kept(environ).get_data()
    environ["wsgi.input"].seek(0)
    for each in ElementTree.fromstring(body).iter():
        if each.tag.rpartition("}")[2] == "Object":
            parts = {part.tag.rpartition("}")[2]: part.text or "" for part in each}
            name = "DeleteObjectVersion" if "VersionId" in parts else "DeleteObject"
            yield name, "object", resources.of_bucket(bucket, parts["Key"]), {}
