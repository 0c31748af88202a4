"""The networks of the lab: bridges, firewall, load balancers and names."""
