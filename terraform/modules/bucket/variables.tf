variable "name" {
  description = "The bucket's name, which is global."
  type        = string
}

variable "keep_data" {
  description = "Whether destroying stops at a bucket that is not empty."
  type        = bool
}

variable "packages_readers" {
  description = "The S3 endpoint through which anyone in its network may read packages/; null: nobody may."
  type        = string
}
