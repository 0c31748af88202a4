variable "environment" {
  description = "The environment whose data the image holds: lab, staging, production."
  type        = string
}

variable "region" {
  description = "AWS region of the build and of the image."
  type        = string
  default     = "us-west-2"
}

variable "system" {
  description = "The distribution: a key of system_images."
  type        = string
}

variable "system_images" {
  description = "Distribution -> who publishes its images, under which name, the account that comes with them, and their root device."
  type        = map(map(string))
}

variable "packages" {
  description = "What hosts of several roles install, by package -> beginning of its version; terraform/roles.yaml has what each installs beside."
  type        = map(string)
}

variable "source_image" {
  description = "The image to build on: its id, which `fab images` has looked up."
  type        = string
}

variable "name" {
  description = "The new image's name."
  type        = string
}

variable "commit" {
  description = "The Git commit that it is built from."
  type        = string
}

variable "digest" {
  description = "Digest of all that goes into it."
  type        = string
}

variable "built" {
  description = "When, as ISO 8601."
  type        = string
}

variable "checkout" {
  description = "The repository's folder."
  type        = string
}

variable "hieradata" {
  description = "Folder with hieradata/ and the line that names the release."
  type        = string
}

variable "manifest" {
  description = "Where the manifest post-processor writes the new image's id."
  type        = string
}

variable "instance_type" {
  description = "The builder's type."
  type        = string
  default     = "t3.medium"
}

variable "packages_url" {
  description = "Where the region's own apt repository is; empty: the distribution's mirrors are reached."
  type        = string
  default     = ""
}

# How to reach the region and the builder: all that differs between AWS and the lab.

variable "endpoint" {
  description = "EC2's interface; empty: AWS's own."
  type        = string
  default     = ""
}

variable "ssh_interface" {
  description = "session_manager on AWS: the builder is in a private subnet, and no port of it is open."
  type        = string
  default     = "session_manager"
}

variable "ssh_proxy_host" {
  description = "A SOCKS proxy on the way to the builder; empty without one."
  type        = string
  default     = ""
}

variable "ssh_proxy_port" {
  description = "The proxy's port."
  type        = number
  default     = 1080
}
