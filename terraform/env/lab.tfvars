# The region on the operator's machine. Its CPU shares follow from the instance types.
environment = "lab"
keep_data   = false
image       = { owner = "self", name = "airaware-base-*" }
# Its hosts have no way to any mirror; 192.0.2.1 is AWS's endpoint there.
packages_url = "https://192.0.2.1/epa-data"

instance_types   = { web = "t3.micro" }
data_gigabytes   = { database = 10, puppet = 1, monitoring = 5 }
balancer_metrics = true
