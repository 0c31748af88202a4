"""What makes figures of measurements: pure NumPy, no files but the package's own data."""
