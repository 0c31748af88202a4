environment   = "production"
network_range = "10.22.0.0/16"
bucket        = "airaware-production-epa-data"

host_counts = { spark_worker = 4 }
instance_types = {
  web          = "t3.medium"
  database     = "t3.large"
  spark_worker = "m5.xlarge"
  controller   = "t3.large"
  monitoring   = "t3.medium"
}
data_gigabytes = { database = 100, monitoring = 50 }
