# The variant `single`, given after an environment's file: one zone, one web host, no balancer.
zones          = { us-west-2a = 0 }
visitors_range = "198.51.100.0/24" # who may open the site; yours in its place
