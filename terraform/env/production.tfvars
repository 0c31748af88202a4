environment   = "production"
network_range = "10.22.0.0/16"
bucket        = "airaware-production-epa-data"

spark_workers = 4
instance_types = {
  web          = "t3.medium"
  database     = "t3.large"
  spark_master = "t3.small"
  spark_worker = "m5.xlarge"
  controller   = "t3.large"
  puppet       = "t3.medium"
  monitoring   = "t3.medium"
}
data_gigabytes = { database = 100, puppet = 2, monitoring = 50 }
