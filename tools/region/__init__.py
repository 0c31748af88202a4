"""The region of a fleet: AWS or a stand-in, its clients, Terraform and Packer."""
