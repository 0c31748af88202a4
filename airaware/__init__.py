"""AirAware: what the air has been like at any address in the United States since 1980."""
