variable "environment" {
  description = "Name of the environment; part of names and tags."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "The environment's name has 2 to 16 small letters, digits and hyphens, a letter first."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-west-2"
}

variable "zones" {
  description = "Availability zones, each with the number of its subnets within network_range. One zone is the variant `single`: one web host, and no balancer."
  type        = map(number)
  default     = { us-west-2a = 0, us-west-2b = 1 }

  validation {
    condition     = length(var.zones) >= 1 && length(var.zones) <= 3
    error_message = "There must be one zone (the variant `single`), two or three."
  }

  validation {
    condition     = alltrue([for number in values(var.zones) : contains(range(8), number)])
    error_message = "A zone's number is a whole one from 0 to 7."
  }

  validation {
    condition     = length(distinct(values(var.zones))) == length(var.zones)
    error_message = "Each zone needs a number of its own."
  }

  validation {
    condition     = length(distinct([for zone in keys(var.zones) : substr(zone, -1, 1)])) == length(var.zones)
    error_message = "The zones' last letters must differ: hosts are named by them."
  }
}

variable "network_range" {
  description = "Addresses of the network (CIDR)."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.network_range)) && can(regex("/(1[6-9]|20)$", var.network_range))
    error_message = "The network's range must be IPv4 in CIDR notation, from /16 to /20: 10.20.0.0/16."
  }
}

variable "visitors_range" {
  description = "Addresses that may open port 8000 of the variant `single`'s web host (CIDR); without a balancer nothing else is open. Null otherwise."
  type        = string
  default     = null

  validation {
    condition     = var.visitors_range == null || (can(cidrnetmask(var.visitors_range)) && !can(regex("/[0-7]$", var.visitors_range)))
    error_message = "The visitors' range must be IPv4 in CIDR notation, and /8 or smaller: 203.0.113.0/24."
  }
}

variable "balancer_idle_seconds" {
  description = "How long the balancer keeps an idle connection to a web host: shorter than the host does (profile::web_proxy::keepalive_seconds), or a request may meet a connection that the host is closing, which is a 502."
  type        = number
  default     = 60
}

variable "load_generators" {
  description = "Addresses (CIDR) that web hosts answer however much they ask (profile::web_proxy::exempt): the operator's own load generators, while they are at work."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for range in var.load_generators : can(cidrhost(range, 0))])
    error_message = "A load generator's address is in CIDR notation: 203.0.113.7/32."
  }
}

variable "balancer_metrics" {
  description = "Whether the balancer's nodes export metrics to Prometheus, as the lab's do. AWS's are in CloudWatch."
  type        = bool
  default     = false
}

variable "certificate_arn" {
  description = "ACM certificate of the site. With one the balancer answers on 443 and sends 80 there."
  type        = string
  default     = null
}

variable "spark_zone" {
  description = "Zone of the hosts that exist once: Spark's, the controller, Puppet's master, monitoring."
  type        = string
  default     = "us-west-2a"
}

variable "host_counts" {
  description = "Number of hosts of roles that have several, where it is another than roles.yaml says: { spark_worker = 4 }."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for count in values(var.host_counts) : contains(range(1, 21), count)])
    error_message = "The number of a role's hosts is a whole one from 1 to 20."
  }
}

variable "instance_types" {
  description = "EC2 instance type by role, where it is another than roles.yaml says."
  type        = map(string)
  default     = {}
}

variable "data_gigabytes" {
  description = "Size of the volume for what outlives a host, by role, where it is another than roles.yaml says."
  type        = map(number)
  default     = {}
}

variable "keep_data" {
  description = "Whether destroying leaves the data: a last snapshot of each volume, and the bucket unless it is empty. Also protects the balancer from deletion."
  type        = bool
  default     = true
}

variable "bucket" {
  description = "Name of the bucket for raw files and releases. S3's names are global: take one of your own."
  type        = string
  default     = "epa-data"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name has 3 to 63 small letters, digits and hyphens."
  }
}

variable "image" {
  description = "The distribution's machine image: the newest of this owner whose name matches."
  type = object({
    owner = string
    name  = string
  })
  # Debian's own account.
  default = { owner = "136693071363", name = "debian-12-amd64-*" }
}

variable "image_id" {
  description = "The image that new hosts start from, as `fab images` has built it; null: the newest that `image` names."
  type        = string
  default     = null

  validation {
    condition     = var.image_id == null || can(regex("^ami-[0-9a-f]+$", var.image_id))
    error_message = "The image is named by its id: ami-0123456789abcdef0."
  }
}

variable "stage" {
  description = "How far a first deployment has come: `network` is what a release and an image need (network, bucket, identities); `all` is everything."
  type        = string
  default     = "all"

  validation {
    condition     = contains(["network", "all"], var.stage)
    error_message = "The stage is network or all."
  }
}

variable "ssh_public_key" {
  description = "The operator's public key, one line as in authorized_keys. SSH comes through SSM alone."
  type        = string

  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/=]+( .*)?$", trimspace(var.ssh_public_key)))
    error_message = "The public key must be one line that begins with ssh-ed25519 or ssh-rsa; never a private key."
  }
}

variable "packages_url" {
  description = "Where an apt repository, `packages/`, has what hosts install, where they have no way to the distribution's mirrors; null elsewhere."
  type        = string
  default     = null
}
