"""The tasks of `fab`, one module per group."""
