"""The hosts of a fleet: finding them, reaching them, and what runs on them."""
