variable "name" {
  description = "Name of the group, of its launch template and of its hosts."
  type        = string
}

variable "domain" {
  description = "The hosts' private domain."
  type        = string
}

variable "role" {
  description = "What the hosts are for."
  type        = string
}

variable "zone" {
  description = "Availability zone of the hosts."
  type        = string
}

variable "tags" {
  description = "Tags of the hosts and their volumes beyond Name and Role."
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

variable "root_gigabytes" {
  description = "Size of the root disk."
  type        = number
}

variable "max_size" {
  description = "How many hosts the group may have."
  type        = number
}

variable "subnet_id" {
  description = "The subnet, in this zone."
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

variable "target_group_arn" {
  description = "The balancer's target group, which the hosts join."
  type        = string
}

variable "metric" {
  description = "The CloudWatch metric of the hosts' CPU, in percent."
  type        = object({ namespace = string, name = string })
}

variable "warmup_seconds" {
  description = "How long a new host is not yet counted as capacity: until it serves, and its first busy seconds are over."
  type        = number
  default     = 45
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

variable "grace_seconds" {
  description = "How long a new host may take before its health counts."
  type        = number
}
