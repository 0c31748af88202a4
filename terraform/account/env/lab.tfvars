# The region on the operator's machine, which is an account of its own.
environments = { lab = { bucket = "epa-data" } }
