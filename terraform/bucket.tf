module "bucket" {
  source = "./modules/bucket"

  name      = var.bucket
  keep_data = var.keep_data
}
