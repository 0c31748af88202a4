"""Programs that run on a fleet's hosts."""
