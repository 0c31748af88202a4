# The image that all roles' images are built on.
include profile::base
