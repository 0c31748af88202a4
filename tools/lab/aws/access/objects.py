"""What a request to S3 needs: S3's actions in policies have names of their own."""

from collections.abc import Iterator
from urllib.parse import unquote

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


def needs(call: Call) -> Iterator[Wanted]:
    """Yield the actions in policies, each with a kind of resource, its ARN and context keys.

    Raises:
        RefusalError: The lab does not know which permission the action takes.
    """
    given = call.parameters
    bucket, key = given.get("Bucket", ""), given.get("Key", "")
    if call.action == "DeleteObjects":
        for each in given["Delete"]["Objects"]:
            name = "DeleteObjectVersion" if "VersionId" in each else "DeleteObject"
            yield name, "object", resources.of_bucket(bucket, each["Key"]), {}
    elif call.action == "ListBuckets":
        yield "ListAllMyBuckets", "", "*", {}
    elif not bucket or call.action == "WriteGetObjectResponse":
        raise unknown(f"the resource of s3:{call.action}")
    else:
        yield _own(call, bucket, key)
    if call.action in ("CopyObject", "UploadPartCopy"):
        source, _, version = given["CopySource"].partition("?versionId=")
        action = "GetObjectVersion" if version else "GetObject"
        yield action, "object", f"arn:aws:s3:::{unquote(source).lstrip('/')}", {}
    if key and isinstance(given.get("Tagging"), str):  # in a header, of what is put
        yield "PutObjectTagging", "object", resources.of_bucket(bucket, key), {}


def _own(call: Call, bucket: str, key: str) -> Wanted:
    given, name = call.parameters, NAMES.get(call.action, call.action)
    if "VersionId" in given:
        name = OF_A_VERSION.get(name, name)
    named = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter"}
    facts = {fact: given[parameter] for fact, parameter in named.items() if parameter in given}
    return name, "object" if key else "bucket", resources.of_bucket(bucket, key), facts
