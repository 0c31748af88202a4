"""Limits of S3's names."""

from tools.lab.aws.limits.limit import Limit, all_match

GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"

LIMITS = (
    Limit(
        "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, is no IP"
        " address, and does not begin with xn--",
        ("CreateBucket",),
        all_match(
            r"(?!xn--)(?!(\d+\.){3}\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "Bucket"
        ),
        "InvalidBucketName",
        "The specified bucket is not valid.",
        GUIDE + "bucketnamingrules.html",
    ),
)
