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
}
