# As production, smaller.
environment   = "staging"
network_range = "10.21.0.0/16"
bucket        = "airaware-staging-epa-data"

instance_types = {
  database     = "t3.medium"
  spark_worker = "t3.large"
  controller   = "t3.medium"
}
