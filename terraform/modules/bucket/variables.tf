variable "name" {
  description = "The bucket's name, which is global."
  type        = string
}

variable "keep_data" {
  description = "Whether destroying stops at a bucket that is not empty."
  type        = bool
}

variable "expires" {
  description = "Whether old versions and journals are deleted after some time. AWS takes a minute to confirm that, so a fleet's first stage goes without."
  type        = bool
  default     = true
}

variable "packages_readers" {
  description = "The S3 endpoint through which anyone in its network may read packages/; null: nobody may."
  type        = string
}
