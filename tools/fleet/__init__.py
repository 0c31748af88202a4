"""The hosts of a fleet: how to find and reach them, and what runs on them."""
