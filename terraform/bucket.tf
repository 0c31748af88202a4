module "bucket" {
  source = "./modules/bucket"

  name      = var.bucket
  keep_data = var.keep_data
  expires   = local.is_whole
  # apt does not sign its requests.
  packages_readers = var.packages_url == null ? null : module.network.s3_endpoint_id
}
