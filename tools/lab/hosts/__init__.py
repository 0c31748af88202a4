"""The hosts of the lab: nspawn machines, their images and disks."""
