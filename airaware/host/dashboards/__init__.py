"""The dashboards: their definition (panels.py), and a page that draws them without Grafana."""
