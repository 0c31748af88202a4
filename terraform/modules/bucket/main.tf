# Raw files (raw/), years in bulk (bulk/), releases (releases/), packages (packages/), the hosts'
# journals (logs/, for 90 days): private, encrypted, versioned, and by TLS alone.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: public data, which the fleet alone reads
  #checkov:skip=CKV_AWS_144: EPA publishes the files, and releases are built from Git: both can be had again
  #checkov:skip=CKV_AWS_145: public data: AWS's own key (SSE-S3) keeps them as well
  #checkov:skip=CKV2_AWS_62: nothing waits for an event
  bucket        = var.name
  force_destroy = !var.keep_data
  tags          = { Name = var.name }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.expires ? 1 : 0

  bucket = aws_s3_bucket.this.id

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Files that EPA replaced: the raw store's KEEP_DAYS.
  rule {
    id     = "replaced"
    status = "Enabled"
    filter {
      prefix = "raw/replaced/"
    }

    expiration {
      days = 400
    }
  }

  rule {
    id     = "logs"
    status = "Enabled"
    filter {
      prefix = "logs/"
    }

    expiration {
      days = 90
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for endpoint in var.packages_readers[*] : {
        Sid       = "PackagesForTheNetwork"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = ["${aws_s3_bucket.this.arn}/packages/*"]
        Condition = { StringEquals = { "aws:SourceVpce" = endpoint } }
      }],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}
