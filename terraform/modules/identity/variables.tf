variable "name" {
  description = "Name of the IAM role and of its profile."
  type        = string
}

variable "role" {
  description = "The hosts' role."
  type        = string
}

variable "permissions" {
  description = "What the hosts may do, by name."
  type = map(object({
    actions   = list(string)
    resources = list(string)
    condition = optional(map(map(string)))
  }))
}
