terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# Nothing here distinguishes AWS from the lab: AWS_ENDPOINT_URL alone points the provider to another endpoint.
provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
