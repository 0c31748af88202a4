variable "region" {
  description = "AWS region of the environments and of the state's bucket."
  type        = string
  default     = "us-west-2"
}

variable "state_bucket" {
  description = "Name of the bucket for the environments' states, as in ../env/*.s3.tfbackend. S3's names are global: take one of your own."
  type        = string
  default     = "airaware-terraform-state"
}

variable "environments" {
  description = "The environments that have a deployer, each with the name of its bucket, as in ../env/*.tfvars."
  type        = map(object({ bucket = string }))
  default = {
    staging    = { bucket = "airaware-staging-epa-data" }
    production = { bucket = "airaware-production-epa-data" }
  }

  validation {
    # A name of one environment's resource would be one of the other's, too.
    condition = alltrue(flatten([
      for one in keys(var.environments) : [for other in keys(var.environments) : !startswith(other, "${one}-")]
    ]))
    error_message = "No environment's name may be another's with a hyphen after it: staging and staging-2."
  }
}

variable "deployers" {
  description = "ARNs of who may take the deployers' roles; empty: whoever the account's own policies allow to."
  type        = list(string)
  default     = []
}
