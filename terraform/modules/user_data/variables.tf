variable "role" {
  description = "What the host is for."
  type        = string
}

variable "hostname" {
  description = "The host's name; null: the one that EC2 gives."
  type        = string
  default     = null
}

variable "domain" {
  description = "The hosts' private domain."
  type        = string
}

variable "volume_id" {
  description = "The volume with the host's data; null without one."
  type        = string
  default     = null
}

variable "mount" {
  description = "Where the data are mounted; null without a volume."
  type        = string
  default     = null
}

variable "environment" {
  description = "The environment's name."
  type        = string
}

variable "bucket" {
  description = "The bucket with the releases."
  type        = string
}

variable "packages_url" {
  description = "An apt repository in place of the distribution's mirrors; null where those can be reached."
  type        = string
  default     = null
}
