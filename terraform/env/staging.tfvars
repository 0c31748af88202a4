# As production, smaller.
environment   = "staging"
network_range = "10.21.0.0/16"
bucket        = "airaware-staging-epa-data"

spark_workers = 2
instance_types = {
  web          = "t3.small"
  database     = "t3.medium"
  spark_master = "t3.small"
  spark_worker = "t3.large"
  controller   = "t3.medium"
  puppet       = "t3.medium"
  monitoring   = "t3.small"
}
