# Where the state lies is the environment's own: `terraform init -backend-config=env/NAME.s3.tfbackend`.
# An environment without such a file keeps its state on the operator's machine: `fab` overrides this
# block in its working copy.
terraform {
  backend "s3" {}
}
