variable "name" {
  description = "Prefix of the groups' names."
  type        = string
}

variable "vpc_id" {
  description = "The network that the groups belong to."
  type        = string
}

variable "groups" {
  description = "Names of the groups."
  type        = set(string)
}

variable "ranges" {
  description = "Peers that are no group: name -> CIDR."
  type        = map(string)
}

variable "flows" {
  description = "Connections that are allowed; `from` and `to` name a group or a range."
  type = map(object({
    from = string
    to   = string
    port = number
    why  = string
  }))

  # EC2 API, IpRange: description. Of the characters listed there, `&` is refused where a rule names a
  # group (UserIdGroupPair).
  validation {
    condition     = alltrue([for flow in values(var.flows) : can(regex("^[a-zA-Z0-9 ._:/()#,@\\[\\]+=;{}!$*-]{1,255}$", flow.why))])
    error_message = "EC2 refuses such a description of a rule: only letters, digits, spaces and ._-:/()#,@[]+=;{}!$*, at most 255."
  }
}
