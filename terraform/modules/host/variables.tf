variable "name" {
  description = "The host's name."
  type        = string
}

variable "domain" {
  description = "The hosts' private domain."
  type        = string
}

variable "role" {
  description = "What the host is for."
  type        = string
}

variable "tags" {
  description = "Tags of the root volume beyond Name and Role: the provider's default ones do not reach it."
  type        = map(string)
}

variable "image_id" {
  description = "The machine image to start from."
  type        = string
}

variable "instance_type" {
  description = "EC2 instance type."
  type        = string
}

variable "public" {
  description = "Whether the host has a public address."
  type        = bool
}

variable "root_gigabytes" {
  description = "Size of the root disk."
  type        = number
}

variable "subnet_id" {
  description = "The subnet, in the host's zone."
  type        = string
}

variable "security_group_id" {
  description = "The role's security group."
  type        = string
}

variable "profile" {
  description = "Name of the role's instance profile."
  type        = string
}

variable "key_name" {
  description = "Name of the operator's key pair."
  type        = string
}

variable "data" {
  description = "The volume that outlives the host, and where it is mounted; null without one."
  type = object({
    volume_id = string
    mount     = string
  })
}

variable "zone_id" {
  description = "The hosted zone of that domain, which gets the host's name."
  type        = string
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
}
