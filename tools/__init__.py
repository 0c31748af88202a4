"""The operator's side of AirAware: environments, fleets, drills, the lab, the tasks of `fab`."""
