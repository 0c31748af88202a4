"""Load on the site, by Locust: `fab loadtest` runs it."""
