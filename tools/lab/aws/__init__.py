"""AWS's API in the lab: moto, its patches, and the services that moto lacks."""
