variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "range" {
  description = "The network's addresses (CIDR)."
  type        = string
}

variable "subnets" {
  description = "Availability zone -> the ranges of its subnets (CIDR)."
  type = map(object({
    public  = string
    private = string
  }))
}

variable "domain" {
  description = "The hosts' private domain."
  type        = string
}
