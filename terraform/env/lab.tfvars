# The region on the operator's machine. Its CPU shares follow from the instance types.
environment = "lab"
keep_data   = false
image       = { owner = "self", name = "airaware-base-*" }
# Its hosts have no way to any mirror; 192.0.2.1 is AWS's endpoint there.
packages_url = "https://192.0.2.1/epa-data"

spark_workers = 2
instance_types = {
  web          = "t3.micro"
  database     = "t3.small"
  spark_master = "t3.small"
  spark_worker = "t3.small"
  controller   = "t3.small"
  puppet       = "t3.medium"
  monitoring   = "t3.small"
}
data_gigabytes   = { database = 10, puppet = 1, monitoring = 5 }
balancer_metrics = true
