"""Programs that take the pictures in docs/."""
