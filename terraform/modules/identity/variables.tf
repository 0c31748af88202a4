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

variable "boundary" {
  description = "ARN of the policy that caps what the role may do; null: none."
  type        = string
}
