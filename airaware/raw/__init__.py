"""EPA's files in the raw store, and what is kept beside them."""
