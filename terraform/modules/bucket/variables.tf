variable "name" {
  description = "The bucket's name, which is global."
  type        = string
}

variable "keep_data" {
  description = "Whether destroying stops at a bucket that is not empty."
  type        = bool
}
