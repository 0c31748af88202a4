variable "name" {
  description = "The balancer's name."
  type        = string
}

variable "vpc_id" {
  description = "The network's id."
  type        = string
}

variable "subnet_ids" {
  description = "Zone -> id of the public subnet for its node."
  type        = map(string)
}

variable "security_group_id" {
  description = "The balancer's security group."
  type        = string
}

variable "target_port" {
  description = "The port that the web hosts answer on."
  type        = number
}

variable "idle_seconds" {
  description = "How long an idle connection is kept."
  type        = number
}

variable "certificate_arn" {
  description = "ACM certificate for 443; null: only 80."
  type        = string
}

variable "protect" {
  description = "Whether AWS refuses to delete the balancer."
  type        = bool
}
